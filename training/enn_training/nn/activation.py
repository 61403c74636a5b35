"""DCTActivation: the learned activation, a series of odd cosines for every neuron, in PyTorch."""

import math
from types import ModuleType
from typing import cast

import torch
from torch import Tensor, nn
from torch._C._functorch import is_legacy_batchedtensor
from torch.autograd import forward_ad
from torch.autograd.function import BackwardCFunction, FunctionCtx

from enn_models import cosine_series
from enn_training.errors import OptionError
from enn_training.nn.option_values import whole_number


class DCTActivation(nn.Module):
    """Apply a learned activation to every neuron.

    The activation of a neuron is sigma(z) = sum over q = 1..Q of F_q cos((2q-1)(pi/2)(z+1)), with coefficients F of its
    own. Initially it is the best approximation of sigma(z) = z on [-1, 1]. z is neither clipped nor wrapped: the
    periodic extension is part of the model.

    Attributes:
        coefficients: DCT coefficients F, [features, Q].

    Args:
        features: Number of neurons, >= 1.
        harmonics: Number of odd cosines Q, >= 1.
        device: Device of the coefficients.
        dtype: Floating-point type of the coefficients.

    Raises:
        OptionError: A size is less than 1.

    Source: arXiv 2307.00673, section III.

    Example:
        >>> import torch
        >>> from enn_training import DCTActivation
        >>> activation = DCTActivation(features=2, harmonics=6)
        >>> activation.coefficients.shape
        torch.Size([2, 6])
        >>> z = torch.tensor([[0.5, -0.25]])
        >>> bool(torch.allclose(activation(z), z, atol=0.05))
        True
    """

    def __init__(
        self,
        features: int,
        harmonics: int = 6,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        features, harmonics = whole_number("features", features), whole_number("harmonics", harmonics)
        if features < 1 or harmonics < 1:
            raise OptionError(f"features {features}, harmonics {harmonics}: expected at least 1 of each")
        line = torch.as_tensor(cosine_series.line(harmonics), device=device, dtype=dtype or torch.get_default_dtype())
        self.coefficients = nn.Parameter(line.repeat(features, 1))

    def forward(self, z: Tensor) -> Tensor:
        """Return sigma(z), [..., features], of pre-activations [..., features].

        Raises:
            ValueError: z has another last dimension; broadcasting would hide it.
        """
        if z.shape[-1] != self.coefficients.shape[0]:
            raise ValueError(f"z {list(z.shape)}: expected [..., {self.coefficients.shape[0]}]")
        if _is_plain(z) and _is_plain(self.coefficients):
            return _NumbaActivation.apply(z, self.coefficients)
        return _clenshaw(z, self.coefficients)

    def extra_repr(self) -> str:
        """Return the sizes that `print` shows."""
        features, harmonics = self.coefficients.shape
        return f"features={features}, harmonics={harmonics}"


def _is_plain(tensor: Tensor) -> bool:
    """Return True if the compiled kernel can read all of a tensor: float32 on the CPU, no tangent, and no tracing."""
    return (
        tensor.dtype is torch.float32
        and tensor.device.type == "cpu"
        and type(tensor) in (Tensor, nn.Parameter)
        and forward_ad.unpack_dual(tensor).tangent is None
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage] - documented, but not in __all__
        # PyTorch has no public function for a batch of gradients or for a transform of torch.func.
        and not is_legacy_batchedtensor(tensor)
        and not torch._C._are_functorch_transforms_active()  # noqa: SLF001
    )


def _clenshaw(z: Tensor, coefficients: Tensor) -> Tensor:
    """Return sigma(z) by PyTorch operators.

    Clenshaw's recurrence needs one cosine for each neuron, and no tensor [..., features, Q].
    """
    # With theta = (pi/2)(z+1): cos(theta) = -sin(pi z/2), which stays exact for a small z.
    angle = z * (math.pi / 2)
    twice = -2.0 * torch.cos(2.0 * angle)
    *lower, first = coefficients.unbind(-1)
    second = torch.zeros_like(first)
    for coefficient in reversed(lower):
        first, second = coefficient + twice * first - second, first
    return -torch.sin(angle) * (first - second)


def _kernel() -> ModuleType:
    """Return the compiled kernel."""
    from enn_training.kernels import activation  # noqa: PLC0415 - numba takes a second; some modules never run

    return activation


class _NumbaActivation(torch.autograd.Function):
    """Compute sigma(z) with the compiled kernel, for float32 on the CPU: several times as fast as PyTorch operators."""

    @staticmethod
    def forward(ctx: FunctionCtx, z: Tensor, coefficients: Tensor) -> Tensor:
        """Return sigma(z), [..., features]."""
        ctx.save_for_backward(z, coefficients)
        return torch.from_numpy(_kernel().forward(z.detach().numpy(), coefficients.detach().numpy()))

    @staticmethod
    def backward(ctx: BackwardCFunction, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of z and of the coefficients from the gradient of sigma(z)."""
        saved = cast("tuple[Tensor, Tensor]", ctx.saved_tensors)
        again = torch.is_grad_enabled()  # create_graph=True: the gradients are differentiated again
        if again or not all(map(_is_plain, grad_outputs)):  # not plain: a batch of gradients, or one with a tangent
            needed = [one for one in saved if one.requires_grad]
            with torch.enable_grad():
                value = _clenshaw(*saved)
            found = iter(torch.autograd.grad(value, needed, grad_outputs, create_graph=again))
            return tuple(next(found) if one.requires_grad else None for one in saved)
        found = _kernel().backward(*(one.detach().numpy() for one in (*saved, *grad_outputs)))
        return tuple(map(torch.from_numpy, found))
