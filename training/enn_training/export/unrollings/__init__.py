"""The family of unrollings: each writes the same activation in other ONNX operators, faster for some sizes."""

from enn_training.export.unrollings.base import Unrolling
from enn_training.export.unrollings.clenshaw import Clenshaw
from enn_training.export.unrollings.direct import Direct
from enn_training.export.unrollings.horner import Horner
from enn_training.export.unrollings.spectral import Spectral

__all__ = ["Unrolling", "family"]


def family() -> dict[str, Unrolling]:
    """Return every unrolling by its name."""
    members: tuple[Unrolling, ...] = (Direct(), Spectral(), Clenshaw(), Horner())
    return {member.name: member for member in members}
