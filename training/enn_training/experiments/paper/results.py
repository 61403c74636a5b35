"""Store results as one JSON file per problem, with an entry per contender and seed."""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_training.errors import DataError, OptionError


@dataclass(frozen=True)
class Budget:
    """Data and passes of every contender.

    Attributes:
        samples: Number of training rows; an eighth of them is held out to select among variants.
        judged: Number of new rows for the score.
        passes: Number of passes over the training rows.
    """

    samples: int = 20_000
    judged: int = 20_000
    passes: int = 200


@dataclass(frozen=True)
class Result:
    """Result of one contender on one problem with one seed.

    Attributes:
        score: Accuracy, or mean squared error of a regression, on the scoring rows.
        seconds: CPU seconds of all variants together.
        choice: Description of the selected variant.
        tried: Scores of all variants, if known.
        curve: Pass numbers and the held-out squared error of the best variant at that pass: of labels -1 and +1 (a
            probability p counts as 2p - 1), or of values in their own unit.
        parameters: Base64 of little-endian float32; empty if there is nothing to draw.
    """

    score: float
    seconds: float
    choice: str = ""
    tried: tuple[float, ...] = ()
    curve: tuple[tuple[int, float], ...] = ()
    parameters: str = ""


def thin_curve(errors: list[float]) -> tuple[tuple[int, float], ...]:
    """Return about twenty points of a learning curve, evenly spaced on a logarithmic scale, with four digits."""
    chosen = np.unique(np.geomspace(1, len(errors), 20).round().astype(int))
    return tuple((int(number), float(f"{errors[number - 1]:.4g}")) for number in chosen)


def encode_parameters(parameters: NDArray[np.float32]) -> str:
    """Return learned parameters as Base64."""
    return base64.b64encode(parameters.astype("<f4").tobytes()).decode("ascii")


def decode_parameters(text: str) -> NDArray[np.float32]:
    """Return the learned parameters from Base64, float32 [parameters]."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4").astype(np.float32)


class Results:
    """Results in a folder.

    Args:
        folder: Folder of the files; created with the first result.
        budget: Data and passes of the results.
    """

    def __init__(self, folder: Path, budget: Budget) -> None:
        self.folder = folder
        self.budget = budget

    def read(self, problem: str) -> dict[str, dict[int, Result]]:
        """Return contender -> seed -> result of a problem.

        Raises:
            OptionError: The results were made with another budget.
            DataError: The file is not a results file.
        """
        path = self.folder / f"{problem}.json"
        if not path.exists():
            return {}
        try:
            fields = json.loads(path.read_text())
            budget = Budget(**fields["budget"])
            results = {name: dict(_parse_results(seeds)) for name, seeds in fields["results"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path}: not a file of results ({error}); remove it to learn them again") from None
        if budget != self.budget:
            raise OptionError(f"{path}: made with {budget}, not {self.budget}; choose another --output")
        return results

    def add(self, problem: str, contender: str, seed: int, result: Result) -> None:
        """Store one more result; the file is replaced atomically."""
        results = self.read(problem)
        results.setdefault(contender, {})[seed] = result
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{problem}.json"
        hidden = path.with_name(f".{path.name}.{os.getpid()}")
        hidden.write_text(self._text(results))
        hidden.replace(path)

    def _text(self, results: dict[str, dict[int, Result]]) -> str:
        """Return JSON with one line per result, so that diffs are readable."""
        blocks: list[str] = []
        for name in sorted(results):
            lines = (f'"{seed}": {json.dumps(asdict(results[name][seed]))}' for seed in sorted(results[name]))
            blocks.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
        return f'{{"budget": {json.dumps(asdict(self.budget))}, "results": {{\n' + ",\n".join(blocks) + "\n}}\n"


def _parse_results(seeds: dict[str, dict[str, Any]]) -> Iterator[tuple[int, Result]]:
    """Yield seed and result from the fields of a file."""
    for seed, fields in seeds.items():
        result = Result(**fields)
        curve = tuple((int(number), float(error)) for number, error in result.curve)
        yield int(seed), replace(result, tried=tuple(result.tried), curve=curve)
