"""Ray Serve with one replica, on a local Ray instance."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

import os
import signal
import sys

import network
import numpy as np
import ray
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=64, ray_actor_options={"num_cpus": 0})
class Ring:
    """Network as a Ray Serve deployment."""

    def __init__(self, path: str) -> None:
        self._run = network.load(path)

    async def __call__(self, request: Request) -> dict[str, list[float]]:
        """Predict rows."""
        rows = np.array((await request.json())["instances"], dtype=np.float32)
        return {"predictions": self._run(rows)[:, 0].tolist()}


def main() -> None:
    """Serve until SIGTERM, then stop the processes of Ray."""
    ray.init(num_cpus=os.cpu_count(), include_dashboard=False, log_to_driver=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # replaces the handler of Ray
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2])})
        serve.run(Ring.bind(sys.argv[1]), route_prefix="/predict")
        signal.pause()
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
