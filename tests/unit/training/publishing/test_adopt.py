"""A network that was learned elsewhere in torch is published like one learned here, or refused with a reason."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from enn_models.package import open_package
from enn_training import ENN, DCTActivation, adopt, export
from enn_training.data.scaling import Scaling
from enn_training.errors import DataError, ExportError, OptionError
from enn_training.publishing.export import build_package
from enn_training.publishing.onnx.accuracy import TOLERANCE
from enn_training.publishing.onnx.runtime import RuntimeSession

ROWS = np.random.default_rng(0).uniform(-1, 1, size=(60, 2))


class Chain(nn.Module):
    """A module of a user's own, with layers that differ and one that only acts in learning."""

    def __init__(self, *, head: bool = False) -> None:
        super().__init__()
        self.inside = nn.Sequential(nn.Linear(2, 5), DCTActivation(5, 3))
        self.dropout = nn.Dropout(0.5)
        self.second = nn.Linear(5, 4, bias=False)
        self.wave = DCTActivation(4, 7)
        self.last = nn.Sequential(nn.Linear(4, 3), DCTActivation(3, 2)) if head else nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.second(self.dropout(self.inside(x)))
        return self.last(self.wave(z))


def random(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    return module.eval()


def modules() -> list[nn.Module]:
    own = [Chain(), Chain(head=True), nn.Sequential(nn.Linear(2, 6), DCTActivation(6), nn.Linear(6, 1))]
    return [random(module) for module in (*own, ENN(2, (4, 3), 2, head="linear", task="regression"))]


@pytest.mark.parametrize("number", range(4))
def test_chain_of_linear_and_dct_layers_becomes_an_exact_package(number):
    module = modules()[number]
    opened = open_package(build_package(adopt(module, ROWS, names=["width", "height"])))
    assert [feature.name for feature in opened.card.features] == ["width", "height"]
    x = np.random.default_rng(1).uniform(-1, 1, size=(40, 2)).astype(np.float32)
    with torch.no_grad():
        wanted = module.double()(torch.from_numpy(x).double()).numpy()
    found = RuntimeSession(opened.model, ["output"]).run(x)[0]
    assert np.abs(found - wanted).max() <= TOLERANCE * max(1.0, np.abs(wanted).max())


def test_logits_become_probabilities_of_the_classes_named():
    module = random(Chain())
    opened = open_package(build_package(adopt(module, ROWS, classes=["a", "b", "c"])))
    assert opened.card.classes == ("a", "b", "c")
    x = ROWS[:9].astype(np.float32)
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).softmax(1).numpy()
    np.testing.assert_allclose(RuntimeSession(opened.model, ["output"]).run(x)[0], wanted, atol=1e-5)


def test_a_module_over_scaled_rows_is_published_over_raw_ones():
    raw = ROWS * [3.0, 0.5] + [10.0, -2.0]
    scaling, module = Scaling.min_max(raw), random(Chain())
    opened = open_package(build_package(adopt(module, raw, scaling=scaling)))
    x = raw[:20].astype(np.float32)
    with torch.no_grad():
        wanted = module.double()(torch.from_numpy(scaling.transform(x))).numpy()
    np.testing.assert_allclose(RuntimeSession(opened.model, ["output"]).run(x)[0], wanted, atol=1e-5)


def test_exporting_a_plain_module_is_refused_with_instructions(tmp_path):
    with pytest.raises(ExportError, match=r"Chain: expected a learned model: adopt\(module, rows\)"):
        export(Chain(), tmp_path, "mine")  # pyright: ignore[reportArgumentType] - what a user may try
    assert not list(tmp_path.iterdir())


class Residual(Chain):
    """No chain: a value goes two ways."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.inside(x)
        return self.last(self.wave(self.second(z))) + z[:, :3]


class Branching(Chain):
    """No graph: the way depends on the values."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) if x.sum() > 0 else x


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Residual(), "is not one of a chain"),
        (Branching(), "depends on its input"),
        (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), "ReLU.*plain ONNX file"),
        (nn.Sequential(nn.Linear(2, 3), DCTActivation(3)), "at least two"),
        (nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3), DCTActivation(3)), "a DCTActivation after each"),
        (ENN(2), "the module is for classification"),
    ],
)
def test_module_that_is_not_a_chain_is_refused_with_alternative(module, message):
    with pytest.raises(OptionError, match=message):
        adopt(module, ROWS)


@pytest.mark.parametrize("rows", [ROWS[:, :1], ROWS[:0], np.full((3, 2), np.nan)])
def test_rows_that_do_not_fit_are_refused(rows):
    with pytest.raises(DataError, match="expected finite numbers"):
        adopt(Chain(), rows)


@pytest.mark.parametrize("options", [{"names": ["one"]}, {"classes": ["a", "b"]}])
def test_names_and_classes_that_do_not_fit_are_refused(options):
    with pytest.raises(OptionError, match="the module has 2 inputs and 3 outputs"):
        adopt(Chain(), ROWS, **options)


def test_classes_of_numpy_are_labels_of_the_card():
    score: Any = np.float32(0.5)
    model = adopt(Chain(), ROWS, classes=np.unique([3, 1, 2]), scores={"accuracy": score})
    card = open_package(build_package(model)).card
    assert (card.classes, card.scores) == ((1, 2, 3), {"accuracy": 0.5})


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_parameters_that_are_not_finite_are_refused_by_name(name):
    module = Chain()
    getattr(module.last, name).data.fill_(float("nan"))
    with pytest.raises(OptionError, match=rf"the module's layer 3: {name} has values that are not finite"):
        adopt(module, ROWS)
