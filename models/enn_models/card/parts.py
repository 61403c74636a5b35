"""Parts of a card: the golden vector, the unrolling of the activation and its timings."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from enn_models.card.features import CardPart, Name

FLOAT32_MAX = float(np.finfo(np.float32).max)
Rows = tuple[tuple[FiniteFloat, ...], ...]
RawRows = tuple[tuple[FiniteFloat | None, ...], ...]
Floats = NDArray[np.float64]


class GoldenVector(CardPart):
    """Test rows with the results of the float64 reference, which every runtime must reproduce.

    Attributes:
        inputs: Raw rows, [rows, features], exactly representable in float32; None for a missing value.
        outputs: Reference outputs, [rows, outputs].
        bumps: Reference bumps, [rows, units, neurons].
    """

    inputs: Annotated[RawRows, Field(min_length=1, max_length=64)]
    outputs: Rows
    bumps: tuple[Rows, ...]


class SmallBatchPath(CardPart):
    """Part of the graph that is fastest for few rows, between two inner values of the graph.

    Attributes:
        unrolling: Unrolling of this part, named as in `UnrollingChoice.output`.
        rows: Maximum number of rows for which this part is faster.
        input: Name of the value to feed instead of `input`; in the whole graph it is the first row of the batch.
        output: Name of the value to fetch instead of `output`.
        bumps: Name of the value to fetch instead of `bumps`; None if it is not faster.
    """

    unrolling: Name
    rows: Annotated[int, Field(ge=1)]
    input: Name
    output: Name
    bumps: Name | None = None


class Timing(CardPart):
    """Microseconds of one prediction by each unrolling, on the machine and for the batch size of the export."""

    rows: Annotated[int, Field(ge=1)]
    microseconds: dict[Name, FiniteFloat]


class UnrollingChoice(CardPart):
    """Unrolling of the activation into ONNX operators.

    Attributes:
        output: Unrolling that computes `output`; "folded, output ladder" if the output layer has its own.
        precision: Data type inside the graph; inputs and outputs are float32.
        few: Part of the graph for few rows; None if there is none.
        measured: Timings that decided the choice of `output`; None if a rule chose.
    """

    output: Name
    precision: Literal["float32", "float64"] = "float32"
    few: SmallBatchPath | None = None
    measured: Timing | None = None


def to_array(rows: RawRows) -> Floats:
    """Convert rows of a card to float64 [rows, features], with NaN for a missing value."""
    return np.array(rows, dtype=np.float64)
