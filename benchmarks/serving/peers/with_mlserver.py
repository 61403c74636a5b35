"""MLServer with a custom runtime in the process of the server, without gzip, debug mode and metrics."""

# pyright: reportMissingImports=false

import asyncio
import socket
import sys

import network
import numpy as np
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Ring(MLModel):
    """Network as an MLServer runtime."""

    async def load(self) -> bool:
        """Load the network."""
        self._run = network.load(sys.argv[1])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return the output of the first tensor."""
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32)
        output = NumpyCodec.encode_output("output", self._run(rows))
        return InferenceResponse(model_name=self.name, outputs=[output])


def free_port() -> int:
    """Return a free port for gRPC, which cannot be disabled."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    """Start the server."""
    settings = Settings(
        host="127.0.0.1",
        http_port=int(sys.argv[2]),
        grpc_port=free_port(),
        parallel_workers=0,
        debug=False,
        gzip_enabled=False,
        metrics_endpoint=None,
    )
    asyncio.run(MLServer(settings).start([ModelSettings(name="ring", implementation=Ring)]))


if __name__ == "__main__":
    main()
