"""LitServe with one API server and one worker, connected by its fast queue, without batching."""

# pyright: reportMissingImports=false

import sys

import litserve
import network
import numpy as np


class Ring(litserve.LitAPI):
    """Network as a LitServe API."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Load the network in the worker."""
        self._run = network.load(sys.argv[1])

    def decode_request(self, request: dict) -> np.ndarray:
        """Return the rows of a request."""
        return np.array(request["instances"], dtype=np.float32)

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Predict rows."""
        return self._run(rows)

    def encode_response(self, output: np.ndarray) -> dict:
        """Return one score per row."""
        return {"predictions": output[:, 0].tolist()}


if __name__ == "__main__":
    api = Ring(api_path="/v1/models/ring:predict")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="warning")
