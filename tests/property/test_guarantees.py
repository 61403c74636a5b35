"""Properties of guarantees: no row of a region violates a bound, in float32 and by any unrolling."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enn_models.card.features import Numeric, column_encoding
from enn_models.explanations.guarantees.bounds import Bounds, interval_bounds
from enn_models.explanations.guarantees.branch_and_bound import complete, minimise
from enn_models.explanations.guarantees.descent import descend
from enn_models.explanations.guarantees.margins import Margin, class_margin, pre_activation_margin, value_margin
from enn_models.explanations.guarantees.regions import Regions, Space
from enn_models.explanations.guarantees.stability import column_errors, stability_steps
from enn_models.network import Head, Network
from enn_training.publishing.onnx.layout import Layout, build_graph
from enn_training.publishing.onnx.unrollings import Clenshaw, Direct, Folded, Horner, Ladder, Spectral
from support.examples import network
from support.tiny import graph

SIZES = [(3, 5, 1), (2, 4, 3), (3, 4, 3, 1), (2, 3, 3, 3, 2)]
UNROLLINGS = [Direct(), Spectral(), Clenshaw(), Horner(0), Horner(2), Folded(1), Ladder(1)]
SHARE = 0.5
"""Share of the bound of the error in float32 that no measured error exceeds."""
ROWS = 100


def boxed(net: Network, seed: int, width: float, budget: float | None = None) -> Regions:
    """Return a region around a random row."""
    random = np.random.default_rng(seed)
    row, scales = random.normal(size=net.inputs), random.uniform(0.5, 2, net.inputs)
    space = Space(row, scales)
    limit = None if budget is None else np.array([budget])
    return Regions(space, (row - width * scales)[None], (row + width * scales)[None], limit)


def margins(net: Network, bounds: Bounds) -> list[Margin]:
    """Return margins of every kind for a network."""
    found = [pre_activation_margin(net, bounds, net.units - 1, sign) for sign in (1.0, -1.0)]
    if net.task == "regression":
        return [*found, value_margin(net, bounds, 0, 0.3, -1.0)]
    label = class_margin(net, bounds, 1)
    return [*found, label, label.negated()]


def rows_of(region: Regions, margin: Margin) -> np.ndarray:
    """Return random rows of a region, its corners, and one with a small margin."""
    random = np.random.default_rng(0)
    corners = region.corners(random.normal(size=(ROWS, region.low.shape[1])))
    inner = region.points() + random.uniform(size=(ROWS, 1)) * (corners - region.points())
    return np.concatenate([corners, inner, descend(margin, region)[1][None]])


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.sampled_from(SIZES),
    head=st.sampled_from(["dct", "linear"]),
    seed=st.integers(0, 999),
    width=st.sampled_from([1e-4, 0.02, 0.3, 2.0]),
    budget=st.sampled_from([None, 0.1, 1.0]),
)
def test_no_row_of_a_region_violates_its_bound(
    sizes: tuple[int, ...], head: Head, seed: int, width: float, budget: float | None
) -> None:
    task = "classification" if seed % 3 else "regression"
    net = network(sizes, head=head, task=task, seed=seed, harmonics=1 + seed % 4, spread=0.7)
    region = boxed(net, seed, width, budget)
    bounds = Bounds(net, np.maximum(np.abs(region.low[0]), np.abs(region.high[0])))
    session = onnxruntime.InferenceSession(graph(net).SerializeToString(), providers=["CPUExecutionProvider"])
    for margin in margins(net, bounds):
        lower = margin.lower(region)[0]
        rows = rows_of(region, margin)
        assert margin.values(rows).min() >= lower
        if margin.after_head:
            continue
        # The graph in float32 takes rows in float32, which may lie a rounding outside: the region contains them.
        rounded = np.clip(rows, region.low[0], region.high[0]).astype(np.float32)
        inside = (rounded >= region.low[0]) & (rounded <= region.high[0])
        rounded = np.where(inside, rounded, region.points()[0].astype(np.float32))
        kept = rounded[((rounded >= region.low[0]) & (rounded <= region.high[0])).all(axis=1)]
        if budget is not None:
            kept = kept[region.distances(kept.astype(np.float64)) <= budget]
        pre_activation = np.asarray(session.run(["pre_activation"], {"input": kept})[0])
        found = pre_activation.astype(np.float64) @ margin.weights.T + margin.constants
        assert found.min(initial=np.inf) >= lower


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 999), head=st.sampled_from(["dct", "linear"]), units=st.sampled_from([1, 3]))
def test_branch_and_bound_closes_its_gap_soundly(seed: int, head: Head, units: int) -> None:
    net = network((2, 4, units), head=head, seed=seed, harmonics=2, spread=0.6)
    region = boxed(net, seed, 0.2)
    bounds = Bounds(net, np.maximum(np.abs(region.low[0]), np.abs(region.high[0])))
    margin = class_margin(net, bounds, 1)
    few, many = (complete(minimise(margin, region, boxes)) for boxes in (4, 600))
    axis = np.linspace(0, 1, 60)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    least = margin.values(region.low + grid * (region.high - region.low)).min()
    assert few.lower <= many.lower <= min(many.value, least)
    assert many.value <= least + 0.1 * (few.value - few.lower)
    assert many.boxes <= 601
    if units == 1 or head == "linear":  # scores of several classes are bounded one by one, so their gap closes slowly
        assert least - many.lower <= 0.3 * (least - few.lower) + 4 * float(bounds.error.units.max())


def test_bounds_are_at_least_as_tight_as_interval_arithmetic() -> None:
    net = network((3, 6, 1), head="linear", harmonics=4)
    for width in (1e-3, 0.05, 0.5):
        region = boxed(net, 5, width)
        bounds = Bounds(net, np.maximum(np.abs(region.low[0]), np.abs(region.high[0])))
        low, high = interval_bounds(net, region.low, region.high)
        lower, upper = bounds.lower(region, np.eye(1)), -bounds.lower(region, -np.eye(1))
        allowed = 2 * bounds.error.units + 0.02 * (high - low)  # tables of ranges and the error in float32
        assert (lower >= low - allowed).all()
        assert (upper <= high + allowed).all()


def test_bounds_hold_for_columns_with_a_monotone_map() -> None:
    knots = (0.0, 0.015625, 0.125, 1.0, 10.0, 1000.0)
    features = [
        Numeric(name="income", minimum=0, maximum=1000, mean=10, knots=knots, missing=True),
        Numeric(name="age", minimum=-1, maximum=1, mean=0),
    ]
    random, net = np.random.default_rng(0), network((3, 5, 1), head="linear", harmonics=3)
    net = replace(net, input_offset=np.zeros(3, np.float32), encoding=column_encoding(features))
    session = onnxruntime.InferenceSession(
        build_graph(net, Layout(Direct())).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for row, change in (([0.05, 0.2], [0.04, 0.0]), ([200.0, 0.2], [150.0, 0.1]), ([np.nan, 0.2], [0.0, 0.3])):
        low, high = net.encode(np.array([row, row]) + np.array([[-1.0], [1.0]]) * change)
        region = Regions(Space(net.encode([row])[0], np.ones(3)), low[None], high[None])
        plain = replace(net, encoding=None)
        bounds = Bounds(plain, np.maximum(np.abs(low), np.abs(high)), column_errors(net))
        found = complete(stability_steps(bounds, plain, region, unit=0, label=1, boxes=500))
        rows = (row + np.array(change) * random.uniform(-1, 1, size=(2000, 2))).astype(np.float32)
        values = np.asarray(session.run(["pre_activation"], {"input": rows})[0])
        assert found.lower <= values.min() <= values.max() <= found.upper
        assert np.ptp(values) >= 0.7 * (found.upper - found.lower)


@pytest.mark.parametrize("unrolling", UNROLLINGS, ids=lambda each: each.name)
@pytest.mark.parametrize("sizes", [(8, 12, 2), (4, 6, 5, 2)])
def test_float32_error_of_unrollings_stays_below_its_bound(unrolling: object, sizes: tuple[int, ...]) -> None:
    for seed in range(2):
        net = network(sizes, head="dct", harmonics=6, seed=seed, spread=0.5)
        net = replace(net, input_offset=np.zeros(sizes[0], np.float32))
        session = onnxruntime.InferenceSession(
            build_graph(net, Layout(unrolling)).SerializeToString(),  # type: ignore[arg-type]
            providers=["CPUExecutionProvider"],
        )
        rows = np.random.default_rng(seed).uniform(-3, 3, size=(ROWS, sizes[0])).astype(np.float32)
        error = Bounds(net, np.full(sizes[0], 3.0)).error
        exact = net.respond(rows)
        found = session.run(["pre_activation", "bumps", "output"], {"input": rows})
        pre_activation, bumps, output = (np.asarray(each, np.float64) for each in found)
        assert (np.abs(pre_activation - exact.pre_activation).max(axis=0) <= SHARE * error.units).all()
        summed = bumps.sum(axis=2) + net.layers[-1].bias
        assert (np.abs(summed - exact.pre_activation).max(axis=0) <= SHARE * error.units).all()
        assert net.layers[-1].coefficients is not None
        slope = np.abs(net.layers[-1].coefficients) @ (np.pi / 2 * (2 * np.arange(1, 7) - 1))
        allowed = SHARE * (error.units * slope + error.responses)
        assert (np.abs(output - exact.output).max(axis=0) <= allowed).all()
