"""Pictures: from the models' tensors to pixels, sheets of many pictures, and files.

``pixels`` maps between [-1, 1] and pixel levels, ``layout`` arranges pictures on a sheet,
``saving`` writes them so that a file is either whole or not there. Importing this package needs
NumPy only; drawing needs the extra ``images``.
"""

from __future__ import annotations

from refdiff.pictures.layout import (
    denoising_path,
    enlarge,
    evenly_spaced,
    grid,
    labelled_grid,
)
from refdiff.pictures.pixels import from_tensor, scale_pixels, to_tensor, to_uint8
from refdiff.pictures.saving import png_bytes, save_npz, save_png

__all__ = [
    "denoising_path",
    "enlarge",
    "evenly_spaced",
    "from_tensor",
    "grid",
    "labelled_grid",
    "png_bytes",
    "save_npz",
    "save_png",
    "scale_pixels",
    "to_tensor",
    "to_uint8",
]
