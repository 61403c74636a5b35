"""Tests of admission: memory is reserved up to a budget, and what can never fit is told from what may fit later."""

import pytest

from enn_service.errors import MAX_ROWS_HEADER, MemoryBudgetError, TooMuchWorkError
from enn_service.inference.admission import FITTING, MemoryBudget, Reservation

LIMIT = 1000


def test_request_that_never_fits_is_told_what_would() -> None:
    reservation = Reservation(MemoryBudget(LIMIT))
    reservation.reserve(200)
    with pytest.raises(TooMuchWorkError, match=f"the answer .* 2000 bytes .* at most {LIMIT}") as caught:
        reservation.reserve(1800, "the answer", rows=100)
    assert caught.value.status == 413
    assert caught.value.headers[MAX_ROWS_HEADER] == str(int(FITTING * 50))


def test_request_that_fits_later_is_asked_to_come_again() -> None:
    budget = MemoryBudget(LIMIT)
    one, other = Reservation(budget), Reservation(budget)
    one.reserve(LIMIT)
    with pytest.raises(MemoryBudgetError, match=f"needs 1 more bytes .* {LIMIT} of {LIMIT} are held") as caught:
        other.reserve(1, "the body")
    assert caught.value.headers["Retry-After"] == "1"
    one.give_back(1)
    other.reserve(1)
    assert budget.reserved == LIMIT


def test_released_reservation_holds_nothing_and_takes_nothing() -> None:
    budget = MemoryBudget(LIMIT)
    reservation = Reservation(budget)
    reservation.reserve(10)
    reservation.release()
    reservation.give_back(10)
    with pytest.raises(MemoryBudgetError):
        reservation.reserve(1)
    assert budget.reserved == 0
