"""Encoder of explanations (bumps and the response of the head) to JSON bytes.

The constant part of every explanation of a unit is a template, built once; the numbers of a row fill its slots.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import truediv

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.card import Card
from enn_models.cosine_series import Floats
from enn_models.explanations.output_response import OutputResponse
from enn_models.network import Network
from enn_service.runtime.flagged_values.out_of_range import OutOfRange
from enn_service.runtime.prediction_encoder import SLOT, PredictionEncoder, number_texts, template
from enn_service.runtime.session import Array

Indices = NDArray[np.intp]
PYTHON_BUMPS_BELOW = 32
"""Maximum number of bumps of one row that Python numbers encode faster than NumPy arrays."""
NUMBER_BYTES = 21
"""Usual length of a float64 as text, with a comma."""
INTERACTION_COPIES = 3
"""Number of times that the text of the interactions of a row is in memory while it is written."""
NAME_BYTES = 4
"""Quotes, colon and comma of a name."""
IN_RANGE = b',"out_of_range":[]'
"""End of the explanation of a row within its training ranges, without the closing brace."""
IN_RANGE_TAIL = IN_RANGE + b"}"


class ExplanationEncoder:
    """Encode the explanations of one model.

    Args:
        card: Card of the model.
        network: Network of the model, for values that the graph does not output.
        predictions: Encoder of the model's predictions, for the names of units and features.

    Attributes:
        has_row_path: True if `encode_row` can encode one row: faster without arrays, for few bumps.
        numbers_per_bump: Number of values of a bump, without its harmonics.
        numbers_per_row: Number of values in the explanation of a row without options.
    """

    def __init__(self, card: Card, network: Network, predictions: PredictionEncoder) -> None:
        self._encoded = replace(network, encoding=None)
        self._network, self._predictions, self._output_response = network, predictions, OutputResponse(network)
        self._hidden, self._last = network.layers[-2], network.layers[-1]
        self._weight, self._bias = self._last.weight.astype(np.float64), self._last.bias.astype(np.float64)
        self._weights, self._biases = self._weight.tolist(), self._bias.tolist()
        self._has_zero_weights = np.count_nonzero(self._weight) != self._weight.size
        few_bumps = self._neurons <= PYTHON_BUMPS_BELOW
        self.has_row_path = self._output_response.supports_single_rows and not self._has_zero_weights and few_bumps
        self.numbers_per_bump = 3 if self._output_response.base_probabilities is None else 4
        self.numbers_per_row = self.numbers_per_bump * self._neurons
        self._name_bytes = sum(len(name.encode()) + NAME_BYTES for name in card.feature_names)
        self._features = len(card.features)
        self._heads = [self._head_template(unit) for unit in range(network.units)]
        self._bumps = [self._bump_templates(unit, harmonics=0) for unit in range(network.units)]
        self._whole = [
            b'%b,"bumps":[%b]%b' % (head, b",".join(bumps), SLOT)
            for head, bumps in zip(self._heads, self._bumps, strict=True)
        ]

    def encode(
        self,
        columns: Callable[[], Floats],
        units: Sequence[int],
        bumps: Array,
        tails: Sequence[bytes],
        *,
        harmonics: bool = False,
        top: int | None = None,
    ) -> list[bytes]:
        """Encode one explanation per row: bias + sum of the bumps' values, and of the rest, = pre_activation.

        Args:
            columns: Function that encodes the inputs of the run, float64 [batch, columns].
            units: Index of the output unit to explain, one per row.
            bumps: Bumps of the run, [batch, units, neurons].
            tails: End of each explanation as JSON, from the comma after the bumps to the closing brace.
            harmonics: True to split each bump into the terms of its series.
            top: Number of bumps to encode, the largest first; None for all in the order of their neurons.
        """
        if len(bumps) == 1 and self.has_row_path and top is None and not harmonics:
            return [self._encode_row(bumps[0, units[0]].tolist(), units[0], tails[0])]
        unit = units[0] if len(set(units)) == 1 else np.asarray(units)
        numbers, parts = self._numbers(columns, unit, bumps)
        templates = [self._whole[unit] for unit in units]
        if top is not None or harmonics:
            order = self._order(parts, top)
            ordered = np.take_along_axis(parts, order[..., None], axis=1)
            if harmonics:
                ordered = np.concatenate([ordered, self._terms(columns, unit, order)], axis=2)
            before, rest = numbers[:, : self._head_numbers], _rest(parts, order, top)
            numbers = np.concatenate([before, ordered.reshape(len(bumps), -1), rest], axis=1)
            templates = self._templates(units, order.tolist(), harmonics=harmonics, rest=rest.shape[1])
        texts, width = number_texts(numbers), numbers.shape[1]
        return [
            row_template % (*texts[row * width : (row + 1) * width], tail)
            for row, (row_template, tail) in enumerate(zip(templates, tails, strict=True))
        ]

    def encode_row(self, output: list[float], bumps: list[list[float]]) -> bytes:
        """Encode the explanation of the predicted class (or value) of one row within its training ranges.

        The result equals that of `encode`, but no array is created. Only valid if `has_row_path`.

        Args:
            output: Outputs of the run, [outputs].
            bumps: Bumps of the run, [units, neurons].
        """
        unit = output.index(max(output)) if self._predictions.is_multiclass else 0
        return self._encode_row(bumps[unit], unit, IN_RANGE_TAIL)

    def encode_out_of_range(self, rows: int, outside: OutOfRange | None) -> list[bytes]:
        """Encode for each row the features outside their training range, and those ranges.

        Args:
            rows: Number of rows.
            outside: Values outside their training range; None if there are none.
        """
        texts = [IN_RANGE] * rows
        if outside is not None:
            for row, text in self._predictions.out_of_range.explained(outside):
                texts[row] = text
        return texts

    def bytes_per_row(self, bumps: int, *, harmonics: bool, attributions: bool, interactions: bool = False) -> int:
        """Return the estimated length of the explanation of a row for one output.

        Args:
            bumps: Number of bumps that are encoded.
            harmonics: True if each bump is split into the terms of its series.
            attributions: True if the features have attributions.
            interactions: True if each pair of features has one.
        """
        terms = self._network.spectrum.shape[1] + 1 if harmonics else 0
        text = len(self._heads[0]) + len(IN_RANGE) + len(self._bumps[0][-1]) * bumps
        numbers = self._head_numbers + (self.numbers_per_bump - 1 + terms) * bumps
        if attributions:
            lines = 1 + (INTERACTION_COPIES * self._features if interactions else 0)
            text, numbers = text + self._name_bytes * (lines + 1), numbers + self._features * lines
        return text + numbers * NUMBER_BYTES

    def _encode_row(self, bumps: list[float], unit: int, tail: bytes) -> bytes:
        """Encode the explanation of one row from the bumps of one unit, [neurons]."""
        z = self._biases[unit] + sum(bumps)
        read, changes = self._output_response.of_row(bumps, unit, z)
        width = self.numbers_per_bump - 1
        parts = bumps * width
        parts[::width] = bumps
        parts[1::width] = map(truediv, bumps, self._weights[unit])
        if changes is not None:
            parts[2::width] = changes
        return self._whole[unit] % (*orjson.dumps([z, *read, *parts])[1:-1].split(b","), tail)

    def _numbers(self, columns: Callable[[], Floats], unit: int | Indices, bumps: Array) -> tuple[Floats, Floats]:
        """Return the numbers of each explanation, float64 [batch, numbers], and a view of those of its bumps.

        The first numbers are the pre-activation and the response of the head. The view, [batch, neurons, 2 or 3], has
        the value and activation of each bump and, if the response is a probability, its change.

        Args:
            columns: Function that encodes the inputs of the run.
            unit: Index of the output unit of all rows, or one per row.
            bumps: Bumps of the run, [batch, units, neurons].
        """
        weights = self._weight[unit]
        before, shape = self._head_numbers, (*bumps.shape[::2], self.numbers_per_bump - 1)
        numbers = np.empty((len(bumps), before + shape[1] * shape[2]))
        parts = numbers[:, before:].reshape(shape)
        values, activations = parts[:, :, 0], parts[:, :, 1]
        values[:] = bumps[slice(None) if isinstance(unit, int) else np.arange(len(bumps)), unit]
        if self._has_zero_weights:
            activations[:] = self._hidden.activation(self._encoded.hidden_pre_activations(columns())[-1])
        np.divide(values, weights, out=activations, where=weights != 0 if self._has_zero_weights else True)
        np.add(self._bias[unit], values.sum(axis=1), out=numbers[:, 0])
        numbers[:, 1:before], changes = self._output_response.of_batch(bumps, unit, numbers[:, 0])
        if changes is not None:
            parts[:, :, 2] = changes
        return numbers, parts

    def _order(self, parts: Floats, top: int | None) -> Indices:
        """Return the order in which the neurons of each row are encoded, [batch, neurons or top]."""
        if top is None:
            return np.broadcast_to(np.arange(parts.shape[1]), parts.shape[:2])
        return np.argsort(-np.abs(parts[:, :, 0]), axis=1, kind="stable")[:, :top]

    def _terms(self, columns: Callable[[], Floats], unit: int | Indices, order: Indices) -> Floats:
        """Return pre-activation and harmonics of each neuron in this order, [batch, len(order), 1 + Q]."""
        z = np.take_along_axis(self._encoded.hidden_pre_activations(columns())[-1], order, axis=1)
        weights = np.broadcast_to(self._weight[unit], (len(order), self._neurons))
        spectrum = self._network.spectrum[order].astype(np.float64)
        own = np.take_along_axis(weights, order, axis=1)[..., None]
        terms = own * spectrum * cosine_series.basis(z, spectrum.shape[2])
        return np.concatenate([z[..., None], terms], axis=2)

    def _templates(self, units: Sequence[int], order: list[list[int]], *, harmonics: bool, rest: int) -> list[bytes]:
        """Return the template of each row.

        Args:
            units: Index of the output unit, one per row.
            order: Neurons of each row in the order of their bumps.
            harmonics: True if each bump has its harmonics.
            rest: Number of values of the rest: 0 without one, 1, or 2 with a change of probability.
        """
        terms = self._network.spectrum.shape[1] if harmonics else 0
        bumps = {unit: self._bump_templates(unit, harmonics=terms) for unit in set(units)}
        change = b',"probability_change":%b' % SLOT if rest > 1 else b""
        others = b',"rest":{"neurons":%d,"value":%b%b}' % (self._neurons - len(order[0]), SLOT, change)
        tail = others + SLOT if rest else SLOT
        return [
            b'%b,"bumps":[%b]%b' % (self._heads[unit], b",".join([bumps[unit][each] for each in row]), tail)
            for unit, row in zip(units, order, strict=True)
        ]

    @property
    def _neurons(self) -> int:
        return len(self._hidden.bias)

    @property
    def _head_numbers(self) -> int:
        """Number of values before the bumps."""
        return 1 + self._output_response.values_per_row

    def _head_template(self, unit: int) -> bytes:
        """Return the template of the values before the bumps of a unit."""
        name, bias = template(self._predictions.output_names[unit]), template(float(self._last.bias[unit]))
        text = b'{"output":%b,"pre_activation":%b,"response":%b' % (name, SLOT, SLOT)
        if self._last.coefficients is not None:
            text += b',"output_activation":{"value":%b,"slope":%b}' % (SLOT, SLOT)
        text += b',"bias":%b' % bias
        if self._output_response.base_probabilities is not None:
            text += b',"base_probability":%b' % template(self._output_response.base_probabilities[unit])
        return text

    def _bump_templates(self, unit: int, *, harmonics: int) -> list[bytes]:
        """Return the template of each bump of a unit, with this number of harmonics."""
        change = b"" if self._output_response.base_probabilities is None else b',"probability_change":%b' % SLOT
        terms = b',"pre_activation":%b,"harmonics":[%b]' % (SLOT, b",".join([SLOT] * harmonics)) if harmonics else b""
        return [
            b'{"neuron":%d,"value":%b,"activation":%b,"weight":%b%b%b}'
            % (neuron, SLOT, SLOT, template(weight), change, terms)
            for neuron, weight in enumerate(self._last.weight[unit].tolist())
        ]


def _rest(parts: Floats, order: Indices, top: int | None) -> Floats:
    """Return the sums of value and change of the bumps not encoded, [batch, 1 or 2]; [batch, 0] without top."""
    if top is None:
        return np.empty((len(parts), 0))
    others = parts[:, :, 0::2].copy()
    np.put_along_axis(others, order[..., None], 0.0, axis=1)
    return others.sum(axis=1)
