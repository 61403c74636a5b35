"""Convert a torch module that was trained elsewhere into a learned model that can be published."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from enn_models.card.activation_statistics import measure_activations
from enn_models.card.unknown_values import column_means
from enn_models.network import Layer, Network
from enn_training.data.dataset import fingerprint, summarize_columns, to_label
from enn_training.data.float32_range import to_float32
from enn_training.data.sampling.splits import BACKGROUND_ROWS, sample_rows
from enn_training.data.scaling import Scaling, fold
from enn_training.errors import DataError, OptionError
from enn_training.learned_model import MAX_EXAMPLES, Label, LearnedModel, not_finite
from enn_training.nn.activation import DCTActivation
from enn_training.nn.chain import trace_chain
from enn_training.nn.module import ENN
from enn_training.nn.threads import one_thread

PLAIN_ONNX_HINT = (
    "torch.onnx.export(module, ..., dynamo=True) writes any module that uses DCTActivation as a plain ONNX file of"
    " standard operators without a card"
)
"""Alternative named in errors about modules that cannot be adopted."""


@one_thread()
def adopt(
    module: nn.Module,
    rows: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    classes: Sequence[Label] | NDArray[Any] | None = None,
    scaling: Scaling | None = None,
    scores: dict[str, float] | None = None,
    background: int = BACKGROUND_ROWS,
) -> LearnedModel:
    """Convert a trained torch module into a learned model for `export`.

    Args:
        module: An `ENN`, or a module that applies `Linear` and `DCTActivation` layers one after the other. The last
            layer is a `Linear` for regression values or logits (linear head), or a `DCTActivation` (dct head).
        rows: Training rows in raw units, [rows, features], finite. The card takes feature ranges, examples and
            background rows from them.
        names: Feature names. None: x0, x1, ...
        classes: Class labels in the order of the logits or scores, as `np.unique` returns them too; two labels for a
            single output. None: regression.
        scaling: Scaling applied to raw rows before they reach the module. None: the module takes raw rows.
        scores: Held-out scores for the card, with the metric names of scikit-learn.
        background: Number of randomly drawn rows that the card carries for attributions; 0 publishes no rows.

    Returns:
        Learned model with a float32 network over raw rows.

    Raises:
        OptionError: The module is not a chain of these layers, or does not match `names` or `classes`.
        DataError: The rows do not match the module's inputs, or are not finite.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from enn_training import DCTActivation, adopt
        >>> module = nn.Sequential(nn.Linear(2, 6), DCTActivation(6), nn.Linear(6, 1))
        >>> rows = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
        >>> model = adopt(module, rows.numpy(), names=["width", "height"])
        >>> model.network.task, [feature.name for feature in model.features]
        ('regression', ['width', 'height'])
    """
    network = _to_network(module, "regression" if classes is None else "classification")
    if scaling is not None:
        network = fold(network, scaling)
    if place := not_finite(network):
        raise OptionError(f"the module's {place} has values that are not finite: expected a module after its training")
    x = np.asarray(rows, dtype=np.float64)
    if x.ndim != 2 or not len(x) or x.shape[1] != network.inputs or not (np.abs(x) <= np.finfo(np.float32).max).all():
        raise DataError(f"rows {x.shape}: expected finite numbers [rows, {network.inputs}], at least one row")
    named = tuple(f"x{column}" for column in range(network.inputs)) if names is None else tuple(map(str, names))
    labels = None if classes is None else tuple(map(to_label, classes))
    if len(named) != network.inputs or (labels is not None and len(labels) != max(2, network.units)):
        raise OptionError(
            f"{len(named)} names, classes {labels}: the module has {network.inputs} inputs and {network.units} outputs"
        )
    return LearnedModel(
        network=network,
        features=summarize_columns(named, x),
        classes=labels,
        examples=to_float32(x[:MAX_EXAMPLES]),
        training={"learner": {"name": "adopted", "module": type(module).__name__}},
        scores={name: float(value) for name, value in (scores or {}).items()},
        fingerprint=fingerprint(named, x, np.zeros(0)),
        background=sample_rows(x, background, 0),
        usage=measure_activations(network, to_float32(x)) if background else None,
        column_means=column_means(network, x),
    )


def _chain(module: nn.Module) -> list[nn.Module]:
    """Return the submodules in order; an error names the alternative."""
    try:
        return trace_chain(module)
    except OptionError as error:
        raise OptionError(f"{error}; {PLAIN_ONNX_HINT}") from error


def _to_network(module: nn.Module, task: str) -> Network:
    """Return the float32 network of a module.

    Raises:
        OptionError: The module is not a chain of `Linear` and `DCTActivation`, or an `ENN` has another task.
    """
    if isinstance(module, ENN):
        network = module.to_network()
        if network.task != task:
            raise OptionError(
                f"the module is for {network.task}: expected classes for a classification, None otherwise"
            )
        return network
    layers: list[Layer] = []
    for part in _chain(module):
        if isinstance(part, nn.Linear):
            bias = part.bias if part.bias is not None else part.weight.new_zeros(part.out_features)
            layers.append(Layer(_to_array(part.weight), _to_array(bias), None))
        elif isinstance(part, DCTActivation) and layers and layers[-1].coefficients is None:
            layers[-1] = Layer(layers[-1].weight, layers[-1].bias, _to_array(part.coefficients))
        else:
            raise OptionError(f"{part} is not one of a chain of Linear and DCTActivation; {PLAIN_ONNX_HINT}")
    if len(layers) < 2 or any(layer.coefficients is None for layer in layers[:-1]):
        raise OptionError(f"{len(layers)} layers: expected at least two, a DCTActivation after each but the last")
    head = "linear" if layers[-1].coefficients is None else "dct"
    offsets = (np.zeros(layers[0].weight.shape[1], np.float32), np.zeros(len(layers[-1].bias), np.float32))
    return Network("regression" if task == "regression" else "classification", head, tuple(layers), *offsets)


def _to_array(parameter: torch.Tensor) -> np.ndarray:
    """Return a float32 copy of a parameter on the CPU."""
    return parameter.detach().cpu().to(torch.float32).numpy().copy()
