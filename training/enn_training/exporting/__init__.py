"""Export: a learned network becomes a package of standard ONNX operators that gives the numbers of the oracle."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from enn_models.card import Card, Golden, RawRows, pack
from enn_models.errors import ModelError
from enn_models.network import Layer, Network
from enn_models.package import OUTPUTS, attach, open_package, verify
from enn_models.repository import publish
from enn_training.exporting import accuracy, choice
from enn_training.exporting.assembly import FEW_INPUT, FEW_OUTPUT, Layout, assemble
from enn_training.exporting.errors import ExportError
from enn_training.exporting.runtime import Runtime
from enn_training.exporting.unrollings import Unrolling, family
from enn_training.model import LearnedModel

__all__ = ["ExportError", "export", "package"]

Batch = Literal["latency", "throughput"] | int


def export(
    model: LearnedModel, root: Path | str, name: str, *, optimize: Batch | None = None, unrolling: str | None = None
) -> Path:
    """Publish a learned model in a repository.

    Args:
        model: What the learner left.
        root: The model repository.
        name: The model's name there.
        optimize: Time the unrollings on this machine and keep the fastest exact one for single rows, for batches of
            1,024, or for that many rows. None: a rule chooses, and equal models make equal bytes.
        unrolling: Use this one of `unrollings.family`.

    Returns:
        The folder of the new version.

    Raises:
        ExportError: No graph is exact to `accuracy.TOLERANCE`, or the options contradict each other.
        RepositoryError: The repository does not take it.
    """
    return publish(Path(root), name, package(model, optimize=optimize, unrolling=unrolling))


def package(model: LearnedModel, *, optimize: Batch | None = None, unrolling: str | None = None) -> bytes:
    """Return the bytes of a model's package; arguments and errors as in `export`."""
    network = _padded(model.network)
    _check_finite(network)
    layout, record = _choose(model, network, optimize, unrolling)
    graph = assemble(network, layout)
    try:
        data = attach(graph, _card(model, network, record))
        verify(open_package(data), lambda rows, outputs: Runtime(graph, outputs).run(rows))
    except (ModelError, ValidationError) as error:
        raise ExportError(f"the package would not be accepted: {error}") from error
    return data


def _choose(
    model: LearnedModel, network: Network, optimize: Batch | None, unrolling: str | None
) -> tuple[Layout, dict[str, Any]]:
    """Return the layout and what the card records of the choice."""
    if optimize is not None and unrolling is not None:
        raise ExportError(f"unrolling {unrolling!r} and optimize {optimize!r}: expected one of the two")
    if unrolling is not None:
        if unrolling not in family():
            raise ExportError(f"unrolling {unrolling!r}: expected one of {', '.join(family())}")
        layout, measured = _exact(model, network, [family()[unrolling]])[0], {}
    elif optimize is not None:
        layout, measured = _fastest(model, network, optimize)
    else:
        exact = _exact(model, network, choice.candidates(network))
        layout, measured = choice.by_rule(network, [each.many for each in exact]), {}
        layout = replace(layout, reach=exact[0].reach)
    few = None
    if layout.few is not None:
        few = {"unrolling": layout.few.name, "rows": layout.rows, "input": FEW_INPUT, "output": FEW_OUTPUT}
    wrapped = {"wrapped": True} if layout.reach is not None else {}
    return layout, {"output": layout.many.name, "few": few, **wrapped, **measured}


def _fastest(model: LearnedModel, network: Network, optimize: Batch) -> tuple[Layout, dict[str, Any]]:
    size = {"latency": 1, "throughput": choice.MANY_ROWS}.get(str(optimize), optimize)
    if not isinstance(size, int) or size < 1:
        raise ExportError(f'optimize {size!r}: expected "latency", "throughput" or a number of rows from 1')
    exact = _exact(model, network, choice.candidates(network))
    rows = np.resize(accuracy.rows(model), (size, network.inputs))
    times = choice.by_time(network, rows, [layout.many for layout in exact])
    best = min(exact, key=lambda layout: times[layout.many.name])
    microseconds = {name: round(value, 2) for name, value in times.items()}
    return best, {"rows": size, "microseconds": microseconds}


def _exact(model: LearnedModel, network: Network, unrollings: Sequence[Unrolling]) -> list[Layout]:
    """Return a layout for every unrolling that is exact; with the first layer's angles wrapped if none is without."""
    best = np.inf
    for reach in (None, accuracy.reach(model, network)):
        layouts = [Layout(unrolling, choice.explanation(network), reach=reach) for unrolling in unrollings]
        errors = [_error(model, network, layout) for layout in layouts]
        if exact := [layout for layout, error in zip(layouts, errors, strict=True) if error <= accuracy.TOLERANCE]:
            return exact
        best = min(best, *errors)
    raise ExportError(
        f"the best graph differs from the float64 network by {best:.1e} of the output's scale; "
        f"at most {accuracy.TOLERANCE:.0e} is published. Large pre-activations lose float32's digits: "
        "scale the inputs, or learn with a smaller dynamic range"
    )


def _error(model: LearnedModel, network: Network, layout: Layout) -> float:
    """Return the largest error of the three outputs in ONNX Runtime."""
    rows = accuracy.rows(model)
    values = Runtime(assemble(network, layout), OUTPUTS).run(rows)
    return accuracy.error(network, rows, dict(zip(OUTPUTS, values, strict=True)))


def _card(model: LearnedModel, network: Network, record: dict[str, Any]) -> Card:
    rows = accuracy.golden(model)
    response = network.respond(rows)
    golden = Golden(inputs=_nullable(rows), outputs=response.output.tolist(), bumps=response.bumps.tolist())
    return Card(
        **pack(network),
        features=model.features,
        classes=model.classes,
        unrolling=record,
        training=model.training,
        scores=model.scores,
        fingerprint=model.fingerprint,
        golden=golden,
        background=_nullable(model.background) or None,
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
