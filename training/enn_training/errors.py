"""Why learning is refused or stopped.

TrainingError
|- OptionError      a setting is out of its range or unknown
|- DataError        a table or an array cannot be learned from
|- DivergenceError  the learner left the finite numbers
"""


class TrainingError(Exception):
    """Nothing was learned; the text says what, what was found, what was expected and what to do."""


class OptionError(TrainingError, ValueError):
    """A setting is out of its range or unknown."""


class DataError(TrainingError, ValueError):
    """A table or an array cannot be learned from."""


class DivergenceError(TrainingError):
    """The learner left the finite numbers."""
