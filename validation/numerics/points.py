"""Points of the documented domain of a function, most of them where digits are lost.

Each argument is drawn from the domain that the house notation gives it: at its ends, close to
them (by powers of two), and spread evenly, in the logarithm where the domain has no end. Of two
times' arguments one is often close to the other. What the function refuses is drawn again, so that
its own checks are the documented domain.
"""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refdiff.catalogue import notation

__all__ = ["draw_points"]

_INTERVAL = re.compile(r"([\[(])([^,]+), ([^\])]+)([\])])")
_TRIES = 200
_PLACES = {"float64": 52, "float32": 23}
SMALLEST, LARGEST = 2.0**-20, 2.0**20
"""The magnitudes drawn where a domain has no end."""
LARGEST_REAL = 16.0
"""The same where an argument may have any sign: exponents are among them."""


def draw_points(
    name: str, function: Callable[..., Any], dtype: str, count: int
) -> list[dict[str, float]]:
    """Draw points, as exact numbers of the dtype; always the same ones, the first ones first."""
    generator = random.Random(f"{name} {dtype}")
    names = list(inspect.signature(function).parameters)
    found: list[dict[str, float]] = []
    for _ in range(_TRIES * count):
        point = _point(names, dtype, generator)
        if _accepts(function, point):
            found.append(point)
        if len(found) == count:
            break
    return found


def _accepts(function: Callable[..., Any], point: dict[str, float]) -> bool:
    try:
        value = float(call(function, point))
    except (ValueError, ArithmeticError):
        return False
    return value == value


def call(function: Callable[..., Any], point: dict[str, Any]) -> Any:
    """Call a function with arguments by name."""
    parameters = inspect.signature(function).parameters.values()
    first = [point[p.name] for p in parameters if p.kind is not p.KEYWORD_ONLY]
    rest = {p.name: point[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY}
    return function(*first, **rest)


def _point(names: list[str], dtype: str, generator: random.Random) -> dict[str, float]:
    point: dict[str, float] = {}
    for name in names:
        value = _value(name, dtype, generator)
        partner = point.get(f"{name.removesuffix('_s')}_t") if name.endswith("_s") else None
        if partner is not None and generator.random() < 0.4:
            shift = 2.0 ** -generator.randint(1, _PLACES[dtype])
            value = partner * (1 + generator.choice((-1, 0, 1)) * shift)
        point[name] = float(np.dtype(dtype).type(value))
    return point


def _value(name: str, dtype: str, generator: random.Random) -> float:
    domain = notation()[name].domain
    if domain.startswith("integers"):
        return float(generator.choice((1, 2, 10, 1000, generator.randint(1, 4000))))
    match = _INTERVAL.match(domain)
    if not match:
        return _real(generator)
    low, high = float(match[2]), float(match[3])
    if np.isinf(high):
        return _above(low, match[1], generator)
    if np.isinf(low):
        return -_above(-high, match[4], generator)
    near = 2.0 ** -generator.uniform(0, _PLACES[dtype] + 1)
    power = 2.0 ** -generator.randint(1, _PLACES[dtype] + 1)
    inside = generator.choice((near, 1 - near, power, 1 - power, generator.random()))
    if generator.random() < 0.05:
        inside = float(generator.choice([0] * (match[1] == "[") + [1] * (match[4] == "]") or [0.5]))
    return low + (high - low) * inside


def _above(low: float, end: str, generator: random.Random) -> float:
    if end in "[]" and generator.random() < 0.05:
        return low
    return low + _magnitude(SMALLEST, LARGEST, generator)


def _real(generator: random.Random) -> float:
    kind = generator.random()
    if kind < 0.03:
        return generator.choice((-1.0, 0.0, 1.0))
    if kind < 0.5:
        return generator.uniform(-3, 3)
    return generator.choice((-1, 1)) * _magnitude(SMALLEST, LARGEST_REAL, generator)


def _magnitude(low: float, high: float, generator: random.Random) -> float:
    return float(2.0 ** generator.uniform(np.log2(low), np.log2(high)))


def arrays(points: list[dict[str, float]], dtype: str) -> Iterator[tuple[str, Any]]:
    """Yield each argument with its values at all points."""
    for name in points[0]:
        yield name, np.array([point[name] for point in points], dtype=dtype)
