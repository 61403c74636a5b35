"""BentoML with one worker and an asynchronous endpoint, which saves a switch of threads for a small network."""

# pyright: reportMissingImports=false

import os
import sys

import bentoml
import network
import numpy as np

os.environ.setdefault("RING_MODEL", sys.argv[1])


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Ring:
    """Network as a BentoML service."""

    def __init__(self) -> None:
        self._run = network.load(os.environ["RING_MODEL"])

    @bentoml.api(route="/predict")
    async def predict(self, instances: list[list[float]]) -> dict[str, list[float]]:
        """Predict rows."""
        return {"predictions": self._run(np.array(instances, dtype=np.float32))[:, 0].tolist()}


if __name__ == "__main__":
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]  # noqa: PTH120
    command = [sys.executable, "-m", "bentoml", "serve", "with_bentoml:Ring", "--host", "127.0.0.1", "-p", sys.argv[2]]
    os.execv(sys.executable, command)
