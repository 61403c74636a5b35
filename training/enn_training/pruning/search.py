"""Levels: how far a network can be cut, and what each level costs, as it is and after a short run of learning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from enn_models.network import Network
from enn_training.pruning import cuts
from enn_training.pruning.cuts import Criterion
from enn_training.pruning.fine_tuning import tune
from enn_training.pruning.scaled import ScaledData

PORTIONS = tuple(tenths / 10 for tenths in range(1, 10))
"""Of the neurons or harmonics, cut at the levels that are tried."""
Kind = Literal["neurons", "harmonics"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
Watch = Callable[[], object]


@dataclass(frozen=True, eq=False)
class Cut:
    """A network over scaled rows, and its accuracy or R^2 on the rows that judge."""

    network: Network
    score: float


@dataclass(frozen=True, eq=False)
class Level:
    """One level.

    Attributes:
        portion: What was asked to be cut, as a share of all.
        by: What was cut first: the least bumps, or coefficients by a criterion.
        plain: What is left, as it is.
        tuned: The same after a short run of learning.
    """

    portion: float
    by: Criterion | Literal["bump"]
    plain: Cut
    tuned: Cut

    @property
    def best(self) -> Cut:
        """The better of the two."""
        return self.tuned if self.tuned.score >= self.plain.score else self.plain


@dataclass(frozen=True, eq=False)
class Stage:
    """All levels of one kind.

    Attributes:
        kind: What is cut.
        levels: From the least to the most.
        chosen: The one applied; None where each of them costs too much.
    """

    kind: Kind
    levels: tuple[Level, ...]
    chosen: Level | None


@dataclass(frozen=True, eq=False)
class Pruned:
    """What pruning leaves.

    Attributes:
        before: The accuracy or R^2 of the whole network on the rows that judge.
        stages: Neurons, then harmonics, or one of the two.
        network: Over raw rows; the whole network where nothing was chosen.
    """

    before: float
    stages: tuple[Stage, ...]
    network: Network


def prune(
    network: Network,
    data: ScaledData,
    *,
    loss: float,
    kinds: Sequence[Kind] = get_args(Kind),
    criteria: Sequence[Criterion] = CRITERIA,
    seed: int = 0,
    watch: Watch | None = None,
) -> Pruned:
    """Return a network cut as far as it can be.

    Args:
        network: Over raw rows.
        data: What it was learned from.
        loss: The most of its accuracy or R^2 on the rows that judge that it may lose.
        kinds: What to cut, one after the other.
        criteria: By what coefficients are ranked; the better one counts.
        seed: Of the order of rows while it learns on.
        watch: Called after every pass of each kind.
    """
    left = data.enter(network)
    before = data.score(left, data.judges)
    stages: list[Stage] = []
    for kind in kinds:
        levels = _levels(left, data, kind, criteria, seed=seed, watch=watch)
        kept = [level for level in levels if level.best.score >= before - loss]
        chosen = max(kept, key=lambda level: (level.portion, level.best.score), default=None)
        stages.append(Stage(kind, levels, chosen))
        left = left if chosen is None else cuts.compact(chosen.best.network)
    applied = any(stage.chosen for stage in stages)
    return Pruned(before, tuple(stages), data.leave(left) if applied else network)


def _levels(
    network: Network, data: ScaledData, kind: Kind, criteria: Sequence[Criterion], *, seed: int, watch: Watch | None
) -> tuple[Level, ...]:
    training, judges = data.training, data.judges
    asked = _asked(network, kind, criteria)
    cut = [
        cuts.without_neurons(network, round(portion * cuts.neurons(network)), training.x)
        if by == "bump"
        else cuts.without_harmonics(network, portion, by)
        for portion, by in asked
    ]
    tuned = tune(cut, training, seed, watch) if cut else []
    scored = [[Cut(one, data.score(one, judges)) for one in networks] for networks in (cut, tuned)]
    return tuple(Level(*each, *pair) for each, *pair in zip(asked, *scored, strict=True))


def _asked(
    network: Network, kind: Kind, criteria: Sequence[Criterion]
) -> list[tuple[float, Criterion | Literal["bump"]]]:
    """Return the portions to try, and by what: numbers of neurons once each, harmonics by every criterion."""
    if kind == "harmonics":
        return [(portion, by) for portion in PORTIONS for by in criteria]
    total = cuts.neurons(network)
    most = total - len(network.layers) + 1
    counts = np.unique(np.round(np.array(PORTIONS) * total).astype(int))
    return [(int(count) / total, "bump") for count in counts if 1 <= count <= most]
