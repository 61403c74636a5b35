"""ONNX Runtime, asked for outputs by name on one thread: the only module of enn_training that imports it."""

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


class Runtime:
    """A session on a part of a model: what leads from one value to others, and nothing else unless it is asked for."""

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
            model: A model with every shape inferred.
            outputs: The values to compute; inner ones too.
            source: The value to feed; an inner one too.
            rows: The most rows that are computed at once.
            whole: Whether the session is on the whole model, as of who opens the file, and computes every node of it.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._outputs, self._source, self._rows = list(outputs), source, rows
        data = (model if whole else part(model, outputs, source)).SerializeToString()
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(self, rows: Array) -> list[Array]:
        """Return the values, in the order asked for, of float32 inputs [batch, features]."""
        return run_in_batches(self._piece, rows, self._rows)

    def _piece(self, rows: Array) -> list[Array]:
        return cast("list[Array]", self._session.run(self._outputs, {self._source: rows}))


def part(model: onnx.ModelProto, outputs: Sequence[str], source: str = "input") -> onnx.ModelProto:
    """Return the part of a model that leads from a value to others: ONNX Runtime computes every node it is given."""
    return Extractor(model).extract_model([source], list(outputs))
