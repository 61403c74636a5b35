"""Options of reading a text: separator, encoding, decimal character, and the texts that stand for missing values."""

import codecs
from dataclasses import dataclass

from enn_training.errors import OptionError

MARKERS = (
    *("", "NA", "N/A", "n/a", "<NA>", "#N/A", "#NA", "#N/A N/A", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"),
    *("1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN", "?", "-", "--", ".", "..", "n.a.", "(null)"),
)
"""Texts that stand for a missing value: those of pandas and some more."""
SEPARATOR_NAMES = {"tab": "\t", r"\t": "\t", "space": " "}


@dataclass(frozen=True)
class ReadingOptions:
    """State the form of a text; what is None is inferred.

    Attributes:
        separator: Character between two values, or "tab" or "space".
        encoding: Name of the encoding.
        decimal: Character before the decimals, "." or ",".
        missing: Texts that stand for a missing value besides `MARKERS`, in numbers and in texts.
        keep: Texts of `MARKERS` that are categories in columns of texts.

    Raises:
        OptionError: A value is not of these kinds.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    missing: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the values."""
        if self.separator is not None and len(self.character) != 1:
            raise OptionError(f"--separator {self.separator!r}: expected one character, tab or space")
        if self.decimal not in (None, ".", ","):
            raise OptionError(f"--decimal {self.decimal!r}: expected . or ,")
        if self.decimal is not None and self.decimal == self.character:
            raise OptionError(f"--decimal and --separator are both {self.decimal!r}; expected two characters")
        if unknown := [text for text in self.keep if text not in MARKERS or not text]:
            known = ", ".join(text for text in MARKERS if text)
            raise OptionError(f"--keep {unknown[0]!r}: expected a text that otherwise means missing, one of {known}")
        if both := set(self.keep) & set(self.missing):
            raise OptionError(f"--keep and --missing: {min(both)!r} is in both; expected one of the two")
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            raise OptionError(f"--encoding {self.encoding}: expected the name of an encoding, as utf-8") from None

    @property
    def character(self) -> str:
        """Separator as one character; empty if it is inferred."""
        return SEPARATOR_NAMES.get(self.separator or "", self.separator or "")

    @property
    def number_markers(self) -> tuple[str, ...]:
        """Texts that stand for a missing value among numbers."""
        return (*MARKERS, *self.missing)

    @property
    def text_markers(self) -> tuple[str, ...]:
        """Texts that stand for a missing value among texts."""
        return tuple(text for text in self.number_markers if text not in self.keep)
