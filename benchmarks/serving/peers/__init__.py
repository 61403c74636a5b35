"""Servers compared with this service: launcher, protocol and requirements of each.

A launcher `with_<name>.py` runs in the peer's environment as `python with_<name>.py MODEL PORT`, and serves until it is
stopped. Each is configured as its documentation recommends for a network that runs in microseconds on one core.
"""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
FASTAPI = ("fastapi==0.165.0", "httptools==0.9.0", "uvicorn==0.54.0", "uvloop==0.23.0")
RUNTIME = ("numpy==2.4.6", "onnxruntime==1.32.0")


@dataclass(frozen=True)
class Peer:
    """Server to compare with this service.

    Attributes:
        name: Name in the options and of the launcher.
        title: Name in the table.
        requirements: Packages of its environment; the first is the server itself.
        protocol: Format of the request body: "v1" {"instances"}, or "v2" tensors.
        binary: True if it accepts binary tensors.
        path: Path of its prediction endpoint; None for the path of the protocol.
        answers: True if it runs the network; False if it answers a constant.
    """

    name: str
    title: str
    requirements: tuple[str, ...]
    protocol: str = "v1"
    binary: bool = False
    path: str | None = None
    answers: bool = True

    @property
    def launcher(self) -> Path:
        """Script that starts the server."""
        return FOLDER / f"with_{self.name}.py"


PEERS = (
    Peer("asgi", "bare ASGI constant", ("uvicorn==0.54.0", *FASTAPI[1:2], "uvloop==0.23.0"), answers=False),
    Peer("empty_route", "empty FastAPI POST", FASTAPI, answers=False),
    Peer("fastapi", "FastAPI, body model in a thread", (*FASTAPI, *RUNTIME)),
    Peer(
        "triton",
        "Triton, Python backend",
        ("nvidia-pytriton==0.7.0", "numpy==1.26.4", "onnxruntime==1.32.0"),
        "v2",
        binary=True,
    ),
    Peer("mlserver", "MLServer", ("mlserver==1.7.1", *RUNTIME), "v2"),
    Peer("litserve", "LitServe", ("litserve==0.2.19", *RUNTIME)),
    Peer("bentoml", "BentoML", ("bentoml==1.4.39", *RUNTIME), path="/predict"),
    Peer("ray", "Ray Serve", ("ray[serve]==2.60.0", *RUNTIME), path="/predict"),
)
