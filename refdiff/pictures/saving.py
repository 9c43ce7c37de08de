"""Pictures and arrays into files, each written whole or not at all."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff._extras import require
from refdiff._files import atomic_write_bytes

__all__ = ["png_bytes", "save_npz", "save_png"]


def png_bytes(image: NDArray[np.uint8]) -> bytes:
    """Encode a picture as PNG, for a file or for a ``data:`` address in a page.

    Parameters
    ----------
    image : ndarray of uint8, (H, W, C) or (H, W)
        Pixels 0 .. 255; C is 1 (grey) or 3 (colour).

    Returns
    -------
    bytes
        The PNG file; its pixels are those of `image`, without loss.

    Raises
    ------
    ValueError
        If `image` is no such picture.
    """
    image_module = require("PIL.Image", extra="images", purpose="writing PNG files")
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8:
        raise ValueError(f"image has dtype {pixels.dtype}; expected uint8 (see to_uint8)")
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if 0 in pixels.shape or (pixels.ndim != 2 and (pixels.ndim != 3 or pixels.shape[-1] != 3)):
        raise ValueError(f"image has shape {np.shape(image)}; expected (H, W, C) with C = 1 or 3")
    buffer = io.BytesIO()
    image_module.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def save_png(path: str | os.PathLike[str], image: NDArray[np.uint8]) -> None:
    """Write a picture as a PNG file; an old file stays as it was if anything fails.

    Parameters
    ----------
    path : path
        The file; missing folders are made.
    image : ndarray of uint8, (H, W, C) or (H, W)
        Pixels 0 .. 255; C is 1 (grey) or 3 (colour).

    Raises
    ------
    ValueError
        If `image` is no such picture.
    UserError
        If the path cannot be written to.
    MachineError
        If the disk is full or fails.
    """
    atomic_write_bytes(path, png_bytes(image))


def save_npz(
    path: str | os.PathLike[str], images: NDArray[np.uint8], labels: Any | None = None
) -> None:
    """Write pictures and labels as a NumPy archive; an old file stays as it was if anything fails.

    Parameters
    ----------
    path : path
        The file; missing folders are made.
    images : ndarray of uint8, (N, H, W) or (N, H, W, C)
        Stored under the name ``images``.
    labels : array of int, (N,), optional
        Stored under the name ``labels`` as int64.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    UserError
        If the path cannot be written to.
    MachineError
        If the disk is full or fails.
    """
    pictures = np.asarray(images)
    if pictures.dtype != np.uint8 or pictures.ndim not in (3, 4):
        raise ValueError(
            f"images are {pictures.dtype} of shape {pictures.shape}; "
            "expected uint8 (N, H, W) or (N, H, W, C)"
        )
    buffer = io.BytesIO()
    if labels is None:
        np.savez_compressed(buffer, images=pictures)
    else:
        numbers = np.asarray(labels)
        if numbers.shape != (len(pictures),) or not np.issubdtype(numbers.dtype, np.integer):
            raise ValueError(
                f"labels are {numbers.dtype} of shape {numbers.shape}; "
                f"expected {len(pictures)} integers, one an image"
            )
        np.savez_compressed(buffer, images=pictures, labels=numbers.astype(np.int64))
    atomic_write_bytes(path, buffer.getvalue())
