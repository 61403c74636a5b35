"""Run parts of an ONNX model in ONNX Runtime on one thread; only this module of enn_training imports it."""

import os
import sys
from collections.abc import Sequence
from typing import cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.utils import Extractor

from enn_models.batching import run_in_batches

# Before it is loaded: from 1.29 on it otherwise writes what it runs to the home folder and sends that to its makers.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

Array = NDArray[np.float32]


class RuntimeSession:
    """ONNX Runtime session on the part of a model between one input and the requested outputs."""

    def __init__(
        self,
        model: onnx.ModelProto,
        outputs: Sequence[str],
        source: str = "input",
        rows: int = sys.maxsize,
        *,
        whole: bool = False,
    ) -> None:
        """Open a session.

        Args:
            model: Model with all shapes inferred.
            outputs: Names of the values to compute; inner values are allowed.
            source: Name of the value to feed; an inner value is allowed.
            rows: Maximum number of rows per run; larger batches are split.
            whole: Open the complete model, as a user of the file would, and compute every node of it.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._outputs, self._source, self._rows = list(outputs), source, rows
        data = (model if whole else extract_part(model, outputs, source)).SerializeToString()
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(self, rows: Array) -> list[Array]:
        """Return the requested values, in the order of `outputs`.

        Args:
            rows: Values to feed, float32 [batch, features].
        """
        return run_in_batches(self._piece, rows, self._rows)

    def _piece(self, rows: Array) -> list[Array]:
        return cast("list[Array]", self._session.run(self._outputs, {self._source: rows}))


def extract_part(model: onnx.ModelProto, outputs: Sequence[str], source: str = "input") -> onnx.ModelProto:
    """Return the part of a model between `source` and `outputs`, as ONNX Runtime computes every node of a session."""
    return Extractor(model).extract_model([source], list(outputs))
