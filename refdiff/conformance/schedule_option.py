"""The training schedule that a sampler's target was made for, from its text or a file."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refdiff import equations
from refdiff._errors import UserError

__all__ = ["SCHEDULES", "read_schedule"]

Table = NDArray[np.float64]
SCHEDULES: dict[str, Callable[[int], Table]] = {
    "linear": equations.linear_betas,
    "cosine": equations.cosine_betas,
    "scaled-linear": equations.scaled_linear_betas,
}
"""Families that may be asked for by name, as functions from T to betas."""

_LONGEST = 1_000_000
_FORMS = "linear:T, cosine:T, scaled-linear:T (T noise levels, as in linear:1000) or FILE.npy"


def read_schedule(schedule: str | NDArray) -> Table:
    """Return the table of alpha_bar.

    Parameters
    ----------
    schedule : str or array_like
        ``"linear:1000"``, ``"cosine:T"``, ``"scaled-linear:T"``, the name of an .npy file of
        alpha_bars, or the table itself.

    Returns
    -------
    numpy.ndarray of shape (T + 1,), float64
        Index is time; the entry at 0 is 1.

    Raises
    ------
    UserError
        If it is none of these, or the table is none of alpha_bars.

    Examples
    --------
    >>> read_schedule("linear:4").shape
    (5,)
    """
    if not isinstance(schedule, str):
        return _checked(np.asarray(schedule), "the schedule")
    if schedule.endswith(".npy"):
        return _checked(_from_file(Path(schedule).expanduser()), f"--schedule {schedule}")
    family, colon, length = schedule.partition(":")
    if family not in SCHEDULES:
        close = difflib.get_close_matches(family, SCHEDULES, n=1, cutoff=0.5)
        meant = f" (did you mean {close[0]}?)" if close else ""
        raise UserError(f"--schedule {schedule} is no schedule{meant}: give {_FORMS}.")
    if not colon:
        length = "1000"
    if not length.isascii() or not length.isdigit() or not 1 <= int(length) <= _LONGEST:
        raise UserError(
            f"--schedule {schedule}: {length!r} is no number of noise levels from 1 to "
            f"{_LONGEST:,}; give {_FORMS}."
        )
    return equations.alpha_bars_from_betas(SCHEDULES[family](int(length)))


def _from_file(path: Path) -> NDArray:
    if not path.is_file():
        raise UserError(f"--schedule {path}: there is no such file; give {_FORMS}.")
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"--schedule {path} cannot be read as an .npy file of numbers ({error}): write it with "
            "numpy.save."
        ) from error


def _checked(table: NDArray, name: str) -> Table:
    if table.ndim != 1 or len(table) < 2 or table.dtype.kind not in "fiu":
        raise UserError(
            f"{name} holds {table.dtype} of shape {table.shape}, not alpha_bars of shape (T+1,): "
            "one number for each time 0..T."
        )
    values = table.astype(np.float64)
    if values[0] != 1:
        raise UserError(
            f"{name} begins with {values[0]:g}, and alpha_bars begin with 1, as at time 0 there is "
            "no noise: put a 1 in front, as in np.concatenate([[1.0], alphas_cumprod])."
        )
    falling = np.diff(values) < 0
    if not falling.all() or values[-1] < 0:
        where = int(np.argmin(falling)) + 1 if not falling.all() else len(values) - 1
        raise UserError(
            f"{name} has {values[where]:g} at time {where}, after {values[where - 1]:g}: "
            "alpha_bars fall from 1 and stay at or above 0; are these betas, or alphas?"
        )
    return values
