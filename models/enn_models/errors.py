"""Exceptions of models and of their repository; none depends on HTTP.

ModelError
|- UnsafeModelError     the file has content that packages of this project never have
|- InvalidModelError    the file is incomplete or contradicts itself
|- RepositoryError      the repository cannot be read or written
   |- UnreadableError   a file exists, or may exist, but cannot be read now
"""


class ModelError(Exception):
    """A model is refused; the text names the fault, the value found and the value expected."""


class UnsafeModelError(ModelError):
    """The file has an operator, a data location or a size that no package of this project uses."""


class InvalidModelError(ModelError):
    """The file is truncated or foreign, or its sums, card, graph and golden vector contradict each other."""


class RepositoryError(ModelError):
    """A name, version or path is invalid, or the repository cannot be read or written."""


class UnreadableError(RepositoryError):
    """A file exists, or may exist, but cannot be read now: EACCES, EIO, ESTALE and the like, and not ENOENT."""
