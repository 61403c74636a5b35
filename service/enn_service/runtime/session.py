"""Inference session in ONNX Runtime; no other module of the service imports `onnxruntime`."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite
from struct import Struct
from typing import cast

import numpy as np
from numpy.typing import NDArray
from onnx.utils import Extractor

from enn_models.batching import max_batch_rows, run_in_batches
from enn_models.package import INPUT, Package

# Set before the import: from 1.29 on ONNX Runtime otherwise writes and sends usage telemetry.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

Array = NDArray[np.float32]
PREDICT_OUTPUTS: tuple[str, ...] = ("output",)
EXPLAIN_OUTPUTS: tuple[str, ...] = ("output", "bumps")
RUN_OPTIONS = onnxruntime.RunOptions()
"""Options of every run; the runtime would otherwise make some for each, which costs as much as a small network."""
PYTHON_SUM_BELOW = 32
"""Number of values up to which a sum in Python is faster than a NumPy call."""


class Session:
    """Run a package in ONNX Runtime with one thread per run; concurrent runs are safe and release the interpreter lock.

    ONNX Runtime computes every node of a session, whichever outputs are fetched. So there is one session per subgraph:
    predictions run the subgraph of `output`, explanations that of `output` and `bumps`, each in a second version for
    few rows if the card names one. A single row uses preallocated tensors. Large batches run in pieces that fit the
    processor's cache.

    Args:
        package: Package whose graph passed the checks.

    Attributes:
        outputs: Names of all outputs.

    Raises:
        ValueError: The card names a subgraph that the graph does not have.
    """

    def __init__(self, package: Package) -> None:
        self.outputs = package.outputs
        self._rows = max_batch_rows(package.network, package.cost.elements, package.card.unrolling.precision)
        self._full_graph = _Subgraph(package.data, INPUT)
        self._many_rows = {names: _subgraph(package, INPUT, names) for names in (PREDICT_OUTPUTS, EXPLAIN_OUTPUTS)}
        self._few_rows, few = dict(self._many_rows), package.card.unrolling.few
        self._max_few_rows = few.rows if few else 0
        if few:
            self._few_rows[PREDICT_OUTPUTS] = _subgraph(package, few.input, (few.output,))
        if few and few.bumps:
            self._few_rows[EXPLAIN_OUTPUTS] = _subgraph(package, few.input, (few.output, few.bumps))
        inputs = package.network.inputs
        self._single_row = {names: _SingleRowBinding(part, inputs) for names, part in self._few_rows.items()}

    @property
    def subgraphs(self) -> "list[tuple[_Subgraph, tuple[str, ...]]]":
        """Subgraphs for few and for many rows, each with the names of its outputs."""
        return [(part, names) for parts in (self._few_rows, self._many_rows) for names, part in parts.items()]

    def run(self, inputs: Array, names: Sequence[str]) -> list[Array]:
        """Compute the named outputs of a batch.

        Only `PREDICT_OUTPUTS` and `EXPLAIN_OUTPUTS` run a subgraph; other names run the full graph.

        Args:
            inputs: Rows, float32 [batch, features].
            names: Names of the outputs.
        """
        parts = self._few_rows if len(inputs) <= self._max_few_rows else self._many_rows
        part = parts.get(tuple(names), self._full_graph)
        return run_in_batches(lambda piece: part.run(piece, names), inputs, self._rows)

    def run_row(self, row: Sequence[float], names: tuple[str, ...]) -> list[Array]:
        """Return the named outputs of a single row.

        Only one thread may call this, the one that loads the model and then the event loop: the arrays of
        PREDICT_OUTPUTS and of EXPLAIN_OUTPUTS are overwritten by the next call.

        Args:
            row: Values of the features, [features].
            names: Names of the outputs.
        """
        binding = self._single_row.get(names)
        return self.run(np.array([row], np.float32), names) if binding is None else binding.run(row)


class _Subgraph:
    """Hold one ONNX Runtime session of a graph with one input.

    Args:
        data: Serialized graph.
        source: Name of the input.
        outputs: Names of all outputs, in order; None to fetch outputs by the names given to `run`.

    Attributes:
        session: ONNX Runtime session.
        source: Name of the input.
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
        """Compute the named outputs of a batch; a subgraph always returns all of its outputs in order."""
        return cast("list[Array]", self.session.run(self._outputs or names, {self.source: inputs}, RUN_OPTIONS))


class _SingleRowBinding:
    """Run a single row with input and output tensors that are allocated and bound once.

    Args:
        part: Subgraph to run.
        features: Number of values of a row.
    """

    def __init__(self, part: _Subgraph, features: int) -> None:
        session, binding = part.session, part.session.io_binding()
        row = np.zeros((1, features), np.float32)
        self._results = cast("list[Array]", session.run(None, {part.source: row}))
        binding.bind_input(part.source, "cpu", 0, np.float32, row.shape, row.ctypes.data)
        for output, result in zip(session.get_outputs(), self._results, strict=True):
            binding.bind_output(output.name, "cpu", 0, np.float32, result.shape, result.ctypes.data)
        self._run = _run_function(session, binding)
        self._pack_into, self._row = Struct(f"{features}f").pack_into, row.data

    def run(self, row: Sequence[float]) -> list[Array]:
        """Return the outputs of one row in the order of the graph; the next run overwrites them."""
        self._pack_into(self._row, 0, *row)
        self._run()
        return self._results


def _run_function(session: onnxruntime.InferenceSession, binding: onnxruntime.IOBinding) -> Callable[[], None]:
    """Return a function that runs a session on its bound tensors.

    The public method first checks whether a GPU has captured the graph, which takes a tenth of the time of a row.
    """
    inner, bound = getattr(session, "_sess", None), getattr(binding, "_iobinding", None)
    if inner is None or bound is None:  # they are no part of the runtime's interface
        return partial(session.run_with_iobinding, binding, RUN_OPTIONS)
    return partial(inner.run_with_iobinding, bound, RUN_OPTIONS)


def all_finite(tensor: Array) -> bool:
    """Return True if all values are finite."""
    if tensor.size == 1:
        return isfinite(tensor.item())
    if tensor.size <= PYTHON_SUM_BELOW:
        return isfinite(sum(tensor.ravel().tolist()))  # a sum of few float32 values cannot overflow float64
    return np.count_nonzero(np.isfinite(tensor)) == tensor.size


def _subgraph(package: Package, source: str, outputs: Sequence[str]) -> _Subgraph:
    """Extract the subgraph between an input and outputs of a package."""
    model = Extractor(package.model).extract_model([source], list(outputs))
    return _Subgraph(model.SerializeToString(), source, outputs)
