"""The family of unrollings: each writes the same activation in other ONNX operators, faster for some sizes."""

from enn_training.exporting.unrollings.base import Unrolling
from enn_training.exporting.unrollings.clenshaw import Clenshaw
from enn_training.exporting.unrollings.direct import Direct
from enn_training.exporting.unrollings.horner import Horner
from enn_training.exporting.unrollings.ladder import Ladder
from enn_training.exporting.unrollings.spectral import Spectral

__all__ = ["Clenshaw", "Direct", "Horner", "Ladder", "Spectral", "Unrolling", "family"]


def family() -> dict[str, Unrolling]:
    """Return every unrolling by its name."""
    doublings = range(4)
    members: tuple[Unrolling, ...] = (
        Direct(),
        Spectral(),
        Clenshaw(),
        *(Ladder(d) for d in doublings),
        *(Horner(d, tile) for d in doublings for tile in (None, 128, 64)),
        *(Horner(d, columns=False) for d in doublings),
    )
    return {member.name: member for member in members}
