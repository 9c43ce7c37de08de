"""The tables of the report."""

from __future__ import annotations

from collections.abc import Sequence

from refdiff.cli.demo.exact import STEPS, ExactFact
from refdiff.cli.demo.markup import Markup, element
from refdiff.cli.demo.measuring import Measured

__all__ = ["ROUNDING", "exact_table", "figures_table", "percent", "times_table"]


ROUNDING = 1e-15
"""What is smaller is rounding, and is shown as 0."""


def percent(share: float | None) -> str:
    """Write a share in percent, with one digit after the point."""
    return "-" if share is None else f"{100 * share:.1f} %"


def _table(head: Sequence[str], rows: Sequence[Markup]) -> Markup:
    heading = element("tr", *(element("th", cell, scope="col") for cell in head))
    table = element("table", element("thead", heading), element("tbody", *rows))
    return element("div", table, class_="wide")


def _row(*cells: str, style: str = "") -> Markup:
    attributes: dict[str, str] = {"class_": style} if style else {}
    return element("tr", *(element("td", cell) for cell in cells), **attributes)


def figures_table(measured: Sequence[Measured], nearest_held_out: float) -> Markup:
    """Accuracy, Fréchet distances and nearest training digit, by method.

    Parameters
    ----------
    measured : sequence of Measured
        All methods, with the same features.
    nearest_held_out : float
        Median distance of real held-out digits to the nearest training digit.

    Returns
    -------
    Markup
        A table, whose last row is that of the real held-out digits.
    """
    first = measured[0].figures
    head = (
        "Method",
        "Network calls a sample",
        "Recognised as asked",
        *(f"Fréchet distance, {distance.features}" for distance in first.frechet),
        "To the nearest training digit",
        "Time",
    )
    rows = [
        _row(
            entry.method.name,
            str(_calls(entry)),
            percent(entry.figures.accuracy),
            *(f"{distance.samples:.2f}" for distance in entry.figures.frechet),
            f"{entry.nearest:.3f}",
            f"{entry.seconds:.1f} s",
        )
        for entry in measured
    ]
    rows.append(
        _row(
            "Real held-out digits",
            "-",
            percent(first.held_out_accuracy),
            *(f"{d.held_out:.2f} ± {d.held_out_spread:.2f}" for d in first.frechet),
            f"{nearest_held_out:.3f}",
            "-",
            style="real",
        )
    )
    return _table(head, rows)


def _calls(entry: Measured) -> int:
    """Network calls: two a step with guidance, one without."""
    config = entry.method.config
    return (config.steps or 0) * (2 if config.guidance else 1)


def exact_table(facts: Sequence[ExactFact], mean: float) -> Markup:
    """Mean error and spread of the samplers' exact output.

    Parameters
    ----------
    facts : sequence of ExactFact
        Facts of one spread next to each other.
    mean : float
        Mean of the data.

    Returns
    -------
    Markup
        A table with a group for each spread.
    """
    head = ("Sampler", *(f"{'1 step' if steps == 1 else f'{steps} steps'}" for steps in STEPS))
    rows: list[Markup] = []
    spread: float | None = None
    for fact in facts:
        if fact.spread != spread:
            spread = fact.spread
            kind = "a point mass" if spread == 0 else "a Gaussian"
            title = f"Data: {kind}, mean {mean:g}, standard deviation {spread:g}"
            rows.append(element("tr", element("td", title, colspan=len(head)), class_="group"))
        cells = (f"{_small(error)}; {_small(out)}" for error, out in fact.outcome)
        rows.append(_row(fact.sampler, *cells))
    return _table(head, rows)


def _small(value: float) -> str:
    return "0" if abs(value) < ROUNDING else f"{value:.3g}"


def times_table(times: Sequence[tuple[str, float]]) -> Markup:
    """Seconds that each part took, and their sum."""
    rows = [_row(name, f"{seconds:.1f} s") for name, seconds in times]
    rows.append(_row("All", f"{sum(seconds for _, seconds in times):.1f} s", style="real"))
    return _table(("Part", "Time"), rows)
