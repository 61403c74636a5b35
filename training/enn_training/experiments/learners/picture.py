"""Draw the error of both learners over processor seconds, one panel for each problem."""

from statistics import median

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from enn_training.data.problems import problem
from enn_training.experiments.learners.experiment import RUNS
from enn_training.experiments.paper.spread import Outcome

COLUMNS = 5
SECONDS = (0.1, 0.3, 1.0, 3.0)
"""Ticks of the axis of time."""
LABELS = {"lm": "Levenberg-Marquardt", "lms": "LMS"}


def draw(outcomes: dict[str, Outcome]) -> Figure:
    """Return a figure with the median error of each effort at its median time.

    Args:
        outcomes: Problem -> run -> seed -> result.
    """
    rows = -(-len(outcomes) // COLUMNS)
    figure = Figure(figsize=(15.4, 2.9 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel in panels[len(outcomes) :]:
        panel.set_axis_off()
    for panel, (name, outcome) in zip(panels, outcomes.items(), strict=False):
        task = problem(name).task
        for learner, label in LABELS.items():
            found = [list(outcome[run.name].values()) for run in RUNS if run.learner == learner]
            errors = [
                median(1.0 - each.score if task == "classification" else each.score for each in seeds)
                for seeds in found
            ]
            seconds = [median(each.seconds for each in seeds) for seeds in found]
            # 0 has no logarithm.
            panel.loglog(seconds, [max(error, 1e-15) for error in errors], marker="o", markersize=3, label=label)
        panel.set_xticks(SECONDS, [f"{number:g}" for number in SECONDS])
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_title(f"{name}: {'wrong points' if task == 'classification' else 'squared error'}", fontsize=9)
        panel.set_xlabel("processor seconds", fontsize=7)
        panel.tick_params(labelsize=7)
    panels[0].legend(fontsize=7)
    return figure
