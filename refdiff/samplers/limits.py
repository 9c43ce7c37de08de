r"""Keeping the predicted x_0 in the range of the data.

A limit maps ``(x_0, eps, x_t, alpha_bar_t)`` to ``(x_0, eps)``. Once x_0 is changed, the model's
eps contradicts it: :math:`\sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon` is no longer
x_t. `clipping` and `dynamic_thresholding` therefore recompute eps from the limited x_0. Public code
often does not; that is what the variants named ``_uncorrected`` do, for comparison. The two differ
in DDIM where the limit acts and nowhere else; DDPM does not use eps, so there they agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from refdiff._checks import PERCENT, check_in
from refdiff._namespace import Array, maximum, minimum, where
from refdiff.equations import dynamic_threshold, eps_from_x_0

__all__ = [
    "Limit",
    "clipping",
    "clipping_uncorrected",
    "dynamic_thresholding",
    "dynamic_thresholding_uncorrected",
]

Limit: TypeAlias = Callable[[Array, Array, Array, float], tuple[Array, Array]]
"""``limit(x_0, eps, x_t, alpha_bar_t)`` returns the ``(x_0, eps)`` that the step shall use."""


def clipping(low: float, high: float) -> Limit:
    """Return the limit that clips x_0 to [low, high] and recomputes eps where it was clipped.

    Parameters
    ----------
    low, high : float
        Range of the data, low < high; usually -1 and 1.

    Returns
    -------
    callable
        A limit. Where x_0 was inside the range, eps stays as it is, bit for bit.

    Raises
    ------
    ValueError
        If ``low`` is not below ``high``.
    """
    return _corrected(_clip(low, high))


def clipping_uncorrected(low: float, high: float) -> Limit:
    """Return the limit that clips x_0 to [low, high] and keeps the model's eps.

    Parameters and errors as in `clipping`.
    """
    return _uncorrected(_clip(low, high))


def dynamic_thresholding(percentile: float) -> Limit:
    """Return the limit that thresholds x_0 dynamically and recomputes eps where x_0 changed.

    Parameters
    ----------
    percentile : float
        In percent, in [0, 100]; 99.5 is usual. See `refdiff.equations.dynamic_threshold`.

    Returns
    -------
    callable
        A limit for batches, samples along the first axis.

    Raises
    ------
    ValueError
        If ``percentile`` is outside [0, 100].
    """
    return _corrected(_threshold(percentile))


def dynamic_thresholding_uncorrected(percentile: float) -> Limit:
    """Return the limit that thresholds x_0 dynamically and keeps the model's eps.

    Parameters and errors as in `dynamic_thresholding`.
    """
    return _uncorrected(_threshold(percentile))


def _clip(low: float, high: float) -> Callable[[Array], Array]:
    if not low < high:
        raise ValueError(f"low={low:g} must be below high={high:g}; were the two swapped?")
    return lambda x_0: minimum(maximum(x_0, low), high)


def _threshold(percentile: float) -> Callable[[Array], Array]:
    check_in(PERCENT, "it is in percent; 99.5 is usual.", percentile=percentile)
    return lambda x_0: dynamic_threshold(x_0, percentile=percentile)


def _corrected(change: Callable[[Array], Array]) -> Limit:
    def limit(x_0: Array, eps: Array, x_t: Array, alpha_bar_t: float) -> tuple[Array, Array]:
        limited = change(x_0)
        implied = eps_from_x_0(x_t, limited, alpha_bar_t=alpha_bar_t)
        # Where nothing changed, the recomputed eps would differ from the model's by rounding.
        return limited, where(limited == x_0, eps, implied)

    return limit


def _uncorrected(change: Callable[[Array], Array]) -> Limit:
    def limit(x_0: Array, eps: Array, x_t: Array, alpha_bar_t: float) -> tuple[Array, Array]:
        return change(x_0), eps

    return limit
