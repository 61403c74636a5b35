"""Train every variant of every network on a picture with the same pixels, passes, batches and schedule."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from enn_training.data.dataset import fingerprint, summarize_columns
from enn_training.data.sampling.splits import sample_rows
from enn_training.data.scaling import Scaling
from enn_training.errors import DivergenceError
from enn_training.experiments.images.contenders import Contender, contenders, count_parameters, matching_widths
from enn_training.experiments.images.picture import FEATURES, Picture
from enn_training.experiments.images.results import PictureResults, Result, Settings, Variant
from enn_training.learned_model import MAX_EXAMPLES, LearnedModel
from enn_training.learners.one_cycle import one_cycle_rate

if TYPE_CHECKING:
    from enn_training.nn.module import ENN

Floats = NDArray[np.float64]
BRIGHTNESS = (0.5, 0.5)
"""Center and half range of the training targets."""


@dataclass(frozen=True, eq=False)
class FittedContender:
    """Best variant of a network.

    Attributes:
        result: Numbers of all variants.
        module: Module of the best variant.
        pixels: Reconstruction, [height, width, channels], in [0, 1].
    """

    result: Result
    module: nn.Module
    pixels: Floats


def fit_all(
    picture: Picture, settings: Settings, watch: Callable[[str], None] = lambda _: None
) -> dict[str, FittedContender]:
    """Train every network on a picture and return the best variants by name, the ENN first.

    Args:
        picture: Picture to learn.
        settings: Sizes of the ENN, and training settings of all networks.
        watch: Callback with the network's name after every pass.

    Raises:
        OptionError: A size of the ENN is out of its range.
        DivergenceError: All variants of a network diverged.
    """
    outputs = picture.pixels.shape[2]
    ours, *peers = contenders(settings.harmonics)
    with torch.random.fork_rng():
        parameters = count_parameters(ours.build(settings.hidden, outputs, 1.0))
    sizes = {ours.name: settings.hidden}
    sizes |= {peer.name: matching_widths(peer, settings.hidden, outputs, parameters) for peer in peers}
    return {
        contender.name: _fit_best(contender, sizes[contender.name], picture, settings, watch)
        for contender in (ours, *peers)
    }


def total_passes(settings: Settings) -> int:
    """Return the total number of passes of `fit_all`."""
    return settings.passes * sum(len(contender.variants) for contender in contenders(settings.harmonics))


def collect_results(picture: Picture, settings: Settings, fitted: dict[str, FittedContender]) -> PictureResults:
    """Return the numbers of a picture for storage."""
    height, width, channels = picture.pixels.shape
    return PictureResults(
        width, height, channels, settings, {name: contender.result for name, contender in fitted.items()}
    )


def to_learned_model(picture: Picture, settings: Settings, fitted: FittedContender) -> LearnedModel:
    """Return the ENN of a picture as a learned model: from column and row to the brightness of each channel."""
    outputs = picture.pixels.shape[2]
    inputs = Scaling.min_max(picture.places)
    brightness = Scaling(*(np.full(outputs, part) for part in BRIGHTNESS))
    best = fitted.result.best
    training: dict[str, Any] = {
        "learner": {"name": "adam", "rate": best.rate, "gain": best.gain, "batch": settings.batch},
        "seed": settings.seed,
        "rows": {"training": len(picture.places), "held_out": 0, "test": 0},
        "hidden": list(settings.hidden),
        "harmonics": settings.harmonics,
        "head": "linear",
        "loss": "squared",
        "passes": settings.passes,
        "psnr": best.psnr,
    }
    return LearnedModel(
        network=cast("ENN", fitted.module).to_network(inputs, brightness),
        features=summarize_columns(FEATURES, picture.places),
        classes=None,
        examples=sample_rows(picture.places, MAX_EXAMPLES, settings.seed),
        training=training,
        scores={},  # all pixels are training rows: no test rows remain
        fingerprint=fingerprint(FEATURES, picture.places, picture.values),
        background=picture.places[:0],
    )


def _fit_best(
    contender: Contender, hidden: tuple[int, ...], picture: Picture, settings: Settings, watch: Callable[[str], None]
) -> FittedContender:
    """Return the best variant of a network."""
    variants: list[Variant] = []
    best: tuple[nn.Module, Floats] | None = None
    parameters = 0
    for rate, gain in contender.variants:
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            module = contender.build(hidden, picture.pixels.shape[2], gain)
        parameters = count_parameters(module)
        began = time.process_time()
        values = _train(module, rate, picture, settings, lambda: watch(contender.name))
        psnr = picture.psnr(values)
        if psnr > max((variant.psnr for variant in variants), default=-math.inf):
            best = module, np.clip(values, 0.0, 1.0).reshape(picture.pixels.shape)
        variants.append(Variant(rate, gain, round(psnr, 2), round(time.process_time() - began, 1)))
    if best is None:
        raise DivergenceError(f"{contender.name}: no variant has finite numbers after {settings.passes} passes")
    return FittedContender(Result(hidden, parameters, tuple(variants)), *best)


def _train(module: nn.Module, rate: float, picture: Picture, settings: Settings, watch: Callable[[], None]) -> Floats:
    """Train a module with Adam and return its values for all pixels, [pixels, channels], as brightness."""
    center, half = BRIGHTNESS
    x = _tensor(Scaling.min_max(picture.places).transform(picture.places))
    y = _tensor((picture.values - center) / half)
    order = torch.Generator().manual_seed(settings.seed)
    optimizer = torch.optim.Adam(module.parameters(), lr=rate, fused=True)
    for number in range(settings.passes):
        batches = torch.randperm(len(x), generator=order).split(settings.batch)
        for index, rows in enumerate(batches):
            optimizer.param_groups[0]["lr"] = rate * one_cycle_rate((number + index / len(batches)) / settings.passes)
            optimizer.zero_grad()
            (module(x[rows]) - y[rows]).square().mean().backward()
            optimizer.step()
        watch()
    with torch.no_grad():
        return module(x).double().numpy() * half + center


def _tensor(array: Floats) -> Tensor:
    """Return an array as a float32 tensor."""
    return torch.from_numpy(array).float()
