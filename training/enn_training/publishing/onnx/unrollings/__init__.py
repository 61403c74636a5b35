"""Registry of the unrollings: equivalent ways to write the activation in ONNX operators."""

from enn_training.publishing.onnx.unrollings.base import Unrolling
from enn_training.publishing.onnx.unrollings.blocked import Blocked
from enn_training.publishing.onnx.unrollings.clenshaw import Clenshaw
from enn_training.publishing.onnx.unrollings.direct import Direct
from enn_training.publishing.onnx.unrollings.folded import Folded
from enn_training.publishing.onnx.unrollings.horner import Horner
from enn_training.publishing.onnx.unrollings.ladder import Ladder
from enn_training.publishing.onnx.unrollings.polynomial import MAX_TERMS, variable_count
from enn_training.publishing.onnx.unrollings.spectral import Spectral

__all__ = ["Blocked", "Clenshaw", "Direct", "Folded", "Horner", "Ladder", "Spectral", "Unrolling", "all_unrollings"]


def all_unrollings() -> dict[str, Unrolling]:
    """Return every unrolling by name; polynomials have one entry for each useful number of doublings."""
    doublings = range(variable_count(MAX_TERMS, MAX_TERMS))
    members: tuple[Unrolling, ...] = (
        Direct(),
        Spectral(),
        Clenshaw(),
        *map(Ladder, doublings),
        *map(Horner, doublings),
        *map(Folded, doublings),
        *map(Blocked, doublings),
    )
    return {member.name: member for member in members}
