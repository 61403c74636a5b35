"""Tests of the unrollings: each computes the activation, for any coefficients."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enn_models import cosine_series
from enn_models.network import Layer, Network
from enn_training.publishing.onnx.cost_model import estimate_microseconds
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.layout import Layout, build_graph
from enn_training.publishing.onnx.runtime import RuntimeSession
from enn_training.publishing.onnx.selection import (
    HEAD_COST_MARGIN,
    LARGE_BATCH,
    MEDIUM_BATCH,
    candidate_layouts,
    prediction_graph,
    select_by_rule,
)
from enn_training.publishing.onnx.unrollings import all_unrollings
from enn_training.publishing.onnx.unrollings.folded import add_cosine_of_turns
from enn_training.publishing.onnx.unrollings.polynomial import (
    MAX_AMPLIFICATION,
    fewest_doublings,
    polynomial_weights,
    rounding_amplification,
    variable_scale,
)

TOLERANCE = 5e-6
"""Share of the scale: float32 rounds by 6e-8, polynomials enlarge it up to 16 times, a further layer several times."""


@st.composite
def networks(draw, harmonics=32):
    seed = draw(st.integers(0, 2**32 - 1))
    q = draw(st.integers(1, harmonics))
    widths = draw(st.lists(st.integers(1, 9) | st.just(16), min_size=3, max_size=4))
    head = draw(st.sampled_from(["dct", "linear"]))
    pruned = draw(st.sampled_from([0.0, 0.4, 1.0]))
    generator = np.random.default_rng(seed)
    layers = []
    for index, (inputs, neurons) in enumerate(itertools.pairwise(widths), start=1):
        coefficients = generator.normal(size=(neurons, q)) / np.arange(1, 2 * q, 2) ** 2
        coefficients[generator.uniform(size=coefficients.shape) < pruned] = 0
        arrays = [generator.normal(size=(neurons, inputs)) / inputs, generator.normal(size=neurons), coefficients]
        weight, bias, spectrum = (array.astype(np.float32) for array in arrays)
        layers.append(Layer(weight, bias, None if head == "linear" and index == len(widths) - 1 else spectrum))
    task = draw(st.sampled_from(["regression", "classification"]))
    zeros = [np.zeros(size, np.float32) for size in (widths[0], widths[-1])]
    return Network(task, head, tuple(layers), *zeros), generator.uniform(-1, 1, size=(5, widths[0])).astype(np.float32)


def precise(net, unrolling):
    spectra = [layer.coefficients.astype(np.float64) for layer in net.layers if layer.coefficients is not None]
    doublings = getattr(unrolling, "doublings", None)
    return (
        doublings is None
        or max(rounding_amplification(spectrum, doublings) for spectrum in spectra) <= MAX_AMPLIFICATION
    )


def worst(found, exact):
    return np.abs(found - exact).max() / max(1.0, np.abs(exact).max())


@given(drawn=networks(), name=st.sampled_from(sorted(all_unrollings())))
@settings(max_examples=150)
def test_every_unrolling_equals_the_oracle_where_it_is_precise(drawn, name):
    net, rows = drawn
    unrolling = all_unrollings()[name]
    if not precise(net, unrolling):
        return
    model = build_graph(net, Layout(unrolling))
    output, bumps, pre_activation = RuntimeSession(model, ["output", "bumps", "pre_activation"]).run(rows)
    wanted = net.respond(rows)
    assert worst(output, wanted.output) < TOLERANCE
    assert worst(bumps, wanted.bumps) < TOLERANCE
    assert worst(pre_activation, wanted.pre_activation) < TOLERANCE


@given(
    drawn=networks(),
    names=st.tuples(st.sampled_from(sorted(all_unrollings())), st.sampled_from(sorted(all_unrollings()))),
)
@settings(max_examples=80)
@pytest.mark.parametrize("float64", [False, True])
def test_output_layer_with_separate_unrolling_equals_the_network(drawn, names, float64):
    net, rows = drawn
    many, head = (all_unrollings()[name] for name in names)
    if not precise(net, many) or not precise(net, head):
        return
    found = RuntimeSession(build_graph(net, Layout(many, float64=float64, head=head)), ["output", "bumps"]).run(rows)
    wanted = net.respond(rows)
    assert worst(found[0], wanted.output) < TOLERANCE
    assert worst(found[1], wanted.bumps) < TOLERANCE


@given(drawn=networks(), float64=st.booleans())
@settings(max_examples=40)
def test_dct_heads_at_most_double_the_candidate_layouts(drawn, float64):
    layouts = candidate_layouts(drawn[0], float64=float64)
    alike = [layout for layout in layouts if layout.head is None]
    assert len({layout.name for layout in layouts}) == len(layouts) <= 2 * len(alike)
    assert drawn[0].head == "dct" or layouts == alike


@given(drawn=networks(), float64=st.booleans())
@settings(max_examples=40)
def test_rule_minimizes_cost_for_large_then_medium_batches(drawn, float64):
    net = drawn[0]
    layouts = candidate_layouts(net, float64=float64)
    chosen = select_by_rule(net, layouts)
    many, some = (
        {each: estimate_microseconds(prediction_graph(net, each), rows) for each in layouts}
        for rows in (LARGE_BATCH, MEDIUM_BATCH)
    )
    least, chosen = min(layouts, key=lambda each: many[each]), replace(chosen, few=None, few_rows=0)
    assert chosen.unrolling == least.unrolling
    assert many[chosen] <= (1 + HEAD_COST_MARGIN) * many[least]
    assert all(
        some[chosen] <= some[each]
        for each in layouts
        if each.unrolling == least.unrolling and many[each] == many[least]
    )
    assert net.head == "dct" or chosen == least


@given(drawn=networks())
@settings(max_examples=40)
def test_the_rule_chooses_layouts_that_equal_the_oracle(drawn):
    net, rows = drawn
    model = build_graph(net, select_by_rule(net, candidate_layouts(net)))
    assert worst(RuntimeSession(model, ["output"]).run(rows)[0], net.respond(rows).output) < TOLERANCE


@pytest.mark.parametrize("name", ["direct", "clenshaw", "spectral", "horner", "ladder", "folded", "blocked"])
def test_pruned_harmonics_cost_nothing(name):
    def nodes_and_weights(coefficients):
        layers = (
            Layer(np.ones((3, 2), np.float32), np.zeros(3, np.float32), coefficients),
            Layer(np.ones((1, 3), np.float32), np.zeros(1, np.float32), None),
        )
        net = Network("regression", "linear", layers, np.zeros(2, np.float32), np.zeros(1, np.float32))
        model = build_graph(net, Layout(all_unrollings()[name], all_unrollings()["direct"]))
        return len(model.graph.node) + sum(len(constant.raw_data) for constant in model.graph.initializer)

    full = np.ones((3, 6), np.float32)
    top = full.copy()
    top[:, 4:] = 0
    assert nodes_and_weights(top) < nodes_and_weights(full)


@given(theta=st.floats(-20, 20), harmonics=st.integers(1, 32), doublings=st.integers(0, 4), seed=st.integers(0, 99))
def test_weighted_products_equal_the_series(theta, harmonics, doublings, seed):
    coefficients = np.random.default_rng(seed).normal(size=(2, harmonics)) / np.arange(1, harmonics + 1) ** 2
    weights = polynomial_weights(coefficients, doublings)
    variables = [variable_scale(k) * np.cos(2**k * theta) for k in range(1, doublings + 2)]
    total = np.zeros(2)
    for n in range(weights.shape[1]):
        factors = [variables[k] for k in range(doublings) if n >> k & 1]
        total += weights[:, n] * np.prod(factors) * variables[doublings] ** (n >> doublings)
    exact = cosine_series.activation(np.full(2, theta * 2 / np.pi - 1), coefficients)
    loss = max(1.0, rounding_amplification(coefficients, doublings))
    assert np.abs(np.cos(theta) * total - exact).max() < 1e-13 * loss * harmonics


@pytest.mark.parametrize(("float64", "tolerance"), [(False, 6e-7), (True, 4e-8)])  # ten roundings; one, of the result
def test_the_folded_cosine_is_the_cosine_at_every_angle(float64, tolerance):
    graph = Graph(float64)
    turns = Value(graph.cast_input("input", "turns_float64"), 1, neurons_first=False)
    column = graph.add_affine(turns, Affine(np.ones((1, 1)), np.zeros(1)), "columns", neurons_first=True)
    cosine = add_cosine_of_turns(graph, graph.add_channel_axes(column.name, "turns"), 1, "layer")
    neurons_first = graph.remove_channel_axes(cosine, 1, "cosine_columns")
    graph.add_output(lambda inner: graph.add_node("Transpose", [neurons_first.name], inner, perm=[1, 0]), "output")
    rows = np.linspace(-40, 40, 100_001, dtype=np.float32)[:, None]
    found = RuntimeSession(graph.to_model({"output": [1]}, 1, "a cosine"), ["output"]).run(rows)[0]
    assert np.abs(found - np.cos(2 * np.pi * rows.astype(np.float64))).max() < tolerance


def test_more_doublings_amplify_rounding_less():
    flat = np.ones((1, 12))
    assert rounding_amplification(flat, 0) > 10 * rounding_amplification(flat, 1) > 10 * rounding_amplification(flat, 3)


@pytest.mark.parametrize("harmonics", [1, 2, 3, 9, 12, 33, 64])
def test_doublings_end_where_more_of_them_change_nothing(harmonics):
    top = np.eye(harmonics)[[-1]]
    most = fewest_doublings([top], most=0.0)
    assert np.array_equal(polynomial_weights(top, most), polynomial_weights(top, most + 1))
    assert most == 0 or not np.array_equal(polynomial_weights(top, most - 1), polynomial_weights(top, most))
    assert set(all_unrollings()) >= {f"horner-{doublings}" for doublings in range(1, most + 1)}


def test_more_rows_are_estimated_to_cost_more():
    layers = (
        Layer(np.ones((6, 2), np.float32), np.zeros(6, np.float32), np.ones((6, 6), np.float32)),
        Layer(np.ones((1, 6), np.float32), np.zeros(1, np.float32), None),
    )
    net = Network("regression", "linear", layers, np.zeros(2, np.float32), np.zeros(1, np.float32))
    model = build_graph(net, select_by_rule(net, candidate_layouts(net)))
    assert estimate_microseconds(model, 1) < estimate_microseconds(model, 100) < estimate_microseconds(model, 10_000)
