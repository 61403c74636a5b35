"""Draw a picture next to its reconstructions."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from enn_training.experiments.images.fitting import FittedContender
from enn_training.experiments.images.picture import Picture


def save_comparison(picture: Picture, fitted: dict[str, FittedContender], path: Path) -> None:
    """Write original and reconstructions side by side as a PNG."""
    shown = {"original": picture.pixels}
    shown |= {f"{name}: {contender.result.best.psnr:.2f} dB": contender.pixels for name, contender in fitted.items()}
    height, width, _ = picture.pixels.shape
    figure = Figure(figsize=(3.0 * len(shown), 3.0 * height / width + 0.3), layout="constrained")
    for axes, (title, pixels) in zip(np.ravel(figure.subplots(1, len(shown))), shown.items(), strict=True):
        axes.imshow(pixels if pixels.shape[2] == 3 else pixels[:, :, 0], cmap="gray", vmin=0.0, vmax=1.0)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=75, metadata={"Software": None})
