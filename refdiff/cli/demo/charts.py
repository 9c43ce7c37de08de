"""Line charts as SVG, drawn to be read in the light and in the dark, on a wide page and a phone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from refdiff.cli.demo.markup import Markup, element, void

__all__ = ["Line", "line_chart"]

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 26, 14, 48


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes
    ----------
    name : str
        Its entry in the legend.
    style : str
        Its class in the style sheet: "first", "second" or "reference".
    points : sequence of (float, float)
        From left to right.
    """

    name: str
    style: str
    points: Sequence[tuple[float, float]]


def line_chart(lines: Sequence[Line], *, title: str, across: str, up: str) -> Markup:
    """Draw lines over common axes, the upward one from 0, with a legend below.

    Parameters
    ----------
    lines : sequence of Line
        At least one line with a point.
    title : str
        What the chart shows, for those who cannot see it.
    across, up : str
        Names of the axes.

    Returns
    -------
    Markup
        A figure without caption.

    Raises
    ------
    ValueError
        If there is nothing to draw, or a number is not finite or below 0.
    """
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    if not ys or not all(map(math.isfinite, xs + ys)) or min(ys) < 0:
        raise ValueError("a chart needs points, all of them finite and none below 0")
    right = _nice_ticks(min(xs), max(xs))
    upward = _nice_ticks(0.0, max(ys))
    place_x = _scale(right[0], right[-1], _LEFT, _WIDTH - _RIGHT)
    place_y = _scale(upward[0], upward[-1], _HEIGHT - _BOTTOM, _TOP)
    parts = [element("title", title)]
    parts += [_tick_across(place_x(x), x) for x in right]
    parts += [_tick_up(place_y(y), y) for y in upward]
    middle_x, middle_y = (_LEFT + _WIDTH - _RIGHT) / 2, (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(element("text", across, x=middle_x, y=float(_HEIGHT - 8), class_="axis middle"))
    turned = f"rotate(-90 16 {middle_y:g})"
    parts.append(element("text", up, x=16, y=middle_y, transform=turned, class_="axis middle"))
    for line in lines:
        points = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in line.points)
        parts.append(void("polyline", points=points, class_=f"line {line.style}"))
    drawing = element(
        "svg", *parts, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=title
    )
    return Markup(drawing + _legend(lines))


def _legend(lines: Sequence[Line]) -> Markup:
    entries = []
    for line in lines:
        sample = void("line", x1=0, y1=6, x2=28, y2=6, class_=f"line {line.style}")
        entries.append(
            element("li", element("svg", sample, viewBox="0 0 28 12", class_="key"), line.name)
        )
    return element("ul", *entries, class_="legend")


def _tick_across(x: float, value: float) -> Markup:
    bottom = float(_HEIGHT - _BOTTOM)
    mark = void("line", x1=x, y1=float(_TOP), x2=x, y2=bottom, class_="rule")
    return Markup(mark + element("text", f"{value:g}", x=x, y=bottom + 17, class_="middle"))


def _tick_up(y: float, value: float) -> Markup:
    mark = void("line", x1=float(_LEFT), y1=y, x2=float(_WIDTH - _RIGHT), y2=y, class_="rule")
    return Markup(mark + element("text", f"{value:g}", x=_LEFT - 6.0, y=y + 4, class_="end"))


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _nice_ticks(low: float, high: float) -> list[float]:
    """Choose about five round numbers that enclose both ends."""
    if high <= low:
        high = low + 1.0
    rough = (high - low) / 5
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]
