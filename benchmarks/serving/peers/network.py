"""Network of every peer: the model file in ONNX Runtime with one thread, which suits a small network."""

from collections.abc import Callable

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Array = NDArray[np.float32]


def load(path: str) -> Callable[[Array], Array]:
    """Return a function from inputs, float32 [rows, features], to outputs, float32 [rows, outputs]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(inputs: Array) -> Array:
        return np.asarray(session.run(["output"], {"input": inputs})[0])

    return run
