"""Why a model is not exported."""


class ExportError(Exception):
    """The model, the options or its graph are refused; nothing was published."""
