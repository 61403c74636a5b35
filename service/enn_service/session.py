"""The session: the only module that knows ONNX Runtime."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from enn_models.package import INPUT

Array = NDArray[np.float32]


class Session:
    """A model file in ONNX Runtime, one thread a run; safe for concurrent runs, which release the interpreter lock.

    Args:
        data: The bytes of a package that passed the scan; the very bytes that were scanned.
    """

    def __init__(self, data: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self._run_options = onnxruntime.RunOptions()
        self._run_options.only_execute_path_to_fetches = True
        self._run_options.log_severity_level = 4

    def run(self, inputs: Array, names: Sequence[str]) -> list[Array]:
        """Return the named outputs of inputs, float32 [batch, features]; what is not named is not computed."""
        return cast("list[Array]", self._session.run(list(names), {INPUT: inputs}, self._run_options))
