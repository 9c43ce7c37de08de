r"""Static thresholding of predicted data; the dynamic one stands in `refdiff.equations`."""

from __future__ import annotations

from refdiff._namespace import Array, maximum, minimum
from refdiff.catalogue import implements

__all__ = [
    "static_threshold",
]


@implements("saharia2022/static-threshold")
def static_threshold(x_0: Array) -> Array:
    r"""Return predicted data clipped to the range of the data.

    .. math:: \min(\max(x_0, -1), 1)

    Parameters
    ----------
    x_0 : array_like
        Predicted data, any shape.

    Returns
    -------
    array_like
        Same shape, within [-1, 1].

    Source
    ------
    Saharia et al. 2022 (arXiv:2205.11487), section 2.3.

    Examples
    --------
    >>> static_threshold(1.5), static_threshold(-0.25)
    (1.0, -0.25)
    """
    return minimum(maximum(x_0, -1.0), 1.0)
