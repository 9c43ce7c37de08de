"""One case: a function, a slug, and exact inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Case"]


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs of one vector.

    Parameters
    ----------
    function : str
        Name in `refdiff.equations`, or ``continuous.NAME``.
    slug : str
        What the id says after the function's name.
    inputs : mapping
        Numbers, or nested lists of numbers, by argument.
    comment : str
        What is particular about them; may be empty.
    entries : tuple of int
        Which entries of a long one-dimensional result are written; all if empty.
    """

    function: str
    slug: str
    inputs: Mapping[str, Any]
    comment: str = ""
    entries: tuple[int, ...] = ()
