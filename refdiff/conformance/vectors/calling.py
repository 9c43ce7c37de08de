"""Calling functions and variants with a case's inputs, as numbers of any kind."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from refdiff import checks, equations
from refdiff.conformance.parts import Parts, reference_parts
from refdiff.conformance.vectors.cases import Case
from refdiff.equations import continuous

__all__ = ["BATCHES", "GRIDS", "Nested", "chosen", "function_of", "in_order", "leaves", "mapped"]

DIGITS = 60
"""Decimal digits of the arithmetic; 50 of them are written."""

BATCHES = {"dynamic_threshold", "per_sample", "rescale_guidance", "simple_loss"}
"""Functions of arrays of samples."""

GRIDS = {"leading_timesteps", "linspace_timesteps", "trailing_timesteps"}
"""Functions that return whole numbers."""

Nested: TypeAlias = Any
"""A number or nested lists of numbers."""


def function_of(name: str) -> Callable[..., Any]:
    """Return the function of a name, ``continuous.NAME`` included."""
    home = continuous if name.startswith("continuous.") else equations
    found: Callable[..., Any] = getattr(home, name.removeprefix("continuous."))
    return found


def in_order(variant: Callable[..., Any], function: str) -> Callable[..., Any]:
    """Let a variant be called by keywords: it may name its positional arguments otherwise."""
    parameters = inspect.signature(function_of(function)).parameters.values()
    first = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]

    def call(**given: Any) -> Any:
        return variant(*[given.pop(name) for name in first], **given)

    return call


def converted(case: Case, convert: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the inputs, all but counts as another kind of numbers or arrays."""
    return {
        name: value if isinstance(value, int) else convert(value)
        for name, value in case.inputs.items()
    }


def is_spelled_out(function: str) -> bool:
    """Say whether a function stands among the parts in another spelling than its own."""
    return reference_parts().get(function, function_of(function)) is not function_of(function)


@functools.cache
def parts_used(case: Case) -> frozenset[str]:
    """Return the parts that a case's function is made of, itself included."""
    if case.function not in equations.__all__:
        return frozenset()
    parts = Parts()
    with np.errstate(all="ignore"), checks("off"):
        in_order(getattr(parts, case.function), case.function)(**converted(case, parts.lift))
    return frozenset(parts.used)


def mapped(convert: Callable[[Any], Any], tree: Nested) -> Nested:
    """Return a tree with each number converted."""
    if isinstance(tree, list):
        return [mapped(convert, branch) for branch in tree]
    return convert(tree)


def leaves(tree: Nested) -> Iterator[Any]:
    """Yield a tree's numbers."""
    if isinstance(tree, list):
        for branch in tree:
            yield from leaves(branch)
    else:
        yield tree


def chosen(case: Case, result: Nested) -> Nested:
    """Return the entries that are written."""
    return [result[i] for i in case.entries] if case.entries else result
