"""Tests of `export`: packages are exact, safe and deterministic, or nothing is published."""

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnx.reference
import pytest

from enn_models.card import UnrollingChoice
from enn_models.network import Network
from enn_models.package import OUTPUTS, max_operations, open_package, verify_golden_vector
from enn_models.repository import read_model
from enn_training.errors import ExportError
from enn_training.publishing.export import build_package, export
from enn_training.publishing.onnx import accuracy, selection
from enn_training.publishing.onnx.accuracy import TOLERANCE
from enn_training.publishing.onnx.layout import FEW_BUMPS, FEW_INPUT, FEW_OUTPUT, build_graph
from enn_training.publishing.onnx.runtime import RuntimeSession, extract_part
from enn_training.publishing.onnx.unrollings import Folded, Spectral
from support.learned import KINDS, learned, network, scale_first_layer

LAYERS = ("layer1", "layer2")
SHAPES = [((2, 6, 1), 6), ((5, 8, 3), 2), ((3, 5, 4, 2), 12)]
DEEP = [((4, 16, 16, 1), 12), ((4, 16, 16, 1), 24), ((2, 6, 6, 1), 64), ((2, 8, 8, 8, 1), 32)]


@pytest.mark.parametrize(("widths", "harmonics"), SHAPES)
@pytest.mark.parametrize(("head", "task"), KINDS)
def test_package_verifies_and_equals_the_network_on_every_path(widths, harmonics, head, task):
    net = network(widths, harmonics, head, task)
    opened = open_package(build_package(learned(net)))
    model = opened.model
    verify_golden_vector(opened, lambda rows, outputs: RuntimeSession(model, outputs).run(rows))
    rows = np.random.default_rng(1).uniform(-1, 1, size=(40, net.inputs)).astype(np.float32)
    wanted = net.respond(rows)
    output, bumps, pre_activation = RuntimeSession(model, OUTPUTS).run(rows)
    few = RuntimeSession(model, [FEW_OUTPUT, FEW_BUMPS], FEW_INPUT).run(rows)
    pairs = ((output, wanted.output), (few[0], wanted.output), (bumps, wanted.bumps), (few[1], wanted.bumps))
    for found, exact in pairs:
        assert np.abs(found - exact).max() <= TOLERANCE * max(1.0, np.abs(exact).max())
    sums = bumps.sum(axis=2) + net.layers[-1].bias
    assert np.abs(sums - pre_activation).max() <= 1e-5 * max(1.0, np.abs(pre_activation).max())


@pytest.mark.parametrize(("widths", "harmonics"), DEEP)
@pytest.mark.parametrize("head", ["linear", "dct"])
def test_every_layout_stays_within_the_package_limits(widths, harmonics, head):
    net = network(widths, harmonics, head)
    assert open_package(build_package(learned(net))).cost.operations <= max_operations(net)


def test_too_large_layouts_are_excluded_without_building_them():
    net = network((64, 64, 64, 1), 128)
    tracemalloc.start()
    layouts = selection.candidate_layouts(net)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [layout.name for layout in layouts] == ["clenshaw"]
    assert peak < 2**26  # a tenth of the second layer's map with the first one's read-out folded in


def test_reference_response_is_computed_once_for_all_layouts(monkeypatch):
    row_counts = []
    respond = Network.respond
    monkeypatch.setattr(Network, "respond", lambda self, rows: row_counts.append(len(rows)) or respond(self, rows))
    build_package(learned(network((2, 6, 1), 6)))
    assert len([rows for rows in row_counts if rows > accuracy.SAMPLE_ROWS]) == 1


def test_export_publishes_a_complete_file_as_next_version(tmp_path):
    model = learned(network((2, 6, 1), 6))
    assert [export(model, tmp_path, "line").name for _ in range(2)] == ["1", "2"]
    assert read_model(tmp_path, "line", "2") == build_package(model)


def test_equal_models_give_equal_bytes_in_another_process_too():
    program = (
        f"import sys, hashlib; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[3])!r}]\n"
        "from test_export import build_package, learned, network\n"
        "print(hashlib.sha256(build_package(learned(network((3, 5, 4, 2), 12, 'dct')))).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


@pytest.mark.parametrize("name", ["spectral", "ladder", "horner", "folded", "blocked"])
@pytest.mark.parametrize(("head", "task"), KINDS)
def test_onnxs_reference_evaluator_gives_the_same_numbers(head, task, name):
    net = network((2, 16, 1), 6, head, task)
    opened = open_package(build_package(learned(net), unrolling=name, harmonics=True))
    rows = np.random.default_rng(1).uniform(-1, 1, size=(9, 2)).astype(np.float32)
    response = net.respond(rows)
    wanted = [*(getattr(response, output) for output in OUTPUTS), net.harmonics(rows)]
    evaluator = onnx.reference.ReferenceEvaluator(opened.model)
    for found, exact in zip(evaluator.run(list(opened.outputs), {"input": rows}), wanted, strict=True):
        assert np.abs(np.asarray(found) - exact).max() <= TOLERANCE * np.abs(response.bumps).max()


def test_the_graph_states_an_old_opset_and_readable_names():
    model = onnx.load_model_from_string(build_package(learned(network((2, 6, 1), 6))))
    assert (model.ir_version, model.opset_import[0].version, model.producer_name) == (7, 14, "enn")
    names = [node.name for node in model.graph.node]
    assert all(names)
    assert len(set(names)) == len(names)
    assert "layer1/sine" in names
    assert model.graph.doc_string


@pytest.mark.parametrize("head", ["linear", "dct"])
def test_complete_file_computes_one_row_of_the_few_rows_path(head):
    net = network((2, 6, 1), 6, head)
    opened = open_package(build_package(learned(net)))
    few = opened.card.unrolling.few
    assert few is not None
    assert few.rows > 1
    rows = np.random.default_rng(1).uniform(-1, 1, size=(500, 2)).astype(np.float32)
    wanted = net.respond(rows).output
    for count in (1, few.rows, 500):
        first, found = RuntimeSession(opened.model, [few.input, few.output]).run(rows[:count])
        assert np.array_equal(first, rows[:1])
        assert np.abs(found - wanted[:1]).max() <= TOLERANCE * np.abs(wanted).max()
        found = RuntimeSession(opened.model, ["output"], whole=True).run(rows[:count])[0]
        assert np.abs(found - wanted[:count]).max() <= TOLERANCE * np.abs(wanted).max()
        found = RuntimeSession(opened.model, [few.output], few.input).run(rows[:count])[0]
        assert np.abs(found - wanted[:count]).max() <= TOLERANCE * np.abs(wanted).max()


def test_large_read_out_is_not_used_for_explanations():
    for neurons, bumps in ((8, FEW_BUMPS), (256, None)):
        few = open_package(build_package(learned(network((2, neurons, 1), 6)))).card.unrolling.few
        assert few is not None
        assert few.bumps == bumps


@pytest.mark.parametrize("field", ["weight", "bias", "coefficients"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nonfinite_parameters_are_refused_and_nothing_is_published(tmp_path, field, value):
    net = network((2, 6, 1), 6)
    broken = getattr(net.layers[0], field).copy()
    broken.flat[0] = value
    net = replace(net, layers=(replace(net.layers[0], **{field: broken}), net.layers[1]))
    with pytest.raises(ExportError, match=f"layer 1: {field}"):
        export(learned(net), tmp_path, "broken")
    assert not list(tmp_path.iterdir())


def test_network_beyond_float64_precision_is_refused_and_not_published(tmp_path):
    with pytest.raises(ExportError, match="differs from the float64 network"):
        export(learned(network((2, 6, 1), 6, "dct", gain=1e7)), tmp_path, "fast")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("gain", [3e3, 1e4])
def test_steep_first_layer_is_computed_exactly_in_float64(gain):
    net = scale_first_layer(network((2, 6, 1), 6), gain)
    opened = open_package(build_package(learned(net)))
    assert opened.card.unrolling.precision == "float64"
    rows = np.random.default_rng(1).uniform(-0.9, 0.9, size=(200, 2)).astype(np.float32)
    wanted = net.respond(rows).output
    assert np.abs(net.hidden_pre_activations(rows)[0]).max() > gain
    assert (
        np.abs(RuntimeSession(opened.model, ["output"]).run(rows)[0] - wanted).max() < TOLERANCE * np.abs(wanted).max()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unrolling": "taylor"}, "expected one of direct"),
        ({"optimize": 0}, "number of rows"),
        ({"optimize": "speed"}, "number of rows"),
        ({"optimize": 2.0}, "number of rows"),
        ({"optimize": True}, "number of rows"),
        ({"optimize": 1, "unrolling": "direct"}, "one of the two"),
    ],
)
def test_invalid_export_options_are_refused(options, message):
    with pytest.raises(ExportError, match=message):
        build_package(learned(network((2, 6, 1), 6)), **options)


@pytest.mark.parametrize(("optimize", "rows"), [("latency", 1), ("throughput", 1024)])
def test_latency_is_one_row_and_throughput_many(monkeypatch, optimize, rows):
    monkeypatch.setattr("enn_training.publishing.onnx.selection.MEASUREMENT_SECONDS", 0.0005)
    measured = open_package(build_package(learned(network((2, 6, 1), 6)), optimize=optimize)).card.unrolling.measured
    assert measured is not None
    assert measured.rows == rows


@pytest.mark.parametrize("name", ["direct", "clenshaw", "spectral", "ladder", "horner-1", "folded-2"])
def test_an_unrolling_can_be_named(name):
    opened = open_package(build_package(learned(network((2, 6, 1), 6, "dct")), unrolling=name))
    assert opened.card.unrolling == UnrollingChoice(output=name)


@pytest.mark.parametrize(("gain", "precision"), [(1.0, "float32"), (100.0, "float64")])
def test_card_names_the_separate_unrolling_of_the_output_layer(gain, precision):
    opened = open_package(build_package(learned(scale_first_layer(network((4, 40, 1), 6, "dct"), gain))))
    record = opened.card.unrolling
    assert (record.output, record.precision) == ("folded, output ladder", precision)
    operators = {name: [n.op_type for n in opened.model.graph.node if n.name.startswith(f"{name}/")] for name in LAYERS}
    assert [("Sin" in operators[name], "Concat" in operators[name]) for name in LAYERS] == [
        (False, False),
        (True, True),
    ]
    assert record.few is not None
    assert record.few.unrolling == "spectral"


@pytest.mark.parametrize("head", ["linear", "dct"])
def test_timing_selects_the_fastest_unrolling_and_records_times(monkeypatch, head):
    monkeypatch.setattr("enn_training.publishing.onnx.selection.MEASUREMENT_SECONDS", 0.0005)
    record = open_package(build_package(learned(network((2, 6, 1), 6, head)), optimize=3)).card.unrolling
    assert record.measured is not None
    assert record.measured.rows == 3
    times = record.measured.microseconds
    assert times[record.output] == min(times.values())
    assert any("output" in name for name in times) == (head == "dct")


@pytest.mark.parametrize("float64", [False, True])
@pytest.mark.parametrize("few_double", [False, True])
def test_each_route_computes_in_its_own_precision(float64, few_double):
    net = network((3, 5, 4, 2), 6, "dct")
    few = selection.layout_for(net, Spectral(), float64=few_double)
    layout = replace(selection.layout_for(net, Folded(), float64=float64), few=few, few_rows=40)
    model = build_graph(net, layout, harmonics=True)
    rows = np.random.default_rng(1).uniform(-1, 1, size=(40, 3)).astype(np.float32)
    for output, source, precise in (("output", "input", float64), (FEW_OUTPUT, FEW_INPUT, few_double)):
        assert ("Cast" in {node.op_type for node in extract_part(model, [output], source).graph.node}) == precise
        wanted = net.respond(rows).output
        assert (
            np.abs(RuntimeSession(model, [output], source).run(rows)[0] - wanted).max()
            < TOLERANCE * np.abs(wanted).max()
        )
