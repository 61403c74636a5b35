"""The exception of scoring."""


class ScoreError(Exception):
    """A file cannot be read, scored or written; the text names the fault and the place."""
