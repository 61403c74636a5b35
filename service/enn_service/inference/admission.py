"""Room: how many bytes of bodies and answers the process holds at once, whoever sends or reads them."""

from enn_service.errors import MemoryBudgetError


class MemoryBudget:
    """The bytes that may be held.

    Args:
        limit: How many.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0


class Reservation:
    """What one request holds of a room, until it is given back.

    Args:
        room: Whose bytes they are.
    """

    def __init__(self, room: MemoryBudget) -> None:
        self._room = room
        self._taken = 0

    def take(self, size: int) -> None:
        """Hold so many bytes more.

        Raises:
            MemoryBudgetError: There is no room for them.
        """
        room = self._room
        if room.taken + size > room.limit:
            raise MemoryBudgetError(
                f"{room.taken} bytes of bodies and answers are held, at most {room.limit} may be; ask again in a second"
            )
        room.taken += size
        self._taken += size

    def give_back(self) -> None:
        """Hold nothing."""
        self._room.taken -= self._taken
        self._taken = 0
