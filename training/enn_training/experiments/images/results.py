"""Store results as one JSON file per picture, with a line per network."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from enn_training.errors import DataError


@dataclass(frozen=True)
class Settings:
    """Training settings.

    Attributes:
        hidden: Neurons of each hidden layer of the ENN.
        harmonics: Q of the ENN.
        passes: Number of passes over the pixels, for every variant of every network.
        batch: Pixels per step.
        seed: Seed of initialization and pixel order.
    """

    hidden: tuple[int, ...]
    harmonics: int
    passes: int
    batch: int
    seed: int


@dataclass(frozen=True)
class Variant:
    """One fit.

    Attributes:
        rate: Peak learning rate of Adam.
        gain: Gain of the first layer.
        psnr: PSNR in dB, over all pixels and channels.
        seconds: CPU seconds.
    """

    rate: float
    gain: float
    psnr: float
    seconds: float


@dataclass(frozen=True)
class Result:
    """Results of one network on one picture.

    Attributes:
        hidden: Neurons of each hidden layer.
        parameters: Number of learned parameters.
        variants: All variants tried, at least one.
    """

    hidden: tuple[int, ...]
    parameters: int
    variants: tuple[Variant, ...]

    @property
    def best(self) -> Variant:
        """Variant with the highest PSNR."""
        return max(self.variants, key=lambda variant: variant.psnr)


@dataclass(frozen=True)
class PictureResults:
    """Results of all networks on one picture.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        channels: Number of channels, 1 or 3.
        settings: Training settings.
        results: Results by name, the ENN first.
    """

    width: int
    height: int
    channels: int
    settings: Settings
    results: dict[str, Result]


def write_results(folder: Path, name: str, picture: PictureResults) -> None:
    """Store the results of a picture; the file is replaced atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(key)}: {json.dumps(asdict(result))}" for key, result in picture.results.items()]
    head = asdict(picture)
    del head["results"]
    path = folder / f"{name}.json"
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    hidden.write_text(json.dumps(head)[:-1] + ', "results": {\n' + ",\n".join(lines) + "\n}}\n")
    hidden.replace(path)


def read_results(folder: Path) -> dict[str, PictureResults]:
    """Return the results of all pictures by name, in alphabetical order.

    Raises:
        DataError: A file is not a results file.
    """
    return {path.stem: _read_file(path) for path in sorted(folder.glob("*.json"))}


def _read_file(path: Path) -> PictureResults:
    """Return the results of a file."""
    try:
        fields = json.loads(path.read_text())
        settings = Settings(**fields["settings"] | {"hidden": tuple(fields["settings"]["hidden"])})
        results = {name: _parse_result(result) for name, result in fields["results"].items()}
        return PictureResults(**fields | {"settings": settings, "results": results})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path}: not a file of results ({error}); remove it to learn the picture again") from None


def _parse_result(fields: dict[str, Any]) -> Result:
    """Return the result of one network from its JSON fields."""
    variants = tuple(Variant(**variant) for variant in fields["variants"])
    return Result(tuple(fields["hidden"]), fields["parameters"], variants)
