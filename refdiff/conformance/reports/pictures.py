"""Drawings of a report: the error against time or step, and the size of an error as a bar."""

from __future__ import annotations

import math
from collections.abc import Sequence

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.reports.markup import Markup, element, void
from refdiff.conformance.results import Result

__all__ = ["bar", "error_chart", "series_of"]

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 14, 58
_LOWEST, _HIGHEST = -2.0, 18.0  # powers of ten of a budget; what lies outside is drawn at the end
_AXES = ("t", "time", "step", "index", "k", "i", "sigma", "s", "alpha_bar_t")
_FEWEST = 4


def _height(units: float) -> float:
    if math.isnan(units):
        return _HIGHEST
    return min(max(math.log10(max(units, 1e-300)), _LOWEST), _HIGHEST)


def series_of(result: Result) -> tuple[str, list[tuple[float, float]]] | None:
    """Return the input that the error of a result can be drawn against, and the points.

    Parameters
    ----------
    result : Result
        With a series.

    Returns
    -------
    (str, list of (float, float)) or None
        Name of the input, and (input, budgets) from left to right; None if no single number
        varies often enough to be worth a picture.
    """
    names = [name for name in _AXES if all(name in at for at, _ in result.series)]
    for name in names:
        points = [
            (float(at[name]), units)
            for at, units in result.series
            if isinstance(at[name], (int, float)) and math.isfinite(at[name])
        ]
        if len({x for x, _ in points}) >= _FEWEST and len(points) == len(result.series):
            return name, sorted(points)
    return None


def error_chart(name: str, points: Sequence[tuple[float, float]]) -> Markup:
    """Draw errors in budgets of rounding, on a logarithmic scale, over an input.

    Parameters
    ----------
    name : str
        Name of the input.
    points : sequence of (float, float)
        Input and error.

    Returns
    -------
    Markup
        A drawing.
    """
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    heights = [_height(units) for _, units in points]
    bottom = math.floor(min(*heights, math.log10(LIMIT)))
    top = math.ceil(max(*heights, math.log10(LIMIT) + 1))

    def across(x: float) -> float:
        return _LEFT + (x - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def up(power: float) -> float:
        return _HEIGHT - _BOTTOM - (power - bottom) / (top - bottom) * (_HEIGHT - _TOP - _BOTTOM)

    title = f"Error in budgets of rounding by {name}"
    parts = [element("title", title)]
    for power in range(bottom, top + 1, max(1, (top - bottom) // 4)):
        y = up(power)
        parts.append(void("line", x1=_LEFT, y1=y, x2=_WIDTH - _RIGHT, y2=y, class_="rule"))
        parts.append(element("text", f"1e{power}", x=_LEFT - 8, y=y + 5, class_="end soft"))
    allowed = up(math.log10(LIMIT))
    parts.append(void("line", x1=_LEFT, y1=allowed, x2=_WIDTH - _RIGHT, y2=allowed, class_="limit"))
    for x, side in ((low, "soft"), (high, "end soft")):
        parts.append(
            element("text", f"{x:.4g}", x=across(x), y=_HEIGHT - _BOTTOM + 22, class_=side)
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    label = f"{name} (error in budgets; dashed: {LIMIT:g} are allowed)"
    parts.append(element("text", label, x=middle, y=_HEIGHT - 10, class_="middle soft"))
    for (x, _), height in zip(points, heights, strict=True):
        parts.append(void("circle", cx=across(x), cy=up(height), r=4.5, class_="dot"))
    return element("svg", *parts, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=title)


def bar(units: float) -> Markup:
    """Draw one error as a bar on the logarithmic scale that all bars share, with the limit."""

    def share(power: float) -> str:
        return f"{100 * (power - _LOWEST) / (_HIGHEST - _LOWEST):.1f}%"

    return element(
        "span",
        element("i", style=f"width:{share(_height(units))}"),
        element("b", style=f"left:{share(math.log10(LIMIT))}"),
        class_="bar",
        aria_hidden="true",
    )
