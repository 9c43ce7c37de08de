"""Noise levels of a scheduler's calls: what it believes the state of each step to be."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from refdiff.conformance.explain import LIMIT, Case, fit
from refdiff.conformance.shapes.scheduler.target import Scheduler, numbers, quiet, tensor
from refdiff.testing import EPS

__all__ = ["levels_of_calls", "sigma_lists", "sigmas_of_table", "told_by_time"]

_SAME_TIME = 0.01  # share of a time that sigmas in float32 leave undecided


def sigmas_of_table(target: Scheduler) -> np.ndarray | None:
    """Return sigma of every training time in VE coordinates, from its own table; None without."""
    table = target.table("alphas_cumprod")
    if table is None:
        return None
    with np.errstate(all="ignore"):
        return np.asarray(np.sqrt((1 - table) / table))


def sigma_lists(prepared: Any, count: int) -> list[np.ndarray]:
    """Return the lists of sigmas that a prepared scheduler keeps, at least one for each call."""
    found = []
    for name, values in vars(prepared).items():
        if not name.startswith("sigmas") or not hasattr(values, "__len__"):
            continue
        listed = numbers(values)
        if listed.ndim == 1 and listed.size >= count:
            found.append(listed)
    return found


def levels_of_calls(target: Scheduler, prepared: Any) -> list[float] | None:
    """Return sigma at each call of the model; None where the scheduler keeps no list of them.

    Some keep several lists (the levels, and those of an intermediate stage): the factor that
    scales the model's input tells which one a call belongs to.
    """
    times = prepared.timesteps
    lists = sigma_lists(prepared, len(times))
    if not lists:
        return None
    scales = _input_scales(prepared) if _has_stages(prepared, lists) else []
    if not scales:
        return [float(v) for v in lists[0][: len(times)]]
    found = []
    for k, scale in enumerate(scales):
        gaps = np.array([abs(1 / np.sqrt(1 + one[k] ** 2) - scale) for one in lists])
        gaps = np.where(np.isnan(gaps), np.inf, gaps)  # unused entries may be NaN
        level = float(lists[int(np.argmin(gaps))][k])
        # The level of an intermediate stage need not be in a list.
        listed = np.min(gaps) <= 2 * LIMIT * EPS["float32"] * scale
        found.append(level if listed else float(np.sqrt(1 / scale**2 - 1)))
    return found


def _has_stages(prepared: Any, lists: Sequence[Any]) -> bool:
    """Say whether steps have intermediate stages that the model is asked at, and scaled for."""
    if not callable(getattr(prepared, "scale_model_input", None)):
        return False
    return len(lists) > 1 or getattr(prepared, "order", 1) > 1


def _input_scales(prepared: Any) -> list[float]:
    """Return the factors of the model's input, seen by driving a copy with zeros."""
    one, ones, scales = copy.deepcopy(prepared), tensor(np.ones((1, 1, 2, 2))), []
    with quiet():
        for t in one.timesteps:
            scales.append(float(numbers(one.scale_model_input(ones, t)).ravel()[0]))
            one.step(ones * 0, t, ones)
    return scales


def told_by_time(target: Scheduler, steps: int) -> bool:
    """Say whether its times are meant as those of the table, so that a model can be told them."""
    prepared = target.prepared(steps)
    times, table = numbers(prepared.timesteps), sigmas_of_table(target)
    if table is None or (times != np.rint(times)).any():
        return False
    if (times < 0).any() or (times >= table.size).any():
        return True  # the checks of the grid report it
    levels = levels_of_calls(target, prepared)
    if levels is None:
        return True
    expected = target.table("alphas_cumprod")
    assert expected is not None
    chosen = expected[times.astype(int)]
    case = Case({}, np.asarray(levels), lambda parts: parts.sigma_of_level(parts.lift(chosen)))
    return fit([case], dtype="float32").holds or not _rounded(times, np.asarray(levels), table)


def _rounded(times: np.ndarray, levels: np.ndarray, table: np.ndarray) -> bool:
    """Say whether whole times may be the roundings of those at which the table has these levels.

    Levels a whole time away are those of other times: a mistake that is to be seen.
    """
    inside = (levels > table[0]) & (levels < table[-1]) & (times > 0) & (times < table.size - 1)
    with np.errstate(all="ignore"):
        exact = np.interp(np.log(levels[inside]), np.log(table), np.arange(table.size))
    away = exact - times[inside]
    whole = np.abs(away - np.rint(away)) <= _SAME_TIME
    return bool(np.all(np.abs(away) <= 1 + _SAME_TIME) and not np.all(whole & (np.rint(away) != 0)))
