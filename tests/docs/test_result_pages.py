"""The benchmark pages of pictures, the paper, pruning and tables show their stored results, and show all of them."""

import re
from pathlib import Path

import pytest

from enn_training.data.problems import problem, problem_names, problems
from enn_training.experiments.images import document as image_page
from enn_training.experiments.images import results as image_results
from enn_training.experiments.learners import document as learners_page
from enn_training.experiments.learners import experiment as learners
from enn_training.experiments.paper import document as paper_page
from enn_training.experiments.paper import experiment as paper
from enn_training.experiments.paper.results import Budget, Results
from enn_training.experiments.pruning import document as pruning_page
from enn_training.experiments.pruning import experiment as pruning
from enn_training.experiments.tables import document as table_page
from enn_training.experiments.tables.results import DEFAULT, Plan
from enn_training.experiments.tables.results import Results as TableResults

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"


def test_image_page_equals_its_results():
    assert image_page.render(image_results.read_results(DOCS / "image")) == (DOCS / "image.md").read_text()


def test_learners_page_equals_its_results():
    results = Results(DOCS / "learners", Budget())
    found = {one.name: results.read(one.name) for one in problems() if results.read(one.name)}
    assert learners_page.render(found, Budget()) == (DOCS / "learners.md").read_text()
    assert not list(learners.missing_runs(results, tuple(problem(name) for name in found), 5, 2))


def test_paper_page_equals_its_results():
    found = paper.complete_results(Results(DOCS / "paper", Budget()), problems())
    assert paper_page.render(found, Budget()) == (DOCS / "paper.md").read_text()


def test_paper_has_results_of_all_contenders_with_five_seeds():
    assert not list(paper.missing_runs(Results(DOCS / "paper", Budget()), problems(), 5))


def test_pruning_page_equals_its_results():
    results = Results(DOCS / "pruning", Budget())
    found = {name: results.read(name) for name in problem_names()}
    assert pruning_page.render(found, Budget()) == (DOCS / "pruning.md").read_text()


def test_pruning_has_results_of_every_level_with_three_seeds():
    assert pruning.missing_runs(Results(DOCS / "pruning", Budget()), problems(), 3) == []


def test_table_page_equals_its_results():
    assert table_page.render(TableResults(DOCS / "tables", Plan())) == (DOCS / "tables.md").read_text()


def test_at_least_ten_tables_are_measured_with_default_settings():
    assert len(table_page.outcomes(TableResults(DOCS / "tables", Plan()), DEFAULT)) >= 10


@pytest.mark.parametrize(("page", "least"), [("image", 1), ("learners", 2), ("paper", len(problems()) + 1)])
def test_pictures_and_folders_of_page_exist(page: str, least: int):
    links = re.findall(r"\]\(([^)]+)\)", (DOCS / f"{page}.md").read_text())
    targets = [target for target in links if not target.startswith("http")]
    assert len(targets) >= least
    assert [target for target in targets if not (DOCS / target).exists()] == []
