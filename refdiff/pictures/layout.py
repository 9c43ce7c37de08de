"""Many pictures on one sheet: plain grids, captioned grids, and the path of a sample from noise to
data.

All functions take and return uint8 pixels 0 .. 255 in (N, H, W, C) and (H, W, C); C is 1 (grey) or
3 (colour). Small pictures are enlarged by repeating pixels, never by smoothing: an 8x8 digit stays
an honest 8x8 digit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff._extras import require
from refdiff.pictures.pixels import to_uint8

__all__ = ["denoising_path", "enlarge", "evenly_spaced", "grid", "labelled_grid"]

# Below about this many pixels a side, a picture is hard to make out on a screen.
_VISIBLE = 40
_FONT_SIZE = 12
_CAPTION_GAP = 4


def _check_images(images: Any) -> NDArray[np.uint8]:
    array = np.asarray(images)
    if array.dtype != np.uint8:
        raise ValueError(f"images have dtype {array.dtype}; expected uint8 (see to_uint8)")
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        raise ValueError(f"images have shape {array.shape}; expected (N, H, W, C) with C = 1 or 3")
    if 0 in array.shape:
        raise ValueError(f"images have shape {array.shape}: there is nothing to show")
    return array


def _positive(name: str, value: int, least: int = 1) -> int:
    if value < least:
        raise ValueError(f"{name}={value} must be at least {least}")
    return value


def _scale_for(images: NDArray[np.uint8], scale: int | None) -> int:
    if scale is None:
        shorter: int = min(images.shape[1:3])
        return max(1, math.ceil(_VISIBLE / shorter))
    return _positive("scale", scale)


def enlarge(images: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Enlarge pictures by repeating each pixel (nearest neighbour).

    Parameters
    ----------
    images : ndarray of uint8, (N, H, W, C)
        Pictures.
    scale : int
        Every pixel becomes a square of this side, in pixels.

    Returns
    -------
    ndarray of uint8, (N, scale*H, scale*W, C)
        The enlarged pictures.

    Raises
    ------
    ValueError
        If `images` are no such pictures, or `scale` is below 1.
    """
    einops = require("einops", extra="images", purpose="drawing pictures")
    enlarged: NDArray[np.uint8] = einops.repeat(
        _check_images(images),
        "n h w c -> n (h a) (w b) c",
        a=_positive("scale", scale),
        b=scale,
    )
    return enlarged


def grid(
    images: NDArray[np.uint8],
    columns: int | None = None,
    *,
    scale: int | None = None,
    padding: int = 2,
    background: int = 255,
) -> NDArray[np.uint8]:
    """Arrange pictures on one sheet, row by row.

    Parameters
    ----------
    images : ndarray of uint8, (N, H, W, C)
        Pictures, C = 1 or 3.
    columns : int, optional
        Pictures in a row; about the square root of N when left out. A last row that is not full is
        left blank.
    scale : int, optional
        Enlargement; chosen so that the shorter side is at least 40 pixels when left out.
    padding : int
        Pixels between pictures and around the sheet.
    background : int
        Level 0 .. 255 of the padding and of blank places.

    Returns
    -------
    ndarray of uint8, (H', W', C)
        The sheet: H' = rows * (scale*H + padding) + padding, likewise W'. Picture i starts at row
        padding + (i // columns) * (scale*H + padding) and column padding + (i % columns) * (scale*W
        + padding).

    Raises
    ------
    ValueError
        If an argument is out of its domain.
    """
    einops = require("einops", extra="images", purpose="drawing pictures")
    images = _check_images(images)
    _positive("padding", padding, 0)
    if not 0 <= background <= 255:
        raise ValueError(f"background={background} must be in 0..255")
    count = len(images)
    columns = math.ceil(math.sqrt(count)) if columns is None else _positive("columns", columns)
    enlarged = enlarge(images, _scale_for(images, scale))
    blanks = -count % columns
    after = ((0, blanks), (0, padding), (0, padding), (0, 0))
    cells = np.pad(enlarged, after, constant_values=background)
    sheet = einops.rearrange(cells, "(r c) h w k -> (r h) (c w) k", c=columns)
    return np.pad(sheet, ((padding, 0), (padding, 0), (0, 0)), constant_values=background)


def labelled_grid(
    images: NDArray[np.uint8],
    *,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | int,
    scale: int | None = None,
    padding: int = 2,
) -> NDArray[np.uint8]:
    """Arrange pictures on one sheet with captions at the left of rows and above columns.

    Parameters
    ----------
    images : ndarray of uint8, (N, H, W, C)
        Pictures in reading order; N a multiple of the number of columns.
    rows : sequence of str, optional
        One caption a row.
    columns : sequence of str or int
        One caption a column, or only the number of columns.
    scale, padding : int
        As for `grid`.

    Returns
    -------
    ndarray of uint8, (H', W', C)
        The sheet: `grid` of the pictures, white margins with black captions above and at the left
        of it. A caption that is wider than its column widens all columns, so that captions never
        overlap.

    Raises
    ------
    ValueError
        If the numbers of pictures and captions do not fit together.
    """
    images = _check_images(images)
    captions = [""] * columns if isinstance(columns, int) else [str(text) for text in columns]
    _positive("columns", len(captions))
    if len(images) % len(captions):
        raise ValueError(f"{len(images)} images do not fill rows of {len(captions)} columns")
    count = len(images) // len(captions)
    if rows is not None and len(rows) != count:
        raise ValueError(f"rows has {len(rows)} captions for {count} rows of images")
    scale = _scale_for(images, scale)
    height, width = scale * images.shape[1], scale * images.shape[2]
    top = max(_text_size(text)[1] for text in captions)
    top += _CAPTION_GAP if top else 0
    widest = max(_text_size(text)[0] for text in captions)
    left = max((_text_size(str(text))[0] for text in rows or [""]), default=0)
    left += 2 * _CAPTION_GAP if left else 0

    # Columns as wide as their captions, in whole pixels on both sides of the picture.
    extra = max(0, math.ceil((widest + _CAPTION_GAP - width - padding) / 2)) if widest else 0
    wide = np.pad(
        enlarge(images, scale), ((0, 0), (0, 0), (extra, extra), (0, 0)), constant_values=255
    )
    sheet = grid(wide, len(captions), scale=1, padding=padding)
    sheet = np.pad(sheet, ((top, 0), (left, 0), (0, 0)), constant_values=255)

    pitch = width + 2 * extra + padding
    texts = [
        (text, left + padding + extra + column * pitch + width / 2, padding / 2, "ma")
        for column, text in enumerate(captions)
    ]
    texts += [
        (
            str(text),
            left - _CAPTION_GAP,
            top + padding + row * (height + padding) + height / 2,
            "rm",
        )
        for row, text in enumerate(rows or ())
    ]
    return _write(sheet, [entry for entry in texts if entry[0]])


def denoising_path(
    states: Sequence[Any],
    times: Sequence[int | float | str],
    *,
    rows: Sequence[str] | None = None,
    scale: int | None = None,
    padding: int = 2,
) -> NDArray[np.uint8]:
    """Show how samples come about: rows of samples, columns of times.

    Parameters
    ----------
    states : sequence of torch.Tensor or ndarray, each (N, C, H, W)
        The states at the times shown, in the order of sampling, in the models' scale. Values beyond
        [-1, 1], as noise has them, are shown as black or white.
    times : sequence of int, float or str
        The time of each state; a number t is captioned "t=...".
    rows : sequence of str, optional
        One caption a sample.
    scale, padding : int
        As for `grid`.

    Returns
    -------
    ndarray of uint8, (H', W', C)
        The sheet, with N rows and ``len(times)`` columns.

    Raises
    ------
    ValueError
        If there are not as many states as times, or the states differ in shape.
    """
    if len(states) != len(times) or not len(times):
        raise ValueError(f"{len(states)} states for {len(times)} times: give one time a state")
    pictures = [to_uint8(state) for state in states]
    shapes = {picture.shape for picture in pictures}
    if len(shapes) > 1:
        raise ValueError(f"states differ in shape: {sorted(shapes)} (as N, H, W, C)")
    by_sample = np.stack(pictures, axis=1).reshape(-1, *pictures[0].shape[1:])
    captions = [time if isinstance(time, str) else f"t={time:g}" for time in times]
    return labelled_grid(by_sample, rows=rows, columns=captions, scale=scale, padding=padding)


def evenly_spaced(count: int, wanted: int) -> list[int]:
    """Choose indices evenly from 0 .. count-1, the first and the last among them.

    Parameters
    ----------
    count : int
        How many there are, at least 1.
    wanted : int
        How many to choose, at least 1; all of them if there are fewer. One alone is the last.

    Returns
    -------
    list of int
        Strictly increasing indices, ``min(count, wanted)`` of them.

    Raises
    ------
    ValueError
        If `count` or `wanted` is below 1.

    Examples
    --------
    >>> evenly_spaced(1000, 4)
    [0, 333, 666, 999]
    """
    _positive("count", count)
    if _positive("wanted", wanted) == 1:
        return [count - 1]
    if wanted >= count:
        return list(range(count))
    return [round(k * (count - 1) / (wanted - 1)) for k in range(wanted)]


def _font() -> Any:
    fonts = require("PIL.ImageFont", extra="images", purpose="drawing captions")
    try:
        return fonts.load_default(_FONT_SIZE)
    except (ImportError, OSError):  # Pillow built without FreeType has its bitmap font only
        return fonts.load_default_imagefont()


def _text_size(text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    _, _, right, bottom = _font().getbbox(text)
    # One height for all captions, with descenders, so that they stand on one line.
    return math.ceil(right), math.ceil(max(bottom, _font().getbbox("Agjy|")[3]))


def _write(
    sheet: NDArray[np.uint8], texts: list[tuple[str, float, float, str]]
) -> NDArray[np.uint8]:
    """Write black texts (text, x, y, anchor) on a sheet; "ma" hangs from (x, y), "rm" ends at
    it.
    """
    if not texts:
        return sheet
    image_module = require("PIL.Image", extra="images", purpose="drawing captions")
    draw_module = require("PIL.ImageDraw", extra="images", purpose="drawing captions")
    channels = sheet.shape[-1]
    canvas = image_module.fromarray(sheet[..., 0] if channels == 1 else sheet)
    draw = draw_module.Draw(canvas)
    font = _font()
    for text, x, y, anchor in texts:
        # Anchors are worked out here, as the bitmap font knows none.
        width, height = _text_size(text)
        corner = (x - width / 2, y) if anchor == "ma" else (x - width, y - height / 2)
        draw.text((round(corner[0]), round(corner[1])), text, fill=0, font=font)
    return np.array(canvas, dtype=np.uint8).reshape(*sheet.shape[:2], channels)
