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
    parts = "\n\n".join(_picture_section(name, found) for name, found in pictures.items())
    return template.format(pictures=parts, tried=VARIANTS_TRIED, frequency=f"{HIDDEN_FREQUENCY:g}")


def results_table(found: PictureResults) -> str:
    """Return a Markdown table with one line per network."""
    head = (
        "| network | layers | parameters | PSNR, dB | of all variants | step, gain | processor s |\n" + "|---" * 7 + "|"
    )
    best = max(one.best.psnr for one in found.results.values())
    return "\n".join([head, *(_result_row(name, one, best, found.channels) for name, one in found.results.items())])


def describe_ranking(found: PictureResults) -> str:
    """Return a sentence on the best network and the ENN's differences."""
    ours = found.results[ENN_NAME].best.psnr
    gaps = [f"{ours - one.best.psnr:+.2f} dB beside {name}" for name, one in found.results.items() if name != ENN_NAME]
    winner = max(found.results, key=lambda name: found.results[name].best.psnr)
    return f"{winner} is the nearest to the picture. The ENN: {', '.join(gaps)}."


def _picture_section(name: str, found: PictureResults) -> str:
    """Return the section of one picture."""
    settings = found.settings
    source, colors = name.rsplit("-", 1)
    hidden = ",".join(map(str, settings.hidden))
    command = f"python -m enn_training image {source} --size {max(found.width, found.height)} --hidden {hidden}"
    command += f" --harmonics {settings.harmonics} --passes {settings.passes} --batch {settings.batch}"
    command += f" --seed {settings.seed}" + (" --grey" if colors == "grey" else "")
    pixels = (
        f"{found.width} x {found.height} pixels of {found.channels} {'channels' if found.channels > 1 else 'channel'}"
    )
    picture = f"![{name} and what each network makes of it](../pictures/image-{name}.png)"
    return f"## {name}\n\n`{command}`: {pixels}.\n\n{picture}\n\n{results_table(found)}\n\n{describe_ranking(found)}"


def _result_row(name: str, one: Result, best: float, outputs: int) -> str:
    """Return the table line of one network."""
    psnr = f"{one.best.psnr:.2f}"
    tried = ", ".join(f"{variant.psnr:.1f}" for variant in one.variants)
    cells = [
        name,
        "-".join(map(str, (2, *one.hidden, outputs))),
        f"{one.parameters:,}",
        f"**{psnr}**" if one.best.psnr == best else psnr,
        tried,
        f"{one.best.rate:g}, {one.best.gain:g}",
        f"{sum(variant.seconds for variant in one.variants):.1f}",
    ]
    return f"| {' | '.join(cells)} |"
