"""Regions of encoded rows: boxes with sets of categories, with or without a budget of distance from an origin.

The distance of a row is the sum of its changes from the origin, each in units of the scale of its column; another
category counts 1. The maximum of a linear function over a region is a fractional knapsack: the budget is spent on the
column with the largest gain per distance, then on the next one. A fraction of a change of category is allowed in it,
so the maximum is an upper bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from enn_models.cosine_series import Floats

Columns = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Space:
    """Columns in which rows may differ from an origin.

    Attributes:
        origin: Encoded row, float64 [columns].
        scales: Change of each column that counts as distance 1, float64 [columns]; > 0.
        groups: Columns of each feature that may change its category.
    """

    origin: Floats
    scales: Floats
    groups: Sequence[Columns] = ()

    @cached_property
    def numbers(self) -> NDArray[np.bool_]:
        """Mask of the columns that belong to no group, bool [columns]."""
        mask = np.ones(len(self.origin), np.bool_)
        for group in self.groups:
            mask[group] = False
        return mask


@dataclass(frozen=True, eq=False)
class Regions:
    """Several regions of one space.

    The upper end of a column of a group is 1 if its category is allowed; the lower end is 0.

    Attributes:
        space: Columns, origin and scales.
        low: Lower ends of the columns, float64 [regions, columns].
        high: Upper ends of the columns, float64 [regions, columns].
        budget: Largest distance from the origin, float64 [regions]; None if it is not limited.
    """

    space: Space
    low: Floats
    high: Floats
    budget: Floats | None = None

    def __len__(self) -> int:
        """Return the number of regions."""
        return len(self.low)

    def __getitem__(self, chosen: NDArray[np.integer] | NDArray[np.bool_] | slice) -> "Regions":
        """Return some of the regions."""
        return replace(
            self,
            low=self.low[chosen],
            high=self.high[chosen],
            budget=None if self.budget is None else self.budget[chosen],
        )

    def joined(self, other: "Regions") -> "Regions":
        """Return these regions and others of the same space."""
        return Regions(self.space, np.concatenate([self.low, other.low]), np.concatenate([self.high, other.high]))

    def repeated(self, budgets: Floats) -> "Regions":
        """Return each region once for each of its budgets.

        Args:
            budgets: Budgets, float64 [regions, count].
        """
        low, high = (np.repeat(ends, budgets.shape[1], axis=0) for ends in (self.low, self.high))
        return Regions(self.space, low, high, budgets.ravel())

    def points(self) -> Floats:
        """Return a row of each region: the centre, or with a budget the nearest to the origin; [regions, columns].

        The category is that of the origin if it is allowed, else the first one that is allowed.
        """
        centre = np.clip(self.space.origin, self.low, self.high) if self.budget is not None else self._centre()
        for group in self.space.groups:
            allowed = self.high[:, group] > 0
            own = int(self.space.origin[group].argmax())
            chosen = np.where(allowed[:, own], own, allowed.argmax(axis=1))
            centre[:, group] = chosen[:, None] == np.arange(len(group))
        return centre

    def distances(self, rows: Floats) -> Floats:
        """Return the distance of rows [rows, columns] from the origin, [rows]."""
        space = self.space
        changes = np.abs(rows - space.origin) / space.scales
        total = changes[:, space.numbers].sum(axis=1)
        for group in space.groups:
            total += changes[:, group].any(axis=1)
        return total

    def split(self, weights: Floats) -> "Regions":
        """Return two halves of each region.

        A region is cut where its extent times the weight of the column is largest: a number in the middle of its
        range, a category into one and the others.

        Args:
            weights: Weight of each column, float64 [columns] or [regions, columns].
        """
        low, high = self._within_budget()
        extents = (high - low) * weights
        for group in self.space.groups:
            allowed = self.high[:, group] > 0
            extents[:, group] = np.where(allowed & (allowed.sum(axis=1) > 1)[:, None], extents[:, group], 0.0)
        chosen = extents.argmax(axis=1)
        lower, upper = Regions(self.space, low, high.copy()), Regions(self.space, low.copy(), high)
        index = np.arange(len(self))
        middle = (low[index, chosen] + high[index, chosen]) / 2
        lower.high[index, chosen], upper.low[index, chosen] = middle, middle
        points = self.points()
        for group in self.space.groups:
            here = np.flatnonzero(np.isin(chosen, group))
            own = points[np.ix_(here, group)]
            lower.low[np.ix_(here, group)] = upper.low[np.ix_(here, group)] = 0.0
            lower.high[np.ix_(here, group)] = own
            upper.high[np.ix_(here, group)] = high[np.ix_(here, group)] - own
        return lower.joined(upper)

    def support(self, gradients: Floats) -> Floats:
        """Return upper bounds of g (x - p) over each region, p its point of `points`.

        Args:
            gradients: Gradients g, float64 [functions, columns], or [regions, functions, columns].

        Returns:
            Bounds, float64 [regions, functions].
        """
        space, points, numbers = self.space, self.points(), self.space.numbers
        up = np.where(numbers, self.high - points, 0.0)
        down = np.where(numbers, points - self.low, 0.0)
        gains = [self._category_gain(gradients, points, group) for group in space.groups]
        if self.budget is None:
            rising, falling = np.maximum(gradients, 0.0), np.minimum(gradients, 0.0)
            if gradients.ndim == 2:
                total = up @ rising.T - down @ falling.T
            else:
                total = (rising @ up[:, :, None] - falling @ down[:, :, None])[:, :, 0]
            return total + sum(gain for gain, _ in gains)
        left = self.budget - self.distances(points)
        signed = gradients if gradients.ndim == 3 else gradients[None]
        rates = np.abs(signed) * space.scales
        limits = np.where(signed > 0, up[:, None], down[:, None]) / space.scales
        if not space.groups:
            return _fractional_knapsack(rates, limits, np.maximum(left, 0.0))
        rates = np.broadcast_to(rates, limits.shape)
        free = np.zeros(limits.shape[:2])
        for gain, paid in gains:
            free += np.where(paid, gain, 0.0)
            cost = np.where(paid, 0.0, 1.0)
            rates = np.concatenate([rates, gain[..., None]], axis=2)
            limits = np.concatenate([limits, np.broadcast_to(cost, gain.shape)[..., None]], axis=2)
        return free + _fractional_knapsack(rates, limits, np.maximum(left, 0.0))

    def corners(self, gradients: Floats) -> Floats:
        """Return the rows of one region that are largest by linear functions of the numbers, [functions, columns].

        Args:
            gradients: Gradients of the functions, float64 [functions, columns].
        """
        point, numbers, scales = self.points()[0], self.space.numbers, self.space.scales
        ends = np.where(numbers, np.where(gradients > 0, self.high[0], self.low[0]), point)
        if self.budget is None:
            return ends
        left = np.maximum(self.budget - self.distances(point[None]), 0.0)
        order = np.argsort(-np.abs(gradients) * scales * numbers, axis=1)
        limits = np.take_along_axis(np.abs(ends - point) / scales, order, axis=1)
        shares = np.clip(left - (np.cumsum(limits, axis=1) - limits), 0.0, limits)
        amounts = np.empty_like(shares)
        np.put_along_axis(amounts, order, shares, axis=1)
        return point + np.sign(ends - point) * amounts * scales

    def empty(self) -> NDArray[np.bool_]:
        """Return a mask of the regions that no row is in because the budget does not reach them."""
        if self.budget is None:
            return np.zeros(len(self), np.bool_)
        return self.distances(self.points()) > self.budget

    def _centre(self) -> Floats:
        return (self.low + self.high) / 2

    def _within_budget(self) -> tuple[Floats, Floats]:
        """Return the ends of the columns that the budget reaches."""
        if self.budget is None:
            return self.low.copy(), self.high.copy()
        reach = self.budget[:, None] * self.space.scales
        numbers, origin = self.space.numbers, self.space.origin
        low = np.where(numbers, np.maximum(self.low, np.minimum(origin - reach, self.high)), self.low)
        return low, np.where(numbers, np.minimum(self.high, np.maximum(origin + reach, self.low)), self.high)

    def _category_gain(self, gradients: Floats, points: Floats, group: Columns) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the largest gain of another allowed category, [regions, functions], and where its distance is paid."""
        own = gradients[..., group] if gradients.ndim == 3 else gradients[None, :, group]
        allowed = self.high[:, None, group] > 0
        best = np.where(allowed, own, -np.inf).max(axis=2)
        gain = best - (own * points[:, None, group]).sum(axis=2)
        kept = points[:, group] @ self.space.origin[group]
        return gain, (kept == 0.0)[:, None]


def _fractional_knapsack(rates: Floats, limits: Floats, budgets: Floats) -> Floats:
    """Return the largest sum of rate x amount, [regions, functions].

    Args:
        rates: Gain of each item per unit of distance, [regions or 1, functions, items].
        limits: Largest amount of each item, [regions, functions, items].
        budgets: Largest sum of the amounts, [regions].
    """
    order = np.argsort(-rates, axis=2)
    rates = np.take_along_axis(rates, order, axis=2)
    limits = np.take_along_axis(limits, np.broadcast_to(order, limits.shape), axis=2)
    before = np.cumsum(limits, axis=2) - limits
    amounts = np.clip(budgets[:, None, None] - before, 0.0, limits)
    return (rates * amounts).sum(axis=2)


def round_into(row: Floats, region: Regions) -> Floats:
    """Return a row with float32 numbers that stays in a region; values of the origin are kept."""
    rounded: NDArray[np.float32] = row.astype(np.float32)
    rounded = np.where(rounded < region.low[0], np.nextafter(rounded, np.float32(np.inf)), rounded)
    rounded = np.where(rounded > region.high[0], np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return np.where(row == region.space.origin, row, rounded).astype(np.float64)
