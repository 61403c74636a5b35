"""Model of Triton's Python backend."""

# pyright: reportMissingImports=false

import os
import sys

sys.path[:0] = os.environ["RING_PATH"].split(os.pathsep)  # Triton starts Python without the environment's packages

import network  # noqa: E402
import triton_python_backend_utils as triton  # noqa: E402


class TritonPythonModel:
    """Network that runs each request separately: batches of requests are small."""

    def initialize(self, args: dict) -> None:  # noqa: ARG002
        """Load the network."""
        self._run = network.load(os.environ["RING_MODEL"])

    def execute(self, requests: list) -> list:
        """Return the responses to a batch of requests."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):  # noqa: ANN001, ANN202
        """Return the response to one request."""
        rows = triton.get_input_tensor_by_name(request, "input").as_numpy()
        return triton.InferenceResponse([triton.Tensor("output", self._run(rows))])
