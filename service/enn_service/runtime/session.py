"""The session: the only module that knows ONNX Runtime."""

import os
from collections.abc import Sequence
from math import isfinite
from struct import Struct
from typing import cast

import numpy as np
from numpy.typing import NDArray
from onnx.utils import Extractor

from enn_models.batching import max_batch_rows, run_in_batches
from enn_models.package import INPUT, Package

# Before it is loaded: from 1.29 on it otherwise writes what it runs to the home folder and sends that to its makers.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

Array = NDArray[np.float32]
PREDICT_OUTPUTS: tuple[str, ...] = ("output",)
EXPLAIN_OUTPUTS: tuple[str, ...] = ("output", "bumps")
PYTHON_SUM_BELOW = 32
"""So many numbers are added up in Python sooner than NumPy has begun to look at them."""


class Session:
    """A package in ONNX Runtime, one thread a run; safe for concurrent runs, which release the interpreter lock.

    ONNX Runtime computes every node of a session whatever is fetched, so predictions run parts of the graph: the one
    that leads to `output`, and the one that the card names as the faster for few rows, where it names one; explanations
    run the parts that lead to `output` and `bumps`. A single row, the commonest question, finds its tensors made.
    Large batches run in pieces that the processor's cache holds.

    Args:
        package: A package; the graph that was scanned is the graph that runs.

    Attributes:
        outputs: The names of what it gives.

    Raises:
        ValueError: The card names a part that the graph does not have.
    """

    def __init__(self, package: Package) -> None:
        self.outputs = package.outputs
        self._rows = max_batch_rows(package.network, package.cost.elements, package.card.unrolling.precision)
        self._whole = _Subgraph(package.data, INPUT)
        self._many = {names: _part(package, INPUT, names) for names in (PREDICT_OUTPUTS, EXPLAIN_OUTPUTS)}
        self._few, few = dict(self._many), package.card.unrolling.few
        self._few_rows = few.rows if few else 0
        if few:
            self._few[PREDICT_OUTPUTS] = _part(package, few.input, (few.output,))
        if few and few.bumps:
            self._few[EXPLAIN_OUTPUTS] = _part(package, few.input, (few.output, few.bumps))
        self._one = {names: _SingleRowBinding(route, package.network.inputs) for names, route in self._few.items()}

    @property
    def routes(self) -> "list[tuple[_Subgraph, tuple[str, ...]]]":
        """The parts of the graph that are run, each with what it gives."""
        return [(route, names) for routes in (self._few, self._many) for names, route in routes.items()]

    def run(self, inputs: Array, names: Sequence[str]) -> list[Array]:
        """Return the named outputs of inputs, float32 [batch, features]; who names `output` alone pays for it alone."""
        route = (self._few if len(inputs) <= self._few_rows else self._many).get(tuple(names), self._whole)
        return run_in_batches(lambda piece: route.run(piece, names), inputs, self._rows)

    def run_row(self, row: Sequence[float], names: tuple[str, ...]) -> list[Array]:
        """Return the named outputs of a single row.

        Only one thread may call this, the one that loads the model and then the event loop: the arrays of
        PREDICT_OUTPUTS and of EXPLAIN_OUTPUTS are overwritten by the next call.

        Args:
            row: Values of the features, [features].
            names: Names of the outputs.
        """
        binding = self._one.get(names)
        return self.run(np.array([row], np.float32), names) if binding is None else binding.run(row)


class _Subgraph:
    """A graph in the runtime.

    Args:
        data: Its bytes.
        source: The name of its input.
        outputs: The names of its outputs in order; None where it has those of a package.

    Attributes:
        session: It, opened.
        source: As given.
    """

    def __init__(self, data: bytes, source: str, outputs: Sequence[str] | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self.source = source
        self._outputs = outputs

    def run(self, inputs: Array, names: Sequence[str]) -> list[Array]:
        """Return the named outputs; those of a part of the graph, whatever their names."""
        return cast("list[Array]", self.session.run(self._outputs or names, {self.source: inputs}))


class _SingleRowBinding:
    """One row through a graph, by tensors that stay where they are: nothing is allocated for it or checked again.

    Args:
        route: The graph.
        features: How many values a row has.
    """

    def __init__(self, route: _Subgraph, features: int) -> None:
        self._session, self._binding = route.session, route.session.io_binding()
        row = np.zeros((1, features), np.float32)
        self._results = cast("list[Array]", self._session.run(None, {route.source: row}))
        self._binding.bind_input(route.source, "cpu", 0, np.float32, row.shape, row.ctypes.data)
        for output, result in zip(self._session.get_outputs(), self._results, strict=True):
            self._binding.bind_output(output.name, "cpu", 0, np.float32, result.shape, result.ctypes.data)
        self._put, self._row = Struct(f"{features}f").pack_into, row.data

    def run(self, row: Sequence[float]) -> list[Array]:
        """Return the outputs for one row in the graph's order; the next run writes over them."""
        self._put(self._row, 0, *row)
        self._session.run_with_iobinding(self._binding)
        return self._results


def all_finite(tensor: Array) -> bool:
    """Return whether all values are finite numbers."""
    if tensor.size <= PYTHON_SUM_BELOW:
        return isfinite(sum(tensor.ravel().tolist()))  # in float64, which no few numbers of float32 exceed
    return np.count_nonzero(np.isfinite(tensor)) == tensor.size


def _part(package: Package, source: str, outputs: Sequence[str]) -> _Subgraph:
    model = Extractor(package.model).extract_model([source], list(outputs))
    return _Subgraph(model.SerializeToString(), source, outputs)
