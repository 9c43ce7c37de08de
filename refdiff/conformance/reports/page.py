"""The report as one HTML page for people, which loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources

import refdiff
from refdiff.conformance.report import Report
from refdiff.conformance.reports.markup import Markup, element
from refdiff.conformance.reports.pictures import bar, error_chart, series_of
from refdiff.conformance.reports.wording import (
    Group,
    budgets,
    groups,
    inputs,
    numbers,
    opening,
    variants_of,
)
from refdiff.conformance.results import Result

__all__ = ["finding", "render"]

_ABOUT = {
    "conforms": "agree with the reference",
    "convention": "follow another consistent convention",
    "approximation": "are known approximations",
    "known-deviation": "show a known mistake",
    "deviates": "differ, and nothing known explains it",
    "inconclusive": "cannot be decided in this configuration",
    "not-provided": "need what the target does not have",
    "error": "raised, hung or crashed",
}


# What a reader has to do with first.
_ORDER = (
    *("deviates", "known-deviation", "error", "approximation", "convention", "conforms"),
    *("inconclusive", "not-provided"),
)


def render(report: Report) -> str:
    """Write the report.

    Parameters
    ----------
    report : Report
        What to report.

    Returns
    -------
    str
        A whole HTML page.
    """
    style = (resources.files("refdiff.conformance.reports") / "report.css").read_text("utf-8")
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", f"refdiff check: {report.target}"),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        _opening(report),
        *_failures(report),
        *_named(report, "convention", "Conventions"),
        *_named(report, "approximation", "Approximations"),
        *_excused(report),
        _all(report),
        _closing(report),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _badge(verdict: str) -> Markup:
    return element("span", verdict, class_=f"badge {verdict}")


def _opening(report: Report) -> Markup:
    status = {
        0: element("b", "Nothing deviates.", class_="good"),
        1: element("b", "Something is to be looked at.", class_="bad"),
        2: element("b", "Nothing was compared.", class_="bad"),
    }[report.exit_status]
    facts = [
        element("li", element("b", str(count), class_=verdict), _ABOUT[verdict])
        for verdict in _ORDER
        if (count := report.summary[verdict])
    ]
    broken = []
    if not report.complete:
        words = "Incomplete: the run was broken off, and this page shows a part of it."
        broken.append(element("p", element("b", words, class_="bad")))
    return element(
        "header",
        element("h1", report.target),
        element("p", f"{opening(report)}; judged as {report.shape}. ", status),
        *broken,
        element("ul", *facts, class_="facts"),
    )


def _failures(report: Report) -> Iterable[Markup]:
    found = groups(report.failures)
    if found:
        yield element("h2", "What fails, the worst first")
    yield from (finding(group) for group in found)
    for sentence in report.stale:
        yield element("p", f"{sentence}.", class_="bad")


def finding(group: Group, *, links: bool = True) -> Markup:
    """Show one finding: message, numbers, picture, cause, cure and the command.

    Parameters
    ----------
    group : Group
        The finding and where else it was seen.
    links : bool
        Whether to link to where it was seen in public; a page that must name no address says no.

    Returns
    -------
    Markup
        A section.
    """
    worst = group.worst
    rows: list[tuple[str, str | Markup]] = []
    if worst.variant:
        rows.append(("name", element("code", worst.variant)))
    if worst.at:
        rows.append(("at", inputs(worst.at)))
    if worst.expected is not None or worst.observed is not None:
        rows += zip(("expected", "observed"), numbers(worst.expected, worst.observed), strict=True)
    if worst.error_units is not None:
        rows.append(("error", budgets(worst.error_units)))
    for variant in variants_of(worst.variant):
        rows += [(n, w) for n, w in (("symptom", variant.symptom), ("cure", variant.cure)) if w]
        if links:
            rows += [("seen in", element("a", link, href=link)) for link in variant.links]
    if worst.equations:
        rows.append(("equations", ", ".join(worst.equations)))
    others = [result.check for result in group.results[1:]]
    if others:
        rows.append(("also in", ", ".join(others)))
    parts = [
        element("h3", worst.check, " ", _badge(worst.verdict)),
        element("p", f"{worst.message}."),
        _definitions(rows),
    ]
    drawn = series_of(worst)
    if drawn is not None:
        parts.append(error_chart(*drawn))
    if worst.traceback:
        inside = element("pre", worst.traceback)
        parts.append(element("details", element("summary", "What it raised or printed"), inside))
    if worst.reproduce:
        parts.append(element("pre", worst.reproduce, class_="command"))
    return element("section", *parts, class_="finding")


def _definitions(rows: Sequence[tuple[str, str | Markup]]) -> Markup:
    parts = []
    for name, content in rows:
        numeric = {"class_": "number"} if name in ("at", "expected", "observed") else {}
        parts += [element("dt", name), element("dd", content, **numeric)]
    return element("dl", *parts)


def _named(report: Report, verdict: str, title: str) -> Iterable[Markup]:
    failing = report.failures
    found = [r for r in report.results if r.verdict == verdict and r not in failing]
    if not found:
        return
    items = []
    for group in groups(found):
        worst = group.worst
        known = " ".join(variant.summary for variant in variants_of(worst.variant))
        size = budgets(worst.error_units) if verdict == "approximation" else ""
        checks = ", ".join(result.check for result in group.results)
        items.append(
            element(
                "li",
                element("b", worst.variant or worst.check),
                f" {known or worst.message} ",
                element("small", f"{f'{size}; ' if size else ''}{checks}"),
            )
        )
    yield element("h2", title)
    yield element("ul", *items, class_="plain")


def _excused(report: Report) -> Iterable[Markup]:
    items = []
    for result in report.results:
        why = report.excuse(result) if report.counts(result) else None
        if why is not None:
            name = f"{result.check}={result.variant or result.verdict}"
            items.append(element("li", element("code", name), f" {why}"))
    if items:
        yield element("h2", "Accepted, or known before")
        yield element("ul", *items, class_="plain")


def _all(report: Report) -> Markup:
    rows = [_row(result) for result in report.results if result.verdict != "not-provided"]
    missing = [result for result in report.results if result.verdict == "not-provided"]
    more = []
    if missing:
        heading = element("summary", f"{len(missing)} checks need what the target does not have")
        more.append(element("details", heading, _list(missing)))
    words = (
        "The bar is the largest error, on a logarithmic scale; the mark is what rounding may do. "
        "An error at the right end is no matter of rounding."
    )
    return element(
        "section",
        element("h2", "All checks"),
        element("p", words, class_="soft"),
        element("ul", *rows, class_="checks"),
        *more,
    )


def _list(results: Sequence[Result]) -> Markup:
    items = [
        element("li", element("code", r.check), element("small", f" {r.message}")) for r in results
    ]
    return element("ul", *items, class_="plain")


def _row(result: Result) -> Markup:
    words: list[str | Markup] = []
    if result.error_units is not None:
        words += [bar(result.error_units), element("small", budgets(result.error_units))]
    if result.verdict != "conforms":
        named = f"{result.variant}: " if result.variant else ""
        words.append(element("div", element("small", f"{named}{result.message}")))
    return element(
        "li",
        element("code", result.check),
        element("span", _badge(result.verdict)),
        element("div", *words, class_=result.verdict),
    )


def _closing(report: Report) -> Markup:
    notes = [element("p", f"{note}.", class_="soft") for note in report.notes]
    return element(
        "footer",
        element("h2", "Again"),
        element("pre", report.command, class_="command"),
        *notes,
        element("p", element("small", f"refdiff {refdiff.__version__}")),
    )
