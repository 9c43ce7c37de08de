"""Reading the vectors; needs the standard library alone."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, TypeAlias

__all__ = ["Vector", "Vectors", "iterate", "load", "names"]

Nested: TypeAlias = Any


@dataclass(frozen=True)
class Vector:
    """One call with its exact answer.

    Parameters
    ----------
    id : str
        ``"function/slug"``, hyphenated; stands for the same inputs for good.
    function : str
        Name of the function, ``continuous.NAME`` for those of a signal and a noise scale.
    inputs : mapping
        By argument: int, float, or nested lists of float; exact.
    expected : int, str or nested lists
        Integers, or decimal strings of 50 significant digits; ``"inf"`` and ``"-inf"`` too.
    budget : mapping
        By dtype: the rounding error that each number may have, nested like `expected`.
    separates : mapping
        By variant: how many budgets (of float64) it misses by.
    blind_to : tuple of str
        Variants that give the same answer here, to within rounding.
    beyond : mapping
        By dtype: right forms of the formula that cannot be computed here, since they lose far
        more digits than the budget allows.
    entries : tuple of int
        Which entries of a one-dimensional result `expected` holds; all if empty.
    length : int or None
        How many entries the whole result has, where only some are given.
    comment : str
        What is particular about the inputs.
    """

    id: str
    function: str
    inputs: Mapping[str, Nested]
    expected: Nested
    budget: Mapping[str, Nested]
    separates: Mapping[str, float]
    blind_to: tuple[str, ...]
    beyond: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entries: tuple[int, ...] = ()
    length: int | None = None
    comment: str = ""


@dataclass(frozen=True)
class Vectors:
    """All vectors of one function.

    Parameters
    ----------
    function : str
        Its name.
    header : mapping
        What the file says of it: ``schema``, ``edition``, ``signature``, ``arguments``,
        ``shapes``, ``equations``, ``limit`` ...
    vectors : tuple of Vector
        In the file's order.
    """

    function: str
    header: Mapping[str, Any]
    vectors: tuple[Vector, ...]

    def __iter__(self) -> Iterator[Vector]:
        return iter(self.vectors)

    def __len__(self) -> int:
        return len(self.vectors)


def _folder() -> Any:
    return resources.files("refdiff.conformance.vectors") / "data"


@functools.cache
def names() -> tuple[str, ...]:
    """Return the names of all functions that have vectors, sorted."""
    found = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


@functools.cache
def load(name: str) -> Vectors:
    """Read the vectors of one function.

    Parameters
    ----------
    name : str
        Name of a function of `refdiff.equations`, or ``continuous.NAME``.

    Returns
    -------
    Vectors
        Its vectors, and what the file's header says.

    Raises
    ------
    ValueError
        If there are no vectors of that name.

    Examples
    --------
    >>> vector = next(v for v in load("posterior_variance") if v.id.endswith("/round"))
    >>> vector.inputs, vector.expected[:20]
    ({'alpha_bar_t': 0.25, 'alpha_bar_s': 0.5}, '0.333333333333333333')
    """
    if name not in names():
        raise ValueError(
            f"name={name!r} must be a function that has vectors: {', '.join(names())}."
        )
    header = json.loads((_folder() / f"{name}.json").read_text(encoding="utf-8"))
    entries = header.pop("vectors")
    return Vectors(name, header, tuple(_vector(name, entry) for entry in entries))


def iterate() -> Iterator[Vector]:
    """Yield every vector of every function."""
    for name in names():
        yield from load(name)


def _vector(function: str, entry: Mapping[str, Any]) -> Vector:
    return Vector(
        id=entry["id"],
        function=function,
        inputs={name: _number(value) for name, value in entry["inputs"].items()},
        expected=entry["expected"],
        budget=entry["budget"],
        separates={name: float(units) for name, units in entry["separates"].items()},
        blind_to=tuple(entry["blind_to"]),
        beyond={dtype: tuple(forms) for dtype, forms in entry.get("beyond", {}).items()},
        entries=tuple(entry.get("entries", ())),
        length=entry.get("length"),
        comment=entry.get("comment", ""),
    )


def _number(value: Any) -> Nested:
    """Return an integer as it is, and a float from its hexadecimal digits."""
    return value if isinstance(value, int) else _from_hex(value["hex"])


def _from_hex(tree: Any) -> Nested:
    return [_from_hex(branch) for branch in tree] if isinstance(tree, list) else float.fromhex(tree)
