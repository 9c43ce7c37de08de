"""The report: one page with its pictures, drawings and style inside, which loads nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

import refdiff
from refdiff.cli.demo.charts import Line, line_chart
from refdiff.cli.demo.exact import MEAN, ExactFact
from refdiff.cli.demo.levels import LevelLosses
from refdiff.cli.demo.markup import Markup, element
from refdiff.cli.demo.measuring import Judge, Measured, nearest_distances
from refdiff.cli.demo.recipe import PER_CLASS
from refdiff.cli.demo.sheets import real_sheet, sample_sheet, way_figure
from refdiff.cli.demo.tables import exact_table, figures_table, percent, times_table
from refdiff.training.log import LogEntry
from refdiff.training.run import Run

__all__ = ["Findings", "best_guided", "render"]


@dataclass(frozen=True, eq=False)
class Findings:
    """All that the demonstration found out.

    Attributes
    ----------
    run : Run
        The trained network.
    log : sequence of LogEntry
        The log of its training.
    judge : Judge
        The data and what measures samples.
    measured : sequence of Measured
        Every method.
    levels : LevelLosses
        Loss at each noise level.
    bound : float
        Least training loss of the Gaussian with the digits' moments.
    facts : sequence of ExactFact
        Exact facts about the samplers.
    times : sequence of (str, float)
        Parts of the work and their seconds.
    parameters : int
        Parameters of the network.
    command : str
        The command that makes this report again.
    sampling : str
        The command that samples from the network.
    """

    run: Run
    log: Sequence[LogEntry]
    judge: Judge
    measured: Sequence[Measured]
    levels: LevelLosses
    bound: float
    facts: Sequence[ExactFact]
    times: Sequence[tuple[str, float]]
    parameters: int
    command: str
    sampling: str


def best_guided(measured: Sequence[Measured]) -> Measured:
    """The most accurate method, and of several the one nearest to the real digits."""
    return max(
        measured, key=lambda entry: (entry.figures.accuracy or 0, -entry.figures.frechet[0].samples)
    )


def render(findings: Findings) -> str:
    """Write the report.

    Parameters
    ----------
    findings : Findings
        What to report.

    Returns
    -------
    str
        A whole HTML page.
    """
    style = (resources.files("refdiff.cli.demo") / "report.css").read_text("utf-8")
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", "refdiff: a diffusion model of handwritten digits"),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        _opening(findings),
        _samples(findings),
        _way(findings),
        _figures(findings),
        _losses(findings),
        _exact(findings),
        _again(findings),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _opening(findings: Findings) -> Markup:
    data, best = findings.judge.data, best_guided(findings.measured)
    seconds = sum(seconds for _, seconds in findings.times)
    steps = findings.run.config.optimizer.steps
    distance = best.figures.frechet[0]
    facts = (
        (
            percent(best.figures.accuracy),
            f"of the samples recognised as asked ({best.method.name})",
        ),
        (
            percent(best.figures.held_out_accuracy),
            "of real held-out digits recognised by the same classifier",
        ),
        (
            f"{min(m.figures.frechet[0].samples for m in findings.measured):.2f}",
            f"least Fréchet distance to the training digits; real held-out digits have "
            f"{distance.held_out:.2f}",
        ),
        (f"{findings.parameters:,}", f"parameters, trained for {steps:,} steps of 128 digits"),
        (f"{seconds:.0f} s", f"for everything on this page, on {_machine()}"),
    )
    return element(
        "header",
        element("h1", "A diffusion model of handwritten digits"),
        element(
            "p",
            f"A small network has just learned to draw digits from {len(data):,} real ones (8x8 "
            "pixels, from scikit-learn). It learned to take noise away from noisy digits, told which "
            "digit to expect. Started from pure noise it now draws new ones: below are ten of each "
            "class by every sampler, what a classifier says about them, and how far the network is "
            "from what is possible. All formulas are functions of ",
            element("code", "refdiff.equations"),
            ", one for each published equation.",
        ),
        element(
            "ul", *(element("li", element("b", n), about) for n, about in facts), class_="facts"
        ),
    )


def _machine() -> str:
    cores = os.cpu_count() or 1
    return f"{cores} core{'' if cores == 1 else 's'} ({platform.machine()})"


def _section(title: str, *content: Markup) -> Markup:
    return element("section", element("h2", title), *content)


def _p(*content: str | Markup) -> Markup:
    return element("p", *content)


def _samples(findings: Findings) -> Markup:
    judge = findings.judge
    held_out = judge.held_out
    sheets = [sample_sheet(entry, judge.data) for entry in findings.measured]
    real = real_sheet(held_out, judge.classifier.predict(held_out.images), PER_CLASS)
    return _section(
        "Samples",
        _p(
            "Rows are the digits that were asked for. The first noise of each place is the same on "
            "every sheet, so that the samplers can be compared picture by picture."
        ),
        element("div", *sheets, real, class_="sheets"),
    )


def _way(findings: Findings) -> Markup:
    slugs = {entry.method.slug: entry for entry in findings.measured}
    chosen = slugs.get("guided-1", findings.measured[-1])
    return _section("From noise to digits", way_figure(chosen, findings.judge.data))


def _figures(findings: Findings) -> Markup:
    judge = findings.judge
    held_out = judge.held_out
    nearest = float(np.median(nearest_distances(held_out.images, judge.data)))
    count = findings.measured[0].figures.count
    return _section(
        "Measured",
        _p(
            "Recognised as asked: the share of the samples that a scikit-learn classifier, trained "
            "on the real training digits alone, takes for the class that was asked for. Fréchet "
            "distance: between the samples and the training digits, each taken for a Gaussian, "
            f"squared, in two kinds of features; from {count} samples it is never near 0, so real "
            f"held-out digits are measured in the same way, {count} at a time. Guidance buys "
            "recognisable digits with variety: as w grows, the first figure rises and then the "
            "distance does too."
        ),
        figures_table(findings.measured, nearest),
        _p(
            "To the nearest training digit: the median distance, root mean square over pixels from "
            "-1 to 1. Copies of training digits would have 0; real digits that are new have the "
            "distance in the last row."
        ),
    )


def _losses(findings: Findings) -> Markup:
    levels, config = findings.levels, findings.run.config
    prediction = config.objective.prediction
    curve = [(float(entry.step), entry.loss) for entry in findings.log]
    training = line_chart(
        [
            Line("training loss, mean of 20 steps", "first", curve),
            Line(
                "least loss of a Gaussian with the digits' mean and covariance",
                "reference",
                [(0.0, findings.bound), (curve[-1][0], findings.bound)],
            ),
        ],
        title="Training loss by step, beside the least loss of a Gaussian",
        across="step",
        up=f"mean square error of {prediction}",
    )
    by_level = line_chart(
        [
            Line(name, style, list(zip(map(float, levels.times), values, strict=True)))
            for name, style, values in (
                ("network, told the class", "first", levels.with_class),
                ("network, not told the class", "second", levels.without_class),
                ("least loss of that Gaussian", "reference", levels.affine),
            )
        ],
        title="Loss of the predicted noise by noise level, beside the least loss of a Gaussian",
        across="time t (0: the digit, 1000: pure noise)",
        up="mean square error of eps",
        logarithmic=True,
    )
    return _section(
        "How good can it get?",
        _p(
            "The least loss that any network could reach on digits is unknown, but a bound is: for "
            "Gaussian data the optimal prediction has a closed form (",
            element("code", "refdiff.closed_form.Gaussian.minimal_eps_loss"),
            "). The dashed line is its loss for the Gaussian with the mean and covariance of the "
            "training digits. No affine predictor does better than that on the training digits "
            "themselves; a network that has learned more than mean and covariance must go below it. "
            f"On held-out digits the network that is told the class is below the line at "
            f"{levels.below} of {len(levels.times)} noise levels.",
        ),
        element("div", element("figure", training), element("figure", by_level), class_="charts"),
    )


def _exact(findings: Findings) -> Markup:
    return _section(
        "Samplers without luck",
        _p(
            "For data whose law is Gaussian the perfect network is known, and what a sampler makes "
            "of it can be computed exactly, with no draw at all: every sampler is an affine function "
            "of its noise (",
            element("code", "refdiff.closed_form.output_moments"),
            "). Each entry is the error of the mean, then the standard deviation of the output, for "
            "the samplers and the noise schedule of this page. Data in a single point must come back "
            "as that point, with spread 0 whatever the number of steps: a sampler that ends at the "
            "wrong noise level fails here. A spread of 0.5 is reached in the limit of many steps; "
            "what is missing at few is the sampler's own error, not the network's.",
        ),
        exact_table(findings.facts, MEAN),
    )


def _again(findings: Findings) -> Markup:
    return _section(
        "Again",
        _p("This page was made, and the network sampled, by:"),
        element("pre", f"{findings.command}\n{findings.sampling}"),
        times_table(findings.times),
        _p(
            element(
                "small",
                f"refdiff {refdiff.__version__}, Python {platform.python_version()}, seed "
                f"{findings.run.config.seed}. The same seed on the same kind of machine gives the "
                "same page, but for the times.",
            )
        ),
    )
