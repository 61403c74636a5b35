"""Tests of `export` with harmonics: as an output of the graph, and from a few to a thousand per neuron."""

from dataclasses import replace

import numpy as np
import pytest

from enn_models.package import OUTPUTS, open_package
from enn_training.errors import ExportError
from enn_training.publishing.export import build_package
from enn_training.publishing.onnx import accuracy
from enn_training.publishing.onnx.accuracy import TOLERANCE
from enn_training.publishing.onnx.layout import FEW_INPUT, FEW_OUTPUT
from enn_training.publishing.onnx.runtime import RuntimeSession, extract_part
from enn_training.publishing.onnx.unrollings import all_unrollings
from enn_training.publishing.onnx.unrollings.polynomial import MAX_TERMS
from support.learned import KINDS, learned, network, scale_first_layer


@pytest.mark.parametrize(("head", "task"), KINDS)
def test_harmonics_are_an_output_that_predictions_do_not_compute(head, task):
    net = network((3, 5, 4, 2), 12, head, task)
    opened = open_package(build_package(learned(net), harmonics=True))
    assert opened.outputs == (*OUTPUTS, "harmonics")
    rows = np.random.default_rng(1).uniform(-1, 1, size=(40, 3)).astype(np.float32)
    wanted = net.harmonics(rows)
    found = RuntimeSession(opened.model, ["harmonics"]).run(rows)[0]
    assert found.shape == (40, 2, 4, 12)
    assert np.abs(found - wanted).max() <= TOLERANCE * np.abs(wanted).max()
    without = open_package(build_package(learned(net)))
    for source, output in (("input", "output"), (FEW_INPUT, FEW_OUTPUT)):
        nodes = [
            [node.name for node in extract_part(each.model, [output], source).graph.node] for each in (opened, without)
        ]
        assert nodes[0] == nodes[1]


def test_harmonics_output_meets_the_tolerance():
    net = scale_first_layer(network((2, 6, 1), 6), 4)
    flat = replace(net.layers[0], coefficients=np.ones((6, 6), np.float32))  # the highest is as large as the others
    model = learned(replace(net, layers=(flat, net.layers[1])))
    opened = open_package(build_package(model, harmonics=True, unrolling="spectral"))
    rows = accuracy.comparison_rows(model)
    found = RuntimeSession(opened.model, ["harmonics"]).run(rows)[0]
    assert accuracy.relative_error(found, model.network.harmonics(rows)) <= TOLERANCE
    assert opened.card.unrolling.precision == "float64"
    assert open_package(build_package(model, unrolling="spectral")).card.unrolling.precision == "float32"


@pytest.mark.parametrize("harmonics", [9, 12, 32, 64, 65, 600])
def test_the_highest_harmonic_alone_is_exported(harmonics):
    net = network((2, 3, 1), harmonics)
    top = np.repeat(np.eye(harmonics, dtype=np.float32)[[-1]], 3, axis=0)
    net = replace(net, layers=(replace(net.layers[0], coefficients=top), net.layers[1]))
    assert open_package(build_package(learned(net))).card.harmonics == harmonics


@pytest.mark.parametrize(("harmonics", "neurons"), [(64, 3), (64, 40), (65, 40), (128, 3), (129, 40), (1024, 3)])
def test_many_harmonics_are_exported_without_a_warning(harmonics, neurons):
    net = network((2, neurons, 1), harmonics)
    unrolling = open_package(build_package(learned(net))).card.unrolling
    assert unrolling.output in all_unrollings()
    assert unrolling.precision == "float32"
    assert (unrolling.output == "clenshaw") == (harmonics > MAX_TERMS)


@pytest.mark.parametrize("name", ["horner", "ladder-3", "folded-2", "blocked"])
def test_a_polynomial_of_too_many_harmonics_is_refused(name):
    with pytest.raises(ExportError, match="at most 64; expected unrolling direct, spectral or clenshaw"):
        build_package(learned(network((2, 3, 1), 65)), unrolling=name)


def test_harmonics_that_no_neuron_uses_do_not_count():
    net = network((2, 3, 1), 6)
    coefficients = np.pad(net.spectrum, ((0, 0), (0, 1018)))
    net = replace(net, layers=(replace(net.layers[0], coefficients=coefficients), net.layers[1]))
    assert open_package(build_package(learned(net))).card.unrolling.output == "ladder"


def test_layers_may_differ_in_their_harmonics():
    net = network((2, 4, 3, 1), 6)
    coefficients = net.layers[0].coefficients
    assert coefficients is not None
    short = replace(net.layers[0], coefficients=coefficients[:, :2])
    net = replace(net, layers=(short, *net.layers[1:]))
    assert open_package(build_package(learned(net))).card.harmonics == 6
