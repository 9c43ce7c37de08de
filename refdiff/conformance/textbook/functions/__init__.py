"""The functions of `refdiff.equations` as textbooks and public code write them.

In beta_t and alpha_t = 1 - beta_t, by logarithms, by angles, with NumPy and torch alike: other
orders of operations than the reference's, which the checks must leave alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refdiff import equations
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.functions.programs import program_of
from refdiff.conformance.textbook.functions import lists, objectives, processes
from refdiff.conformance.textbook.functions.written import WRITTEN

__all__ = ["Textbook", "build"]

_WHERE = (processes, objectives, lists)  # loading them fills WRITTEN


class Textbook:
    """An object with all functions of `refdiff.equations`.

    Parameters
    ----------
    parts : Parts
        Where a variant replaces a function, or what it is made of, that is what is called.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in equations.__all__:
            raise AttributeError(f"no function {name!r}")

        def call(*args: Any, **kwargs: Any) -> Any:
            through_parts = program_of(name, self._parts)(*args, **kwargs)
            if self._parts.variants or name not in WRITTEN:
                return through_parts
            return WRITTEN[name](*args, **kwargs)

        return call


def build(parts: Parts) -> Textbook:
    """Return the target.

    Parameters
    ----------
    parts : Parts
        With the variants that are planted.

    Returns
    -------
    Textbook
        Of the shape ``functions``.
    """
    return Textbook(parts)
