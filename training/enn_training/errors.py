"""Exceptions of training and publishing.

TrainingError
|- OptionError      an option is out of its range or unknown
|- DataError        a table or an array cannot be used for training
|- DivergenceError  training produced infinite numbers or NaN
ExportError         a model cannot be exported
UserWarning
|- PrecisionWarning     float32 cannot tell the values of a column or target apart
|- TableWarning         a part of a table is left out or is not read as it stands
|  |- UnusedColumnsWarning  columns of rows to predict are no features of the model
|- UnknownValueWarning  rows to predict have values that no training row had
"""


class TrainingError(Exception):
    """Training was refused or stopped; the text names the value found, the value expected and the remedy."""


class OptionError(TrainingError, ValueError):
    """An option is out of its range or unknown."""


class DataError(TrainingError, ValueError):
    """A table or an array cannot be used for training."""


class DivergenceError(TrainingError):
    """Training produced infinite numbers or NaN in every network."""


class ExportError(Exception):
    """The model, an export option or the ONNX graph was refused; nothing was published."""


class PrecisionWarning(UserWarning):
    """The graph computes in float32, which cannot tell the values of a column or target apart."""


class TableWarning(UserWarning):
    """A part of a table is left out, or is not read as it stands."""


class UnknownValueWarning(UserWarning):
    """Rows to predict have categories that no training row had, or lack values that all training rows had."""


class UnusedColumnsWarning(TableWarning):
    """Columns of a frame to predict are no features of the model; the text names them."""
