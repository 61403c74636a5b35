"""Unknown values of rows: categories that no training row had, and missing values where training rows had none."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from enn_models.card import Card
from enn_models.card.unknown_values import UNSEEN, encode_unknown
from enn_models.cosine_series import Floats
from enn_models.network import Network
from enn_service.runtime.flagged_values.out_of_range import OutOfRange, Places
from enn_service.runtime.range_check import Numbers
from enn_service.runtime.session import Array

if TYPE_CHECKING:
    from enn_models.card.feature_values import Unknown

OUTPUTS = ("output", "bumps", "pre_activation")


class UnknownValues:
    """Unknown values of some rows; at least one.

    Args:
        places: Flat indices of all unknown values, sorted.
        averaged: Flat indices of those that count as the mean of the training rows, sorted.
        features: Number of features per row.

    Attributes:
        flags: Rows with unknown values, and their features.
    """

    def __init__(self, places: Places, averaged: Places, features: int) -> None:
        self.flags = OutOfRange(places, features)
        self._places, self._averaged, self._features = places, averaged, features

    @property
    def averaged_rows(self) -> Places:
        """Indices of the rows that the graph cannot take, as a value in them counts as a mean; sorted."""
        return np.unique(self._averaged // self._features)

    def averaged_mask(self, rows: int) -> NDArray[np.bool_]:
        """Return a mask of the values that count as a mean, [rows, features]."""
        mask = np.zeros((rows, self._features), dtype=np.bool_)
        mask.ravel()[self._averaged] = True
        return mask

    def piece(self, start: int, stop: int) -> "UnknownValues | None":
        """Return the values of some rows, whose first one becomes row 0; None if there are none.

        Args:
            start: Index of the first row.
            stop: Index after the last row.
        """
        low, high = start * self._features, stop * self._features
        places, averaged = (
            found[np.searchsorted(found, low) : np.searchsorted(found, high)] - low
            for found in (self._places, self._averaged)
        )
        return UnknownValues(places, averaged, self._features) if len(places) else None


class UnknownValuePolicy:
    """Find the unknown values of rows, and compute what the graph cannot.

    A category that no training row had counts as the category for other names, if its feature has one. Any other
    unknown value counts as a missing one, if training rows lacked values of its feature. Otherwise its input columns
    are their means over the training rows; the float64 network answers such a row, as the graph takes no columns.

    Args:
        card: Card of the model.
        network: Network of the model.
        accept: True to accept all unknown values, if the card has means; False to accept names alone, and only those
            for which a category for other names stands.

    Attributes:
        mode: Treatment of the values of JSON rows; "refuse" if no value can be unknown.
        averages: True if values can count as the mean of the training rows.
    """

    def __init__(self, card: Card, network: Network, *, accept: bool) -> None:
        features, accept = card.features, accept and card.column_means is not None
        categorical = np.array([feature.kind == "categorical" for feature in features])
        missing = np.array([feature.missing for feature in features])
        others = [
            feature.codes[feature.other] if feature.kind == "categorical" and feature.other is not None else np.nan
            for feature in features
        ]
        self._other = np.array(others, dtype=np.float32)
        self._unseen = categorical & (accept | ~np.isnan(self._other))
        self._absent = ~missing & accept
        self._missing, self._placeholder = missing, np.array([each.minimum for each in features], dtype=np.float32)
        self._features, self._network = features, network
        self._means = np.array(card.column_means or (), dtype=np.float64)
        self.averages = bool(self._absent.any())
        self.mode: Unknown = "accept" if accept else "mark" if self._unseen.any() else "refuse"

    def replace(self, numbers: Numbers) -> tuple[Numbers, UnknownValues | None]:
        """Return rows whose unknown values are replaced by values of their features, and these values, if any.

        Args:
            numbers: Rows [batch, features]; `UNSEEN` for an unseen category, NaN for a missing value.
        """
        if self.mode == "refuse":
            return numbers, None
        unseen = (numbers == UNSEEN) & self._unseen
        unknown = unseen | (np.isnan(numbers) & self._absent)
        if not np.count_nonzero(unknown):
            return numbers, None
        named = unseen & ~np.isnan(self._other)
        averaged = unknown & ~named & ~self._missing
        stands_for = np.where(named, self._other, np.where(averaged, self._placeholder, np.float32(np.nan)))
        rows = np.where(unknown, stands_for, numbers).astype(numbers.dtype, copy=False)
        places = UnknownValues(np.flatnonzero(unknown), np.flatnonzero(averaged), numbers.shape[1])
        return rows, places

    def encode(self, rows: Array, unknown: UnknownValues | None) -> Floats:
        """Return the input columns of rows that `replace` returned, float64 [rows, columns]."""
        if unknown is None or not len(unknown.averaged_rows):
            return self._network.encode(rows)
        return encode_unknown(self._network, self._features, rows, unknown.averaged_mask(len(rows)), self._means)

    def compute(self, rows: Array, unknown: UnknownValues, names: tuple[str, ...], tensors: list[Array]) -> list[Array]:
        """Return the tensors of a run with those rows computed that the graph cannot take.

        Args:
            rows: Inputs of the run, [batch, features].
            unknown: Their unknown values.
            names: Names of the tensors.
            tensors: Tensors of the run.
        """
        chosen = unknown.averaged_rows
        if not len(chosen):
            return tensors
        network, mask = replace(self._network, encoding=None), unknown.averaged_mask(len(rows))
        columns = encode_unknown(self._network, self._features, rows[chosen], mask[chosen], self._means)
        response, results = network.respond(columns), [tensor.copy() for tensor in tensors]
        for name, result in zip(names, results, strict=True):
            found = getattr(response, name) if name in OUTPUTS else network.harmonics(columns)
            result[chosen] = found.astype(np.float32)
        return results
