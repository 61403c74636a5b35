"""What came out: one small JSON file a picture, a line for every contender."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from enn_training.errors import DataError


@dataclass(frozen=True)
class Settings:
    """What is learned with.

    Attributes:
        hidden: The ENN's neurons of each hidden layer.
        harmonics: Its Q.
        passes: Times that every pixel is seen, by every variant of every contender.
        batch: Pixels a step.
        seed: Of the starts and the order.
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
        rate: Highest step of Adam.
        gain: Of the first layer.
        psnr: In dB, over all pixels and channels.
        seconds: Processor seconds.
    """

    rate: float
    gain: float
    psnr: float
    seconds: float


@dataclass(frozen=True)
class Result:
    """One contender on one picture.

    Attributes:
        hidden: Neurons of each hidden layer.
        parameters: Learned numbers.
        variants: All that were tried, one or more.
    """

    hidden: tuple[int, ...]
    parameters: int
    variants: tuple[Variant, ...]

    @property
    def best(self) -> Variant:
        """The variant of highest PSNR."""
        return max(self.variants, key=lambda variant: variant.psnr)


@dataclass(frozen=True)
class Found:
    """All contenders on one picture.

    Attributes:
        width: In pixels, as height is.
        channels: 1 or 3.
        results: Contender -> what came out, the ENN first.
    """

    width: int
    height: int
    channels: int
    settings: Settings
    results: dict[str, Result]


def write(folder: Path, name: str, found: Found) -> None:
    """Keep what is known of a picture; a reader never sees half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(key)}: {json.dumps(asdict(one))}" for key, one in found.results.items()]
    head = asdict(found)
    del head["results"]
    path = folder / f"{name}.json"
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    hidden.write_text(json.dumps(head)[:-1] + ', "results": {\n' + ",\n".join(lines) + "\n}}\n")
    hidden.replace(path)


def read(folder: Path) -> dict[str, Found]:
    """Return picture -> what is known of it, in the order of their names.

    Raises:
        DataError: A file is not what write makes.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}


def _read(path: Path) -> Found:
    try:
        fields = json.loads(path.read_text())
        settings = Settings(**fields["settings"] | {"hidden": tuple(fields["settings"]["hidden"])})
        results = {name: _result(one) for name, one in fields["results"].items()}
        return Found(**fields | {"settings": settings, "results": results})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path}: not a file of results ({error}); remove it to learn the picture again") from None


def _result(fields: dict[str, Any]) -> Result:
    variants = tuple(Variant(**one) for one in fields["variants"])
    return Result(tuple(fields["hidden"]), fields["parameters"], variants)
