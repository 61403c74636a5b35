"""The family of unrollings: each writes the same activation in other ONNX operators, faster for some sizes."""

from enn_training.exporting.unrollings.base import Unrolling
from enn_training.exporting.unrollings.blocked import Blocked
from enn_training.exporting.unrollings.clenshaw import Clenshaw
from enn_training.exporting.unrollings.direct import Direct
from enn_training.exporting.unrollings.folded import Folded
from enn_training.exporting.unrollings.horner import Horner
from enn_training.exporting.unrollings.ladder import Ladder
from enn_training.exporting.unrollings.spectral import Spectral

__all__ = ["Blocked", "Clenshaw", "Direct", "Folded", "Horner", "Ladder", "Spectral", "Unrolling", "family"]


def family() -> dict[str, Unrolling]:
    """Return every unrolling by its name."""
    members: tuple[Unrolling, ...] = (
        Direct(),
        Spectral(),
        Clenshaw(),
        *(Ladder(doublings) for doublings in range(4)),
        *(Horner(doublings) for doublings in range(4)),
        *(Folded(doublings) for doublings in range(4)),
        *(Blocked(doublings) for doublings in range(4)),
    )
    return {member.name: member for member in members}
