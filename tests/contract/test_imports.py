"""Tests of the import rules: import-linter contracts, and a service that starts without the training packages."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORBIDDEN = ("torch", "numba", "sklearn", "pandas", "enn_training")
START = f"""
import sys
from importlib.abc import MetaPathFinder

FORBIDDEN = {FORBIDDEN!r}

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FORBIDDEN:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import enn_service.__main__
from enn_service.app import create_app
create_app()
print(sorted(set(FORBIDDEN) & {{name.partition(".")[0] for name in sys.modules}}))
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_import_contracts_hold():
    lint = "import sys; from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    done = python("-c", lint)
    assert done.returncode == 0, done.stdout + done.stderr


def test_service_starts_without_training_packages():
    done = python("-W", "error", "-c", START)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_enn_models_imports_no_runtime():
    forbidden = {"onnxruntime", "fastapi", "uvicorn", "enn_service", *FORBIDDEN}
    program = f"import sys, enn_models.package, enn_models.repository; print({forbidden} & set(sys.modules))"
    done = python("-c", program)
    assert (done.returncode, done.stdout.strip()) == (0, "set()"), done.stderr


def test_public_names_do_not_depend_on_import_order() -> None:
    names = ("ENN", "DCTActivation", "ENNClassifier", "ENNRegressor", "export")
    script = f"import enn_training.publishing.export\nfrom enn_training import {', '.join(names)}"
    checks = "\n".join(f"assert callable({name})" for name in names)
    subprocess.run([sys.executable, "-c", f"{script}\n{checks}"], check=True)
