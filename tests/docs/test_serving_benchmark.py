"""The page of the serving benchmark has every line that its command measures, and names each peer that it lacks."""

from pathlib import Path

import pytest

from benchmarks.serving.cases import SHARED
from benchmarks.serving.itself import PAIRS
from benchmarks.serving.peers import PEERS, Peer
from benchmarks.serving.report import Bound
from benchmarks.serving.versions import Sample, comparables, table_line

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "serving.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the benchmark's page is not checked in")


@pytest.fixture(scope="module")
def lines() -> set[tuple[str, str]]:
    """Request and peer of each line of the table with a ratio."""
    cells = [[cell.strip() for cell in line.split("|")] for line in PAGE.read_text().splitlines() if line[:1] == "|"]
    return {(request, other) for _, request, other, ratio, *_ in cells if ratio[:1].isdigit()}


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.name != "ray"], ids=lambda peer: peer.name)
def test_every_peer_is_measured_or_listed_as_missing(peer: Peer, lines: set[tuple[str, str]]) -> None:
    cases = [case for case in SHARED.values() if peer.binary or case.kind != "binary"]
    wanted = {(f"{case.name} ({peer.protocol.upper()})", peer.title) for case in cases}
    assert wanted <= lines or f"- {peer.title}: " in PAGE.read_text().partition("## Missing")[2]


def test_service_is_measured_against_itself(lines: set[tuple[str, str]]) -> None:
    assert lines >= {(pair.request, pair.other) for pair in PAIRS}


def test_versions_are_compared_by_the_median_of_rounds() -> None:
    base = Sample(1000, 20)
    pairs = [(Sample(960, 22), base), (Sample(900, 24), base), (Sample(1100, 18), base)]
    line = "| row | 0.960 (0.900-1.100) | 1.100 (0.900-1.200) | >= 0.97: **not met** | 0.96, 22.0 | 1, 20.0 |"
    assert table_line("row", Bound(0.97), pairs) == line


def test_versions_are_compared_on_every_kind_of_request() -> None:
    names = " ".join(case.name for case in comparables())
    for kind in ("1 row", "128 rows", "1,024 rows", "(V1)", "(V2)", "top", "harmonics", "Shapley", "out of range"):
        assert kind in names
