"""Command `image`: train an ENN on the pixels of a picture, beside SIREN and ReLU networks of equal size."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from enn_models.repository import check_name
from enn_training.cli import options
from enn_training.cli.output import Output
from enn_training.errors import OptionError


def image(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="Image file, or scikit-learn's china or flower.")
    ] = "flower",
    *,
    size: Annotated[int, typer.Option("--size", min=2, help="Number of pixels on the longer side.")] = 128,
    grey: Annotated[bool, typer.Option("--grey", help="Convert the picture to gray.")] = False,
    hidden: options.Hidden = None,
    harmonics: options.Harmonics = 6,
    passes: Annotated[int, typer.Option("--passes", min=1, help="Number of passes over the pixels.")] = 60,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Number of pixels per training step.")] = 512,
    seed: options.Seed = 0,
    output: Annotated[
        Path, typer.Option("--out", help="Folder with benchmarks/image.md, its results, and pictures/.")
    ] = Path("docs"),
    models: Annotated[Path | None, typer.Option("--models", help="Model repository to publish the ENN in.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the model.")] = None,
    optimize: options.Optimize = None,
    unrolling: options.UnrollingName = None,
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Learn a picture from its pixel coordinates, with the ENN and with SIREN and ReLU networks."""
    if (models is None) != (name is None):
        raise OptionError("--models and --name: expected both, to publish, or neither")
    if name is not None:
        check_name(name)
    report = Output(quiet, json_file)
    export_options = options.parse_export_options(optimize, unrolling)
    # Imported here: torch, numba and matplotlib take seconds that --help should not.
    import torch
    from tqdm import tqdm

    from enn_training.cli import console
    from enn_training.experiments.images import document, drawing, fitting, picture, results

    torch.set_num_threads(1)  # times of all contenders are for one core
    settings = results.Settings(options.parse_hidden(hidden, (64, 64)), harmonics, passes, batch, seed)
    learned = picture.read_picture(source, size, grey=grey)
    with tqdm(total=fitting.total_passes(settings), unit="pass", disable=report.bar_disabled) as bar:

        def watch(contender: str) -> None:
            bar.set_description(contender, refresh=False)
            bar.update()

        fitted = fitting.fit_all(learned, settings, watch)
    found = fitting.collect_results(learned, settings, fitted)
    folder = output / "benchmarks" / "image"
    drawing.save_comparison(learned, fitted, output / "pictures" / f"image-{learned.name}.png")
    results.write_results(folder, learned.name, found)
    folder.with_suffix(".md").write_text(document.render(results.read_results(folder)))
    report.document["picture"] = asdict(found)
    report.line(f"{document.results_table(found)}\n\n{document.describe_ranking(found)}")
    if models is not None and name is not None:
        model = fitting.to_learned_model(learned, settings, fitted[document.ENN_NAME])
        console.publish(model, models, name, export_options, report)
    report.write()
