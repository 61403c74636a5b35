"""Adoption: a network that was learned elsewhere, in torch, becomes a learned model that can be published."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import fx, nn

from enn_models.activation_statistics import measure_activations
from enn_models.network import Layer, Network
from enn_training.data.dataset import fingerprint, summarize_columns
from enn_training.data.scaling import Scaling, fold
from enn_training.data.splits import BACKGROUND_ROWS, sample_rows
from enn_training.errors import DataError, OptionError
from enn_training.learned_model import MAX_EXAMPLES, Label, LearnedModel
from enn_training.nn.activation import DCTActivation
from enn_training.nn.module import ENN

ELSEWHERE = (
    "torch.onnx.export(module, ..., dynamo=True) writes any module that uses DCTActivation as a plain ONNX file of"
    " standard operators, without a card"
)


def adopt(
    module: nn.Module,
    rows: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    classes: Sequence[Label] | None = None,
    scaling: Scaling | None = None,
    scores: dict[str, float] | None = None,
    background: int = BACKGROUND_ROWS,
) -> LearnedModel:
    """Return what `export` takes, of a module that was learned elsewhere.

    Args:
        module: An ENN, or any module that is a chain of Linear and DCTActivation, one after the other; it ends in
            values or logits (linear head) or in a DCTActivation (dct head).
        rows: Raw rows that it was learned from, [rows, features], finite: they give the ranges of the features and
            what the card carries of examples and background.
        names: Names of the features; None for x0, x1, ...
        classes: The labels in the order of the logits or scores, two for one output; None for a regression.
        scaling: How raw rows were scaled before they came to the module; None where they were not.
        scores: Held-out scores for the card, named as scikit-learn names them.
        background: Rows, drawn by chance, that the card carries for explanations; 0 keeps all back.

    Raises:
        OptionError: The module is not such a chain, or does not fit the classes.
        DataError: The rows do not fit the module, or are not finite.
    """
    network = _network(module, "regression" if classes is None else "classification")
    if scaling is not None:
        network = fold(network, scaling)
    x = np.asarray(rows, dtype=np.float64)
    if x.ndim != 2 or not len(x) or x.shape[1] != network.inputs or not np.isfinite(x).all():
        raise DataError(f"rows {x.shape}: expected finite numbers [rows, {network.inputs}], at least one row")
    named = tuple(names) if names is not None else tuple(f"x{column}" for column in range(network.inputs))
    if len(named) != network.inputs or (classes is not None and len(classes) != max(2, network.units)):
        raise OptionError(
            f"{len(named)} names, classes {classes}: the module has {network.inputs} inputs and {network.units} outputs"
        )
    return LearnedModel(
        network=network,
        features=summarize_columns(named, x),
        classes=None if classes is None else tuple(classes),
        examples=x[:MAX_EXAMPLES].astype(np.float32).astype(np.float64),
        training={"learner": {"name": "adopted", "module": type(module).__name__}},
        scores=scores or {},
        fingerprint=fingerprint(named, x, np.zeros(0)),
        background=sample_rows(x, background, 0),
        usage=measure_activations(network, x) if background else None,
    )


def _network(module: nn.Module, task: str) -> Network:
    if isinstance(module, ENN):
        network = module.to_network()
        if network.task != task:
            raise OptionError(f"the module is for {network.task}: expected classes for a classification, else none")
        return network
    layers: list[Layer] = []
    for part in _chain(module):
        if isinstance(part, nn.Linear):
            bias = part.bias if part.bias is not None else torch.zeros(part.out_features)
            layers.append(Layer(_array(part.weight), _array(bias), None))
        elif isinstance(part, DCTActivation) and layers and layers[-1].coefficients is None:
            layers[-1] = Layer(layers[-1].weight, layers[-1].bias, _array(part.coefficients))
        else:
            raise OptionError(f"{part} is not one of a chain of Linear and DCTActivation; {ELSEWHERE}")
    if len(layers) < 2 or any(layer.coefficients is None for layer in layers[:-1]):
        raise OptionError(f"{len(layers)} layers: expected at least two, a DCTActivation after each but the last")
    head = "linear" if layers[-1].coefficients is None else "dct"
    offsets = (np.zeros(layers[0].weight.shape[1], np.float32), np.zeros(len(layers[-1].bias), np.float32))
    return Network("regression" if task == "regression" else "classification", head, tuple(layers), *offsets)


def _chain(module: nn.Module) -> list[nn.Module]:
    """Return the modules that a value goes through, in their order, without those that only act in learning."""
    try:
        graph = _Tracer().trace(module)
    except Exception as error:  # whatever the module's own code raises
        raise OptionError(
            f"the way through {type(module).__name__} depends on its input: {error}; {ELSEWHERE}"
        ) from error
    chain: list[nn.Module] = []
    source, *steps, result = graph.nodes
    for step in (*steps, result):
        if step.all_input_nodes != [source] or step.op not in ("call_module", "output"):
            raise OptionError(f"step {step.name!r} is not one of a chain of Linear and DCTActivation; {ELSEWHERE}")
        if step is not result:
            chain.append(module.get_submodule(str(step.target)))
            source = step
    return [part for part in chain if not isinstance(part, nn.Dropout | nn.Identity)]


class _Tracer(fx.Tracer):
    """Follows a value through a module; an activation is one step."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, DCTActivation) or super().is_leaf_module(m, module_qualified_name)


def _array(parameter: torch.Tensor) -> np.ndarray:
    return parameter.detach().cpu().to(torch.float32).numpy().copy()
