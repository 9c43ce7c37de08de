"""Calls of the functions of tensors and noise levels, at the places where mistakes show.

Degenerate inputs hide mistakes: every family gets the first, second, middle and last times of the
linear schedule, strides that skip steps, levels that differ from sample to sample, and the end
where the data are reached. Tensors hold a handful of pixels, in several shapes and batch sizes.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from refdiff.conformance.shapes.functions.calls import Call
from refdiff.equations import alpha_bars_from_betas, linear_betas

__all__ = ["TABLE", "Cases", "Draw", "one_level", "shapes", "two_levels", "with_eta"]

Cases = dict[str, list[Call]]
Draw = Callable[..., np.ndarray]

TABLE = alpha_bars_from_betas(linear_betas(1000))
_SHAPES = ((2, 3), (1, 1, 2, 2), (3, 1, 2, 2), (1, 2, 3), (2, 2, 2, 1, 2))
_BATCH = (4, 2, 2, 2)

_TIMES = (1, 2, 250, 500, 999, 1000)
_STEPS = ((2, 1), (3, 2), (250, 249), (500, 499), (999, 998), (1000, 999))
_STRIDES = ((1000, 980), (500, 250), (21, 1), (1000, 900), (333, 100))
_TO_DATA = (1, 2, 20, 500, 1000)
# Levels that half precision holds exactly, far enough apart that their differences mean something.
_COARSE = (0.25, 0.5, 0.75)
_COARSE_PAIRS = ((0.25, 0.5), (0.5, 0.75), (0.25, 0.75))


def shapes() -> Iterator[tuple[int, ...]]:
    """Yield image shapes of all ranks, over and over."""
    return itertools.cycle(_SHAPES)


def one_level(names: Sequence[str], draw: Draw, **extra: Any) -> Cases:
    """Return calls of a function of tensors `names` and of alpha_bar_t.

    Parameters
    ----------
    names : sequence of str
        Names of the tensors.
    draw : callable
        ``draw(*shape)`` gives a tensor.
    **extra : float
        Further keyword arguments.

    Returns
    -------
    dict of str to list of Call
        By the name of the case.
    """
    call = functools.partial(_call, names, draw, extra)
    turn = shapes()
    cases = {
        "values": [call(next(turn), alpha_bar_t=float(TABLE[t])) for t in _TIMES],
        "float32": [call(next(turn), alpha_bar_t=float(TABLE[t])) for t in (100, 500, 900)],
    }
    levels = TABLE[[2, 300, 700, 999]]
    if names:
        cases["per-sample-levels"] = [call(_BATCH, alpha_bar_t=levels.reshape(4, 1, 1, 1))]
        cases["bfloat16"] = [call(next(turn), alpha_bar_t=level) for level in _COARSE]
    cases["level-arrays"] = [call((2, 2), alpha_bar_t=levels.reshape(2, 2))]
    return cases


def two_levels(names: Sequence[str], draw: Draw, *, data_end: bool = True, **extra: Any) -> Cases:
    """Return calls of a function of tensors and of a pair of levels; see `one_level`."""
    call = functools.partial(_call, names, draw, extra)
    turn = shapes()

    def at(pairs: Sequence[tuple[int, int]]) -> list[Call]:
        return [
            call(next(turn), alpha_bar_t=float(TABLE[t]), alpha_bar_s=float(TABLE[s]))
            for t, s in pairs
        ]

    noisy, quiet = TABLE[[2, 300, 700, 1000]], TABLE[[1, 290, 350, 999]]
    cases = {"values": at(_STEPS), "strides": at(_STRIDES)}
    if data_end:
        cases["to-data"] = at([(t, 0) for t in _TO_DATA])
    if names:
        shape = (4, 1, 1, 1)
        cases["per-sample-levels"] = [
            call(_BATCH, alpha_bar_t=noisy.reshape(shape), alpha_bar_s=quiet.reshape(shape))
        ]
        cases["bfloat16"] = [
            call(next(turn), alpha_bar_t=t, alpha_bar_s=s) for t, s in _COARSE_PAIRS
        ]
    cases["level-arrays"] = [
        call((2, 2), alpha_bar_t=noisy.reshape(2, 2), alpha_bar_s=quiet.reshape(2, 2))
    ]
    cases["float32"] = at([(500, 499), (500, 250), (900, 880)])
    return cases


def with_eta(names: Sequence[str], draw: Draw) -> Cases:
    """Return calls of a function of tensors, a pair of levels and eta; see `one_level`."""
    cases: Cases = {}
    for word, eta in (("zero", 0.0), ("half", 0.5), ("one", 1.0)):
        found = two_levels(names, draw, eta=eta)
        cases[f"eta-{word}"] = [*found["values"], *found["strides"]]
        if word == "half":
            cases |= {k: v for k, v in found.items() if k not in ("values", "strides")}
    return cases


def _call(
    names: Sequence[str],
    draw: Draw,
    extra: Mapping[str, Any],
    shape: tuple[int, ...],
    **levels: Any,
) -> Call:
    return Call({name: draw(*shape) for name in names}, {**levels, **extra})
