"""Triton Inference Server with its Python backend, from the wheel of PyTriton, without a GPU."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from tempfile import mkdtemp

CONFIG = """
backend: "python"
input [{ name: "input", data_type: TYPE_FP32, dims: [-1, 2] }]
output [{ name: "output", data_type: TYPE_FP32, dims: [-1, 1] }]
instance_group [{ kind: KIND_CPU, count: 1 }]
"""


def repository(server: Path) -> Path:
    """Return a new folder with the backend for this Python and the model."""
    root = Path(mkdtemp(prefix="triton-", dir=os.environ.get("TMPDIR")))
    backend = root / "backends" / "python"
    shutil.copytree(server / "backends" / "python", backend)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    shutil.copy(server / "python_backend_stubs" / version / "triton_python_backend_stub", backend)
    model = root / "models" / "ring"
    (model / "1").mkdir(parents=True)
    (model / "config.pbtxt").write_text(CONFIG)
    shutil.copy(Path(__file__).with_name("triton_model.py"), model / "1" / "model.py")
    return root


def main() -> None:
    """Replace this process by the server."""
    packages = Path(sysconfig.get_paths()["purelib"])
    server = packages / "pytriton" / "tritonserver"
    root = repository(server)
    libraries = [str(Path(sys.base_prefix) / "lib"), str(packages / "nvidia_pytriton.libs")]
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(libraries)
    os.environ["PYTHONHOME"] = sys.base_prefix
    os.environ["RING_PATH"] = os.pathsep.join([str(Path(__file__).parent), str(packages)])
    os.environ["RING_MODEL"] = sys.argv[1]
    binary = str(server / "bin" / "tritonserver")
    options = {
        "model-repository": root / "models",
        "backend-directory": root / "backends",
        "http-address": "127.0.0.1",
        "http-port": sys.argv[2],
        "allow-grpc": "false",
        "allow-metrics": "false",
        "log-info": "false",
    }
    os.execv(binary, [binary, *(f"--{name}={value}" for name, value in options.items())])


if __name__ == "__main__":
    main()
