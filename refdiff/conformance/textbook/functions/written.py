"""The functions that are written out here, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["WRITTEN", "written"]

WRITTEN: dict[str, Callable[..., Any]] = {}


def written(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a function under its name."""
    WRITTEN[function.__name__] = function
    return function
