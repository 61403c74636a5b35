"""The torch activation is the oracle's series, on any input, and its gradient is the series' derivative."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from enn_models import cosine_series
from enn_training.errors import OptionError
from enn_training.nn.activation import DCTActivation

# Clenshaw's sums in float64 over |z| <= 50 and Q <= 12.
EXACT = 1e-10
# One rounding of float32 of theta at |z| <= 2, times the highest frequency.
SINGLE = 2e-5


def activation_of(coefficients):
    module = DCTActivation(*coefficients.shape, dtype=torch.float64)
    module.coefficients.data = torch.from_numpy(coefficients)
    return module


@settings(max_examples=50)
@given(
    z=arrays(np.float64, (5, 3), elements=st.floats(-50, 50)),
    coefficients=st.integers(1, 12).flatmap(lambda q: arrays(np.float64, (3, q), elements=st.floats(-2, 2))),
)
def test_values_match_oracle_outside_first_period(z, coefficients):
    found = activation_of(coefficients)(torch.from_numpy(z)).detach().numpy()
    np.testing.assert_allclose(found, cosine_series.activation(z, coefficients), atol=EXACT)


def test_its_gradients_are_the_derivative_and_the_basis():
    rng = np.random.default_rng(1)
    coefficients, z = rng.normal(size=(4, 6)), torch.from_numpy(rng.uniform(-3, 3, (7, 4))).requires_grad_()
    module = activation_of(coefficients)
    module(z).sum().backward()
    assert z.grad is not None
    np.testing.assert_allclose(z.grad.numpy(), cosine_series.derivative(z.detach(), coefficients), atol=EXACT)
    basis = cosine_series.basis(z.detach(), 6).sum(axis=0)
    assert module.coefficients.grad is not None
    np.testing.assert_allclose(module.coefficients.grad.numpy(), basis, atol=EXACT)


@settings(max_examples=30)
@given(rows=st.integers(0, 20), features=st.integers(1, 20), harmonics=st.integers(1, 12), seed=st.integers(0, 99))
def test_float32_values_and_gradients_match_oracle_at_every_width(rows, features, harmonics, seed):
    rng = np.random.default_rng(seed)
    coefficients = (rng.normal(size=(features, harmonics)) / harmonics).astype(np.float32)
    z, outer = rng.uniform(-3, 3, (2, rows, features)).astype(np.float32)
    module = DCTActivation(features, harmonics)
    module.coefficients.data = torch.from_numpy(coefficients)
    tensor = torch.from_numpy(z).requires_grad_()
    found = module(tensor)
    found.backward(torch.from_numpy(outer))
    assert tensor.grad is not None
    assert module.coefficients.grad is not None
    np.testing.assert_allclose(found.detach(), cosine_series.activation(z, coefficients), atol=SINGLE)
    slopes = outer * cosine_series.derivative(z, coefficients)
    np.testing.assert_allclose(tensor.grad, slopes, atol=SINGLE * harmonics, rtol=SINGLE)
    basis = np.einsum("rf,rfq->fq", outer, cosine_series.basis(z, harmonics))
    np.testing.assert_allclose(module.coefficients.grad, basis, atol=SINGLE)


def test_rows_that_lie_apart_in_memory_are_read_right():
    module, z = DCTActivation(3), torch.rand(3, 8).T
    assert torch.equal(module(z), module(z.contiguous()))
    assert torch.equal(module(z[::2]), module(z)[::2])


@pytest.mark.parametrize("fixed", [None, "z", "coefficients"])
def test_activation_gradients_are_differentiable(fixed):
    gradients = []
    for dtype in (torch.float32, torch.float64):
        module, z = DCTActivation(2, dtype=dtype), torch.tensor([[0.3, -1.2], [2.1, 0.8]], dtype=dtype)
        z.requires_grad_(fixed != "z")
        module.coefficients.requires_grad_(fixed != "coefficients")
        learned = [one for one in (z, module.coefficients) if one.requires_grad]
        firsts = torch.autograd.grad(module(z).square().sum(), learned, create_graph=True)
        seconds = torch.autograd.grad(torch.cat([first.square().flatten() for first in firsts]).sum(), learned)
        gradients.append([second.double() for second in seconds])
    for single, double in zip(*gradients, strict=True):
        torch.testing.assert_close(single, double, rtol=1e-4, atol=1e-4)


def test_activation_starts_as_line():
    z = torch.linspace(-1, 1, 101)[:, None]
    found = DCTActivation(1, 6)(z).detach()
    assert float((found - z).abs().max()) < 0.04


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_activation_keeps_input_dtype(dtype):
    z = torch.linspace(-2, 2, 9, dtype=dtype)[:, None]
    found = DCTActivation(1, dtype=dtype)(z)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.detach(), cosine_series.activation(z, [cosine_series.line(6)]), atol=SINGLE)


def test_torch_exports_it():
    module = DCTActivation(3)
    z = torch.linspace(-2, 2, 12).reshape(4, 3)
    exported = torch.export.export(module, (z,)).module()
    torch.testing.assert_close(exported(z), module(z), atol=SINGLE, rtol=0.0)


def test_sizes_below_one_are_refused_with_their_values():
    with pytest.raises(OptionError, match="features 0, harmonics 6"):
        DCTActivation(0)
