"""Admission: the one place that limits the requests in flight and the memory that bodies and responses hold."""

from enn_service.errors import MemoryBudgetError, TooManyRequestsInFlightError
from enn_service.observability.counters import Counters


class MemoryBudget:
    """Limit on the memory held by request bodies and responses of this process.

    Args:
        limit: Maximum number of bytes held.

    Attributes:
        limit: Maximum number of bytes held.
        reserved: Number of bytes held now.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.reserved = 0


class Reservation:
    """Share of a memory budget that one request holds until `release`.

    Args:
        budget: Budget of the process.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._reserved = 0

    def reserve(self, size: int) -> None:
        """Reserve more bytes.

        Args:
            size: Number of bytes.

        Raises:
            MemoryBudgetError: The budget does not have them.
        """
        budget = self._budget
        if budget.reserved + size > budget.limit:
            raise MemoryBudgetError(
                f"{budget.reserved} bytes of bodies and answers are held, at most {budget.limit} may be; "
                "ask again in a second"
            )
        budget.reserved += size
        self._reserved += size

    def give_back(self, size: int) -> None:
        """Return some of the reserved bytes to the budget.

        Args:
            size: Number of bytes.
        """
        self._budget.reserved -= size
        self._reserved -= size

    def release(self) -> None:
        """Return all bytes to the budget."""
        self._budget.reserved -= self._reserved
        self._reserved = 0


class AdmissionControl:
    """Decides whether this process takes another request.

    Args:
        max_in_flight: Maximum number of requests in flight.
        max_held_bytes: Maximum number of bytes of bodies and responses held.
        counters: Counters of this process; they show the requests in flight to the operator.
    """

    def __init__(self, max_in_flight: int, max_held_bytes: int, counters: Counters) -> None:
        self._max_in_flight = max_in_flight
        self._counters = counters
        self._memory = MemoryBudget(max_held_bytes)

    def admit(self, *, always: bool = False) -> None:
        """Count a request as in flight until `release`.

        Args:
            always: True for what has to answer under overload, such as health checks.

        Raises:
            TooManyRequestsInFlightError: As many requests as allowed are in flight; the request is not counted.
        """
        counters = self._counters
        if counters.in_flight >= self._max_in_flight and not always:
            raise TooManyRequestsInFlightError(
                f"{self._max_in_flight} requests are being answered; ask again in a second"
            )
        counters.in_flight += 1

    def release(self) -> None:
        """Count a request as answered."""
        self._counters.in_flight -= 1

    def reservation(self) -> Reservation:
        """Return an empty reservation of memory."""
        return Reservation(self._memory)
