"""The activation is at home in torch: in any module, compiled, exported, saved, moved."""

import copy
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from enn_models import cosine_series
from enn_models.graph_checks import OPERATORS
from enn_training.nn.activation import DCTActivation
from enn_training.nn.module import ENN

SINGLE = 2e-5
"""One rounding of float32 of theta at |z| <= 2, times the highest frequency."""
SHAPES = [(5, 4), (4,), (2, 3, 4)]


def block() -> nn.Module:
    """Return a module that is no ENN: a residual block between a convolution and a normalisation."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv1d(2, 3, 3, padding=1)
            self.activation = DCTActivation(8, 6)
            self.norm = nn.LayerNorm(8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            z = self.convolution(x)
            return self.norm(self.activation(z) + z)

    torch.manual_seed(0)
    return Block().eval()


MODULES = [(block, (4, 2, 8)), (lambda: ENN(3, (6, 5), 2, head="dct"), (4, 3))]


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize(("make", "shape"), MODULES)
def test_it_compiles_as_one_graph_with_its_gradients(make, shape, backend):
    module, x = make(), torch.rand(shape) * 2 - 1
    twin = copy.deepcopy(module)
    values = [module(x), torch.compile(twin, backend=backend, fullgraph=True)(x)]
    torch.testing.assert_close(*values)
    for value in values:
        value.square().sum().backward()
    for eager, traced in zip(module.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(eager.grad, traced.grad)


@pytest.mark.parametrize(("make", "shape"), MODULES)
def test_torch_exports_it_for_any_batch(make, shape):
    module = make()
    batch = torch.export.Dim("batch", min=1)
    exported = torch.export.export(module, (torch.rand(shape),), dynamic_shapes=({0: batch},)).module()
    x = torch.rand(9, *shape[1:])
    torch.testing.assert_close(exported(x), module(x), atol=SINGLE, rtol=0.0)


def test_torch_func_transforms_work_on_the_activation():
    module, z = DCTActivation(3), torch.linspace(-2, 2, 12).reshape(4, 3)
    torch.testing.assert_close(torch.func.vmap(module)(z), module(z), atol=SINGLE, rtol=0.0)
    slopes = torch.func.vmap(torch.func.jacrev(module))(z).diagonal(dim1=1, dim2=2)
    expected = torch.from_numpy(
        cosine_series.derivative(z.double().numpy(), module.coefficients.detach().double().numpy())
    )
    torch.testing.assert_close(slopes.double(), expected, atol=10 * SINGLE, rtol=0.0)


@pytest.mark.parametrize(("make", "shape"), MODULES)
def test_onnx_export_has_standard_operators_and_same_values(make, shape, tmp_path: Path):
    module, path = make(), tmp_path / "module.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own code
        torch.onnx.export(
            module,
            (torch.rand(shape),),
            path,
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            external_data=False,
            verbose=False,
        )
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert not model.functions
    assert {node.domain for node in model.graph.node} == {""}
    assert {node.op_type for node in model.graph.node} <= OPERATORS | {"Conv", "LayerNormalization"}
    from onnxruntime import InferenceSession  # noqa: PLC0415 - after torch, as in use

    x = torch.rand(9, *shape[1:]) * 2 - 1
    session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = np.asarray(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])
    np.testing.assert_allclose(found, module(x).detach().numpy(), atol=SINGLE)


def test_state_dict_restores_activation_and_refuses_another_size():
    torch.manual_seed(0)
    module = DCTActivation(3, 5)
    nn.init.normal_(module.coefficients)
    assert list(module.state_dict()) == ["coefficients"]
    other = DCTActivation(3, 5)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other.coefficients, module.coefficients)
    with pytest.raises(RuntimeError, match="size mismatch for coefficients"):
        DCTActivation(3, 6).load_state_dict(module.state_dict())


def test_activation_moves_between_dtypes_and_devices():
    z = torch.linspace(-2, 2, 12).reshape(4, 3)
    exact = cosine_series.activation(z.numpy(), np.tile(cosine_series.line(6), (3, 1)))
    for dtype, tolerance in ((torch.float64, 1e-6), (torch.float32, SINGLE), (torch.bfloat16, 0.1)):
        module = DCTActivation(3).to(dtype)
        found = module(z.to(dtype))
        assert (module.coefficients.dtype, found.dtype) == (dtype, dtype)
        np.testing.assert_allclose(found.detach().double(), exact, atol=tolerance)
    meta = DCTActivation(3, device="meta")
    assert meta(z.to("meta")).shape == z.shape
    assert meta.to_empty(device="cpu").coefficients.device.type == "cpu"


@pytest.mark.parametrize("shape", SHAPES)
def test_any_leading_dimensions_are_a_batch(shape):
    module, z = DCTActivation(4), torch.rand(shape)
    assert torch.allclose(module(z).reshape(-1, 4), module(z.reshape(-1, 4)))


@pytest.mark.parametrize("features", [1, 4])
def test_pre_activations_of_another_width_are_refused_with_both_sizes(features):
    with pytest.raises(ValueError, match=rf"z \[2, 3\]: expected \[\.\.\., {features}\]"):
        DCTActivation(features)(torch.zeros(2, 3))
