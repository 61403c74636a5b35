"""The document on pruning says what its results say."""

from pathlib import Path

from enn_training.data.problems import problem_names, problems
from enn_training.experiments.paper.results import Budget, Results
from enn_training.experiments.pruning import document, experiment

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"


def test_the_document_is_byte_for_byte_what_the_results_give():
    results = Results(DOCS / "pruning", Budget())
    found = {name: results.read(name) for name in problem_names()}
    assert document.text(found, Budget()) == (DOCS / "pruning.md").read_text()


def test_every_problem_is_measured_whole_and_at_every_level_with_three_seeds():
    assert experiment.missing(Results(DOCS / "pruning", Budget()), problems(), 3) == []
