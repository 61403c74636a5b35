"""Calibration in a card: scores of held-out rows, for intervals and sets of the predictions."""

from typing import Annotated

from pydantic import Field, FiniteFloat, model_validator

from enn_models.card.features import CardPart

MAX_SCORES = 1000
"""Most scores of an output in a card: coverage in steps of 0.1 %, in ten kilobytes."""
MAX_ROWS = 2**53
Logarithm = Annotated[FiniteFloat, Field(ge=-700, le=700)]
"""Natural logarithm of a number that float64 can represent."""
Scores = Annotated[tuple[Annotated[FiniteFloat, Field(ge=0)], ...], Field(min_length=1, max_length=MAX_SCORES)]


class LogScale(CardPart):
    """Model of the size of the error in a row: the exponential of a linear function of the bumps.

    Attributes:
        intercept: Logarithm of the size if all bumps are 0, in the unit of the output.
        weights: Change of the logarithm for each neuron's bump; empty if the size is the same in every row.
        low: Least logarithm.
        high: Largest logarithm.
    """

    intercept: FiniteFloat
    weights: tuple[FiniteFloat, ...] = ()
    low: Logarithm
    high: Logarithm

    @model_validator(mode="after")
    def _check_range(self) -> "LogScale":
        if not self.low <= self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class Calibration(CardPart):
    """Scores of training rows, each by networks that were not trained on it; `enn_models.conformal` defines them.

    Attributes:
        rows: Number of rows with scores.
        scores: Order statistics of the scores, ascending: of each output of a regression, or of the classes.
        scales: Scale of each output of a regression, by which its error is divided; none for classes.
    """

    rows: Annotated[int, Field(ge=1, le=MAX_ROWS)]
    scores: tuple[Scores, ...]
    scales: tuple[LogScale, ...] = ()

    @model_validator(mode="after")
    def _check_scores(self) -> "Calibration":
        for output, scores in enumerate(self.scores):
            if len(scores) > self.rows:
                raise ValueError(f"scores.{output}: {len(scores)} scores of {self.rows} rows")
            if list(scores) != sorted(scores):
                raise ValueError(f"scores.{output}: not ascending")
        return self
