"""fit_lm: the second-order learner for torch modules that are chains of linear layers and activations."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from enn_training.data.sampling.splits import train_validation
from enn_training.errors import DataError, DivergenceError, OptionError
from enn_training.kernels import losses
from enn_training.kernels.basis import COSINES, IDENTITY, RELU, SIGMOID, TANH
from enn_training.learners.levenberg_marquardt import choice, initialization
from enn_training.learners.levenberg_marquardt.objective import Objective
from enn_training.learners.levenberg_marquardt.parameters import Parameters
from enn_training.learners.levenberg_marquardt.search import Candidate, Schedule, Search
from enn_training.nn.activation import DCTActivation
from enn_training.nn.chain import trace_chain
from enn_training.nn.option_values import positive_number, whole_number_from_zero

Floats = NDArray[np.float64]
LossName = Literal["squared", "cross-entropy"]

FIXED: dict[type[nn.Module], int] = {nn.Tanh: TANH, nn.Sigmoid: SIGMOID, nn.ReLU: RELU}
"""Activations without coefficients, which hidden layers can have too."""


def fit_lm(
    module: nn.Module,
    x: Tensor | ArrayLike,
    y: Tensor | ArrayLike,
    *,
    loss: LossName = "squared",
    starts: int = 64,
    spread: float = 1.0,
    seed: int = 0,
) -> float:
    """Train a small torch module in place by Levenberg-Marquardt steps on all rows at once.

    The module applies `Linear` layers and, after each but the last, a `DCTActivation`, `Tanh`, `Sigmoid` or `ReLU`; a
    `DCTActivation` can follow the last layer too. Parameters are computed in float64 and stored in the module's types.
    With one output after a `DCTActivation`, the weights of the last layer become 1: they are multiplied into the
    coefficients.

    Args:
        module: Module to train. Its time grows with the square of its number of parameters, at most 3,000.
        x: Inputs, [rows, inputs], finite; scale them to [-1, 1].
        y: Values, [rows] or [rows, outputs]; for the cross-entropy class indices, [rows], of one logit 0 or 1.
        loss: "squared" (the squared error) or "cross-entropy" (of one logit, or of one for each class).
        starts: Number of initial networks to draw, the best of which on held-out rows is trained on; 0 to train on from
            the module's own parameters.
        spread: Typical length of the initial weights of a neuron; from a third to three times it is tried.
        seed: Seed of initial networks and held-out rows; equal seeds give equal parameters, byte for byte.

    Returns:
        Mean squared error, or mean cross-entropy in nats, over all rows, with the parameters that the module now has.

    Raises:
        OptionError: The module is no such chain, has too many parameters, or an option is out of its range.
        DataError: Rows and targets do not fit the module, or are not finite.
        DivergenceError: No network has a finite loss; the module is unchanged.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from enn_training import DCTActivation, fit_lm
        >>> x = 2 * torch.rand(500, 2, generator=torch.Generator().manual_seed(0)) - 1
        >>> module = nn.Sequential(nn.Linear(2, 4), DCTActivation(4), nn.Linear(4, 1))
        >>> error = fit_lm(module, x, x[:, 0] * x[:, 1], starts=4)
        >>> error < 1e-6
        True
        >>> bool((module(x)[:, 0] - x[:, 0] * x[:, 1]).abs().max() < 0.01)
        True
    """
    if loss not in get_args(LossName):
        raise OptionError(f"loss {loss!r}: expected one of {', '.join(get_args(LossName))}")
    starts, spread = whole_number_from_zero("starts", starts), positive_number("spread", spread)
    layers = _layers(module)
    parameters = _parameters(layers)
    rows = _objective(parameters, _array(x), _array(y), loss)
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows.rows)
    parts = train_validation(rows.rows, seed=None) if starts else (order, order)
    taught, judged = (rows.subset(order[part]) for part in parts)
    search = Search(
        parameters,
        taught,
        judged,
        partial(initialization.draw, parameters),
        Schedule.of(rows.loss, starts, spread),
    )
    own = Candidate(_load(parameters, layers), np.inf, 1e-2, spread)
    found = search.run(rng) if starts else search.finish([own])
    stored = [_rounded(candidate.theta, layers) for candidate in found if candidate.finished]
    theta = choice.best(stored, taught, judged)
    if theta is None:
        raise DivergenceError("no network has a finite loss; scale the rows")
    _store(parameters, layers, theta)
    return rows.reported(rows.evaluate(theta)[0])


@dataclass(frozen=True, eq=False)
class _Layer:
    """Hold a linear layer with the activation that follows it.

    Attributes:
        linear: Linear layer.
        kind: Kind of the activation, as in `kernels.basis`.
        activation: Learned activation; None for another one.
    """

    linear: nn.Linear
    kind: int = IDENTITY
    activation: DCTActivation | None = None

    @property
    def harmonics(self) -> int:
        """Number of coefficients of each neuron."""
        return 0 if self.activation is None else self.activation.coefficients.shape[1]


def _layers(module: nn.Module) -> list[_Layer]:
    """Return the layers of a module.

    Raises:
        OptionError: The module is not a chain of linear layers and activations, or a parameter is frozen.
    """
    layers: list[_Layer] = []
    for part in trace_chain(module):
        if isinstance(part, nn.Linear):
            layers.append(_Layer(part))
        elif layers and layers[-1].kind == IDENTITY and isinstance(part, DCTActivation):
            layers[-1] = replace(layers[-1], kind=COSINES, activation=part)
        elif layers and layers[-1].kind == IDENTITY and type(part) in FIXED:
            layers[-1] = replace(layers[-1], kind=FIXED[type(part)])
        else:
            known = ", ".join(kind.__name__ for kind in FIXED)
            raise OptionError(f"{part}: expected a chain of Linear, each followed by DCTActivation, {known} or nothing")
    if len(layers) < 2 or layers[-1].kind not in (IDENTITY, COSINES):
        raise OptionError(f"{len(layers)} linear layers: expected two or more, the last without a fixed activation")
    if frozen := [name for name, parameter in module.named_parameters() if not parameter.requires_grad]:
        raise OptionError(f"parameter {frozen[0]!r} requires no gradient: expected that all parameters are trained")
    return layers


def _parameters(layers: list[_Layer]) -> Parameters:
    """Return the places of the parameters of the layers.

    Raises:
        OptionError: There are too many.
    """
    widths = (layers[0].linear.in_features, *(layer.linear.out_features for layer in layers))
    parameters = Parameters.of(
        widths,
        [layer.kind for layer in layers],
        [layer.harmonics for layer in layers],
        [layer.linear.bias is not None for layer in layers],
    )
    parameters.check_size()
    return parameters


def _objective(parameters: Parameters, x: Floats, y: Floats, loss: LossName) -> Objective:
    """Return the objective over all rows.

    Raises:
        DataError: Rows and targets do not fit the layers, or are not finite.
    """
    inputs, units = (int(parameters.layout.widths[place]) for place in (0, -1))
    targets = y[:, None] if y.ndim == 1 else y
    columns = units if loss == "squared" else 1
    if x.ndim != 2 or x.shape[1] != inputs or targets.shape != (len(x), columns) or not len(x):
        raise DataError(f"x {x.shape}, y {y.shape}: expected [rows, {inputs}] and [rows, {columns}], at least one row")
    if not (np.isfinite(x).all() and np.isfinite(targets).all()):
        raise DataError("x and y: expected finite numbers; remove or fill other values")
    kind = losses.SQUARED
    if loss == "cross-entropy":
        kind, classes = (losses.LOGISTIC, np.arange(2)) if units == 1 else (losses.SOFTMAX, np.arange(units))
        if not np.isin(targets, classes).all():
            raise DataError(f"y: expected class indices from 0 to {len(classes) - 1}")
        targets = targets if units == 1 else (targets == classes).astype(np.float64)
    x, targets = (np.ascontiguousarray(part.T) for part in (x, targets))
    return Objective(parameters.layout, parameters.size, x, targets, kind)


def _array(values: Tensor | ArrayLike) -> Floats:
    """Return a tensor or an array in float64."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def _load(parameters: Parameters, layers: list[_Layer]) -> Floats:
    """Return the parameters of the layers as a vector."""
    theta = np.zeros(parameters.size)
    for index, layer in enumerate(layers):
        parameters.weight(theta, index)[:] = _array(layer.linear.weight)
        if layer.linear.bias is not None:
            parameters.bias(theta, index)[:] = _array(layer.linear.bias)
        if layer.activation is not None:
            parameters.coefficients(theta, index)[:] = _array(layer.activation.coefficients)
    if parameters.absorbed:
        parameters.coefficients(theta, len(layers) - 2)[:] *= _array(layers[-1].linear.weight).T
    return theta


@torch.no_grad()
def _store(parameters: Parameters, layers: list[_Layer], theta: Floats) -> None:
    """Copy a vector into the parameters of the layers."""
    for index, layer in enumerate(layers):
        layer.linear.weight.copy_(torch.from_numpy(parameters.weight(theta, index)))
        if layer.linear.bias is not None:
            layer.linear.bias.copy_(torch.from_numpy(parameters.bias(theta, index)))
        if layer.activation is not None:
            layer.activation.coefficients.copy_(torch.from_numpy(parameters.coefficients(theta, index)))


def _rounded(theta: Floats, layers: list[_Layer]) -> Floats:
    """Return parameters rounded to the type of the module's weights."""
    return torch.from_numpy(theta).to(layers[0].linear.weight.dtype).double().numpy()
