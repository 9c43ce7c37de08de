"""A check: a stable id, the equations it judges, and how to judge them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from refdiff.conformance.verdicts import Outcome

__all__ = ["Check", "Settings"]


@dataclass(frozen=True)
class Check:
    """One question to a target.

    Parameters
    ----------
    id : str
        ``"<function, method or table>/<case>"``, hyphenated. Stable: reports are compared by it.
    equations : tuple of str
        Ids of the catalogue.
    judge : callable
        Asks the target and returns the `Outcome`. Whatever it raises is the target's error.
    """

    id: str
    equations: tuple[str, ...]
    judge: Callable[[], Outcome]


@dataclass(frozen=True)
class Settings:
    """What the user may choose for a run.

    Parameters
    ----------
    array : str
        ``"numpy"`` or ``"torch"``: what functions are called with.
    schedule : numpy.ndarray
        ``alpha_bars`` of the training schedule for samplers, float64, ``alpha_bars[0] == 1``.
    time_base : int
        The number that a sampler's model is given for the first noisy time.
    seed : int
        Seed of the inputs.
    """

    array: str
    schedule: Any
    time_base: int
    seed: int = 0
