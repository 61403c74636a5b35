"""Section of a report about pruning: scores without the neurons and harmonics of least effect."""

import numpy as np

from enn_models.card import Card, to_array
from enn_models.network import Network
from enn_training.data.dataset import Split
from enn_training.evaluation.metrics import score
from enn_training.evaluation.report.judged import Judged
from enn_training.evaluation.report.parts import Section, Table, number
from enn_training.pruning.cuts import count_harmonics, count_neurons, remove_harmonics, remove_neurons

SHARES = (0.0, 0.1, 0.25, 0.5)
MAX_ROWS = 5000
"""Most rows to score each smaller network on."""


def pruning_section(card: Card, network: Network, judged: Judged) -> Section:
    """Return the scores of smaller networks, each without the parts of least effect and without further learning.

    Args:
        card: Card of the model.
        network: Network of the model.
        judged: Rows to score on.
    """
    rows = judged.rows.take(np.arange(min(MAX_ROWS, len(judged.output))))
    reference = to_array(card.background) if card.background else rows.x
    neurons, lines = count_neurons(network), list[tuple[str, ...]]()
    for share in SHARES:
        smaller = remove_neurons(network, int(share * neurons), reference)
        lines.append((f"{int(share * neurons)} of {neurons} neurons", number(_first(smaller, rows))))
    harmonics = count_harmonics(network)
    for share in SHARES[1:]:
        smaller = remove_harmonics(network, share, "share")
        left = harmonics - count_harmonics(smaller)
        lines.append((f"{left} of {harmonics} harmonics", number(_first(smaller, rows))))
    metric = "r2" if network.task == "regression" else "accuracy"
    record = card.training.get("pruned")
    text = "Scores without the parts of least effect, before any further learning; `enn-train prune` learns further."
    if record is not None:
        text += f" This model is already pruned: {record}."
    return Section("Pruning", text, [Table("Parts left out", ("left out", metric), lines)])


def _first(network: Network, rows: Split) -> float:
    """Return the accuracy or R^2 of a network."""
    return next(iter(score(network, rows).values()))
