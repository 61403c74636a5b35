"""Export a learned model as a package: an ONNX graph of standard operators, checked against the float64 network."""

from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from enn_models.card import Card, GoldenVector, RawRows, SmallBatchPath, Timing, UnrollingChoice, network_fields
from enn_models.errors import ModelError
from enn_models.graph_checks import MAX_FILE_BYTES
from enn_models.network import Layer, Network
from enn_models.package import HARMONICS, attach_card, open_package, verify_golden_vector
from enn_models.repository import publish_version
from enn_models.signature import signer
from enn_training.errors import ExportError
from enn_training.learned_model import LearnedModel, not_finite
from enn_training.nn.threads import one_thread
from enn_training.publishing.onnx import accuracy, selection
from enn_training.publishing.onnx.layout import FEW_BUMPS, FEW_INPUT, FEW_OUTPUT, Layout, build_graph
from enn_training.publishing.onnx.runtime import RuntimeSession
from enn_training.publishing.onnx.unrollings import Unrolling, all_unrollings

OptimizationTarget = Literal["latency", "throughput"] | int
"""Workload to optimize a graph for: single rows, batches of 1,024 rows, or a number of rows."""
MAX_COMPARED_TERMS = 2**23
"""Maximum number of harmonic terms compared with the float64 network, over all rows together: 64 MiB."""


def export(
    model: LearnedModel,
    root: Path | str,
    name: str,
    *,
    optimize: OptimizationTarget | None = None,
    unrolling: str | None = None,
    harmonics: bool = False,
    key: Path | str | None = None,
) -> Path:
    """Publish a learned model as a new version in a model repository.

    Args:
        model: Learned model: `model_` of an estimator, or the result of `adopt` or `load`.
        root: Folder of the model repository.
        name: Name of the model in the repository.
        optimize: Time all exact unrollings on this machine and use the fastest for `"latency"` (one row),
            `"throughput"` (1,024 rows) or a number of rows. None: choose by a cost estimate; equal models then give
            equal bytes on every machine.
        unrolling: Name of the unrolling to use, one of `unrollings.all_unrollings`. None: choose automatically.
        harmonics: Add the graph output `harmonics`, [batch, units, neurons, Q], whose sum over Q equals the bumps.
        key: PEM file with an Ed25519 private key that signs the version. None: publish without a signature.

    Returns:
        Folder of the new version.

    Raises:
        ExportError: `model` is not a `LearnedModel`, the options contradict each other, a parameter is not finite, or
            no graph reaches `accuracy.TOLERANCE`.
        RepositoryError: The repository rejects the name or the version, or `key` is not a usable private key.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from enn_training import ENN, adopt, export
        >>> rows = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
        >>> model = adopt(ENN(2, (6,), 1, head="linear", task="regression"), rows.numpy())
        >>> with tempfile.TemporaryDirectory() as root:
        ...     folder = export(model, root, "house-prices")
        ...     print(folder.relative_to(root), sorted(path.name for path in folder.iterdir()))
        house-prices/1 ['SHA256SUMS', 'model.onnx']
    """
    sign = None if key is None else signer(Path(key))
    data = build_package(model, optimize=optimize, unrolling=unrolling, harmonics=harmonics)
    return publish_version(Path(root), name, data, sign)


@one_thread()
def build_package(
    model: LearnedModel,
    *,
    optimize: OptimizationTarget | None = None,
    unrolling: str | None = None,
    harmonics: bool = False,
) -> bytes:
    """Return the bytes of a model's package without publishing it.

    Args and errors are those of `export`.
    """
    if not isinstance(model, LearnedModel):
        raise ExportError(
            f"{type(model).__name__}: expected a learned model: adopt(module, rows) for a torch module,"
            " load(root, name) for a package, or model_ of an estimator"
        )
    network = _pad_harmonics(model.network)
    if place := not_finite(network):
        raise ExportError(f"{place} has values that are not finite; train again with a smaller learning rate")
    size, named = _parse_options(optimize, unrolling)
    exact = _exact_layouts(model, network, named, harmonics=harmonics)
    if size is None:
        layout, measured = selection.select_by_rule(network, exact), None
    else:
        layout, measured = _fastest(model, network, exact, size)
    graph = build_graph(network, layout, harmonics=harmonics)
    try:
        data = attach_card(graph, _build_card(model, network, _unrolling_record(layout, measured)))
        if len(data) > MAX_FILE_BYTES and layout.few is not None:  # a second path holds all weights once more
            layout = replace(layout, few=None, few_rows=0)
            graph = build_graph(network, layout, harmonics=harmonics)
            data = attach_card(graph, _build_card(model, network, _unrolling_record(layout, measured)))
        opened = open_package(data)
        verify_golden_vector(opened, lambda rows, outputs: RuntimeSession(graph, outputs).run(rows))
    except (ModelError, ValidationError) as error:
        raise ExportError(f"the package does not pass the checks on loading: {error}") from error
    return data


def _parse_options(optimize: OptimizationTarget | None, unrolling: str | None) -> tuple[int | None, Unrolling | None]:
    """Return the number of rows to time with and the unrolling to use; at most one of the two is not None."""
    if optimize is not None and unrolling is not None:
        raise ExportError(f"unrolling {unrolling!r} and optimize {optimize!r}: expected one of the two")
    if unrolling is not None and unrolling not in all_unrollings():
        raise ExportError(f"unrolling {unrolling!r}: expected one of {', '.join(all_unrollings())}")
    size = {"latency": 1, "throughput": selection.LARGE_BATCH}.get(str(optimize), optimize)
    if size is not None and (isinstance(size, bool | str) or not isinstance(size, Integral) or size < 1):
        raise ExportError(f'optimize {size!r}: expected "latency", "throughput" or a number of rows from 1')
    return None if size is None else int(size), None if unrolling is None else all_unrollings()[unrolling]


def _fastest(model: LearnedModel, network: Network, exact: list[Layout], size: int) -> tuple[Layout, Timing]:
    """Return the layout with the shortest measured time for a batch of `size` rows, and all measured times."""
    times = selection.time_layouts(network, np.resize(accuracy.comparison_rows(model), (size, network.inputs)), exact)
    best = min(exact, key=lambda layout: times[layout.name])
    return best, Timing(rows=size, microseconds={name: round(value, 2) for name, value in times.items()})


def _exact_layouts(
    model: LearnedModel, network: Network, unrolling: Unrolling | None, *, harmonics: bool
) -> list[Layout]:
    """Return the layouts within the tolerance.

    The candidates compute in float32. If one of them exceeds the tolerance, float64 candidates are tried too.

    Args:
        model: Learned model, for its comparison rows.
        network: Network to export.
        unrolling: The only unrolling to try; None tries all candidates.
        harmonics: Check the output `harmonics` as well.

    Raises:
        ExportError: No layout is within the tolerance.
    """
    rows = accuracy.comparison_rows(model)
    exact, smallest = list[Layout](), np.inf
    for float64 in (False, True):
        if unrolling is None:
            layouts = selection.candidate_layouts(network, float64=float64)
        else:
            layouts = [selection.layout_for(network, unrolling, float64=float64)]
        harmonics_error = _harmonics_error(network, layouts[0], rows) if harmonics else 0.0
        graphs = [build_graph(network, layout) for layout in layouts]
        errors = np.maximum(accuracy.largest_errors(network, graphs, rows), harmonics_error).tolist()
        exact += [layout for layout, error in zip(layouts, errors, strict=True) if error <= accuracy.TOLERANCE]
        if len(exact) == len(layouts):
            break
        smallest = min(smallest, *errors)
    if exact:
        return exact
    raise ExportError(
        f"the best graph differs from the float64 network by {smallest:.1e} of the output's scale; expected at most "
        f"{accuracy.TOLERANCE:.0e}. Pre-activations this large exceed the precision of float64: "
        "scale the inputs, or train with a smaller dynamic range"
    )


def _harmonics_error(network: Network, layout: Layout, rows: NDArray[np.float32]) -> float:
    """Return the largest relative error of the output `harmonics`; it depends only on the layout's precision."""
    rows = rows[: max(1, MAX_COMPARED_TERMS // (network.units * network.spectrum.size))]
    found = RuntimeSession(build_graph(network, layout, harmonics=True), [HARMONICS]).run(rows)[0]
    return accuracy.relative_error(found, network.harmonics(rows))


def _unrolling_record(layout: Layout, measured: Timing | None) -> UnrollingChoice:
    """Return the card's record of the unrollings in the graph."""
    few = None
    if layout.few is not None:
        bumps = FEW_BUMPS if layout.few.explanation is None else None
        few = SmallBatchPath(
            unrolling=layout.few.unrollings, rows=layout.few_rows, input=FEW_INPUT, output=FEW_OUTPUT, bumps=bumps
        )
    return UnrollingChoice(
        output=layout.unrollings, precision="float64" if layout.float64 else "float32", few=few, measured=measured
    )


def _build_card(model: LearnedModel, network: Network, unrolling: UnrollingChoice) -> Card:
    """Return the card of a model: parameters, metadata, scores and golden vector."""
    rows = accuracy.golden_rows(model)
    response = network.respond(rows)
    golden = GoldenVector(inputs=_replace_nan(rows), outputs=response.output.tolist(), bumps=response.bumps.tolist())
    return Card(
        **network_fields(network),
        features=model.features,
        classes=model.classes,
        unrolling=unrolling,
        training=model.training,
        scores=model.scores,
        fingerprint=model.fingerprint,
        golden=golden,
        background=_replace_nan(model.background) or None,
        usage=model.usage,
        calibration=model.calibration,
        column_means=None if model.column_means is None else tuple(model.column_means.tolist()),
    )


def _replace_nan(rows: NDArray[np.floating]) -> RawRows:
    """Return rows as nested tuples with None for each NaN, as JSON has no NaN."""
    return tuple(tuple(None if np.isnan(value) else value for value in row) for row in rows.tolist())


def _pad_harmonics(network: Network) -> Network:
    """Return the network with zero coefficients appended, so that all layers have the same Q, as the card requires."""
    most = max(layer.coefficients.shape[1] for layer in network.layers if layer.coefficients is not None)

    def pad(layer: Layer) -> Layer:
        if layer.coefficients is None:
            return layer
        return replace(
            layer, coefficients=np.pad(layer.coefficients, ((0, 0), (0, most - layer.coefficients.shape[1])))
        )

    return replace(network, layers=tuple(pad(layer) for layer in network.layers))
