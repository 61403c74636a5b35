"""The benchmark's document says what its results say."""

import re
from pathlib import Path

from enn_training.data.problems import problems
from enn_training.experiments.paper import document, experiment
from enn_training.experiments.paper.results import Budget, Results

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "benchmarks" / "paper.md").read_text()


def test_the_document_is_byte_for_byte_what_the_results_give() -> None:
    found = experiment.complete(Results(DOCS / "benchmarks" / "paper", Budget()), problems())
    assert document.text(found, Budget()) == TEXT


def test_every_problem_has_results_of_all_contenders_with_five_seeds() -> None:
    assert not list(experiment.missing(Results(DOCS / "benchmarks" / "paper", Budget()), problems(), 5))


def test_every_picture_and_folder_named_exists() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if not target.startswith("http")]
    assert len(targets) > len(problems())
    assert [target for target in targets if not (DOCS / "benchmarks" / target).exists()] == []
