"""Which times a scheduler visits, compared with the three ways of spacing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.shapes.scheduler.findings import named
from refdiff.conformance.shapes.scheduler.target import Scheduler, numbers
from refdiff.conformance.variants.scheduler import LEADING
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive
from refdiff.equations import leading_timesteps
from refdiff.testing import EPS

__all__ = ["judge_spacing", "known_grids"]

Grid = Callable[[int, int], np.ndarray]


def known_grids(spacing: str) -> Mapping[str, Grid]:
    """Return the lists of times, counted from 0 and not yet rounded, that go by a name.

    The first one of each is that of `refdiff.equations`.
    """
    if spacing == "leading":
        return {
            "usual": lambda total, n: leading_timesteps(total, n) - 1.0,
            # S + 1 equal strides, the first point of which is left out.
            "one-stride-more": lambda total, n: np.arange(n, 0, -1.0) * (total // (n + 1)),
        }
    if spacing == "trailing":
        return {"usual": lambda total, n: np.arange(n, 0, -1.0) * total / n - 1.0}
    return {
        "usual": lambda total, n: np.linspace(total - 1.0, 0.0, n),
        "one-stride-more": lambda total, n: np.linspace(total - 1.0, 0.0, n + 1)[:-1],
    }


def judge_spacing(target: Scheduler, spacing: str) -> Outcome:
    """Judge the times for numbers of steps that divide T and that do not."""
    total, offset = target.train_steps, float(target.option("steps_offset", 0))
    if any(target.option(f"use_{kind}_sigmas") for kind in ("karras", "exponential", "beta")):
        return inconclusive("the noise levels are not spaced by times in this configuration")
    if target.option("use_lu_lambdas") or target.option("timestep_type") == "continuous":
        return inconclusive("the noise levels are not spaced by times in this configuration")
    if "skip_prk_steps" in target.config:
        target = target.with_options(skip_prk_steps=True)
    lists = {n: _visited(target, n) for n in (7, 10, 24)}
    if any(times.size != n for n, times in lists.items()):
        return inconclusive("the method asks its model at times of its own between the steps")
    for name, grid in known_grids(spacing).items():
        offsets = (offset, 0.0) if spacing != "trailing" else (0.0,)
        for shift in offsets:
            if all(_same(times, grid(total, n) + shift) for n, times in lists.items()):
                return _found(target, spacing, name, shift, lists[10])
    n, times = next(iter(lists.items()))
    expected = known_grids(spacing)["usual"](total, n)
    k = int(np.argmax(np.abs(times[: expected.size] - expected[: times.size])))
    return deviates(
        f"set_timesteps({n}) gives time {times[k]:g} at index {k}, where {spacing} spacing has "
        f"{expected[k]:g}",
        at={"num_inference_steps": n, "index": k, "timestep_spacing": spacing},
        expected=float(expected[k]),
        observed=float(times[k]),
    )


def _visited(target: Scheduler, count: int) -> np.ndarray:
    """Return the times that whole steps begin at: a second stage has the next one, or its own."""
    times = numbers(target.prepared(count).timesteps)
    once = np.unique(times)[::-1]
    if times.size == 2 * count - 1 and once.size != count:
        return times[::2]
    return times if times.size == count else once


def _same(times: np.ndarray, grid: np.ndarray) -> bool:
    """Say whether these are the times of a grid: whole ones, rounded anyhow, or float32."""
    if times.size != grid.size:
        return False
    gap = np.abs(times - grid)
    if (times == np.rint(times)).all():
        return bool((gap < 1).all())
    return bool((gap <= LIMIT * EPS["float32"] * np.maximum(np.abs(grid), 1)).all())


def _found(target: Scheduler, spacing: str, name: str, shift: float, times: np.ndarray) -> Outcome:
    last = target.train_steps - 1
    begins = f"sampling begins at time {times[0]:g} of {last}"
    if times[0] < last:
        return named(
            LEADING,
            begins,
            expected=last,
            observed=float(times[0]),
            at={"num_inference_steps": 10},
        )
    suffix = "" if name == "usual" else f" ({name.replace('-', ' ')})"
    return conforms(f"the times are spaced as {spacing}{suffix}; {begins}")
