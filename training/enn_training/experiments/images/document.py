"""Render the page on implicit images from template.md and the results."""

from importlib.resources import files

from enn_training.experiments.images.contenders import HIDDEN_FREQUENCY, VARIANTS_TRIED
from enn_training.experiments.images.results import PictureResults, Result

ENN_NAME = "ENN"


def render(pictures: dict[str, PictureResults]) -> str:
    """Return the page in Markdown.

    Args:
        pictures: Results by picture name.
    """
    template = files("enn_training.experiments.images").joinpath("template.md").read_text()
    parts = "\n\n".join(_picture_section(name, results) for name, results in pictures.items())
    return template.format(pictures=parts, tried=VARIANTS_TRIED, frequency=f"{HIDDEN_FREQUENCY:g}")


def results_table(picture: PictureResults) -> str:
    """Return a Markdown table with one line per network."""
    head = (
        "| network | layers | parameters | PSNR, dB | of all variants | step, gain | processor s |\n" + "|---" * 7 + "|"
    )
    best = max(result.best.psnr for result in picture.results.values())
    return "\n".join(
        [head, *(_result_row(name, result, best, picture.channels) for name, result in picture.results.items())]
    )


def describe_ranking(picture: PictureResults) -> str:
    """Return a sentence on the best network and the ENN's differences."""
    ours = picture.results[ENN_NAME].best.psnr
    gaps = [f"{name} {ours - result.best.psnr:+.2f} dB" for name, result in picture.results.items() if name != ENN_NAME]
    winner = max(picture.results, key=lambda name: picture.results[name].best.psnr)
    return f"{winner} has the highest PSNR. The ENN compared with {', '.join(gaps)}."


def _picture_section(name: str, results: PictureResults) -> str:
    """Return the section of one picture."""
    settings = results.settings
    source, colors = name.rsplit("-", 1)
    hidden = ",".join(map(str, settings.hidden))
    command = f"python -m enn_training image {source} --size {max(results.width, results.height)} --hidden {hidden}"
    command += f" --harmonics {settings.harmonics} --passes {settings.passes} --batch {settings.batch}"
    command += f" --seed {settings.seed}" + (" --grey" if colors == "grey" else "")
    unit = "channels" if results.channels > 1 else "channel"
    pixels = f"{results.width} x {results.height} pixels of {results.channels} {unit}"
    image = f"![{name} and the picture of each network](../pictures/image-{name}.png)"
    return f"## {name}\n\n`{command}`: {pixels}.\n\n{image}\n\n{results_table(results)}\n\n{describe_ranking(results)}"


def _result_row(name: str, result: Result, best: float, outputs: int) -> str:
    """Return the table line of one network."""
    psnr = f"{result.best.psnr:.2f}"
    tried = ", ".join(f"{variant.psnr:.1f}" for variant in result.variants)
    cells = [
        name,
        "-".join(map(str, (2, *result.hidden, outputs))),
        f"{result.parameters:,}",
        f"**{psnr}**" if result.best.psnr == best else psnr,
        tried,
        f"{result.best.rate:g}, {result.best.gain:g}",
        f"{sum(variant.seconds for variant in result.variants):.1f}",
    ]
    return f"| {' | '.join(cells)} |"
