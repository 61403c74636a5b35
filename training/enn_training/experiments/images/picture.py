"""Read a picture as training rows: pixel coordinates and brightness."""

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
    """Small picture.

    Attributes:
        name: Name in results and files.
        pixels: Brightness in [0, 1], [height, width, channels]; 1 channel (gray) or 3 (red, green, blue).
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
        """Brightness of every pixel, [pixels, channels], in the order of `places`."""
        return self.pixels.reshape(-1, self.pixels.shape[2])

    def psnr(self, values: Floats) -> float:
        """Return the peak signal-to-noise ratio of values [pixels, channels], clipped to [0, 1], in dB.

        Returns:
            -10 log10 of the mean squared error: infinite for equal values, minus infinity if a value is NaN.
        """
        error = float(np.mean((np.clip(values, 0.0, 1.0) - self.values) ** 2))
        if math.isnan(error):
            return -math.inf
        return -10.0 * math.log10(error) if error else math.inf


def read_picture(source: str, size: int, *, grey: bool) -> Picture:
    """Read a picture and reduce it so that the longer side has `size` pixels.

    Args:
        source: File in a format of Pillow, or the name of a picture of scikit-learn: china or flower.
        size: Number of pixels on the longer side, at least 2; a smaller picture keeps its size.
        grey: Convert to gray.

    Raises:
        OptionError: The result is less than two pixels wide or high.
        DataError: The file cannot be read.
    """
    image = _open_image(source).convert("L" if grey else "RGB")
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    if min(image.size) < 2:
        raise OptionError(
            f"{source}: {image.width} x {image.height} pixels; expected at least 2 x 2, or a larger --size"
        )
    pixels = np.asarray(image, dtype=np.float64) / 255.0
    name = f"{Path(source).stem}-{'grey' if grey else 'color'}"
    return Picture(name, pixels.reshape(*pixels.shape[:2], -1))


def _open_image(source: str) -> Image.Image:
    """Return the image of a file or of scikit-learn."""
    shipped = load_sample_images()
    names = [Path(name).stem for name in shipped.filenames]
    if source in names:
        return Image.fromarray(shipped.images[names.index(source)])
    try:
        return Image.open(source)
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error}); expected a picture, or {' or '.join(names)}") from None
