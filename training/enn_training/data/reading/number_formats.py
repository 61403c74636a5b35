"""Numbers as people write them: thousands separators, decimal commas, percent, currencies, and signs of other kinds."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SYMBOLS = "".join(chr(code) for code in range(0x20D0) if unicodedata.category(chr(code)) == "Sc")
"""Currency symbols of Unicode up to the end of their own block."""
CODES = "USD|EUR|GBP|JPY|CHF|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|KRW|RUB|TRY|ILS|SGD|HKD"
"""ISO 4217 codes of the currencies that are traded most."""
CURRENCY = rf"[{re.escape(SYMBOLS)}]|(?:{CODES})"
MINUS = "\u2212-"
SPACES = "'\u2019 \u00a0\u202f"
"""Characters between thousands in any convention: apostrophes, and spaces of which two do not break a line."""
NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[+{MINUS}])?\s*(?P<before>{CURRENCY})?\s*(?P<inner>[+{MINUS}])?"
    rf"(?P<body>\d[\d.,{SPACES}]*|[.,]\d+)(?P<exponent>[eE][-+]?\d+)?\s*(?P<after>{CURRENCY}|%)?(?P<close>\))?"
)
BODIES = {
    decimal: re.compile(
        rf"(?:\d+|[1-9]\d{{0,2}}(?P<group>[{group}{SPACES}])\d{{3}}(?:(?P=group)\d{{3}})*)?(?:[{decimal}]\d*)?"
    )
    for decimal, group in ((".", ","), (",", "."))
}
"""Digits of a number by the character before its decimals."""


@dataclass(frozen=True)
class Written:
    """One number as it is written.

    Attributes:
        body: Digits with their separators.
        exponent: Power of ten, as "e5"; else empty.
        negative: True if it has a minus or stands in parentheses.
        unit: Currency or "%"; empty without one.
        sign: Characters of an unusual minus: "(" or that of Unicode; else empty.
    """

    body: str
    exponent: str
    negative: bool
    unit: str
    sign: str

    def value(self, decimal: str) -> float:
        """Return the number."""
        digits = re.sub(f"[^0-9{re.escape(decimal)}]", "", self.body).replace(decimal, ".")
        size = float(digits + self.exponent)
        return -size if self.negative else size


def parse(text: str) -> Written | None:
    """Return the parts of a number; None if the text is no number."""
    match = NUMBER.fullmatch(text)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    signs = [sign for sign in (match["open"], match["sign"], match["inner"]) if sign]
    units = [unit for unit in (match["before"], match["after"]) if unit]
    if len(signs) > 1 or len(units) > 1:
        return None
    sign = signs[0] if signs else ""
    unusual = sign if sign in ("(", "\u2212") else ""
    return Written(match["body"].strip(SPACES), match["exponent"] or "", sign not in ("", "+"), "".join(units), unusual)


def parse_all(texts: Iterable[str]) -> list[Written] | None:
    """Return the parts of each number, in one unit; None if a text is no number or the units differ.

    Numbers may lack a currency that others have, but only 0 may lack a percent sign that others have.
    """
    found = list[Written]()
    for text in texts:
        written = parse(text)
        if written is None:
            return None
        found.append(written)
    units = {written.unit for written in found} - {""}
    if len(units) > 1 or (units == {"%"} and any(not each.unit and each.body.strip("0.,") for each in found)):
        return None
    return found


def conventions(numbers: Sequence[Written]) -> tuple[str, ...]:
    """Return the characters that can stand before the decimals of all numbers: "." and ",", one of them, or none.

    Both are possible if every number has at most one separator, with three digits after it, and 1 to 3 before it.
    """
    return tuple(
        decimal
        for decimal, body in BODIES.items()
        if all(body.fullmatch(number.body) and any(map(str.isdigit, number.body)) for number in numbers)
    )


def is_ambiguous(numbers: Sequence[Written]) -> bool:
    """Return True if a number has another value with each convention."""
    return len(conventions(numbers)) > 1 and any("," in each.body or "." in each.body for each in numbers)


def describe(numbers: Sequence[Written], decimal: str) -> list[str]:
    """Return a sentence for each way in which numbers are written unlike those of a program."""
    notes, units = list[str](), {each.unit for each in numbers} - {""}
    bodies = [each.body for each in numbers]
    groups = {char for body in bodies for char in body if not char.isdigit() and char != decimal}
    if decimal == "," and any("," in body for body in bodies):
        notes.append("commas are read as decimal points")
    if groups:
        example = next(each for each in numbers if set(each.body) & groups)
        shown = ", ".join(sorted(map(repr, groups)))
        notes.append(f"{shown} between thousands left out: {example.body!r} is {example.value(decimal):g}")
    if "%" in units:
        notes.append(f"percent signs left out: '{bodies[0]}%' is {numbers[0].value(decimal):g}")
    elif units:
        notes.append(f"the currency {min(units)!r} is left out")
    if any(each.sign == "(" for each in numbers):
        notes.append("numbers in parentheses are negative")
    if any(each.sign == "\u2212" for each in numbers):
        notes.append("the minus of Unicode is read as a minus")
    return notes
