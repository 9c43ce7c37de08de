"""Scikit-learn's handwritten digits: 1,797 real 8x8 pictures that are installed with it.

Each pixel counts the dark dots in a 4x4 block of a scanned 32x32 picture, hence 17 levels. They
are the test part of the UCI set "Optical Recognition of Handwritten Digits", by 13 writers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refdiff._extras import require
from refdiff.training.data.image_data import ImageData

__all__ = ["load_digits"]

_LEVELS = 17
# Of every five pictures of a class, the last is held out.
_HELD_OUT_EVERY = 5


def load_digits() -> ImageData:
    """Load the digits, one in five of each class held out.

    Returns
    -------
    ImageData
        Images (N, 8, 8, 1) with levels 0 .. 16, ten classes; `test` has the held-out pictures. The
        split is the same everywhere and for ever: the held-out pictures of a class are its 5th,
        10th, 15th ... in the file.

    Raises
    ------
    UserError
        If scikit-learn is not installed.
    """
    datasets = require("sklearn.datasets", extra="images", purpose="the data set 'digits'")
    bunch = datasets.load_digits()
    images: NDArray[np.uint8] = bunch.images.astype(np.uint8)[..., np.newaxis]
    labels: NDArray[np.int64] = bunch.target.astype(np.int64)
    held_out = np.zeros(len(labels), dtype=bool)
    for digit in range(10):
        of_class = np.flatnonzero(labels == digit)
        held_out[of_class[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY]] = True
    names = tuple(str(digit) for digit in range(10))

    def part(chosen: NDArray[np.bool_], name: str, test: ImageData | None) -> ImageData:
        return ImageData(images[chosen], labels[chosen], names, name, _LEVELS, test)

    return part(~held_out, "digits", part(held_out, "digits (held out)", None))
