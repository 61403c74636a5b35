"""The command `image`: a picture as a network, beside SIREN and ReLU networks of as many parameters."""

from pathlib import Path
from typing import Annotated

import typer

from enn_models.repository import check_name
from enn_training.cli import options
from enn_training.errors import OptionError


def image(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="A picture, or scikit-learn's: china, flower.")
    ] = "flower",
    *,
    size: Annotated[int, typer.Option("--size", min=2, help="Pixels of the longer side.")] = 128,
    grey: Annotated[bool, typer.Option("--grey", help="Without colors.")] = False,
    hidden: options.Hidden = None,
    harmonics: options.Harmonics = 6,
    passes: Annotated[int, typer.Option("--passes", min=1, help="Times that every pixel is seen.")] = 60,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pixels a step.")] = 512,
    seed: options.Seed = 0,
    output: Annotated[
        Path, typer.Option("--out", help="Folder with benchmarks/image.md, its results, and pictures/.")
    ] = Path("docs"),
    models: Annotated[Path | None, typer.Option("--models", help="Model repository to publish the ENN in.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the model.")] = None,
    optimize: options.Optimize = None,
    unrolling: options.UnrollingName = None,
) -> None:
    """Learn a picture from the places of its pixels, with the ENN and its peers."""
    if (models is None) != (name is None):
        raise OptionError("--models and --name: expected both, to publish, or neither")
    if name is not None:
        check_name(name)
    unrolled = options.unrolled(optimize, unrolling)
    # Imported here: torch, numba and matplotlib take seconds that --help should not.
    import torch  # noqa: PLC0415
    from tqdm import tqdm  # noqa: PLC0415

    from enn_training.cli import console as report  # noqa: PLC0415
    from enn_training.experiments.images import document, drawing, fitting, picture, results  # noqa: PLC0415

    torch.set_num_threads(1)  # the times of all contenders are those of one core
    settings = results.Settings(options.sizes(hidden, (64, 64)), harmonics, passes, batch, seed)
    learned = picture.read(source, size, grey=grey)
    with tqdm(total=fitting.passes(settings), unit="pass", disable=None) as bar:

        def watch(contender: str) -> None:
            bar.set_description(contender, refresh=False)
            bar.update()

        fitted = fitting.fit(learned, settings, watch)
    found = fitting.found(learned, settings, fitted)
    folder = output / "benchmarks" / "image"
    drawing.save(learned, fitted, output / "pictures" / f"image-{learned.name}.png")
    results.write(folder, learned.name, found)
    folder.with_suffix(".md").write_text(document.text(results.read(folder)))
    typer.echo(f"{document.table(found)}\n\n{document.verdict(found)}")
    if models is not None and name is not None:
        report.publish(fitting.model(learned, settings, fitted[document.OURS]), models, name, unrolled)
