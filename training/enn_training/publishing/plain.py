"""Plain ONNX file of a published model: its predictions alone, for sessions of ONNX Runtime without this project.

ONNX Runtime computes every node of a session, whichever outputs are fetched. A package has paths to its explanations
and often a second path for few rows, so a session on the whole file computes all of them.
"""

import hashlib
import json
from numbers import Integral
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from enn_models import repository
from enn_models.errors import ModelError
from enn_models.package import INPUT, Package, open_package, verify_golden_vector
from enn_models.repository import write_atomically
from enn_training.errors import ExportError
from enn_training.publishing.onnx.runtime import RuntimeSession, extract_part

OUTPUT = "output"


def export_plain(root: Path | str, name: str, path: Path | str, *, version: str | None = None, rows: int = 1) -> Path:
    """Write a published model as a plain ONNX file with one input and one output.

    The input `input` and the output `output` are those of the package. The metadata name the features and classes. The
    published version does not change; versions of all releases can be read.

    Args:
        root: Folder of the model repository.
        name: Name of the model in the repository.
        path: File to write; its folder exists.
        version: Version of the model. None: the version that is served by default, the highest integer.
        rows: Number of rows for which the file is fastest, at least 1; it takes any number of them.

    Returns:
        Path of the file.

    Raises:
        RepositoryError: The repository has no such model or version.
        ModelError: The package is unsafe or inconsistent.
        ExportError: `rows` is not a number from 1 on, the file does not give the predictions of the package, or it
            cannot be written.

    Example:
        >>> import tempfile
        >>> import onnxruntime
        >>> import torch
        >>> from enn_training import ENN, adopt, export, export_plain
        >>> rows = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
        >>> with tempfile.TemporaryDirectory() as root:
        ...     _ = export(adopt(ENN(2, (6,), 1, head="linear", task="regression"), rows.numpy()), root, "house-prices")
        ...     session = onnxruntime.InferenceSession(export_plain(root, "house-prices", f"{root}/plain.onnx"))
        >>> session.run(["output"], {"input": rows.numpy()})[0].shape
        (50, 1)
    """
    if not isinstance(rows, Integral) or isinstance(rows, bool) or rows < 1:
        raise ExportError(f"rows {rows!r}: expected a number of rows from 1")
    version = version or repository.latest_version(Path(root), name)
    package = open_package(repository.read_model(Path(root), name, version))
    few = package.card.unrolling.few
    source, output = (few.input, few.output) if few is not None and rows <= few.rows else (INPUT, OUTPUT)
    model = prediction_only(package.model, source, output, package.network.inputs, package.network.outputs)
    _describe(model, package, f"{name}/{version}")
    session = RuntimeSession(model, [OUTPUT], whole=True)
    try:
        verify_golden_vector(package, lambda inputs, _: session.run(inputs), [OUTPUT])
    except ModelError as error:
        raise ExportError(f"{name}/{version}: {error}") from error
    try:
        write_atomically(Path(path), model.SerializeToString(deterministic=True))
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror or error}; expected a file that can be written") from error
    return Path(path)


def prediction_only(model: onnx.ModelProto, source: str, output: str, features: int, outputs: int) -> onnx.ModelProto:
    """Return the part of a graph between two values as a model with the input `input` and the output `output`.

    Args:
        model: Graph of a package, with all shapes inferred.
        source: Name of the value that takes the rows.
        output: Name of the value with the predictions.
        features: Number of features.
        outputs: Number of outputs.
    """
    part = extract_part(model, [output], source)
    graph, names = part.graph, {source: INPUT, output: OUTPUT}
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [names.get(value, value) for value in values]
    for values, name, size in ((graph.input, INPUT, features), (graph.output, OUTPUT, outputs)):
        del values[:]
        values.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]))
    del graph.value_info[:]
    onnx.checker.check_model(part, full_check=True)
    return part


def _describe(model: onnx.ModelProto, package: Package, origin: str) -> None:
    """Add the origin and the meaning of the values to a model."""
    card = package.card
    model.producer_name = "enn"
    model.graph.doc_string = f"Predictions of the Expressive Neural Network {origin}; its package explains them."
    features = [feature.model_dump(include={"name", "kind", "categories"}) for feature in card.features]
    sha256 = hashlib.sha256(package.data).hexdigest()
    for key, value in {"package": sha256, "features": features, "classes": card.classes}.items():
        model.metadata_props.add(key=f"enn.{key}", value=json.dumps(value))
