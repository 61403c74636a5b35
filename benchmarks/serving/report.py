"""Report in Markdown: a table of ratios with targets, versions, and the peers that could not be measured."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.serving.environments import MissingPeerError
from benchmarks.serving.load import FailedAnswersError, Load
from benchmarks.serving.rounds import Comparison, Plan
from enn_service.client import ClientError

HEAD = (
    "| request | compared with | ratio (lowest-highest) | target | this: thousand/s, p50 / p99 ms | other: same |\n"
    "|---|---|---|---|---|---|"
)

METHOD = """Each figure is the median of {rounds} rounds of {seconds} s, in which this service and the other are
measured alternately. Ratios are taken within a round, and are ratios of throughputs unless the line names another
quantity. Every server runs in one process with its network on one thread, except Triton, LitServe and BentoML, which
need separate processes for the model."""


@dataclass(frozen=True)
class Bound:
    """Target of a ratio: a minimum, or a maximum if lower is better."""

    value: float
    at_most: bool = False

    def verdict(self, ratio: float) -> str:
        """Return the target as text, with whether a ratio meets it."""
        met = ratio <= self.value if self.at_most else ratio >= self.value
        return f"{'<=' if self.at_most else '>='} {self.value:g}: {'met' if met else '**not met**'}"


@dataclass(frozen=True)
class Line:
    """Line of the table; `why` is the reason for a missing comparison or verdict."""

    request: str
    other: str
    comparison: Comparison | None
    bound: Bound | None = None
    why: str = ""

    def markdown(self) -> str:
        """Return the line in Markdown."""
        if self.comparison is None:
            return f"| {self.request} | {self.other} | - | {self.why} | | |"
        comparison = self.comparison
        ratio = f"{comparison.ratio:.2f} ({comparison.lowest:.2f}-{comparison.highest:.2f})"
        verdict = self.bound.verdict(comparison.ratio) if self.bound and not self.why else self.why
        loads = f"{_format_load(comparison.this)} | {_format_load(comparison.other)}"
        return f"| {self.request} | {self.other} | {ratio} | {verdict} | {loads} |"


@dataclass(frozen=True)
class Pair:
    """Line of the table before it is measured.

    Args:
        request: First cell of the line: the request, and the condition under which this service answers it.
        other: Second cell: the other side of the comparison.
        bound: Target of the ratio.
        compare: Function that measures both sides, given the address of the service and the plan.
        why: Reason for a missing verdict; empty if the target is judged.
    """

    request: str
    other: str
    bound: Bound
    compare: Callable[[str, Plan], Comparison]
    why: str = ""

    def line(self, url: str, plan: Plan) -> Line:
        """Measure both sides and return the line; if a side fails, the line has the reason and no ratio."""
        try:
            return Line(self.request, self.other, self.compare(url, plan), self.bound, self.why)
        except (FailedAnswersError, ClientError, MissingPeerError) as error:
            return Line(self.request, self.other, None, why=str(error))


@dataclass
class Report:
    """Results measured so far."""

    lines: list[Line] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def markdown(self, command: str, plan: Plan) -> str:
        """Return the page in Markdown."""
        cores = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
        parts = [
            "# Serving compared",
            f"Measured by `{command}`: one model file, one machine ({cores}), one load generator (wrk, one thread).",
            METHOD.format(rounds=plan.rounds, seconds=plan.seconds),
            "\n".join([HEAD, *(line.markdown() for line in self.lines)]),
            "## Versions",
            "\n".join(f"- {text}" for text in self.versions),
        ]
        if self.missing:
            parts += ["## Missing", "\n".join(f"- {text}" for text in self.missing)]
        return "\n\n".join(parts) + "\n"


def _format_load(load: Load) -> str:
    """Return thousands of responses per second, and median and 99th percentile of latency in milliseconds."""
    return f"{load.rate / 1000:.3g}, {load.p50:.3g} / {load.p99:.3g}"
