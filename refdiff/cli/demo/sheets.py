"""The pictures of the report: sheets of samples, a row a class, and the way from noise to image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refdiff.cli.demo.markup import Markup, element, picture
from refdiff.cli.demo.measuring import Measured
from refdiff.pictures import grid, png_bytes, to_uint8
from refdiff.training.data import ImageData

__all__ = ["png_sheet", "real_sheet", "sample_sheet", "sheet_figure", "sheet_pixels", "way_figure"]

_SCALE = 4
_PADDING = 3
_MISTAKEN = (209, 36, 47)
_GREY = 64


def sheet_pixels(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    mistaken: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Arrange pictures in rows by class.

    Parameters
    ----------
    images : ndarray of uint8, (N, H, W, C)
        As many of each class.
    labels : ndarray of int64, (N,)
        Their classes.
    mistaken : ndarray of bool, (N,), optional
        Which to frame in red.

    Returns
    -------
    ndarray of uint8, (H', W', 3)
        The sheet.
    """
    order = np.argsort(labels, kind="stable")
    columns = len(images) // len(np.unique(labels))
    sheet = grid(images[order], columns, scale=_SCALE, padding=_PADDING, background=_GREY)
    coloured = np.repeat(sheet, 3 // sheet.shape[-1], axis=-1)
    if mistaken is not None:
        for place in np.flatnonzero(mistaken[order]):
            _frame(coloured, divmod(int(place), columns), images.shape[1:3])
    return coloured


def _frame(sheet: NDArray[np.uint8], place: tuple[int, int], size: tuple[int, ...]) -> None:
    """Colour the padding around one picture."""
    (row, column), (height, width) = place, size
    tall, wide = height * _SCALE + _PADDING, width * _SCALE + _PADDING
    top, left = row * tall, column * wide
    inner = sheet[top + _PADDING : top + tall, left + _PADDING : left + wide].copy()
    sheet[top : top + tall + _PADDING, left : left + wide + _PADDING] = _MISTAKEN
    sheet[top + _PADDING : top + tall, left + _PADDING : left + wide] = inner


def sheet_figure(
    title: str, about: str, sheet: NDArray[np.uint8], classes: tuple[str, ...]
) -> Markup:
    """Put a sheet on the page, with the class at the left of each row.

    Parameters
    ----------
    title, about : str
        Heading and caption.
    sheet : ndarray of uint8, (H, W, 3)
        From `sheet_pixels`.
    classes : tuple of str
        Name of each row.

    Returns
    -------
    Markup
        A figure.
    """
    rows = element("ol", *(element("li", name) for name in classes))
    image = picture(sheet, f"{title}: ten pictures of each class, a row a class")
    return element(
        "figure",
        element("h3", title),
        element("div", rows, image, class_="sheet"),
        element("figcaption", about),
    )


def sample_sheet(measured: Measured, data: ImageData) -> Markup:
    """Show the samples of one method; those that the classifier takes for another class in red."""
    labels = measured.samples.labels
    asked = np.zeros(len(measured.taken_for), np.int64) if labels is None else labels.numpy()
    mistaken = measured.taken_for != asked
    sheet = sheet_pixels(to_uint8(measured.samples.images), asked, mistaken)
    wrong = int(mistaken.sum())
    verdict = {0: "All are recognised.", 1: "One is taken for another digit (red)."}.get(
        wrong, f"{wrong} are taken for other digits (red)."
    )
    about = f"{measured.method.about} {verdict}"
    return sheet_figure(measured.method.name, about, sheet, data.class_names or ())


def png_sheet(measured: Measured) -> bytes:
    """Return the samples of a method as a PNG file, a row a class."""
    labels = measured.samples.labels
    asked = np.zeros(len(measured.taken_for), np.int64) if labels is None else labels.numpy()
    return png_bytes(sheet_pixels(to_uint8(measured.samples.images), asked))


def real_sheet(held_out: ImageData, taken_for: NDArray[np.int64], per_class: int) -> Markup:
    """Show the first held-out digits of each class in the same way."""
    labels = np.zeros(len(held_out), np.int64) if held_out.labels is None else held_out.labels
    chosen = np.concatenate(
        [np.flatnonzero(labels == number)[:per_class] for number in np.unique(labels)]
    )
    # Levels 0 .. L-1 to 0 .. 255.
    scale = 255.0 / (held_out.levels - 1)
    images = np.rint(held_out.images[chosen] * scale).astype(np.uint8)
    mistaken = taken_for[chosen] != labels[chosen]
    sheet = sheet_pixels(images, labels[chosen], mistaken)
    about = "Written by people, and seen by neither network nor classifier: what the others aim at."
    return sheet_figure("Real digits", about, sheet, held_out.class_names or ())


def way_figure(measured: Measured, data: ImageData) -> Markup:
    """Show how the first sample of each class comes out of noise."""
    states, times = measured.samples.path, measured.samples.path_times
    pictures = np.stack([to_uint8(state) for state in states], axis=1)
    flat = pictures.reshape(-1, *pictures.shape[2:])
    sheet = grid(flat, len(states), scale=_SCALE, padding=_PADDING, background=_GREY)
    sheet = np.repeat(sheet, 3 // sheet.shape[-1], axis=-1)
    names = data.class_names or ()
    rows = element("ol", *(element("li", name) for name in names[: len(states[0])]))
    columns = element("ol", *(element("li", str(t)) for t in times), class_="times")
    about = (
        f"{measured.method.name}: one sample of each class on its way from pure noise (left, time "
        f"{times[0]}) to the picture (right, time {times[-1]})."
    )
    return element(
        "figure",
        element("div", rows, picture(sheet, "The way from noise to digits"), class_="sheet"),
        columns,
        element("figcaption", about),
        class_="way",
    )
