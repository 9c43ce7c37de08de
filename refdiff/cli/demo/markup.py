"""Markup, and pictures inside of it."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.reports.markup import Markup, element, void
from refdiff.pictures import png_bytes

__all__ = ["Markup", "element", "picture", "void"]


def picture(image: NDArray[np.uint8], about: str, **attributes: str | float) -> Markup:
    """Put a picture into the page itself.

    Parameters
    ----------
    image : ndarray of uint8, (H, W, C)
        Its pixels.
    about : str
        What it shows, for those who cannot see it.
    **attributes : str or float
        Further attributes.

    Returns
    -------
    Markup
        An image element with the PNG inside.
    """
    height, width = image.shape[:2]
    data = base64.b64encode(png_bytes(image)).decode("ascii")
    return void(
        "img",
        src=f"data:image/png;base64,{data}",
        alt=about,
        width=width,
        height=height,
        **attributes,
    )
