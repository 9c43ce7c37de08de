"""Lists of times for samplers over a `refdiff.samplers.schedule.Schedule`.

Each function returns S + 1 times, strictly decreasing: where the run begins, where each step but
the last ends, and where the run ends. Both ends come out exactly as they were given.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from refdiff._checks import check_count
from refdiff.equations import karras_sigmas
from refdiff.samplers.schedule import Schedule

__all__ = [
    "karras_times",
    "log_snr_times",
    "quadratic_times",
    "sigma_times",
    "to_zero",
    "uniform_times",
]


def _count(num_steps: int) -> int:
    return check_count("num_steps", num_steps, low=1, cure="it counts the sampler's steps.")


def _check_ends(start: float, end: float) -> None:
    if not 0.0 <= end < start < math.inf:
        raise ValueError(
            f"start={start:g}, end={end:g} must satisfy 0 <= end < start: a sampler runs from the "
            f"noisy start down to the end; were the two swapped?"
        )


def _spaced(num_steps: int, start: float, end: float) -> list[float]:
    """Return values from start to end, spaced evenly: weights of both ends, so both are exact."""
    elapsed = np.arange(num_steps + 1, dtype=np.float64) / num_steps
    values: list[float] = ((1.0 - elapsed) * start + elapsed * end).tolist()
    return values


def uniform_times(num_steps: int, *, start: float, end: float = 0.0) -> list[float]:
    """Return times spaced evenly.

    Parameters
    ----------
    num_steps : int
        S, at least 1.
    start, end : float
        The ends, 0 <= end < start.

    Returns
    -------
    list of float
        S + 1 times.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Examples
    --------
    >>> uniform_times(2, start=1.0)
    [1.0, 0.5, 0.0]
    """
    _check_ends(start, end)
    return _spaced(_count(num_steps), start, end)


def quadratic_times(num_steps: int, *, start: float, end: float = 0.0) -> list[float]:
    """Return times whose square roots are spaced evenly: denser towards the end.

    Parameters, returns and errors as in `uniform_times`.

    Examples
    --------
    >>> quadratic_times(2, start=1.0)
    [1.0, 0.25, 0.0]
    """
    _check_ends(start, end)
    inner = _spaced(_count(num_steps), math.sqrt(start), math.sqrt(end))[1:-1]
    return [float(start), *(root * root for root in inner), float(end)]


def log_snr_times(schedule: Schedule, num_steps: int, *, start: float, end: float) -> list[float]:
    """Return times at which the log-SNR is spaced evenly, as the DPM-Solver papers advise.

    Parameters
    ----------
    schedule : Schedule
        Its inverse gives the times.
    num_steps : int
        S, at least 1.
    start, end : float
        The ends; both with signal and noise left. To go on to clean data append 0.

    Returns
    -------
    list of float
        S + 1 times.

    Raises
    ------
    ValueError
        If an argument is outside its domain, or the log-SNR is infinite at an end.

    Examples
    --------
    >>> from refdiff.samplers.schedule import edm
    >>> [round(t, 12) for t in log_snr_times(edm(), 2, start=100.0, end=1.0)]
    [100.0, 10.0, 1.0]
    """
    _check_ends(start, end)
    low, high = schedule.log_snr(start), schedule.log_snr(end)
    for name, time, ratio in (("start", start, low), ("end", end, high)):
        if math.isinf(ratio):
            raise ValueError(
                f"{name}={time:g} has an infinite log-SNR, of which there are no even parts; "
                f"choose a time between, and add the end to the list afterwards."
            )
    inner = _spaced(_count(num_steps), low, high)[1:-1]
    return [float(start), *(float(schedule.time_at(ratio)) for ratio in inner), float(end)]


def sigma_times(schedule: Schedule, sigmas: npt.ArrayLike) -> list[float]:
    """Return the times at which the noise-to-signal ratio sigma/alpha has given values.

    Parameters
    ----------
    schedule : Schedule
        Its inverse gives the times.
    sigmas : array_like, shape (S+1,)
        Strictly decreasing, the last at least 0, such as `refdiff.equations.karras_sigmas` gives.

    Returns
    -------
    list of float
        S + 1 times.

    Raises
    ------
    ValueError
        If the list is shorter than two, does not decrease or becomes negative.

    Examples
    --------
    >>> from refdiff.samplers.schedule import straight
    >>> sigma_times(straight(), [3.0, 1.0, 0.0])
    [0.75, 0.5, 0.0]
    """
    values = [float(value) for value in np.asarray(sigmas, dtype=np.float64).ravel()]
    falls = all(later < earlier for earlier, later in itertools.pairwise(values))
    if len(values) < 2 or not falls or not values[-1] >= 0.0:
        raise ValueError(
            f"sigmas={values!r} must hold at least two noise-to-signal ratios, strictly "
            f"decreasing, the last >= 0."
        )
    logs = (math.log(value) if value > 0.0 else -math.inf for value in values)
    return [float(schedule.time_at(-2.0 * value)) for value in logs]


def karras_times(
    schedule: Schedule, num_steps: int, *, sigma_min: float, sigma_max: float, rho: float = 7.0
) -> list[float]:
    """Return times whose ratios sigma/alpha are EDM's grid, the last step going to clean data.

    Parameters
    ----------
    schedule : Schedule
        Its inverse gives the times; it needs clean data at time 0.
    num_steps : int
        S, at least 1.
    sigma_min, sigma_max, rho : float
        As in `refdiff.equations.karras_sigmas`.

    Returns
    -------
    list of float
        S + 1 times, the last 0.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Examples
    --------
    >>> from refdiff.samplers.schedule import edm
    >>> [round(t, 12) for t in karras_times(edm(), 2, sigma_min=1.0, sigma_max=9.0)]
    [9.0, 1.0, 0.0]
    """
    grid = karras_sigmas(num_steps, sigma_min=sigma_min, sigma_max=sigma_max, rho=rho)
    return sigma_times(schedule, grid)


def to_zero(timesteps: Sequence[int] | Iterable[int]) -> list[int]:
    """Return a list of training times followed by 0, for the last step to clean data.

    Parameters
    ----------
    timesteps : sequence of int
        Such as `refdiff.equations.trailing_timesteps` gives, in 1..T.

    Returns
    -------
    list of int
        One entry more.

    Raises
    ------
    ValueError
        If an entry is no integer.

    Examples
    --------
    >>> to_zero([1000, 500])
    [1000, 500, 0]
    """
    try:
        return [*(operator.index(time) for time in timesteps), 0]
    except TypeError as error:
        raise ValueError(f"timesteps must be a list of integers; {error}.") from error
