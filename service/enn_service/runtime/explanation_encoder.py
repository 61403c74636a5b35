"""Explanations: the bumps of an output and what the head makes of them, as JSON text written in one go.

What is the same in every explanation of a unit is a template, made once; its places take the numbers of a row.
"""

from collections.abc import Sequence
from operator import truediv

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.card import Card
from enn_models.cosine_series import Floats
from enn_models.network import Network
from enn_models.output_response import OutputResponse
from enn_service.runtime.prediction_encoder import SLOT, OutOfRange, PredictionEncoder, number_texts, template
from enn_service.runtime.session import Array

Indices = NDArray[np.intp]
FEW = 32
"""So many bumps of one row are told faster in Python's own numbers."""
UNFLAGGED = b',"out_of_range":[]'
WITHIN = UNFLAGGED + b"}"


class ExplanationEncoder:
    """How one model's explanations are told.

    Args:
        card: The model's card.
        network: Its float64 oracle, for what the graph does not give.
        results: What its units and features are called.

    Attributes:
        by_row: Whether `of_row` tells one row: faster without arrays, if its bumps are few.
        numbers: How many numbers a bump is told in, without its harmonics.
        numbers_per_row: Count of numbers in the explanation of a row without options.
    """

    def __init__(self, card: Card, network: Network, results: PredictionEncoder) -> None:
        self._network, self._results, self._output_response = network, results, OutputResponse(network)
        self._hidden, self._last = network.layers[-2], network.layers[-1]
        self._weight, self._bias = self._last.weight.astype(np.float64), self._last.bias.astype(np.float64)
        self._weights, self._biases = self._weight.tolist(), self._bias.tolist()
        self._weightless = np.count_nonzero(self._weight) != self._weight.size
        self.by_row = self._output_response.supports_single_rows and not self._weightless and self._neurons <= FEW
        self.numbers = 3 if self._output_response.base_probabilities is None else 4
        self.numbers_per_row = self.numbers * self._neurons
        self._ranges = {
            feature.name: [feature.minimum, feature.maximum] for feature in card.features if feature.kind == "numeric"
        }
        self._heads = [self._head(unit) for unit in range(network.units)]
        self._bumps = [self._bumps_of(unit, harmonics=0) for unit in range(network.units)]
        self._whole = [
            b'%b,"bumps":[%b]%b' % (head, b",".join(bumps), SLOT)
            for head, bumps in zip(self._heads, self._bumps, strict=True)
        ]

    def told(
        self,
        rows: Array,
        units: Sequence[int],
        bumps: Array,
        tails: Sequence[bytes],
        *,
        harmonics: bool = False,
        top: int | None = None,
    ) -> list[bytes]:
        """Return one explanation a row: bias + sum of the bumps' values, and of the rest, = pre_activation.

        Args:
            rows: The inputs, [batch, features].
            units: The unit to explain, one a row.
            bumps: What the runtime gave, [batch, units, neurons].
            tails: The end of each explanation's text.
            harmonics: Whether to split each bump into the terms of its series.
            top: How many bumps to tell, the largest first; None for all in their order.
        """
        if len(rows) == 1 and self.by_row and top is None and not harmonics:
            return [self._of_row(bumps[0, units[0]].tolist(), units[0], tails[0])]
        chosen = units[0] if len(set(units)) == 1 else np.asarray(units)
        numbers, parts = self._numbers(rows, chosen, bumps)
        templates = [self._whole[unit] for unit in units]
        if top is not None or harmonics:
            order = self._order(parts, top)
            told = np.take_along_axis(parts, order[..., None], axis=1)
            if harmonics:
                told = np.concatenate([told, self._terms(rows, chosen, order)], axis=2)
            before, rest = numbers[:, : self._before], _rest(parts, order, top)
            numbers = np.concatenate([before, told.reshape(len(rows), -1), rest], axis=1)
            templates = self._templates(units, order.tolist(), harmonics=harmonics, rest=rest.shape[1])
        texts, width = number_texts(numbers), numbers.shape[1]
        return [
            open_ % (*texts[row * width : (row + 1) * width], tail)
            for row, (open_, tail) in enumerate(zip(templates, tails, strict=True))
        ]

    def of_row(self, output: list[float], bumps: list[list[float]]) -> bytes:
        """Return the explanation of one row within its training ranges, the unit being that of its prediction.

        It is what `told` gives, without an array on the way; only where `by_row`.

        Args:
            output: What the runtime gave, [outputs].
            bumps: What it gave besides, [units, neurons].
        """
        unit = output.index(max(output)) if self._results.chooses else 0
        return self._of_row(bumps[unit], unit, WITHIN)

    def flags(self, rows: int, outside: OutOfRange | None) -> list[bytes]:
        """Return for each row the text that tells which features lie outside their training range, and that range."""
        named = {} if outside is None else self._results.out_of_range(outside)
        return [
            b',"out_of_range":%b,"ranges":%b'
            % (orjson.dumps(named[row]), orjson.dumps({name: self._ranges[name] for name in named[row]}))
            if row in named
            else UNFLAGGED
            for row in range(rows)
        ]

    def _of_row(self, bumps: list[float], unit: int, tail: bytes) -> bytes:
        """Return the explanation of one row; its bumps are those of the unit."""
        z = self._biases[unit] + sum(bumps)
        read, changes = self._output_response.of_row(bumps, unit, z)
        width = self.numbers - 1
        parts = bumps * width
        parts[::width] = bumps
        parts[1::width] = map(truediv, bumps, self._weights[unit])
        if changes is not None:
            parts[2::width] = changes
        return self._whole[unit] % (*orjson.dumps([z, *read, *parts])[1:-1].split(b","), tail)

    def _numbers(self, rows: Array, chosen: int | Indices, bumps: Array) -> tuple[Floats, Floats]:
        """Return the numbers of each row, [batch, numbers], and a view of those of its bumps, all float64.

        First stand the pre-activation and what the head makes of it; the parts of each bump, [batch, neurons, 2 or 3],
        are value, activation and, of a probability, its change.
        """
        weights = self._weight[chosen]
        before, shape = self._before, (*bumps.shape[::2], self.numbers - 1)
        numbers = np.empty((len(rows), before + shape[1] * shape[2]))
        parts = numbers[:, before:].reshape(shape)
        values, activations = parts[:, :, 0], parts[:, :, 1]
        values[:] = bumps[slice(None) if isinstance(chosen, int) else np.arange(len(rows)), chosen]
        if self._weightless:
            activations[:] = self._hidden.activation(self._network.hidden_pre_activations(rows)[-1])
        np.divide(values, weights, out=activations, where=weights != 0 if self._weightless else True)
        np.add(self._bias[chosen], values.sum(axis=1), out=numbers[:, 0])
        numbers[:, 1:before], changes = self._output_response.of_batch(bumps, chosen, numbers[:, 0])
        if changes is not None:
            parts[:, :, 2] = changes
        return numbers, parts

    def _order(self, parts: Floats, top: int | None) -> Indices:
        """Return the neurons in the order in which a row tells them, [batch, neurons or top]."""
        if top is None:
            return np.broadcast_to(np.arange(parts.shape[1]), parts.shape[:2])
        return np.argsort(-np.abs(parts[:, :, 0]), axis=1, kind="stable")[:, :top]

    def _terms(self, rows: Array, chosen: int | Indices, order: Indices) -> Floats:
        """Return the neurons' pre-activations and the terms of their bumps in this order, [batch, shown, 1 + Q]."""
        z = np.take_along_axis(self._network.hidden_pre_activations(rows)[-1], order, axis=1)
        weights = np.broadcast_to(self._weight[chosen], (len(rows), self._neurons))
        spectrum = self._network.spectrum[order].astype(np.float64)
        own = np.take_along_axis(weights, order, axis=1)[..., None]
        terms = own * spectrum * cosine_series.basis(z, spectrum.shape[2])
        return np.concatenate([z[..., None], terms], axis=2)

    def _templates(self, units: Sequence[int], order: list[list[int]], *, harmonics: bool, rest: int) -> list[bytes]:
        """Return the template of each row: the bumps of its neurons in this order, and as many numbers of the rest."""
        terms = self._network.spectrum.shape[1] if harmonics else 0
        bumps = {unit: self._bumps_of(unit, harmonics=terms) for unit in set(units)}
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
    def _before(self) -> int:
        """How many numbers stand before the bumps."""
        return 1 + self._output_response.values_per_row

    def _head(self, unit: int) -> bytes:
        """Return the template of what stands before the bumps of a unit."""
        name, bias = template(self._results.units[unit]), template(float(self._last.bias[unit]))
        text = b'{"output":%b,"pre_activation":%b,"response":%b' % (name, SLOT, SLOT)
        if self._last.coefficients is not None:
            text += b',"output_activation":{"value":%b,"slope":%b}' % (SLOT, SLOT)
        text += b',"bias":%b' % bias
        if self._output_response.base_probabilities is not None:
            text += b',"base_probability":%b' % template(self._output_response.base_probabilities[unit])
        return text

    def _bumps_of(self, unit: int, *, harmonics: int) -> list[bytes]:
        """Return the template of each bump of a unit."""
        change = b"" if self._output_response.base_probabilities is None else b',"probability_change":%b' % SLOT
        terms = b',"pre_activation":%b,"harmonics":[%b]' % (SLOT, b",".join([SLOT] * harmonics)) if harmonics else b""
        return [
            b'{"neuron":%d,"value":%b,"activation":%b,"weight":%b%b%b}'
            % (neuron, SLOT, SLOT, template(weight), change, terms)
            for neuron, weight in enumerate(self._last.weight[unit].tolist())
        ]


def _rest(parts: Floats, order: Indices, top: int | None) -> Floats:
    """Return what the bumps that are not told add up to, value and change, [batch, 1 or 2]; [batch, 0] without top."""
    if top is None:
        return np.empty((len(parts), 0))
    others = parts[:, :, 0::2].copy()
    np.put_along_axis(others, order[..., None], 0.0, axis=1)
    return others.sum(axis=1)
