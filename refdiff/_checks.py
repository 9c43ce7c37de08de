"""Argument checks: the one place where the error sentences of the equations are built.

Only schedule values (alpha_bar, sigma, eta, SNR ...) are checked, never image tensors:

* Python numbers, NumPy arrays, CPU tensors and ``mpmath`` numbers: always;
* tensors on a device: only under ``refdiff.checks("strict")``, because looking at their values
  makes the host wait for the device;
* nothing while tracing (``torch.compile``, ``vmap``, JAX ``jit``) or on symbols.

Every sentence names the argument, its value, the domain and the cure.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

__all__ = [
    "CLOSED_UNIT",
    "HALF_OPEN_AT_0",
    "HALF_OPEN_AT_1",
    "NON_NEGATIVE",
    "OPEN_UNIT",
    "PERCENT",
    "POSITIVE",
    "Interval",
    "check_count",
    "check_in",
    "check_less_noisy",
    "check_less_noisy_scales",
    "check_order",
    "checks",
]

_LEVELS = ("off", "default", "strict")
_level = "default"


class checks:
    """Choose how much the equations check, for good or inside a ``with`` block.

    Parameters
    ----------
    level : {"default", "strict", "off"}
        ``"default"``: Python numbers and CPU arrays. ``"strict"``: tensors on a device too, at
        the price of a synchronisation. ``"off"``: nothing.

    Raises
    ------
    ValueError
        If ``level`` is none of the three.

    Notes
    -----
    The level holds for the process, all threads included.

    Examples
    --------
    >>> import refdiff
    >>> from refdiff.equations import snr
    >>> with refdiff.checks("off"):
    ...     snr(alpha_bar_t=2.0)
    -2.0
    """

    def __init__(self, level: str) -> None:
        global _level
        if level not in _LEVELS:
            raise ValueError(f"level={level!r} must be one of {', '.join(map(repr, _LEVELS))}.")
        self._previous, _level = _level, level

    def __enter__(self) -> checks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _level
        _level = self._previous


@dataclass(frozen=True)
class Interval:
    """A range of real numbers, ends included or not."""

    low: float
    high: float
    has_low: bool = True
    has_high: bool = True

    def __contains__(self, value: Any) -> bool:
        above = value >= self.low if self.has_low else value > self.low
        below = value <= self.high if self.has_high else value < self.high
        return bool(above) and bool(below)

    def __str__(self) -> str:
        left, right = "[" if self.has_low else "(", "]" if self.has_high else ")"
        return f"{left}{self.low:g}, {self.high:g}{right}"


_INF = float("inf")
CLOSED_UNIT = Interval(0.0, 1.0)
OPEN_UNIT = Interval(0.0, 1.0, has_low=False, has_high=False)
HALF_OPEN_AT_0 = Interval(0.0, 1.0, has_low=False)
HALF_OPEN_AT_1 = Interval(0.0, 1.0, has_high=False)
NON_NEGATIVE = Interval(0.0, _INF)
PERCENT = Interval(0.0, 100.0)
POSITIVE = Interval(0.0, _INF, has_low=False)


def _torch_values(value: Any) -> Any:
    import torch

    if torch.compiler.is_compiling():
        return None
    if value.device.type != "cpu" and _level != "strict":
        return None
    try:
        return value.detach().to(device="cpu", dtype=torch.float64).numpy()
    except RuntimeError:  # a tensor without values: vmap, fake tensors, the meta device
        return None


def _jax_values(value: Any) -> Any:
    import jax  # type: ignore[import-not-found,unused-ignore]

    return None if isinstance(value, jax.core.Tracer) else np.asarray(value)


def _values(value: Any) -> Any:
    """Return something with comparable values, or None where nothing may be looked at."""
    if isinstance(value, (float, int, np.ndarray, np.generic)):
        return value
    library = type(value).__module__.partition(".")[0]
    if library == "torch" or any(b.__module__ == "torch" for b in type(value).__mro__):
        return _torch_values(value)
    if library in ("jax", "jaxlib"):
        return _jax_values(value)
    if library == "mpmath":
        return value
    return None


def _show(value: Any) -> str:
    return f"{float(value):.17g}" if float(value) != float(f"{float(value):g}") else f"{value:g}"


def _refuse(name: str, value: Any, interval: Interval, cure: str) -> None:
    offenders = [v for v in np.ravel(np.asarray(value, dtype=float)) if v not in interval]
    where = "" if np.ndim(value) == 0 else f" (and {len(offenders) - 1} more)"
    where = "" if len(offenders) == 1 else where
    raise ValueError(f"{name}={_show(offenders[0])}{where} must be in {interval}: {cure}")


def check_in(interval: Interval, cure: str, **named: Any) -> None:
    """Refuse a schedule value outside ``interval``, naming it and the cure.

    Raises
    ------
    ValueError
        If any element of any named value lies outside, or is not a number.
    """
    if _level == "off":
        return
    for name, value in named.items():
        if type(value) is float:
            if value not in interval:
                _refuse(name, value, interval, cure)
            continue
        values = _values(value)
        if values is None:
            continue
        if isinstance(values, np.ndarray):
            # A NaN makes both ends NaN, which lies in no interval.
            if values.size and not (values.min() in interval and values.max() in interval):
                _refuse(name, values, interval, cure)
        elif values not in interval:
            _refuse(name, values, interval, cure)


def check_less_noisy(*, alpha_bar_t: Any, alpha_bar_s: Any) -> None:
    """Refuse a pair of signal levels in which s is the noisier time.

    Raises
    ------
    ValueError
        If ``alpha_bar_s < alpha_bar_t`` anywhere.
    """
    if _level == "off":
        return
    if type(alpha_bar_t) is float and type(alpha_bar_s) is float and alpha_bar_s >= alpha_bar_t:
        return  # NumPy below would take longer than a whole step on a small image
    t, s = _values(alpha_bar_t), _values(alpha_bar_s)
    if t is None or s is None:
        return
    wrong = np.logical_not(np.asarray(s >= t, dtype=bool))
    if wrong.any():
        index = tuple(np.argwhere(wrong)[0])
        shown_s, shown_t = (
            np.broadcast_to(np.asarray(level, float), wrong.shape)[index] for level in (s, t)
        )
        raise ValueError(
            f"alpha_bar_s={_show(shown_s)} must be >= alpha_bar_t={_show(shown_t)}: "
            f"s is the less noisy time; were the two swapped?"
        )


def check_less_noisy_scales(*, alpha_t: Any, sigma_t: Any, alpha_s: Any, sigma_s: Any) -> None:
    """Refuse pairs (alpha, sigma) in which s has the lower signal-to-noise ratio.

    Raises
    ------
    ValueError
        If ``alpha_s sigma_t < alpha_t sigma_s`` anywhere.
    """
    if _level == "off":
        return
    found = [_values(v) for v in (alpha_t, sigma_t, alpha_s, sigma_s)]
    if any(v is None for v in found):
        return
    a_t, d_t, a_s, d_s = found
    # One ulp of slack: both sides are rounded products, and equal levels are allowed.
    wrong = np.asarray(a_s * d_t < a_t * d_s * (1 - 4 * np.finfo(np.float64).eps), dtype=bool)
    if wrong.any():
        raise ValueError(
            "(alpha_s, sigma_s) must have at least the signal-to-noise ratio of "
            "(alpha_t, sigma_t): s is the less noisy time; were the two swapped?"
        )


def check_order(cure: str, **named: Any) -> None:
    """Refuse two named values of which the first, anywhere, exceeds the second.

    Raises
    ------
    ValueError
        If ``first > second`` anywhere.
    """
    if _level == "off":
        return
    (low_name, low), (high_name, high) = named.items()
    if type(low) is float and type(high) is float and low <= high:
        return
    first, second = _values(low), _values(high)
    if first is None or second is None:
        return
    wrong = np.logical_not(np.asarray(first <= second, dtype=bool))
    if wrong.any():
        index = tuple(np.argwhere(wrong)[0])
        shown_low, shown_high = (
            _show(np.broadcast_to(np.asarray(v, float), wrong.shape)[index])
            for v in (first, second)
        )
        raise ValueError(f"{low_name}={shown_low} must be <= {high_name}={shown_high}: {cure}")


def check_count(name: str, value: Any, *, low: int, cure: str, high: int | None = None) -> int:
    """Return ``value`` as an int, or refuse what is no whole number in ``low..high``.

    Raises
    ------
    ValueError
        If ``value`` is not an integer, or outside the range.
    """
    wanted = f"an integer >= {low}" if high is None else f"an integer in {low}..{high}"
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    if not is_integer or value < low or (high is not None and value > high):
        raise ValueError(f"{name}={value!r} must be {wanted}: {cure}")
    return int(value)
