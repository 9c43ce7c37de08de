"""The inputs of the vectors: which numbers tell mistakes apart."""

from __future__ import annotations

from collections.abc import Iterator

from refdiff.conformance.vectors.cases import (
    arrays,
    continuous,
    grids,
    guidance,
    levels,
    noise_levels,
    objectives,
    pairs,
)
from refdiff.conformance.vectors.cases.case import Case

__all__ = ["Case", "all_cases"]

_MODULES = (levels, pairs, guidance, objectives, noise_levels, arrays, grids, continuous)


def all_cases() -> Iterator[Case]:
    """Yield every case, function by function within a module."""
    for module in _MODULES:
        yield from module.cases()
