"""The document: prose from template.md, every number from the results."""

from importlib.resources import files

from enn_training.experiments.images.contenders import HIDDEN_FREQUENCY, TRIED
from enn_training.experiments.images.results import Found, Result

OURS = "ENN"


def text(pictures: dict[str, Found]) -> str:
    """Return the document, in Markdown, of pictures by name."""
    template = files("enn_training.experiments.images").joinpath("template.md").read_text()
    parts = "\n\n".join(_part(name, found) for name, found in pictures.items())
    return template.format(pictures=parts, tried=TRIED, frequency=f"{HIDDEN_FREQUENCY:g}")


def table(found: Found) -> str:
    """Return one line a contender."""
    head = (
        "| network | layers | parameters | PSNR, dB | of all variants | step, gain | processor s |\n" + "|---" * 7 + "|"
    )
    best = max(one.best.psnr for one in found.results.values())
    return "\n".join([head, *(_line(name, one, best, found.channels) for name, one in found.results.items())])


def verdict(found: Found) -> str:
    """Return who wins, in a sentence."""
    ours = found.results[OURS].best.psnr
    gaps = [f"{ours - one.best.psnr:+.2f} dB beside {name}" for name, one in found.results.items() if name != OURS]
    winner = max(found.results, key=lambda name: found.results[name].best.psnr)
    return f"{winner} is the nearest to the picture. The ENN: {', '.join(gaps)}."


def _part(name: str, found: Found) -> str:
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
    return f"## {name}\n\n`{command}`: {pixels}.\n\n{picture}\n\n{table(found)}\n\n{verdict(found)}"


def _line(name: str, one: Result, best: float, outputs: int) -> str:
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
