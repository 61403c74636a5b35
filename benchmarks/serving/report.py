"""The report: one table of ratios with the targets, the versions, and what is missing, in Markdown."""

import os
import platform
from dataclasses import dataclass, field

from benchmarks.serving.load import Load
from benchmarks.serving.rounds import Comparison, Plan

HEAD = (
    "| request | beside | ratio (lowest-highest) | target | this: thousand/s, p50 / p99 ms | other: the same |\n"
    "|---|---|---|---|---|---|"
)

HOW = """Each figure is the median of {rounds} rounds of {seconds} s, this service and the other in turn; a ratio is
taken within a round. Where nothing else is said, it is a ratio of throughputs. Every server runs in one process with
its network on one thread, unless it cannot: Triton, LitServe and BentoML have processes of their own for the model."""


@dataclass(frozen=True)
class Bound:
    """What a ratio must reach, or, where less is better, must not exceed."""

    value: float
    at_most: bool = False

    def verdict(self, ratio: float) -> str:
        """Say the bound, and whether a ratio keeps it."""
        kept = ratio <= self.value if self.at_most else ratio >= self.value
        return f"{'<=' if self.at_most else '>='} {self.value:g}: {'met' if kept else '**not met**'}"


@dataclass(frozen=True)
class Line:
    """A line of the table; without a comparison the text says why there is none."""

    request: str
    other: str
    comparison: Comparison | None
    bound: Bound | None = None
    why: str = ""

    def markdown(self) -> str:
        """Return the line."""
        if self.comparison is None:
            return f"| {self.request} | {self.other} | - | {self.why} | | |"
        found = self.comparison
        ratio = f"{found.ratio:.2f} ({found.lowest:.2f}-{found.highest:.2f})"
        verdict = self.bound.verdict(found.ratio) if self.bound and not self.why else self.why
        return f"| {self.request} | {self.other} | {ratio} | {verdict} | {_shown(found.this)} | {_shown(found.other)} |"


@dataclass
class Report:
    """What was measured so far."""

    lines: list[Line] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def markdown(self, command: str, plan: Plan) -> str:
        """Return the page."""
        cores = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
        parts = [
            "# Serving, side by side",
            f"`{command}` measured this: one model file, one machine ({cores}), one load generator (wrk, one thread).",
            HOW.format(rounds=plan.rounds, seconds=plan.seconds),
            "\n".join([HEAD, *(line.markdown() for line in self.lines)]),
            "## Versions",
            "\n".join(f"- {text}" for text in self.versions),
        ]
        if self.missing:
            parts += ["## Missing", "\n".join(f"- {text}" for text in self.missing)]
        return "\n\n".join(parts) + "\n"


def _shown(load: Load) -> str:
    return f"{load.rate / 1000:.3g}, {load.p50:.3g} / {load.p99:.3g}"
