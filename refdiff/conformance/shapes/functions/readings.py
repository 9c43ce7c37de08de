"""What if a function takes its arguments for something else? The same formula, other inputs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from refdiff.conformance.shapes.functions.calls import Call
from refdiff.conformance.variants import Variant
from refdiff.conformance.variants.readings import (
    ARGUMENTS_EXCHANGED,
    LEVELS_AS_NOISE,
    LEVELS_AS_ROOTS,
    LEVELS_EXCHANGED,
)

__all__ = ["other_readings"]

_T, _S = "alpha_bar_t", "alpha_bar_s"
_MOST_ORDERS = 23  # of four arrays


def other_readings(call: Call) -> Iterator[tuple[Variant, Callable[[Call], Call]]]:
    """Yield the ways in which arguments like a call's can be taken for something else.

    Parameters
    ----------
    call : Call
        One of the function's calls.

    Yields
    ------
    (Variant, callable)
        The name, and how a call is turned into the one that the function seems to see.
    """
    count = len(call.positional)
    orders = itertools.islice(itertools.permutations(range(count)), 1, 1 + _MOST_ORDERS)
    for order in orders:
        yield ARGUMENTS_EXCHANGED, _reordered(order)
    if _S in call.keywords:
        yield LEVELS_EXCHANGED, _exchanged
    if _T in call.keywords:
        yield LEVELS_AS_ROOTS, _with_levels(lambda level: level * level)
        yield LEVELS_AS_NOISE, _with_levels(lambda level: 1 - level)


def _reordered(order: tuple[int, ...]) -> Callable[[Call], Call]:
    def change(call: Call) -> Call:
        values = list(call.positional.values())
        mixed = dict(zip(call.positional, (values[i] for i in order), strict=True))
        return replace(call, positional=mixed)

    return change


def _exchanged(call: Call) -> Call:
    known = dict(call.keywords)
    known[_T], known[_S] = known[_S], known[_T]
    return replace(call, keywords=known)


def _with_levels(change: Callable[[Any], Any]) -> Callable[[Call], Call]:
    def changed(call: Call) -> Call:
        known = {k: change(v) if k in (_T, _S) else v for k, v in call.keywords.items()}
        return replace(call, keywords=known)

    return changed
