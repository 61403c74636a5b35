"""fit_lm trains chains of linear layers and activations in place, and leaves a module that it refuses unchanged."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from enn_training import ENN, DCTActivation, adopt, fit_lm
from enn_training.errors import DataError, OptionError

X = 2 * torch.rand(400, 2, generator=torch.Generator().manual_seed(1)) - 1
PRODUCT = X[:, 0] * X[:, 1]


def small(units=1, dtype=None):
    return nn.Sequential(
        nn.Linear(2, 5, dtype=dtype), DCTActivation(5, 4, dtype=dtype), nn.Linear(5, units, dtype=dtype)
    )


def squared_error(module):
    return float((module(X).squeeze(1) - PRODUCT).square().mean().detach())


MODULES = {
    "linear head": small(),
    "dct head": nn.Sequential(nn.Linear(2, 5), DCTActivation(5), nn.Linear(5, 1), DCTActivation(1)),
    "two layers, no biases": nn.Sequential(
        nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 4, bias=False), DCTActivation(4), nn.Linear(4, 1, bias=False)
    ),
    "fixed activations": nn.Sequential(nn.Linear(2, 6), nn.Sigmoid(), nn.Dropout(0.0), nn.Linear(6, 1)),
    "ENN": ENN(2, (5,), task="regression"),
}


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES.keys())
def test_module_learns_a_product_and_returns_its_own_error(module):
    found = fit_lm(module, X, PRODUCT, starts=6)
    assert found < 1e-4
    assert squared_error(module) == pytest.approx(found, rel=1e-2, abs=1e-10)


def test_without_starts_the_own_parameters_are_improved():
    torch.manual_seed(0)
    module = small()
    before = squared_error(module)
    found = fit_lm(module, X.numpy(), PRODUCT.numpy(), starts=0)
    assert found < before / 10
    assert fit_lm(module, X, PRODUCT, starts=0) <= found * (1 + 1e-6)


def test_cross_entropy_learns_logits_of_two_and_of_three_classes():
    two, three = small(), small(3)
    labels = (PRODUCT > 0).long()
    fit_lm(two, X, labels, loss="cross-entropy", starts=4)
    assert ((two(X)[:, 0] > 0) == labels.bool()).float().mean() > 0.97
    labels = torch.bucketize(PRODUCT, torch.tensor([-0.1, 0.1]))
    found = fit_lm(three, X, labels, loss="cross-entropy", starts=4)
    assert (three(X).argmax(dim=1) == labels).float().mean() > 0.95
    assert float(nn.functional.cross_entropy(three(X), labels).detach()) == pytest.approx(found, rel=1e-3)


def test_double_parameters_keep_their_precision_and_equal_seeds():
    modules = [small(dtype=torch.float64) for _ in range(2)]
    errors = [fit_lm(module, X.double(), X.double().prod(dim=1), starts=4, seed=3) for module in modules]
    assert errors[0] == errors[1] < 1e-10
    assert all(torch.equal(*pair) for pair in zip(*(module.parameters() for module in modules), strict=True))


def test_fitted_module_can_be_adopted():
    module = small()
    fit_lm(module, X, PRODUCT, starts=2)
    response = adopt(module, X.numpy()).network.respond(X.numpy()).output
    np.testing.assert_allclose(response, module(X).detach().numpy(), atol=1e-4)


def frozen():
    module = small()
    next(module.parameters()).requires_grad = False
    return module


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.GELU(), nn.Linear(2, 1)), {}, "GELU"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1), nn.Tanh()), {}, "the last without a fixed activation"),
        (nn.Sequential(DCTActivation(2), nn.Linear(2, 1)), {}, "expected a chain of Linear"),
        (nn.Sequential(nn.Linear(2, 1)), {}, "1 linear layers: expected two or more"),
        (nn.Sequential(nn.Linear(2, 2000), nn.Linear(2000, 1)), {}, "8001 parameters: expected at most 3000"),
        (frozen(), {}, "parameter '0.weight' requires no gradient"),
        (small(), {"loss": "hinge"}, "loss 'hinge'"),
        (small(), {"starts": -1}, "starts -1"),
        (small(), {"starts": 2.5}, "starts 2.5: expected a whole number"),
        (small(), {"spread": 0.0}, "spread 0.0"),
    ],
)
def test_module_or_option_that_cannot_be_used_is_refused(module, options, words):
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(OptionError, match=words):
        fit_lm(module, X, PRODUCT, **options)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


@pytest.mark.parametrize(
    ("x", "y", "loss", "words"),
    [
        (X[:, :1], PRODUCT, "squared", r"x \(400, 1\), y \(400,\): expected \[rows, 2\] and \[rows, 1\]"),
        (X, PRODUCT[:5], "squared", "expected"),
        (X[:0], PRODUCT[:0], "squared", "at least one row"),
        (X * torch.nan, PRODUCT, "squared", "expected finite numbers"),
        (X, PRODUCT, "cross-entropy", "class indices from 0 to 1"),
    ],
)
def test_rows_that_do_not_fit_are_refused(x, y, loss, words):
    with pytest.raises(DataError, match=words):
        fit_lm(small(), x, y, loss=loss)
