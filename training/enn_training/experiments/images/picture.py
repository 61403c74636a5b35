"""A picture as rows to learn: the places of its pixels, and their brightness."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

from enn_training.errors import DataError, OptionError

Floats = NDArray[np.float64]
FEATURES = ("column", "row")


@dataclass(frozen=True, eq=False)
class Picture:
    """A small picture.

    Attributes:
        name: What results and files call it.
        pixels: Brightness from 0 to 1, [height, width, channels]; channels are 1 (grey) or 3 (red, green, blue).
    """

    name: str
    pixels: Floats

    @property
    def places(self) -> Floats:
        """Column and row of every pixel, from 0, [pixels, 2]."""
        height, width, _ = self.pixels.shape
        return np.column_stack([np.tile(np.arange(width), height), np.repeat(np.arange(height), width)]).astype(float)

    @property
    def values(self) -> Floats:
        """Brightness of every pixel, [pixels, channels], in the order of places."""
        return self.pixels.reshape(-1, self.pixels.shape[2])

    def psnr(self, values: Floats) -> float:
        """Return the peak signal-to-noise ratio, in dB, of values [pixels, channels], which are cut to [0, 1].

        Returns:
            -10 log10 of the mean squared error: infinite for equal values, minus infinity where one is no number.
        """
        error = float(np.mean((np.clip(values, 0.0, 1.0) - self.values) ** 2))
        if math.isnan(error):
            return -math.inf
        return -10.0 * math.log10(error) if error else math.inf


def read(source: str, size: int, *, grey: bool) -> Picture:
    """Return a picture whose longer side has so many pixels.

    Args:
        source: A file that pillow reads, or the name of a picture that scikit-learn ships: china or flower.
        size: Pixels of the longer side, at least 2; a smaller picture keeps its own.
        grey: Whether to drop the colors.

    Raises:
        OptionError: It is less than two pixels wide or high.
        DataError: The file cannot be read.
    """
    image = _opened(source).convert("L" if grey else "RGB")
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    if min(image.size) < 2:
        raise OptionError(
            f"{source}: {image.width} x {image.height} pixels; expected at least 2 x 2, or a larger --size"
        )
    pixels = np.asarray(image, dtype=np.float64) / 255.0
    name = f"{Path(source).stem}-{'grey' if grey else 'color'}"
    return Picture(name, pixels.reshape(*pixels.shape[:2], -1))


def _opened(source: str) -> Image.Image:
    shipped = load_sample_images()
    names = [Path(name).stem for name in shipped.filenames]
    if source in names:
        return Image.fromarray(shipped.images[names.index(source)])
    try:
        return Image.open(source)
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error}); expected a picture, or {' or '.join(names)}") from None
