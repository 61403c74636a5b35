"""The page on exactness is true of the shipped models."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from enn_models.card.features import MAX_RANGES
from enn_models.cosine_series import Floats
from enn_models.network import Network
from enn_models.package import open_package
from enn_models.repository import read_model
from enn_training import load
from enn_training.publishing.onnx import accuracy, selection
from enn_training.publishing.onnx.layout import FEW_INPUT, FEW_OUTPUT
from enn_training.publishing.onnx.runtime import RuntimeSession, extract_part
from enn_training.publishing.onnx.unrollings import Spectral
from support.serving import SHIPPED

NAMES = ["breast-cancer", "face", "product", "ring", "stripes"]
PAGE = (Path(__file__).parents[2] / "docs" / "decisions" / "exactness.md").read_text()


def output(net: Network, rows: NDArray[np.float32], step: str | None = None) -> Floats:
    """Return the output of a network with one hidden layer, computed in float64 but for one step's rounding."""

    def rounded(name: str, values: Floats) -> Floats:
        return values.astype(np.float32).astype(np.float64) if name == step else values

    first, last = net.layers
    number = np.arange(net.spectrum.shape[1])
    odd = (2 * number + 1) * (-1.0) ** number
    z = rounded("pre-activations", first.pre_activation(net.encode(rows) - net.input_offset))
    sines = rounded("sines", np.sin(odd * rounded("angles", -np.pi / 2 * z)[..., None]))
    activations = rounded("activations", (net.spectrum * sines).sum(axis=-1))
    return net.apply_head(last.pre_activation(activations))


def cost(name: str, step: str) -> float:
    """Return the error, as a share of the output's scale, from rounding one step of a shipped model to float32."""
    model = load(SHIPPED, name)
    rows = accuracy.comparison_rows(model)
    wanted = model.network.respond(rows).output
    assert np.allclose(output(model.network, rows), wanted, rtol=0, atol=1e-12)
    return accuracy.relative_error(output(model.network, rows, step), wanted)


@pytest.mark.parametrize(("step", "said"), [("pre-activations", 2.5e-6), ("angles", 4.5e-6)])
def test_first_rounding_uses_most_of_the_bound(step, said):
    assert f"{said:.1e}".replace("e-0", "e-") in PAGE
    assert cost("ring", step) == pytest.approx(said, rel=0.05)
    assert cost("stripes", step) > accuracy.TOLERANCE


@pytest.mark.parametrize("name", ["ring", "stripes"])
@pytest.mark.parametrize("step", ["sines", "activations"])
def test_later_roundings_use_a_tenth_of_the_bound(name, step):
    assert cost(name, step) == pytest.approx(accuracy.TOLERANCE / 10, rel=0.4)


def test_only_ring_stripes_and_batches_of_face_use_float64():
    def doubles(source: str, found: str) -> set[str]:
        graphs = {
            name: extract_part(open_package(read_model(SHIPPED, name, "1")).model, [found], source) for name in NAMES
        }
        return {name for name, graph in graphs.items() if "Cast" in {node.op_type for node in graph.graph.node}}

    assert doubles("input", "output") == {"ring", "stripes", "face"}
    assert doubles(FEW_INPUT, FEW_OUTPUT) == {"ring", "stripes"}


def test_single_row_graph_has_seven_nodes_five_in_float32():
    net = load(SHIPPED, "ring").network
    assert [
        len(selection.prediction_graph(net, selection.layout_for(net, Spectral(), float64=float64)).graph.node)
        for float64 in (True, False)
    ] == [7, 5]


@pytest.mark.parametrize("name", ["ring", "stripes", "face"])
def test_float64_batches_use_sine_in_output_layer_only(name):
    graph = extract_part(open_package(read_model(SHIPPED, name, "1")).model, ["output"]).graph
    assert [node.name for node in graph.node if node.op_type == "Sin"] == ["layer2/sine"]
    assert len(load(SHIPPED, name).network.layers[-1].bias) == 1


def test_errors_far_out_of_range_match_the_page():
    def errors(name: str) -> Floats:
        model = load(SHIPPED, name)
        low, high = np.array([(feature.minimum, feature.maximum) for feature in model.features]).T
        rows = low + (high - low) * np.random.default_rng(0).uniform(-MAX_RANGES, MAX_RANGES, size=(20_000, len(low)))
        found = RuntimeSession(open_package(read_model(SHIPPED, name, "1")).model, ["output"]).run(
            rows.astype(np.float32)
        )[0]
        wanted = model.network.respond(rows).output
        return np.abs(found - wanted) / np.abs(wanted).max()

    found = {name: errors(name) for name in NAMES}
    assert max(np.median(each) for each in found.values()) < 2e-4
    assert max(found, key=lambda name: found[name].max()) == "stripes"
    assert 0.02 < found["stripes"].max() < 0.045
