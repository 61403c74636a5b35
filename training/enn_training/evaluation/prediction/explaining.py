"""Predictions and exact explanations of a learned model, in the form of the service's answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypedDict, get_args

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.explanations import attributions, methods
from enn_models.explanations.feature_shares import feature_columns
from enn_models.explanations.interactions import shapley_interactions
from enn_models.explanations.methods import DEFAULT_PERMUTATIONS, MAX_PERMUTATIONS, Method
from enn_models.explanations.output_names import index_by_name, output_names
from enn_models.explanations.output_response import OutputResponse
from enn_models.explanations.results import Attributions, Explanations, OutputExplanations
from enn_models.network import Network, Response
from enn_training.data.float32_range import to_float32
from enn_training.errors import OptionError
from enn_training.evaluation.prediction.rows import EncodedRows
from enn_training.learned_model import Label, LearnedModel

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
PIECE = 2**15
"""Number of rows that are predicted at once."""


class ExplainOptions(TypedDict, total=False):
    """Options of an explanation.

    Attributes:
        output: Class label or name of the output to explain. Default: the predicted class of each row.
        top: Number of bumps to return, the largest first; the others are summed. Default: all.
        harmonics: True to split each bump into the terms of its cosine series.
        attributions: Method of attribution to the features. Default: none.
        background: Rows that Shapley values compare with. Default: rows stored in the model.
        baseline: Row at which integrated gradients start. Default: the mean of the training rows.
        permutations: Number of orders of the features that "sampled_shapley" draws.
        interactions: True for the interactions of each pair of features too; takes "shapley".
    """

    output: Label | None
    top: int | None
    harmonics: bool
    attributions: Method | None
    background: Any
    baseline: Any
    permutations: int
    interactions: bool


def predict(model: LearnedModel, columns: Floats) -> list[Any]:
    """Return the prediction of each encoded row, as the service's V1 protocol has them.

    Returns:
        For a regression a number, or a list for several outputs; for classes {"label", "probabilities"} with a linear
        head and {"label", "score"} with a dct head.
    """
    network = replace(model.network, encoding=None)
    pieces = [network.respond(columns[start : start + PIECE]).output for start in range(0, len(columns), PIECE)]
    return _predictions(model, np.concatenate(pieces)) if pieces else []


@dataclass(frozen=True, eq=False)
class Explainer:
    """Predict rows and explain outputs of each.

    Attributes:
        model: Model to explain.
        options: Options of the explanations.
        reference: Encoded rows of the background, or of the baseline; None for those of the model.

    Raises:
        OptionError: The model cannot compute such explanations.
    """

    model: LearnedModel
    options: ExplainOptions
    reference: Floats | None = None

    def __post_init__(self) -> None:
        """Check the options against the model."""
        _check_attributions(self.model, self.options)

    def explain(self, rows: EncodedRows) -> Explanations:
        """Explain one output of each row."""
        network, name = replace(self.model.network, encoding=None), self.options.get("output")
        response = network.respond(rows.columns)
        if name is not None:
            units = np.full(len(rows.columns), _unit(self.model, name))
        elif network.units > 1 and self.model.classes is not None:
            units = response.output.argmax(axis=1)
        else:
            units = np.zeros(len(rows.columns), dtype=np.intp)
        return self._explanations(rows, response, units, self._attribute(rows))

    def explain_outputs(self, rows: EncodedRows, outputs: Literal["all"] | Sequence[Label]) -> OutputExplanations:
        """Explain several outputs of each row."""
        names = output_names(self.model.classes, self.model.network.units)
        chosen = range(len(names)) if isinstance(outputs, str) else [_unit(self.model, name) for name in outputs]
        response = replace(self.model.network, encoding=None).respond(rows.columns)
        attributed = self._attribute(rows)
        return OutputExplanations(
            {
                names[unit]: self._explanations(rows, response, np.full(len(rows.columns), unit), attributed)
                for unit in chosen
            }
        )

    def _explanations(
        self, rows: EncodedRows, response: Response, units: Indices, attributed: attributions.Attributions | None
    ) -> Explanations:
        """Return the explanations of one output unit per row."""
        network, every = self.model.network, np.arange(len(units))
        head, last = OutputResponse(network), network.layers[-1]
        bumps, z = response.bumps[every, units], response.pre_activation[every, units]
        read = head.of_batch(response.bumps, units, z)
        order, rest = _order(bumps, self.options.get("top"))

        def shown(values: Floats) -> Floats:
            return np.take_along_axis(values, order if values.ndim == 2 else order[..., None], axis=1)

        changes, base = read.probability_changes, head.base_probabilities
        names, weights = output_names(self.model.classes, network.units), last.weight.astype(np.float64)[units]
        return Explanations(
            predictions=_predictions(self.model, response.output),
            output=[names[unit] for unit in units],
            neurons=order.astype(np.int64),
            bumps=shown(bumps),
            activations=shown(response.activation),
            weights=shown(weights),
            rest=rest,
            bias=last.bias.astype(np.float64)[units],
            pre_activation=z,
            response=read.values[:, 0],
            slope=read.values[:, 2] if read.values.shape[1] > 1 else None,
            probability_changes=None if changes is None else shown(changes),
            base_probability=None if base is None else np.array(base)[units],
            harmonics=shown(_harmonics(network, rows.columns, weights)) if self.options.get("harmonics") else None,
            **_flags(self.model, rows.outside),
            attributions=None if attributed is None else self._of_units(attributed, rows, units),
            index=rows.index,
        )

    def _attribute(self, rows: EncodedRows) -> attributions.Attributions | None:
        """Return the attributions of every row and unit; None without a method."""
        method = self.options.get("attributions")
        if method is None:
            return None
        permutations = self.options.get("permutations", DEFAULT_PERMUTATIONS)
        steps = methods.attribute(self.model.network, rows.columns, method, self._reference(method), permutations)
        return attributions.complete(steps)

    def _interactions(self, rows: EncodedRows, units: Indices) -> Floats | None:
        """Return the interactions of the features of each row, [rows, features, features]; None unless requested."""
        if not self.options.get("interactions"):
            return None
        network, players = replace(self.model.network, encoding=None), feature_columns(self.model.network)
        reference = self._reference("shapley")
        pairs = zip(rows.columns, units.tolist(), strict=True)
        found = (shapley_interactions(network, row, reference, players, [unit]) for row, unit in pairs)
        return np.concatenate([attributions.complete(steps) for steps in found])

    def _reference(self, method: Method) -> Floats:
        """Return the encoded rows to compare with: those of the caller, or those of the model."""
        if self.reference is not None:
            return self.reference
        background = self.model.background if len(self.model.background) else None
        rows = methods.default_reference(self.model.network, self.model.features, background, method)
        if rows is None:
            name = "baseline" if method == "integrated_gradients" else "background"
            raise OptionError(f"{name}: the model carries no background rows; pass the rows to compare with")
        return rows

    def _of_units(self, found: attributions.Attributions, rows: EncodedRows, units: Indices) -> Attributions:
        """Return the attributions of one output unit per row."""
        return Attributions(
            method=str(self.options.get("attributions")),
            features=[feature.name for feature in self.model.features],
            values=found.values[np.arange(len(units)), units],
            base_value=found.base_value[units],
            data=rows.data,
            interactions=self._interactions(rows, units),
        )


def _check_attributions(model: LearnedModel, options: ExplainOptions) -> None:
    """Refuse a method of attribution, or its options, that a model cannot compute.

    Raises:
        OptionError: The text names the option and what is expected.
    """
    method, permutations = options.get("attributions"), options.get("permutations", DEFAULT_PERMUTATIONS)
    if method is not None and method not in get_args(Method):
        raise OptionError(f"attributions {method!r}: expected one of {', '.join(map(repr, get_args(Method)))}")
    if method == "shapley" and len(model.network.layers) != 2:
        raise OptionError(
            f"attributions 'shapley': exact Shapley values need one hidden layer; the model has "
            f"{len(model.network.layers) - 1}; ask for 'sampled_shapley' or 'integrated_gradients'"
        )
    if options.get("interactions") and method != "shapley":
        raise OptionError(f"interactions: only exact values have them; expected attributions 'shapley', not {method!r}")
    if not 1 <= permutations <= MAX_PERMUTATIONS:
        raise OptionError(f"permutations {permutations}: expected 1 to {MAX_PERMUTATIONS}")
    used = "baseline" if method == "integrated_gradients" else "background"
    for name in ("background", "baseline"):
        if options.get(name) is not None and (method is None or name != used):
            raise OptionError(f"{name}: not used by attributions {method!r}")


def _predictions(model: LearnedModel, output: Floats) -> list[Any]:
    """Return predictions from outputs [rows, outputs]; values of a regression are rounded as in the service."""
    if model.classes is None:
        values = to_float32(output)
        return (values[:, 0] if values.shape[1] == 1 else values).tolist()
    if model.network.head == "linear":
        texts = [str(label) for label in model.classes]
        return [
            {"label": model.classes[best], "probabilities": dict(zip(texts, row, strict=True))}
            for best, row in zip(output.argmax(axis=1).tolist(), output.tolist(), strict=True)
        ]
    scores = output.max(axis=1)
    chosen = output.argmax(axis=1) if output.shape[1] > 1 else scores > 0
    return [
        {"label": model.classes[index], "score": score}
        for index, score in zip(chosen.astype(int).tolist(), scores.tolist(), strict=True)
    ]


def _unit(model: LearnedModel, name: Label) -> int:
    """Return the index of the output unit with this label or name."""
    names = output_names(model.classes, model.network.units)
    unit = index_by_name(names).get(str(name))
    if unit is None:
        raise OptionError(f"output {name!r}: the model explains {', '.join(map(str, names))}")
    return unit


def _order(bumps: Floats, top: int | None) -> tuple[Indices, Floats]:
    """Return the neurons to show of each row in their order, and the sum of the other bumps, [rows]."""
    neurons = bumps.shape[1]
    if top is None:
        return np.tile(np.arange(neurons), (len(bumps), 1)), np.zeros(len(bumps))
    if top < 1:
        raise OptionError(f"top {top}: expected a number of bumps, at least 1")
    order = np.argsort(-np.abs(bumps), axis=1, kind="stable")
    return order[:, :top], np.take_along_axis(bumps, order[:, top:], axis=1).sum(axis=1)


def _harmonics(network: Network, columns: Floats, weights: Floats) -> Floats:
    """Return the terms of each bump, [rows, neurons, Q], of encoded rows."""
    z = replace(network, encoding=None).hidden_pre_activations(columns)[-1]
    return weights[..., None] * cosine_series.harmonics(z, network.spectrum)


def _flags(model: LearnedModel, outside: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the fields of explanations about values outside the training range."""
    names = np.array([feature.name for feature in model.features], dtype=object)
    found = [model.features[place] for place in np.flatnonzero(outside.any(axis=0))]
    return {
        "out_of_range": [tuple(names[row]) for row in outside],
        "ranges": {feature.name: (float(feature.minimum), float(feature.maximum)) for feature in found},
    }
