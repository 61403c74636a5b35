"""Work: about how long an answer takes, and how much of it the event loop does itself."""

PARAMETER_NANOSECONDS = 1
"""What a row costs for each parameter of the network, roughly: its run."""
NUMBER_NANOSECONDS = 60
"""What a row costs for each number in its reply, roughly: its text."""
LOOP_BUDGET_NS = 1_000_000
"""Longer work goes on in a thread."""
MAX_INLINE_NUMBERS = 2048
"""A reply of more numbers is not given at once: it may be so large that the client has to read it before it is done."""


def row_cost_ns(parameters: int, numbers: int) -> int:
    """Return about how long a row takes in a network of so many parameters, whose reply has so many numbers of it."""
    return PARAMETER_NANOSECONDS * parameters + NUMBER_NANOSECONDS * numbers


def prompt_rows(parameters: int, numbers: int) -> int:
    """Return the most such rows that are answered where they are read."""
    return min(LOOP_BUDGET_NS // row_cost_ns(parameters, numbers), MAX_INLINE_NUMBERS // numbers)
