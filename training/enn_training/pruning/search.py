"""Search for the strongest pruning of a network within a loss, with and without fine-tuning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from enn_models.network import Network
from enn_training.evaluation.metrics import score_with_skill
from enn_training.nn.threads import one_thread
from enn_training.pruning import cuts
from enn_training.pruning.cuts import Criterion
from enn_training.pruning.fine_tuning import fine_tune
from enn_training.pruning.training_data import ScaledData

FRACTIONS = tuple(tenths / 10 for tenths in range(1, 10))
"""Fractions of the neurons or harmonics that are removed at the levels tried."""
Target = Literal["neurons", "harmonics"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
LevelCriterion = Criterion | Literal["bump"]
"""Ranking of a level: coefficients by a criterion, or neurons by the size of their bumps."""
ProgressCallback = Callable[[], object]


@dataclass(frozen=True, eq=False)
class ScoredNetwork:
    """Network over scaled rows with its scores on rows that it was not trained on.

    Attributes:
        network: Network.
        skill: Proper score, 1 for exact predictions; see `metrics.skill`.
        scores: Metrics under scikit-learn's names.
    """

    network: Network
    skill: float
    scores: dict[str, float]

    def loss_from(self, before: "ScoredNetwork") -> float:
        """Return the loss of skill or, if it is larger, that of accuracy."""
        lost = before.skill - self.skill
        return max(lost, before.scores["accuracy"] - self.scores["accuracy"]) if "accuracy" in self.scores else lost


@dataclass(frozen=True, eq=False)
class PruningLevel:
    """Network with a fraction of its neurons or harmonics removed.

    Attributes:
        fraction: Requested fraction of all neurons or harmonics.
        criterion: Ranking by which the smallest were removed.
        cut: Network without fine-tuning.
        tuned: Network after fine-tuning.
    """

    fraction: float
    criterion: LevelCriterion
    cut: ScoredNetwork
    tuned: ScoredNetwork

    @property
    def best(self) -> ScoredNetwork:
        """Network with the higher skill."""
        return self.tuned if self.tuned.skill >= self.cut.skill else self.cut


@dataclass(frozen=True, eq=False)
class PruningStage:
    """Levels of one pruning target.

    Attributes:
        target: Pruned part of the network.
        levels: Levels in ascending order of the fraction.
        chosen: Level that is applied; None if every level exceeds the loss.
    """

    target: Target
    levels: tuple[PruningLevel, ...]
    chosen: PruningLevel | None


@dataclass(frozen=True, eq=False)
class PruningResult:
    """Result of `prune`.

    Attributes:
        before: Complete network with its scores.
        after: Pruned network with its scores; the complete one if no level was chosen.
        stages: One stage per target, in the order of pruning.
        network: Network over raw rows; the complete network if no level was chosen.
    """

    before: ScoredNetwork
    after: ScoredNetwork
    stages: tuple[PruningStage, ...]
    network: Network


@one_thread()
def prune(
    network: Network,
    data: ScaledData,
    *,
    loss: float,
    targets: Sequence[Target] = get_args(Target),
    criteria: Sequence[Criterion] = CRITERIA,
    seed: int = 0,
    watch: ProgressCallback | None = None,
) -> PruningResult:
    """Remove as many neurons and harmonics as the loss allows.

    Args:
        network: Network over raw rows.
        data: Data set of the network.
        loss: Maximum loss of skill, and of accuracy, on the scoring rows.
        targets: Parts to prune, one after the other.
        criteria: Rankings of coefficients to try; the better one is used at each fraction.
        seed: Seed of the row order in fine-tuning.
        watch: Callback after every pass of each target.

    Returns:
        Pruned network with the scores of all levels.
    """
    before = remaining = _score(data.to_scaled_units(network), data)
    stages: list[PruningStage] = []
    for target in targets:
        levels = _measure_levels(remaining.network, data, target, criteria, seed=seed, watch=watch)
        allowed = [level for level in levels if level.best.loss_from(before) <= loss]
        chosen = max(allowed, key=lambda level: (level.fraction, level.best.skill), default=None)
        stages.append(PruningStage(target, levels, chosen))
        if chosen is not None:
            remaining = replace(chosen.best, network=cuts.compact(chosen.best.network))
    pruned = network if remaining is before else data.to_raw_units(remaining.network)
    return PruningResult(before, remaining, tuple(stages), pruned)


def _measure_levels(
    network: Network,
    data: ScaledData,
    target: Target,
    criteria: Sequence[Criterion],
    *,
    seed: int,
    watch: ProgressCallback | None,
) -> tuple[PruningLevel, ...]:
    """Return all levels of one target, scored as cut and after fine-tuning."""
    training = data.training
    planned = _planned_cuts(network, target, criteria)
    cut = [
        cuts.remove_neurons(network, round(fraction * cuts.count_neurons(network)), training.x)
        if criterion == "bump"
        else cuts.remove_harmonics(network, fraction, criterion)
        for fraction, criterion in planned
    ]
    tuned = fine_tune(cut, training, seed, watch) if cut else []
    scored = [[_score(each, data) for each in networks] for networks in (cut, tuned)]
    return tuple(PruningLevel(*plan, *pair) for plan, *pair in zip(planned, *scored, strict=True))


def _score(network: Network, data: ScaledData) -> ScoredNetwork:
    """Return a network over scaled rows with its scores on the scoring rows."""
    scores, skill = score_with_skill(data.to_raw_units(network), data.scoring_rows)
    return ScoredNetwork(network, skill, scores)


def _planned_cuts(
    network: Network, target: Target, criteria: Sequence[Criterion]
) -> list[tuple[float, LevelCriterion]]:
    """Return the fractions and criteria to try; each number of neurons occurs once."""
    if target == "harmonics":
        return [(fraction, criterion) for fraction in FRACTIONS for criterion in criteria]
    total = cuts.count_neurons(network)
    removable = total - len(network.layers) + 1
    counts = np.unique(np.round(np.array(FRACTIONS) * total).astype(int))
    return [(int(count) / total, "bump") for count in counts if 1 <= count <= removable]
