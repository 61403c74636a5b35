"""Benchmark guaranteed stability: certified radii in units of the radius at which an attack succeeds.

`python -m benchmarks.stability --out docs/benchmarks/stability.md` prints the table and writes the page.
"""

import argparse
import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.serving.servers import MODELS
from enn_models import repository
from enn_models.card import to_array
from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.activation_ranges import ActivationRanges
from enn_models.explanations.guarantees.bounds import Bounds, interval_bounds
from enn_models.explanations.guarantees.branch_and_bound import complete, minimise
from enn_models.explanations.guarantees.descent import descend
from enn_models.explanations.guarantees.margins import Margin, class_margin, value_margin
from enn_models.explanations.guarantees.regions import Regions, Space
from enn_models.package import Package, open_package
from enn_service.inference.guarantees.cost import default_boxes
from enn_service.runtime.model import load_model

Method = Callable[[Margin, Regions], float]
"""Function from a margin and a region to a lower bound."""
BISECTIONS = 12
LARGEST = 0.5
"""Largest tolerance that is tried, as a share of the training ranges."""
BAND = 0.1
METHOD = """The tolerance is a share of the training ranges. The radius of an attack is the smallest tolerance at which
gradient descent from several starts finds a row that violates the property. The certified radius is the largest
tolerance at which a method proves the property for every row within it. The ratio of both is at most 1; a larger one
would be a wrong proof. Medians are of {rows} training rows of each model; milliseconds are medians of one
bound, on one thread. `certified / attack` counts rows whose attack succeeds within {largest:.0%}."""
METHODS = """- *Interval arithmetic*: each cosine has its own range.
- *Exact ranges*: interval arithmetic with the exact range of each activation.
- *One region*: the bounds of this project for the whole region, for the graph in float32.
- *Branch and bound*: the same with the default number of boxes, which a request gets.

auto_LiRPA is not in the table: its newest package, 0.3, needs torch 1, and cannot be imported beside torch 2."""


@dataclass(frozen=True)
class Case:
    """Property of a model that is to be proved.

    Attributes:
        name: Name of the model and of the property.
        package: Model.
        margin: Function of a row and of the bounds that returns the margins, all positive where the property holds.
        boxes: Default number of boxes.
    """

    name: str
    package: Package
    margin: Callable[[Floats, Bounds], list[Margin]]
    boxes: int


def cases() -> list[Case]:
    """Return the label of tumours, and the sign and a band of the product."""

    def opened(name: str) -> tuple[Package, int]:
        package = open_package(repository.read_model(MODELS, name, "1", None))
        return package, default_boxes(load_model(MODELS, name, "1"))

    (tumours, boxes), (product, product_boxes) = opened("breast-cancer"), opened("product")

    def label(row: Floats, bounds: Bounds) -> list[Margin]:
        return [class_margin(tumours.network, bounds, int(tumours.network.respond(row[None]).pre_activation[0, 0] > 0))]

    def sign(row: Floats, bounds: Bounds) -> list[Margin]:
        value = float(product.network.respond(row[None]).output[0, 0])
        return [value_margin(product.network, bounds, 0, 0.0, float(np.sign(value)))]

    def band(row: Floats, bounds: Bounds) -> list[Margin]:
        value = float(product.network.respond(row[None]).output[0, 0])
        return [value_margin(product.network, bounds, 0, value - end * BAND, end) for end in (1.0, -1.0)]

    return [
        Case("breast-cancer: the label holds", tumours, label, boxes),
        Case("product: the sign holds", product, sign, product_boxes),
        Case(f"product: the value stays within {BAND}", product, band, product_boxes),
    ]


def by_intervals(margin: Margin, region: Regions) -> float:
    """Return the lower bound of a margin by plain interval arithmetic."""
    low, high = interval_bounds(margin.network, region.low, region.high)
    return _through_head(margin, low, high)


def by_ranges(margin: Margin, region: Regions) -> float:
    """Return the lower bound of a margin by interval arithmetic with exact ranges of activations."""
    first, last = margin.network.layers
    weight = first.weight.astype(np.float64)
    z = first.pre_activation(region.points() - margin.network.input_offset)
    reach = region.support(weight)
    assert first.coefficients is not None
    low, high = ActivationRanges(first.coefficients).values(z - reach, z + reach)
    rising, falling = np.maximum(last.weight, 0.0).T, np.minimum(last.weight, 0.0).T
    return _through_head(margin, low @ rising + high @ falling + last.bias, high @ rising + low @ falling + last.bias)


def _through_head(margin: Margin, low: Floats, high: Floats) -> float:
    if margin.bounds.head is not None:
        low, high = (part + margin.network.output_offset for part in margin.bounds.head.values(low, high))
    return float((np.where(margin.weights > 0, low, high) * margin.weights + margin.constants).min())


def by_region(margin: Margin, region: Regions) -> float:
    """Return the lower bound of a margin over the whole region."""
    return float(margin.lower(region)[0])


def radius(holds: Callable[[float], bool]) -> float:
    """Return the largest tolerance at which a property holds, by bisection."""
    low, high = 0.0, LARGEST
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def measure(case: Case, rows: int) -> Iterator[str]:
    """Measure all methods on a case and yield the lines of its table."""
    card = case.package.card
    scales = np.array([feature.maximum - feature.minimum for feature in card.features])
    methods: dict[str, Method] = {
        "interval arithmetic": by_intervals,
        "exact ranges": by_ranges,
        "one region": by_region,
        "branch and bound": lambda margin, region: (
            complete(minimise(margin, region, case.boxes, until_sign=True)).lower
        ),
    }
    ratios: dict[str, list[float]] = {name: [] for name in methods}
    times: dict[str, list[float]] = {name: [] for name in methods}
    for row in tqdm(to_array(card.background or ())[:rows], desc=case.name, disable=None):
        bounds = Bounds(replace(case.package.network, encoding=None), np.abs(row) + LARGEST * scales)
        margins = case.margin(row, bounds)

        def region(tolerance: float, row: Floats = row) -> Regions:
            ends = (row - tolerance * scales)[None], (row + tolerance * scales)[None]
            return Regions(Space(row, scales), *ends)

        def resists(tolerance: float, margins: list[Margin] = margins) -> bool:
            return all(descend(margin, region(tolerance))[0] > 0 for margin in margins)

        attacked = radius(resists)
        certified: dict[str, float] = {}
        for name, bound in methods.items():

            def proves(
                tolerance: float, name: str = name, bound: Method = bound, margins: list[Margin] = margins
            ) -> bool:
                before = time.perf_counter()
                proved = all(bound(margin, region(tolerance)) > 0 for margin in margins)
                times[name].append(1e3 * (time.perf_counter() - before))
                return proved

            certified[name] = radius(proves)
        if attacked < LARGEST * (1 - 2.0 ** (1 - BISECTIONS)):
            for name, found in certified.items():
                ratios[name].append(found / attacked)
    for name, found in ratios.items():
        low, middle, high = np.quantile(found, [0.1, 0.5, 0.9])
        spread = f"{middle:.3f} | {low:.3f} | {high:.3f} | {max(found):.3f}"
        yield f"| {case.name} | {name} | {spread} | {statistics.median(times[name]):.1f} |"


def page(command: str, rows: int) -> str:
    """Run all measurements and return the page in Markdown."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [line for case in cases() for line in measure(case, rows)]
    head = (
        "| property | method | certified / attack, median | 10 % | 90 % | largest | ms |\n|---|---|---|---|---|---|---|"
    )
    parts = [
        "# Stability compared",
        f"Measured by `{command}` ({machine}).",
        " ".join(METHOD.format(rows=rows, largest=LARGEST).split("\n")),
        METHODS,
        "\n".join([head, *lines]),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stability", description=__doc__)
    parser.add_argument("--rows", type=int, default=40, help="number of rows of each model")
    parser.add_argument("--out", type=Path, help="file to write the page to; default: only print it")
    options = parser.parse_args()
    text = page(shlex.join(["python", "-m", "benchmarks.stability", *sys.argv[1:]]), options.rows)
    print(text)
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
