"""A published package opens again for further learning: nothing of it is lost on the way."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from enn_models.card.features import column_encoding
from enn_models.network import Network
from enn_models.repository import read_model
from enn_training import ENN, export, load
from enn_training.data.columns import Column
from enn_training.data.dataset import summarize_columns
from enn_training.data.scaling import Scaling
from support.examples import network
from support.learned import learned

SHIPPED = Path(__file__).parents[4] / "models" / "repository"


def equal(one: Network, other: Network) -> bool:
    """Whether all parameters of two networks are the same bits."""
    pairs = [(one.input_offset, other.input_offset), (one.output_offset, other.output_offset)]
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        pairs += [(getattr(mine, field.name), getattr(theirs, field.name)) for field in fields(mine)]
    return all((a is None and b is None) or a.tobytes() == b.tobytes() for a, b in pairs)


@pytest.mark.parametrize("name", sorted(path.name for path in SHIPPED.iterdir()))
def test_shipped_model_loads_as_module_with_equal_bits(name):
    model = load(SHIPPED, name)
    module = ENN.from_network(model.network)
    assert equal(module.to_network(), model.network)
    x = model.examples
    with torch.no_grad():
        found = module.double()(torch.from_numpy(model.network.encode(x))).numpy()
    response = model.network.respond(x)
    np.testing.assert_allclose(found, response.output if model.network.head == "dct" else response.pre_activation)


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_loaded_model_is_published_again_as_equal_file(head, tmp_path):
    export(learned(network((3, 5, 4, 2), head=head)), tmp_path, "model")
    export(load(tmp_path, "model"), tmp_path, "model")
    assert read_model(tmp_path, "model", "1") == read_model(tmp_path, "model", "2")


def test_encoded_columns_survive_load_and_export(tmp_path):
    columns = (Column("fare", missing=True), Column("port", "categorical", ("C", "Q", "S")), Column("alone", "boolean"))
    x = np.array([[0.5, 2, 1], [np.nan, 0, 0], [0.25, 1, 1]])
    features = summarize_columns(columns, x)
    codes = column_encoding(features)
    assert codes is not None
    net = replace(network((codes.columns, 5, 1), task="regression"), encoding=codes)
    model = replace(learned(net), features=features, examples=x, background=x)
    export(model, tmp_path, "model")
    module = ENN.from_network(load(tmp_path, "model").network)
    export(load(tmp_path, "model").with_network(module.to_network(), model.scores), tmp_path, "model")
    again = load(tmp_path, "model")
    assert equal(again.network, net)
    np.testing.assert_array_equal(again.examples, x)
    np.testing.assert_array_equal(again.network.respond(x).output, net.respond(x).output)


def test_loaded_model_can_be_trained_further_and_published(tmp_path):
    export(learned(network((3, 5, 1), task="regression")), tmp_path, "model")
    model = load(tmp_path, "model", "1")
    module = ENN.from_network(model.network)
    x = torch.rand(64, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    target = x.sum(1, keepdim=True)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    losses: list[float] = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = (module(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    export(model.with_network(module.to_network(), {"r2": 0.25}), tmp_path, "model")
    again = load(tmp_path, "model")
    assert equal(again.network, module.to_network())
    assert again.scores == {"r2": 0.25}
    assert again.training == {**model.training, "learned_further": True}


def test_a_module_with_offsets_of_its_own_takes_no_scaling():
    module = ENN.from_network(network((3, 5, 1)))
    with pytest.raises(ValueError, match="input_offset"):
        module.to_network(Scaling.identity(3))
