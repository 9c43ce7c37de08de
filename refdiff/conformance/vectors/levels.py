"""Signal levels for the vectors: exact schedules, rounded once to float32.

A level that float32 holds is held by float64 too, so one vector serves both.
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass
from typing import Any

import mpmath

__all__ = ["LEVELS", "PAIRS", "Level", "Pair", "beside", "single"]


def single(value: object) -> float:
    """Return the nearest number that float32 holds."""
    (rounded,) = struct.unpack("<f", struct.pack("<f", float(mpmath.mpf(value))))
    return float(rounded)


def beside(value: float, *, steps: int) -> float:
    """Return the float32 that lies some places after a positive one, or before it."""
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    (moved,) = struct.unpack("<f", struct.pack("<I", bits + steps))
    return float(moved)


@functools.cache
def _linear() -> tuple[float, ...]:
    """Return alpha_bar of the linear schedule of 1000 steps, with the ends 1/10000 and 1/50."""
    with mpmath.workdps(50):
        start, end = mpmath.mpf(1) / 10000, mpmath.mpf(1) / 50
        table = [mpmath.mpf(1)]
        for i in range(1000):
            table.append(table[-1] * (1 - (start + (end - start) * i / 999)))
        return tuple(single(value) for value in table)


@functools.cache
def _cosine() -> tuple[float, ...]:
    """Return alpha_bar of the cosine schedule of 1000 steps, its last beta clipped at 0.999."""
    with mpmath.workdps(50):
        offset = mpmath.mpf(8) / 1000

        def f(t: int) -> Any:
            return mpmath.cos((mpmath.mpf(t) / 1000 + offset) / (1 + offset) * mpmath.pi / 2) ** 2

        table = [f(t) / f(0) for t in range(1000)]
        return (*(single(value) for value in table), single(table[-1] / 1000))


@dataclass(frozen=True)
class Level:
    """One signal level, with the slug and the comment of its vectors."""

    slug: str
    alpha_bar: float
    comment: str = ""


@dataclass(frozen=True)
class Pair:
    """The levels of a noisy time t and a less noisy time s."""

    slug: str
    alpha_bar_t: float
    alpha_bar_s: float
    comment: str = ""

    @property
    def arguments(self) -> dict[str, float]:
        """Return the keyword arguments."""
        return {"alpha_bar_t": self.alpha_bar_t, "alpha_bar_s": self.alpha_bar_s}


_TABLES = {"linear-1000": _linear, "cosine-1000": _cosine}
_TIMES = {"first": 1, "second": 2, "middle": 500, "before-last": 999, "last": 1000}


def _level(schedule: str, at: str) -> Level:
    t = _TIMES[at]
    return Level(f"{schedule}-{at}", _TABLES[schedule]()[t], f"{schedule} at t = {t}")


def _pair(schedule: str, t: int, s: int, what: str) -> Pair:
    table = _TABLES[schedule]()
    return Pair(f"{schedule}-{what}", table[t], table[s], f"{schedule} from t = {t} to s = {s}")


LEVELS = (
    Level("clean", 1.0, "clean data"),
    *(_level("linear-1000", at) for at in ("first", "second", "middle", "last")),
    *(_level("cosine-1000", at) for at in ("first", "middle", "before-last", "last")),
    Level("quarter", 0.25, "round numbers"),
    Level("tiny", 2.0**-40, "hardly any signal"),
    Level("noise", 0.0, "pure noise: zero terminal SNR"),
)
"""Signal levels alpha_bar, from data to noise."""

PAIRS = (
    *(_pair("linear-1000", t, t - 1, at) for at, t in _TIMES.items()),
    _pair("linear-1000", 20, 0, "strided-to-data"),
    _pair("linear-1000", 500, 480, "strided"),
    _pair("linear-1000", 1000, 980, "strided-from-noise"),
    *(_pair("cosine-1000", t, t - 1, at) for at, t in _TIMES.items() if at != "middle"),
    _pair("cosine-1000", 950, 900, "strided"),
    Pair("round", 0.25, 0.5, "round numbers"),
    Pair("one-step-to-data", 0.25, 1.0, "a single step to clean data"),
    Pair("no-step", 0.375, 0.375, "t and s alike: nothing happens"),
    Pair("tiny", 2.0**-40, 2.0**-20, "hardly any signal"),
    Pair("from-noise", 0.0, 2.0**-10, "zero terminal SNR at t"),
    Pair("noise-to-data", 0.0, 1.0, "zero terminal SNR, in one step to clean data"),
)
"""Steps from a time t to a less noisy time s."""
