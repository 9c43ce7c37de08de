"""How tables and lists are handed out: which entry is the first, and in which order."""

from __future__ import annotations

from typing import Any

from refdiff.conformance.parts import part

__all__ = ["listed_betas", "listed_levels", "listed_times"]


@part
def listed_betas(betas: Any) -> Any:
    """Return a table of beta as code hands it out: beta_1 first."""
    return betas


@part
def listed_levels(alpha_bars: Any) -> Any:
    """Return a table of alpha_bar as code hands it out: the 1 of clean data first."""
    return alpha_bars


@part
def listed_times(times: Any) -> Any:
    """Return a list of times as code hands it out: descending, in 1..T."""
    return times
