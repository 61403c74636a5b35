"""Derivatives in batches and in forward mode: those of the compiled kernel equal those of float64 operators."""

import copy

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad, functional

from enn_training.nn.activation import DCTActivation

SINGLE = 1e-5
"""Roundings of float32 in second derivatives of size 10."""


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 5), DCTActivation(5), nn.Linear(5, 3))


def gradients_in_a_batch(module, z):
    z = z.clone().requires_grad_()
    y = module(z)
    outer = torch.eye(y.numel(), dtype=y.dtype).view(-1, *y.shape)
    return torch.autograd.grad(y, [z, *module.parameters()], outer, is_grads_batched=True)


def tangent_of_the_values(module, z):
    with forward_ad.dual_level():
        named = module.named_parameters()
        dual = {name: forward_ad.make_dual(value.detach(), torch.ones_like(value)) for name, value in named}
        y = torch.func.functional_call(module, dual, (forward_ad.make_dual(z, torch.ones_like(z)),))
        return forward_ad.unpack_dual(y).tangent


def tangent_of_the_gradients(module, z):
    z = z.clone().requires_grad_()
    y = module(z)
    with forward_ad.dual_level():
        outer = forward_ad.make_dual(torch.ones_like(y), torch.linspace(0, 1, y.numel(), dtype=y.dtype).view_as(y))
        return forward_ad.unpack_dual(torch.autograd.grad(y, z, outer)[0]).tangent


def hessian(strategy):
    def of(module, z):
        return functional.hessian(
            lambda x: module(x).square().sum(), z, vectorize=True, outer_jacobian_strategy=strategy
        )

    return of


@pytest.mark.parametrize(
    "derivative",
    [
        lambda module, z: functional.jacobian(module, z, vectorize=True),
        lambda module, z: functional.jacobian(module, z, vectorize=True, strategy="forward-mode"),
        lambda module, z: functional.jacobian(module, z, vectorize=True, create_graph=True),
        hessian("reverse-mode"),
        hessian("forward-mode"),
        gradients_in_a_batch,
        tangent_of_the_values,
        tangent_of_the_gradients,
        lambda module, z: torch.func.jacrev(module)(z),
        lambda module, z: torch.func.jacfwd(module)(z),
        lambda module, z: torch.func.jvp(module, (z,), (torch.ones_like(z),)),
        lambda module, z: torch.func.vmap(torch.func.hessian(lambda row: module(row).sum()))(z),
    ],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning", "ignore:.*to a scalar:UserWarning")
def test_transformed_derivatives_equal_those_in_float64(derivative):
    module, z = network(), torch.linspace(-2, 2, 8).view(4, 2)
    found, expected = derivative(module, z), derivative(copy.deepcopy(module).double(), z.double())
    found, expected = ((each,) if isinstance(each, torch.Tensor) else each for each in (found, expected))
    for single, double in zip(found, expected, strict=True):
        torch.testing.assert_close(single.double(), double, atol=SINGLE, rtol=SINGLE)
