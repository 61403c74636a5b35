"""Search for a near row with an outcome: single moves of features, then combinations, then exchanges between features.

A move sets one feature to a number of its range or to a category. The response along one feature is a sum of cosines of
known period, so points in it at a spacing below half of the shortest wave show where it rises.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.descent import descend
from enn_models.explanations.guarantees.margins import Margin
from enn_models.explanations.guarantees.regions import Columns, Regions

POINTS = 17
"""Points tried in the range of a numeric feature."""
MAX_MOVED = 24
"""Features tried in a step, those whose gradient promises most."""
MAX_CATEGORIES = 32
"""Categories of a feature tried in a step."""
BEAM = 4
"""Partial solutions that are kept."""
MAX_CHANGES = 8
"""Features that a solution changes at most, unless a request allows fewer."""
POLISHED = 1
"""Number of solutions that exchanges improve."""
SHARES, SECTIONS = 16, 5
"""Shares of the way back to the origin that are tried at once, and the times that the part between two is cut again."""
SHRINKINGS = 7
"""Halvings of the amount that exchanges move from one feature to another."""
BACK = 1.2
"""Amount that a feature goes back in an exchange, in units of what another one moves in its place."""
MAX_COMBINATIONS = 16
"""Maximum combinations of categories that descents try."""
MAX_VALUES = 2**19
"""Maximum values of the rows of a step: 4 MiB."""
DISTANCES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0)
"""Distances of the descents that search where the moves find nothing."""


@dataclass(frozen=True, eq=False)
class Movable:
    """A feature that may change.

    Attributes:
        columns: Columns of the feature: one number, or the indicators of its categories.
        codes: Codes that are allowed; None for every number of the region's range.
    """

    columns: Columns
    codes: NDArray[np.intp] | None = None


class Search:
    """Search in one region around its origin.

    Args:
        margin: Margin of the outcome; it must be at least `least`.
        region: One region with a budget or without.
        features: Features that may change.
        changes: Maximum number of changed features.
    """

    def __init__(self, margin: Margin, region: Regions, features: Sequence[Movable], changes: int) -> None:
        self._margin, self._region, self._features = margin, region, features
        self._space, self._changes = region.space, min(changes, MAX_CHANGES)
        self._low, self._high = region.low[0], region.high[0]
        self._continuous = np.zeros(len(self._low), np.bool_)
        for feature in features:
            self._continuous[feature.columns] = feature.codes is None
        gradient = margin.gradients(region.space.origin[None])[0]
        self._tried = [self._values_of(feature, gradient) for feature in features]
        self._moved = max(1, min(MAX_MOVED, MAX_VALUES // (POINTS * len(self._low))))
        single = [index for index, feature in enumerate(features) if len(feature.columns) == 1]
        self._single = np.array(single, np.intp), np.array([features[index].columns[0] for index in single], np.intp)
        self._several = [(index, each.columns) for index, each in enumerate(features) if len(each.columns) > 1]

    def nearest(self, least: float) -> Generator[None, None, Floats | None]:
        """Return a near row with a margin of at least `least`, or None if none was found.

        Args:
            least: Smallest margin of the row.
        """
        start = Regions(self._space, self._region.low, self._region.high, np.full(1, np.inf)).points()
        if self._margin.values(start)[0] >= least:
            return start[0]
        beam, best, beams, nearest = start, np.empty((0, start.shape[1])), [start], np.inf
        for _ in range(self._changes):
            moves, margins = list[Floats](), list[Floats]()
            for row in beam:
                moves.append(self._moves(row, nearest))
                margins.append(self._margin.values(moves[-1]))
                yield
            rows, values = np.concatenate(moves), np.concatenate(margins)
            distances = self._distances(rows)
            solved = values >= least
            if solved.any():
                near = np.flatnonzero(solved)[np.argsort(distances[solved], kind="stable")[: 4 * BEAM]]
                best = np.concatenate([best, self._shrunk(rows[near], least)])
                nearest = self._distances(best).min()
            beam = self._next_beam(rows[~solved], values[~solved], distances[~solved], least)
            beams.append(beam)
            if not len(beam) or nearest <= self._distances(beam).min():
                break
        if not len(best):
            best = yield from self._descended(least, beams)
        if not len(best):
            return None
        result = best[0]
        for row in best[np.argsort(self._distances(best), kind="stable")[:POLISHED]]:
            polished = yield from self._polished(row, least)
            both = np.stack([polished, result])
            result = both[self._distances(both).argmin()]
        return result

    def _descended(self, least: float, beams: list[Floats]) -> Generator[None, None, Floats]:
        """Return rows that descents over growing distances find, [rows, columns].

        Args:
            least: Smallest margin of the rows.
            beams: Rows whose categories are tried if all combinations are too many.
        """
        opposite, rows = self._margin.negated(), list[Floats]()
        for choice in self._combinations(np.concatenate(beams)):
            low = np.where(self._continuous, self._low, choice)
            high = np.where(self._continuous, self._high, choice)
            for distance in (np.inf, *DISTANCES):
                yield
                value, row = descend(opposite, Regions(self._space, low[None], high[None], np.full(1, distance)))
                found = -value >= least
                if found and self._changed(row[None]).sum() <= self._changes:
                    rows.append(row)
                if found == np.isfinite(distance):
                    break
        return self._shrunk(np.array(rows), least) if rows else np.empty((0, len(self._low)))

    def _combinations(self, beam: Floats) -> Floats:
        """Return rows with different categories, [rows, columns]: all combinations if they are few."""
        choices = [index for index, feature in enumerate(self._features) if feature.codes is not None]
        tried = [self._tried[index] for index in choices]
        if (count := math.prod(map(len, tried))) <= MAX_COMBINATIONS:
            rows = np.repeat(beam[:1], count, axis=0)
            for place, picked in enumerate(product(*tried)):
                for index, values in zip(choices, picked, strict=True):
                    rows[place, self._features[index].columns] = values
            return rows
        _, first = np.unique(np.where(self._continuous, 0.0, beam), axis=0, return_index=True)
        return beam[np.sort(first)[:MAX_COMBINATIONS]]

    def _distances(self, rows: Floats) -> Floats:
        return self._region.distances(rows)

    def _changed(self, rows: Floats) -> NDArray[np.bool_]:
        """Return a mask of the features in which rows differ from the origin, [rows, features]."""
        different, changed = rows != self._space.origin, np.empty((len(rows), len(self._features)), np.bool_)
        changed[:, self._single[0]] = different[:, self._single[1]]
        for index, columns in self._several:
            changed[:, index] = different[:, columns].any(axis=1)
        return changed

    def _promising(self, row: Floats) -> NDArray[np.intp]:
        """Return the features in the order of their largest possible gains by the gradient at a row."""
        gradient = self._margin.gradients(row[None])[0]
        gains = np.abs(gradient) * (self._high - self._low)
        total = np.empty(len(self._features))
        total[self._single[0]] = gains[self._single[1]]
        for index, columns in self._several:
            total[index] = gains[columns].max()
        return np.argsort(-total, kind="stable")

    def _moves(self, row: Floats, limit: float) -> Floats:
        """Return the rows nearer than a limit that one move of another feature leads to, [moves, columns]."""
        changed = self._changed(row[None])[0]
        chosen = [index for index in self._promising(row)[: self._moved].tolist() if not changed[index]]
        rows = np.repeat(row[None], sum(len(self._tried[index]) for index in chosen), axis=0)
        start = 0
        for index in chosen:
            values = self._tried[index]
            rows[start : start + len(values), self._features[index].columns] = values
            start += len(values)
        return rows[self._distances(rows) < limit]

    def _values_of(self, feature: Movable, gradient: Floats) -> Floats:
        """Return the values of a feature's columns that are tried, [values, columns of the feature]."""
        column, codes = feature.columns[0], feature.codes
        if codes is not None and len(feature.columns) == 1:
            return codes[:, None].astype(np.float64)
        if codes is not None:
            chosen = codes[np.argsort(-gradient[feature.columns[codes]], kind="stable")[:MAX_CATEGORIES]]
            values = np.zeros((len(chosen), len(feature.columns)))
            values[np.arange(len(chosen)), chosen] = 1.0
            return values
        return np.linspace(self._low[column], self._high[column], POINTS)[:, None]

    def _next_beam(self, rows: Floats, values: Floats, distances: Floats, least: float) -> Floats:
        """Return the most promising rows, each with another feature changed last."""
        if not len(rows):
            return rows
        start = float(self._margin.values(self._space.origin[None])[0])
        gained = (values - start) / np.maximum(least - start, 1e-300)
        score = np.maximum(distances, 1e-12) / np.maximum(gained, 1e-3)
        order = np.argsort(score, kind="stable")[: 64 * BEAM]
        _, first = np.unique(self._changed(rows[order]), axis=0, return_index=True)
        return rows[order[np.sort(first)[:BEAM]]]

    def _shrunk(self, rows: Floats, least: float) -> Floats:
        """Return rows with their numbers moved back towards the origin as far as the margin allows."""
        numbers = self._continuous
        origin = np.clip(self._space.origin, self._low, self._high)
        short, full = np.zeros((len(rows), 1)), np.ones((len(rows), 1))
        steps = np.arange(1, SHARES + 1) / SHARES
        for _ in range(SECTIONS):
            shares = short + steps * (full - short)
            tried = np.where(numbers, origin + shares[:, :, None] * (rows - origin)[:, None], rows[:, None])
            enough = self._margin.values(tried.reshape(-1, rows.shape[1])).reshape(shares.shape) >= least
            enough[:, -1] = True  # the last share is that of a row with the outcome
            first = enough.argmax(axis=1)[:, None]
            full = np.take_along_axis(shares, first, axis=1)
            short = np.where(first > 0, np.take_along_axis(shares, np.maximum(first - 1, 0), axis=1), short)
        return np.where(numbers, origin + full * (rows - origin), rows)

    def _polished(self, row: Floats, least: float) -> Generator[None, None, Floats]:
        """Return a row after exchanges: one feature goes back towards the origin, another one moves in its place."""
        distance = float(self._distances(row[None])[0])
        step = distance / 3
        for _ in range(SHRINKINGS):
            for _ in range(MAX_CHANGES):
                yield
                rows = self._exchanges(row, step)
                distances = self._distances(rows)
                rows = rows[distances < distance]
                rows = rows[self._margin.values(rows) >= least] if len(rows) else rows
                if not len(rows):
                    break
                near = np.argsort(self._distances(rows), kind="stable")[: 2 * BEAM]
                rows = self._shrunk(rows[near], least)
                distances = self._distances(rows)
                row, distance = rows[distances.argmin()], float(distances.min())
            step /= 2
        return row

    def _exchanges(self, row: Floats, step: float) -> Floats:
        """Return rows in which a changed feature has gone back by a step or entirely, and another one has moved."""
        space, backs = self._space, list[Floats]()
        for index in np.flatnonzero(self._changed(row[None])[0]).tolist():
            columns = self._features[index].columns
            whole = row.copy()
            whole[columns] = np.clip(space.origin[columns], self._low[columns], self._high[columns])
            backs.append(whole)
            if self._features[index].codes is None:
                part, change = row.copy(), row[columns] - space.origin[columns]
                part[columns] -= np.sign(change) * np.minimum(np.abs(change), BACK * step * space.scales[columns])
                backs.append(np.clip(part, self._low, self._high))
        if not backs:
            return np.empty((0, len(row)))
        gradient = self._margin.gradients(row[None])[0]
        rates = np.abs(gradient) * space.scales * self._continuous
        moved = np.argsort(-rates, kind="stable")[: min(self._moved, int(self._continuous.sum()))]
        moves = np.zeros((len(moved), len(row)))
        moves[np.arange(len(moved)), moved] = (np.sign(gradient) * step * space.scales)[moved]
        both = np.clip(np.array(backs)[:, None] + moves, self._low, self._high).reshape(-1, len(row))
        rows = np.concatenate([np.array(backs), both])
        return rows[self._changed(rows).sum(axis=1) <= self._changes]
