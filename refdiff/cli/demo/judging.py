"""Other people's code before the checks: a faulty sampler, and a scheduler of an installed peer."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from refdiff import conformance
from refdiff.cli.demo.markup import Markup, element
from refdiff.conformance import Report
from refdiff.conformance.reports.wording import groups, inputs, numbers, opening, variants_of
from refdiff.conformance.results import Result

__all__ = ["Judged", "Suspect", "judged_code", "suspects", "verdicts"]


@dataclass(frozen=True)
class Suspect:
    """Code to be judged.

    Attributes
    ----------
    title : str
        What it is.
    target : str
        For `refdiff check`: module and attribute.
    only : tuple of str
        Which checks; all of them would take longer than a demonstration should.
    about : str
        A sentence for the report.
    """

    title: str
    target: str
    only: tuple[str, ...]
    about: str

    @property
    def command(self) -> str:
        """The command that judges the same."""
        return shlex.join(["refdiff", "check", self.target, "--only", ",".join(self.only)])


@dataclass(frozen=True, eq=False)
class Judged:
    """What became of it.

    Attributes
    ----------
    suspect : Suspect
        The code.
    report : Report or None
        What the checks found; None if it is not installed.
    """

    suspect: Suspect
    report: Report | None


def suspects() -> tuple[Suspect, ...]:
    """Return the code that the demonstration judges."""
    return (
        Suspect(
            "A DDIM sampler as tutorials print it",
            "refdiff.cli.demo.faulty_ddim:sample",
            ("sample-eta-half/*",),
            "A few lines with mistakes that published code has made. Its samples look like "
            "images, and only the numbers tell.",
        ),
        Suspect(
            "DDIMScheduler of diffusers",
            "diffusers:DDIMScheduler",
            ("alphas-cumprod/*", "add-noise/*", "set-timesteps/*", "step/*", "ddim-loop/*"),
            "The most widely used implementation, as it is installed here, under each of its "
            "options.",
        ),
    )


def judged_code() -> tuple[Judged, ...]:
    """Judge all of it; what is not installed is left out, and the report says so."""
    return tuple(Judged(suspect, _report(suspect)) for suspect in suspects())


def _report(suspect: Suspect) -> Report | None:
    module, _, attribute = suspect.target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return None
    target = found() if isinstance(found, type) else found
    return conformance.run(target, only=suspect.only)


def verdicts(judged: Sequence[Judged]) -> Markup:
    """Show the verdicts.

    Parameters
    ----------
    judged : sequence of Judged
        All that was judged.

    Returns
    -------
    Markup
        A part for each.
    """
    return element("div", *(_one(entry) for entry in judged))


def _one(entry: Judged) -> Markup:
    suspect, report = entry.suspect, entry.report
    parts = [element("h3", suspect.title), element("p", suspect.about)]
    if report is None:
        package = suspect.target.partition(":")[0]
        parts.append(element("p", f"{package} is not installed here, so it was not judged."))
        return element("div", *parts)
    count = report.summary["conforms"]
    agree = f"{count} {'agrees' if count == 1 else 'agree'} with the reference"
    others = [r for r in report.results if r.verdict in ("convention", "approximation")]
    found = [*groups(report.failures), *groups(others)]
    parts.append(element("p", f"{opening(report)}; {agree}."))
    parts.append(element("ul", *(_finding(group.results) for group in found), class_="verdicts"))
    parts.append(element("pre", suspect.command))
    return element("div", *parts)


def _finding(results: Sequence[Result]) -> Markup:
    worst = results[0]
    style = "mistake" if worst.fails else "choice"
    where = worst.check if len(results) == 1 else f"{worst.check} and {len(results) - 1} more"
    words: list[str | Markup] = [
        element("b", worst.variant or worst.verdict, class_=style),
        f" ({worst.verdict}, {where}): {worst.message}. ",
    ]
    if worst.fails and isinstance(worst.expected, float) and isinstance(worst.observed, float):
        expected, observed = numbers(worst.expected, worst.observed)
        shown = f"At {inputs(worst.at)} it returned {observed}, and {expected} is right. "
        words.append(element("small", shown))
    cures = [variant.cure for variant in variants_of(worst.variant) if variant.cure]
    if worst.fails and cures:
        words.append(f"Cure: {'; '.join(cures)}.")
    return element("li", *words)
