"""Why a model is not accepted: the errors of the model side, which know nothing of HTTP.

ModelError
|- UnsafeModelError     the file holds what a model of this repository never needs
|- InvalidModelError    the file is not a whole, consistent package
|- RepositoryError      the repository cannot give or take it
"""


class ModelError(Exception):
    """A model is refused; the text says what, what was found and what was expected."""


class UnsafeModelError(ModelError):
    """The file uses an operator, a data location or a size that no package of this project uses."""


class InvalidModelError(ModelError):
    """The file is truncated, foreign, or its parts (sums, card, graph, golden vector) contradict each other."""


class RepositoryError(ModelError):
    """A name, version or place in the repository is not acceptable."""
