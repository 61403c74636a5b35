"""Why a model is not exported."""


class ExportError(Exception):
    """The network has no graph that computes it exactly enough; nothing was published."""
