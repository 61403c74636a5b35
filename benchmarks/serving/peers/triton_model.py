"""The model that Triton's Python backend runs."""

# pyright: reportMissingImports=false

import os
import sys

sys.path[:0] = os.environ["RING_PATH"].split(os.pathsep)  # Triton gives its Python none of the environment's packages

import network  # noqa: E402
import triton_python_backend_utils as triton  # noqa: E402


class TritonPythonModel:
    """The network, a request at a time: what came together is few and small."""

    def initialize(self, args: dict) -> None:  # noqa: ARG002
        """Load the network."""
        self._run = network.load(os.environ["RING_MODEL"])

    def execute(self, requests: list) -> list:
        """Answer requests."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):  # noqa: ANN001, ANN202
        rows = triton.get_input_tensor_by_name(request, "input").as_numpy()
        return triton.InferenceResponse([triton.Tensor("output", self._run(rows))])
