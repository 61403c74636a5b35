"""Admission: the one place that limits the requests in flight and the memory that they hold."""

from threading import Lock

from enn_service.errors import MemoryBudgetError, TooManyRequestsInFlightError, TooMuchWorkError
from enn_service.observability.counters import Counters

FITTING = 0.9
"""Share of the rows that would just fit by the estimate, which is what a refusal advises to send."""


class MemoryBudget:
    """Limit on the memory that the requests in progress hold in this process; several threads may use one.

    Args:
        limit: Maximum number of bytes held.

    Attributes:
        limit: Maximum number of bytes held.
        reserved: Number of bytes held now.
        lock: Lock of `reserved` and of the reservations.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.reserved = 0
        self.lock = Lock()


class Reservation:
    """Share of a memory budget that one request holds until `release`.

    Args:
        budget: Budget of the process.
    """

    __slots__ = ("_budget", "_released", "_reserved")

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._reserved = 0
        self._released = False

    def reserve(self, size: int, what: str = "the request", rows: int = 0) -> None:
        """Reserve more bytes, before they are used.

        Args:
            size: Number of bytes.
            what: Name of what needs them, for the error message.
            rows: Number of rows in the request, if fewer rows need fewer bytes.

        Raises:
            TooMuchWorkError: The request alone would exceed the whole budget.
            MemoryBudgetError: The budget does not have the bytes now, or the request is over.
        """
        budget = self._budget
        with budget.lock:
            if budget.reserved + size <= budget.limit and not self._released:
                budget.reserved += size
                self._reserved += size
                return
            own, held = self._reserved + size, budget.reserved
        if own > budget.limit:
            fitting = FITTING * rows * budget.limit // own
            advice = f": send at most {fitting:.0f} rows" if fitting else ""
            raise TooMuchWorkError(
                f"{what} and what it is computed from need {own} bytes of memory; at most {budget.limit} are there for "
                f"requests{advice}",
                max_rows=int(fitting),
            )
        raise MemoryBudgetError(
            f"{what} needs {size} more bytes of memory; {held} of {budget.limit} are held by requests in progress; "
            "ask again in a second"
        )

    def give_back(self, size: int) -> None:
        """Return some of the reserved bytes to the budget.

        Args:
            size: Number of bytes.
        """
        with self._budget.lock:
            if not self._released:
                self._budget.reserved -= size
                self._reserved -= size

    def release(self) -> None:
        """Return all bytes to the budget; later reservations are refused."""
        with self._budget.lock:
            self._budget.reserved -= self._reserved
            self._reserved, self._released = 0, True


class AdmissionControl:
    """Decides whether this process takes another request.

    Args:
        max_in_flight: Maximum number of requests in flight.
        max_held_bytes: Maximum number of bytes that requests in progress hold.
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
