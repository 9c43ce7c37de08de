"""The error of a function at a point, in units of its last place and beyond its conditioning.

The exact value is the function itself with 60 digits, at the very numbers that the dtype holds.
Two units are used:

* *ulp*: the distance of the dtype's numbers at the exact value;
* *beyond*: one ulp of the result, plus what the exact function changes by when each input moves by
  one unit in its last place (0, 1 and -1 are exact and do not move). This is the error that no
  formula can avoid, if its inputs have been rounded and so will be its result.

A formula that cancels though its problem is well conditioned has many units beyond; a subtraction
of data that are close has many ulp, and few beyond.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np

from refdiff.testing.budgets import DIGITS, evaluate
from validation.numerics.points import arrays, call

__all__ = ["DIGITS", "Error", "measure"]


@dataclass(frozen=True)
class Error:
    """The error at a point, in both units."""

    ulp: float
    beyond: float
    point: dict[str, float]


def measure(
    function: Callable[..., Any], points: list[dict[str, float]], dtype: str
) -> list[Error]:
    """Measure a function at points; where the result has no normal number there is no error."""
    if not points:
        return []
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(call(function, dict(arrays(points, dtype))))
    except ValueError:  # a product of arguments that float32 rounds to the end of its domain
        if len(points) == 1:
            return []
        return [error for point in points for error in measure(function, [point], dtype)]
    found = np.broadcast_to(found, (len(points),))
    errors = []
    for value, point in zip(found, points, strict=True):
        exact = _exact(function, point)
        if exact is not None and _is_normal(exact, dtype):
            errors.append(_error(function, float(value), exact, point, dtype))
    return errors


def _exact(function: Callable[..., Any], point: dict[str, float]) -> Any:
    try:
        value = evaluate(lambda **at: call(function, at), **point)
    except (ValueError, ArithmeticError, TypeError):
        return None
    return value if mp.isfinite(value) else None


def _is_normal(exact: Any, dtype: str) -> bool:
    form = np.finfo(dtype)
    return exact == 0 or float(form.tiny) <= abs(exact) <= float(form.max)


def _ulp(value: float, dtype: str) -> float:
    return float(np.spacing(np.dtype(dtype).type(abs(value))))


def _error(
    function: Callable[..., Any], value: float, exact: Any, point: dict[str, float], dtype: str
) -> Error:
    with mp.workdps(DIGITS):
        error = abs(mp.mpf(value) - exact) if np.isfinite(value) else mp.inf
        unit = _ulp(float(exact), dtype)
        ulp = float(error / unit)
    if ulp <= 1:
        return Error(ulp, ulp, point)
    with mp.workdps(DIGITS):
        beyond = float(error / (unit + _conditioning(function, exact, point, dtype)))
    return Error(ulp, beyond, point)


def _conditioning(
    function: Callable[..., Any], exact: Any, point: dict[str, float], dtype: str
) -> Any:
    """Return by how much the value changes, over the inputs, with one last place of each."""
    total = mp.mpf(0)
    for name, value in point.items():
        if value in (0.0, 1.0, -1.0):
            continue
        moved = [
            _exact(function, {**point, name: value + direction * _ulp(value, dtype)})
            for direction in (-1, 1)
        ]
        total += max((abs(other - exact) for other in moved if other is not None), default=0)
    return total
