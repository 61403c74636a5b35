"""Kernels compile where no folder can be written for numba's cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import enn_training

SCRIPT = """
import numpy as np
from enn_training.kernels import activation, jacobian, lms, losses, products
print(activation.__file__, activation.forward(np.full((1, 1), .5, np.float32), np.ones((1, 1), np.float32)).item())
"""


def test_kernels_run_without_a_folder_for_their_cache(tmp_path):
    source = Path(enn_training.__file__).parent
    shutil.copytree(source, tmp_path / "enn_training", ignore=shutil.ignore_patterns("__pycache__"))
    # A file in place of the folder keeps the administrator from writing too.
    (tmp_path / "enn_training" / "kernels" / "__pycache__").touch()
    unwritable = dict.fromkeys(("HOME", "XDG_CACHE_HOME"), "/dev/null") | {"PYTHONPATH": str(tmp_path)}
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"} | unwritable
    command = [sys.executable, "-B", "-c", SCRIPT]
    found = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    file, value = found.stdout.split()
    assert file.startswith(str(tmp_path))
    assert abs(float(value) + 0.5**0.5) < 1e-6  # cos((pi/2) 1.5)
