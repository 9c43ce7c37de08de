"""Checks on what callers pass to the closed forms.

Each check returns the value in the form that the mathematics uses (float64 arrays, Python floats,
lists of ints), or raises a `ValueError` of one sentence: the argument, the value, what is allowed
and what to do about it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def real_array(name: str, value: ArrayLike) -> Array:
    """Return `value` as a new finite float64 array."""
    array = np.array(value, dtype=np.float64)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name}={value!r} must be finite; remove the nan or infinity")
    return array


def alpha_bar(name: str, value: float) -> float:
    """Return an alpha_bar as a Python float in [0, 1]."""
    number = scalar(name, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(
            f"{name}={number!r} must be in [0, 1]: it is the share of the signal in the variance; "
            "was its square root, or a beta, passed?"
        )
    return number


def scalar(name: str, value: float) -> float:
    """Return one finite number (a Python or NumPy scalar, or a one-element array) as a float."""
    array = np.asarray(value, dtype=np.float64)
    if array.size != 1 or not np.isfinite(array.item()):
        raise ValueError(
            f"{name}={value!r} must be one finite number; call once for each noise level"
        )
    return float(array.item())


def ordered(alpha_bar_t: float, alpha_bar_s: float) -> None:
    """Require that s is not noisier than t, and that the transition from s to t exists."""
    if alpha_bar_s < alpha_bar_t:
        raise ValueError(
            f"alpha_bar_s={alpha_bar_s!r} must be >= alpha_bar_t={alpha_bar_t!r}: s is the less "
            "noisy time; were the two swapped?"
        )
    if alpha_bar_s == 0.0:
        raise ValueError(
            "alpha_bar_s=0.0 must be > 0: at zero signal the transition from s to t is not "
            "determined by the two levels; choose an earlier s"
        )


def scales(alpha_t: float, sigma_t: float) -> tuple[float, float]:
    """Return (alpha_t, sigma_t) as floats; both >= 0 and not both zero."""
    signal, noise = scalar("alpha_t", alpha_t), scalar("sigma_t", sigma_t)
    if signal < 0.0 or noise < 0.0 or signal + noise == 0.0:
        raise ValueError(
            f"alpha_t={signal!r}, sigma_t={noise!r} must be >= 0 and not both 0; they are the "
            "scales of data and noise in x_t = alpha_t x_0 + sigma_t eps"
        )
    return signal, noise


def fraction(name: str, value: float) -> float:
    """Return a float in [0, 1] (eta, for one)."""
    number = scalar(name, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name}={number!r} must be in [0, 1]; 0 is deterministic DDIM, 1 is DDPM")
    return number


def choice(name: str, value: str, allowed: Sequence[str]) -> str:
    """Return `value` where it is one of `allowed`."""
    if value not in allowed:
        raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, allowed))}")
    return value


def alpha_bar_table(values: ArrayLike) -> Array:
    """Return a table alpha_bars of shape (T+1,): it starts at 1, stays in [0, 1], and falls."""
    table = real_array("alpha_bars", values)
    if table.ndim != 1 or table.size < 2:
        raise ValueError(
            f"alpha_bars of shape {table.shape} must have shape (T+1,) with T >= 1: one entry for "
            "each time 0..T"
        )
    if table[0] != 1.0:
        raise ValueError(
            f"alpha_bars[0]={float(table[0])!r} must be 1: index 0 is the data; put 1 in front of "
            "a table that starts at time 1"
        )
    falls = np.diff(table) < 0.0
    if not np.all(falls) or table[-1] < 0.0:
        where = int(np.argmin(falls)) + 1
        raise ValueError(
            f"alpha_bars[{where}]={float(table[where])!r} must lie in [0, 1] below "
            f"alpha_bars[{where - 1}]={float(table[where - 1])!r}: every step must add noise"
        )
    return table


def timestep_list(values: Sequence[int], num_steps: int) -> list[int]:
    """Return strictly decreasing integer times in 1..num_steps."""
    times = [int(value) for value in values]
    integral = all(time == value for time, value in zip(times, values, strict=True))
    falls = all(later > earlier for later, earlier in itertools.pairwise(times))
    if not times or not integral or not falls or times[0] > num_steps or times[-1] < 1:
        raise ValueError(
            f"timesteps={list(values)!r} must be strictly decreasing integers in 1..{num_steps}; "
            "the last step to 0 is understood"
        )
    return times


def points(name: str, x: ArrayLike, event_shape: tuple[int, ...]) -> Array:
    """Return x as float64 whose last axes are `event_shape`."""
    array = np.asarray(x, dtype=np.float64)
    tail = array.shape[array.ndim - len(event_shape) :] if event_shape else ()
    if tail != event_shape:
        raise ValueError(
            f"{name} of shape {array.shape} must end in the shape {event_shape} of the mean; "
            "put the batch axes first"
        )
    return array
