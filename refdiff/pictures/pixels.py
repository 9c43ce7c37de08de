"""Between pixel levels and the interval [-1, 1] in which the models work.

A picture with L levels has integer pixels 0 .. L-1 (L = 256 for ordinary pictures, 17 for
scikit-learn's digits). Level p stands for x = 2 p / (L - 1) - 1, so black is exactly -1 and white
exactly 1. The way back rounds to the nearest level and recovers every level exactly.

Layouts: pictures are uint8 (N, H, W, C), the models' tensors are float32 (N, C, H, W).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refdiff._extras import require

if TYPE_CHECKING:
    import torch

__all__ = ["from_tensor", "scale_pixels", "to_tensor", "to_uint8"]


def _check_levels(levels: int) -> None:
    if not 2 <= levels <= 256:
        raise ValueError(
            f"levels={levels} must be in 2..256: it counts the levels of a uint8 pixel"
        )


def scale_pixels(images: NDArray[np.uint8], levels: int = 256) -> NDArray[np.float32]:
    """Map pixel levels to [-1, 1], keeping the layout: x = 2 p / (levels - 1) - 1.

    Parameters
    ----------
    images : ndarray of uint8
        Pixel levels 0 .. levels-1, any shape.
    levels : int
        Number of levels.

    Returns
    -------
    ndarray of float32
        Same shape; exactly -1 at level 0 and exactly 1 at the highest level.

    Raises
    ------
    ValueError
        If `images` is not uint8, or holds a level above ``levels - 1``.
    """
    _check_levels(levels)
    pixels = np.asarray(images)
    if pixels.dtype != np.uint8:
        raise ValueError(f"images have dtype {pixels.dtype}; pixel levels must be uint8")
    if pixels.size and int(pixels.max()) >= levels:
        raise ValueError(
            f"images hold level {int(pixels.max())}, above {levels - 1} for levels={levels}: "
            "pass the number of levels of the data set"
        )
    # Doubling before the division keeps the only roundings at one division and one
    # exact-at-the-ends subtraction.
    return pixels.astype(np.float32) * np.float32(2) / np.float32(levels - 1) - np.float32(1)


def to_tensor(images: NDArray[np.uint8], levels: int = 256) -> torch.Tensor:
    """Turn pictures into the tensor a model is trained on.

    Parameters
    ----------
    images : ndarray of uint8, (N, H, W, C)
        Pixel levels 0 .. levels-1.
    levels : int
        Number of levels; `ImageData.levels` has it.

    Returns
    -------
    torch.Tensor
        float32, contiguous, (N, C, H, W), in [-1, 1].

    Raises
    ------
    ValueError
        If `images` is not uint8 (N, H, W, C) or holds a level out of range.
    """
    torch_module = require("torch", extra="images", purpose="turning images into tensors")
    if np.ndim(images) != 4:
        raise ValueError(f"images have shape {np.shape(images)}; expected (N, H, W, C)")
    scaled = scale_pixels(images, levels)
    tensor: torch.Tensor = torch_module.from_numpy(
        np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
    )
    return tensor


def from_tensor(images: Any, levels: int = 256) -> NDArray[np.uint8]:
    """Turn a model's tensor back into pictures: the inverse of `to_tensor`.

    Values outside [-1, 1] are set to the nearest end, as a picture can show nothing beyond black
    and white.

    Parameters
    ----------
    images : torch.Tensor or ndarray, (N, C, H, W)
        Values in [-1, 1], any float dtype, any device.
    levels : int
        Number of levels of the result.

    Returns
    -------
    ndarray of uint8, (N, H, W, C)
        Levels 0 .. levels-1.

    Raises
    ------
    ValueError
        If the shape is not (N, C, H, W), the values are integers, or one is not finite.
    """
    _check_levels(levels)
    if hasattr(images, "detach"):
        # float() first: NumPy has no bfloat16.
        floating = images.dtype.is_floating_point
        values = images.detach().float().cpu().numpy() if floating else images.cpu().numpy()
    else:
        values = np.asarray(images)
    if values.ndim != 4:
        raise ValueError(f"images have shape {values.shape}; expected (N, C, H, W)")
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"images have dtype {values.dtype}; expected floats in [-1, 1]")
    if not np.all(finite := np.isfinite(values)):
        bad = np.argwhere(~finite)
        raise ValueError(
            f"images hold {len(bad)} values that are not finite, the first at index "
            f"{tuple(int(i) for i in bad[0])}: the sampler or the model has diverged"
        )
    clipped = np.clip(values.astype(np.float64), -1.0, 1.0)
    pixels = np.rint((clipped + 1.0) * ((levels - 1) / 2)).astype(np.uint8)
    return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))


def to_uint8(images: Any) -> NDArray[np.uint8]:
    """Turn tensors in [-1, 1] into ordinary pictures with 256 levels.

    Parameters
    ----------
    images : torch.Tensor or ndarray, (N, C, H, W)
        Values in [-1, 1]; values beyond are set to the nearest end.

    Returns
    -------
    ndarray of uint8, (N, H, W, C)
        Pixels 0 .. 255.

    Raises
    ------
    ValueError
        As for `from_tensor`.
    """
    return from_tensor(images, 256)
