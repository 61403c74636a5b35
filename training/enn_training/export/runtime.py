"""ONNX Runtime, asked for outputs by name on one thread: the only module of enn_training that imports it."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx.utils import Extractor

Array = NDArray[np.float32]


class Runtime:
    """A session that computes what leads to some values of a model, and nothing else."""

    def __init__(self, model: onnx.ModelProto, outputs: Sequence[str]) -> None:
        """Open a session.

        Args:
            model: A model with every shape inferred.
            outputs: The values to compute; inner ones too.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._outputs = list(outputs)
        self._session = onnxruntime.InferenceSession(
            route(model, outputs).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def run(self, rows: Array) -> list[Array]:
        """Return the values, in the order asked for, of raw inputs [batch, features]."""
        return cast("list[Array]", self._session.run(self._outputs, {"input": rows}))


def route(model: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto:
    """Return the part of a model that leads from `input` to some of its values."""
    return Extractor(model).extract_model(["input"], list(outputs))
