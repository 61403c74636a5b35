"""The benchmark's document says what its results say."""

from pathlib import Path

from enn_training.experiments.tables import document
from enn_training.experiments.tables.results import DEFAULT, Plan, Results

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"


def test_the_document_is_byte_for_byte_what_the_results_give():
    assert document.text(Results(DOCS / "tables", Plan())) == (DOCS / "tables.md").read_text()


def test_at_least_ten_tables_are_measured_with_default_settings():
    assert len(document.outcomes(Results(DOCS / "tables", Plan()), DEFAULT)) >= 10
