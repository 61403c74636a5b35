"""Export: a learned network becomes a package of standard ONNX operators that gives the numbers of the oracle."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from enn_models.card import Card, GoldenVector, RawRows, SmallBatchPath, Timing, UnrollingChoice, network_fields
from enn_models.errors import ModelError
from enn_models.network import Layer, Network, Response
from enn_models.package import HARMONICS, OUTPUTS, attach_card, open_package, verify_golden_vector
from enn_models.repository import publish_version
from enn_models.signature import signer
from enn_training.learned_model import LearnedModel
from enn_training.publishing.onnx import accuracy
from enn_training.publishing.onnx import selection as choice
from enn_training.publishing.onnx.errors import ExportError
from enn_training.publishing.onnx.layout import FEW_BUMPS, FEW_INPUT, FEW_OUTPUT, Layout, assemble
from enn_training.publishing.onnx.runtime import Runtime
from enn_training.publishing.onnx.unrollings import Unrolling, family

__all__ = ["Batch", "ExportError", "export", "package"]

Batch = Literal["latency", "throughput"] | int
COMPARED = 2**23
"""The most terms of bumps that are held to the tolerance, of all rows together: 64 MiB."""


def export(
    model: LearnedModel,
    root: Path | str,
    name: str,
    *,
    optimize: Batch | None = None,
    unrolling: str | None = None,
    harmonics: bool = False,
    key: Path | str | None = None,
) -> Path:
    """Publish a learned model in a repository.

    Args:
        model: What the learner left: `model_` of an estimator, `adopt` of a torch module, or `load` of a package.
        root: The model repository.
        name: The model's name there.
        optimize: Time the unrollings on this machine and keep the fastest exact one for single rows, for batches of
            1,024, or for that many rows. None: a rule chooses among the exact ones, and equal models make equal bytes.
        unrolling: Use this one of `unrollings.family`.
        harmonics: Whether the graph has the output `harmonics`, [batch, units, neurons, Q], which sums to the bumps.
        key: PEM file of the Ed25519 private key to sign the version with.

    Returns:
        The folder of the new version.

    Raises:
        ExportError: No graph is exact to `accuracy.TOLERANCE`, the options contradict each other, or it is no
            such model.
        RepositoryError: The repository does not take it, or the key is none.
    """
    sign = None if key is None else signer(Path(key))
    data = package(model, optimize=optimize, unrolling=unrolling, harmonics=harmonics)
    return publish_version(Path(root), name, data, sign)


def package(
    model: LearnedModel, *, optimize: Batch | None = None, unrolling: str | None = None, harmonics: bool = False
) -> bytes:
    """Return the bytes of a model's package; arguments and errors as in `export`."""
    if not isinstance(model, LearnedModel):
        raise ExportError(
            f"{type(model).__name__}: expected a learned model: adopt(module, rows) of a torch module, load(root, name)"
            " of a package, or model_ of an estimator"
        )
    network = _padded(model.network)
    _check_finite(network)
    size, named = _options(optimize, unrolling)
    exact = _exact(model, network, named, harmonics=harmonics)
    layout, measured = (choice.by_rule(network, exact), None) if size is None else _fastest(model, network, exact, size)
    graph = assemble(network, layout, harmonics=harmonics)
    try:
        data = attach_card(graph, _card(model, network, _record(layout, measured)))
        opened = open_package(data)
        verify_golden_vector(opened, lambda rows, outputs: Runtime(graph, outputs).run(rows))
    except (ModelError, ValidationError) as error:
        raise ExportError(f"the package would not be accepted: {error}") from error
    return data


def _options(optimize: Batch | None, unrolling: str | None) -> tuple[int | None, Unrolling | None]:
    """Return the rows to time with and the unrolling to use, of which one may be given."""
    if optimize is not None and unrolling is not None:
        raise ExportError(f"unrolling {unrolling!r} and optimize {optimize!r}: expected one of the two")
    if unrolling is not None and unrolling not in family():
        raise ExportError(f"unrolling {unrolling!r}: expected one of {', '.join(family())}")
    size = {"latency": 1, "throughput": choice.MANY_ROWS}.get(str(optimize), optimize)
    if size is not None and (type(size) is not int or size < 1):
        raise ExportError(f'optimize {size!r}: expected "latency", "throughput" or a number of rows from 1')
    return size, None if unrolling is None else family()[unrolling]


def _fastest(model: LearnedModel, network: Network, exact: list[Layout], size: int) -> tuple[Layout, Timing]:
    """Return the layout that takes least for so many rows, and what each took."""
    times = choice.by_time(network, np.resize(accuracy.rows(model), (size, network.inputs)), exact)
    best = min(exact, key=lambda layout: times[layout.name])
    return best, Timing(rows=size, microseconds={name: round(value, 2) for name, value in times.items()})


def _exact(model: LearnedModel, network: Network, unrolling: Unrolling | None, *, harmonics: bool) -> list[Layout]:
    """Return the exact layouts, of one unrolling or of all that may win; in float64 too if float32 fails any."""
    rows = accuracy.rows(model)
    response = network.respond(rows)
    exact, best = list[Layout](), np.inf
    for double in (False, True):
        if unrolling is None:
            layouts = choice.candidates(network, double=double)
        else:
            layouts = [choice.layout_of(network, unrolling, double=double)]
        terms = _error_of_harmonics(network, layouts[0], rows) if harmonics else 0.0
        errors = [max(terms, _error(network, layout, rows, response)) for layout in layouts]
        exact += [layout for layout, error in zip(layouts, errors, strict=True) if error <= accuracy.TOLERANCE]
        if len(exact) == len(layouts):
            break
        best = min(best, *errors)
    if exact:
        return exact
    raise ExportError(
        f"the best graph differs from the float64 network by {best:.1e} of the output's scale; "
        f"at most {accuracy.TOLERANCE:.0e} is published. Pre-activations this large lose even float64's digits: "
        "scale the inputs, or learn with a smaller dynamic range"
    )


def _error(network: Network, layout: Layout, rows: NDArray[np.float32], response: Response) -> float:
    """Return the largest error of the three outputs in ONNX Runtime."""
    values = Runtime(assemble(network, layout), OUTPUTS).run(rows)
    return accuracy.error(network, response, dict(zip(OUTPUTS, values, strict=True)))


def _error_of_harmonics(network: Network, layout: Layout, rows: NDArray[np.float32]) -> float:
    """Return the largest error of the output `harmonics`, which depends on the layout's precision alone."""
    rows = rows[: max(1, COMPARED // (network.units * network.spectrum.size))]
    found = Runtime(assemble(network, layout, harmonics=True), [HARMONICS]).run(rows)[0]
    return accuracy.share(found, network.harmonics(rows))


def _record(layout: Layout, measured: Timing | None) -> UnrollingChoice:
    """Return what the card says of the graph."""
    few = None
    if layout.few is not None:
        bumps = FEW_BUMPS if layout.few.explanation is None else None
        few = SmallBatchPath(
            unrolling=layout.few.unrollings, rows=layout.rows, input=FEW_INPUT, output=FEW_OUTPUT, bumps=bumps
        )
    return UnrollingChoice(
        output=layout.unrollings, precision="float64" if layout.double else "float32", few=few, measured=measured
    )


def _card(model: LearnedModel, network: Network, unrolling: UnrollingChoice) -> Card:
    rows = accuracy.golden(model)
    response = network.respond(rows)
    golden = GoldenVector(inputs=_nullable(rows), outputs=response.output.tolist(), bumps=response.bumps.tolist())
    return Card(
        **network_fields(network),
        features=model.features,
        classes=model.classes,
        unrolling=unrolling,
        training=model.training,
        scores=model.scores,
        fingerprint=model.fingerprint,
        golden=golden,
        background=_nullable(model.background) or None,
        usage=model.usage,
    )


def _nullable(rows: NDArray[np.floating]) -> RawRows:
    return tuple(tuple(None if np.isnan(value) else value for value in row) for row in rows.tolist())


def _padded(network: Network) -> Network:
    """Return the network with zero harmonics added where a layer has fewer than another: the card has one Q."""
    most = max(layer.coefficients.shape[1] for layer in network.layers if layer.coefficients is not None)

    def pad(layer: Layer) -> Layer:
        if layer.coefficients is None:
            return layer
        return replace(
            layer, coefficients=np.pad(layer.coefficients, ((0, 0), (0, most - layer.coefficients.shape[1])))
        )

    return replace(network, layers=tuple(pad(layer) for layer in network.layers))


def _check_finite(network: Network) -> None:
    for number, layer in enumerate(network.layers, start=1):
        for name in ("weight", "bias", "coefficients"):
            values = getattr(layer, name)
            if values is not None and not np.isfinite(values).all():
                raise ExportError(
                    f"layer {number}: {name} has values that are not finite; learn again with smaller steps"
                )
    for name in ("input_offset", "output_offset"):
        if not np.isfinite(getattr(network, name)).all():
            raise ExportError(f"{name} has values that are not finite")
