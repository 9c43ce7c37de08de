"""Comparisons whose tolerance is a count of rounding errors, never a bare relative number.

One *unit* is the machine epsilon of the dtype times the size of the terms that were added to get
the number. Where terms cancel, the result is smaller than its terms: pass them as ``terms``, or
use `refdiff.testing.assert_within_budget`, which finds them by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["EPS", "as_float64", "assert_close", "assert_within_standard_errors", "dtype_name"]

EPS: dict[str, float] = {
    "float64": 2.0**-52,
    "float32": 2.0**-23,
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
}
"""Distance from 1 to the next number, by the name of the dtype."""


def dtype_name(value: Any) -> str:
    """Name of the floating dtype of a number or array.

    Parameters
    ----------
    value : float, array or tensor
        NumPy arrays, torch tensors (of any device), Python numbers, mpmath numbers.

    Returns
    -------
    str
        A key of `EPS`; ``"float64"`` for Python numbers, integers and mpmath numbers, which
        bring no rounding of their own.
    """
    name = str(getattr(value, "dtype", "float64")).removeprefix("torch.")
    return name if name in EPS else "float64"


def as_float64(value: Any) -> npt.NDArray[np.float64]:
    """Copy a number, array or tensor into a NumPy float64 array.

    Parameters
    ----------
    value : float, array, tensor or nested list of these
        Torch tensors may require gradients and live on any device.

    Returns
    -------
    numpy.ndarray
        float64, of the same shape.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if value.is_floating_point():
            value = value.double()  # NumPy has no bfloat16
        value = value.numpy()
    return np.array(value, dtype=np.float64)


def _shapes_agree(actual: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> bool:
    return actual.shape == expected.shape or expected.ndim == 0


def _excess(
    actual: npt.NDArray[np.float64],
    expected: npt.NDArray[np.float64],
    allowed: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Error over allowance: 0 where equal (infinities too), inf where it cannot be judged."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.abs(actual - expected) / allowed
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    return np.where(actual == expected, 0.0, ratio)


def raise_unless_within(
    what: str, actual: Any, expected: Any, allowed: Any, *, unit: str = "the allowed error"
) -> None:
    """Raise an AssertionError that shows the worst element, unless every error is allowed.

    Parameters
    ----------
    what : str
        What is compared; opens the message.
    actual, expected : float, array or tensor
        Same shape, or `expected` a single number.
    allowed : float or array
        Largest allowed absolute error, broadcastable to `actual`.
    unit : str
        How the message calls `allowed`.

    Raises
    ------
    AssertionError
        On a differing shape, a NaN, or an error over `allowed`.
    """
    __tracebackhide__ = True
    got, want = as_float64(actual), as_float64(expected)
    if not _shapes_agree(got, want):
        raise AssertionError(f"{what}: shape {got.shape}, expected {want.shape}")
    limit = np.broadcast_to(as_float64(allowed), got.shape)
    excess = np.atleast_1d(_excess(got, want, limit))
    if excess.size == 0 or not np.any(excess > 1.0):
        return
    at = np.unravel_index(int(np.argmax(excess)), excess.shape)
    got, want, limit = (
        np.atleast_1d(np.broadcast_to(part, got.shape)) for part in (got, want, limit)
    )
    where = f" at {tuple(int(i) for i in at)}" if excess.size > 1 else ""
    raise AssertionError(
        f"{what}: got {float(got[at])!r}, expected {float(want[at])!r}{where}; "
        f"the error {abs(float(got[at]) - float(want[at])):.3g} is {float(excess[at]):.3g} times "
        f"{unit} {float(limit[at]):.3g} ({int(np.sum(excess > 1.0))} of {excess.size} differ)"
    )


def assert_close(
    actual: Any,
    expected: Any,
    *,
    terms: Any = None,
    units: float = 4.0,
    dtype: str | None = None,
) -> None:
    """Assert that two results differ by no more than a few rounding errors.

    The condition is ``|actual - expected| <= units * EPS[dtype] * terms``, element by element.

    Parameters
    ----------
    actual, expected : float, array or tensor
        Same shape, or `expected` a single number. Infinities of the same sign agree, NaN never.
    terms : float or array, optional
        Sum of the absolute values of the terms that were added, where they cancel; by default
        ``max(|actual|, |expected|)``.
    units : float
        How many rounding errors are allowed.
    dtype : str, optional
        A key of `EPS`; by default the coarser of the two dtypes.

    Raises
    ------
    AssertionError
        If an element is further off, or the shapes differ; the message shows the worst one.

    Examples
    --------
    >>> assert_close(0.1 + 0.2, 0.3)
    >>> assert_close(1.0 + 1e-9 - 1.0, 1e-9, terms=2.0)
    """
    __tracebackhide__ = True
    name = dtype or max(dtype_name(actual), dtype_name(expected), key=EPS.__getitem__)
    got, want = as_float64(actual), as_float64(expected)
    if not _shapes_agree(got, want):
        raise AssertionError(f"assert_close: shape {got.shape}, expected {want.shape}")
    size = np.maximum(np.abs(got), np.abs(want)) if terms is None else np.abs(as_float64(terms))
    unit = f"{units:g} units of {name}"
    raise_unless_within("assert_close", got, want, units * EPS[name] * size, unit=unit)


def assert_within_standard_errors(sample: Any, expected: Any, *, num: float = 5.0) -> None:
    """Assert that the mean of a Monte-Carlo sample is compatible with a known value.

    Parameters
    ----------
    sample : array or tensor, shape (N, ...)
        Independent draws along the first axis, N >= 2.
    expected : float or array, shape (...)
        The exact expectation.
    num : float
        How many standard errors the mean may be off. Five leave a chance of 6e-7 a number for a
        right program, so use a fixed seed.

    Raises
    ------
    AssertionError
        If a mean is further off.
    ValueError
        If there are fewer than two draws.
    """
    __tracebackhide__ = True
    draws = as_float64(sample)
    if draws.ndim == 0 or len(draws) < 2:
        raise ValueError(
            f"sample has shape {draws.shape}, but a standard error needs at least two draws "
            "along the first axis"
        )
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    # A constant sample has no spread but its mean still has been rounded.
    floor = EPS["float64"] * np.abs(draws).mean(axis=0)
    raise_unless_within(
        "sample mean", draws.mean(axis=0), expected, num * (error + floor), unit=f"{num:g} s.e."
    )
