"""The family of unrollings: each writes the same activation in other ONNX operators, faster for some sizes."""

from enn_training.publishing.onnx.unrollings.base import Unrolling
from enn_training.publishing.onnx.unrollings.blocked import Blocked
from enn_training.publishing.onnx.unrollings.clenshaw import Clenshaw
from enn_training.publishing.onnx.unrollings.direct import Direct
from enn_training.publishing.onnx.unrollings.folded import Folded
from enn_training.publishing.onnx.unrollings.horner import Horner
from enn_training.publishing.onnx.unrollings.ladder import Ladder
from enn_training.publishing.onnx.unrollings.polynomial import MAX_TERMS, levels
from enn_training.publishing.onnx.unrollings.spectral import Spectral

__all__ = ["Blocked", "Clenshaw", "Direct", "Folded", "Horner", "Ladder", "Spectral", "Unrolling", "family"]


def family() -> dict[str, Unrolling]:
    """Return every unrolling by its name, polynomials with as many doublings as the longest has use for."""
    doublings = range(levels(MAX_TERMS, MAX_TERMS))
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
