"""The activation in torch: a learned series of odd cosines for every neuron."""

import math

import torch
from torch import Tensor, nn

from enn_models import series
from enn_training.errors import OptionError


class DCTActivation(nn.Module):
    """sigma(z) = sum over q = 1..Q of F_q cos((2q-1)(pi/2)(z+1)), with its own F for every neuron.

    It starts as the best approximation of sigma(z) = z on [-1, 1]. z is never clipped or wrapped: the periodic
    extension is part of the model.

    Attributes:
        coefficients: F, [features, Q].

    Args:
        features: Neurons, >= 1.
        harmonics: Q, >= 1.
        device: Where the coefficients live.
        dtype: Their floating type.

    Raises:
        OptionError: A size is less than 1.

    Source: arXiv 2307.00673, section III.
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
        if features < 1 or harmonics < 1:
            raise OptionError(f"features {features}, harmonics {harmonics}: expected at least 1 of each")
        line = torch.as_tensor(series.line(harmonics), device=device, dtype=dtype or torch.get_default_dtype())
        self.coefficients = nn.Parameter(line.repeat(features, 1))

    def forward(self, z: Tensor) -> Tensor:
        """Return sigma(z), [..., features], of pre-activations [..., features].

        Raises:
            ValueError: z has another last dimension; broadcasting would hide it.
        """
        if z.shape[-1] != self.coefficients.shape[0]:
            raise ValueError(f"z {list(z.shape)}: expected [..., {self.coefficients.shape[0]}]")
        # Clenshaw's recurrence: one cosine of a neuron instead of Q, and no tensor of [..., features, Q].
        # With theta = (pi/2)(z+1): cos(theta) = -sin(pi z/2), which keeps the digits of a small z.
        angle = z * (math.pi / 2)
        twice = -2.0 * torch.cos(2.0 * angle)
        *lower, first = self.coefficients.unbind(-1)
        second = torch.zeros_like(first)
        for coefficient in reversed(lower):
            first, second = coefficient + twice * first - second, first
        return -torch.sin(angle) * (first - second)

    def extra_repr(self) -> str:
        """Return the sizes, for print."""
        features, harmonics = self.coefficients.shape
        return f"features={features}, harmonics={harmonics}"
