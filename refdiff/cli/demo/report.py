"""The report: one page with its pictures, drawings and style inside, which loads nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

import refdiff
from refdiff.cli.demo.exact import MEAN, ExactFact
from refdiff.cli.demo.judging import Judged, verdicts
from refdiff.cli.demo.levels import LevelLosses
from refdiff.cli.demo.loss_charts import level_chart, ratio_chart, training_chart
from refdiff.cli.demo.markup import Markup, element
from refdiff.cli.demo.measuring import Judge, Measured, nearest_distances
from refdiff.cli.demo.recipe import PER_CLASS
from refdiff.cli.demo.sheets import real_sheet, sample_sheet, way_figure
from refdiff.cli.demo.tables import ROUNDING, exact_table, figures_table, percent, times_table
from refdiff.training.log import LogEntry
from refdiff.training.run import Run

__all__ = ["Findings", "chosen_guided", "most_accurate", "render"]


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
    judged : sequence of Judged
        What the checks found in other code.
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
    judged: Sequence[Judged]
    times: Sequence[tuple[str, float]]
    parameters: int
    command: str
    sampling: str


def most_accurate(measured: Sequence[Measured]) -> Measured:
    """The most accurate method, and of several the one nearest to the real digits."""
    return max(
        measured, key=lambda entry: (entry.figures.accuracy or 0, -entry.figures.frechet[0].samples)
    )


def chosen_guided(measured: Sequence[Measured]) -> Measured:
    """The method with guidance weight 1, which is shown where there is room for one only."""
    return next((m for m in measured if m.method.config.guidance == 1), measured[-1])


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
        _judged(findings),
        _again(findings),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _opening(findings: Findings) -> Markup:
    data, best = findings.judge.data, most_accurate(findings.measured)
    seconds = sum(seconds for _, seconds in findings.times)
    steps = findings.run.config.optimizer.steps
    nearest = min(findings.measured, key=lambda entry: entry.figures.frechet[0].samples)
    distance = nearest.figures.frechet[0]
    facts = (
        (percent(best.figures.accuracy), f"of samples recognised as asked: {best.method.name}"),
        (percent(best.figures.held_out_accuracy), "of real held-out digits recognised"),
        (
            f"{distance.samples:.2f}",
            f"Fréchet distance to the training digits: {nearest.method.name}; real held-out digits "
            f"have {distance.held_out:.2f} ± {distance.held_out_spread:.2f}",
        ),
        (f"{findings.parameters:,}", f"weights, trained in {steps:,} steps of 128 digits"),
        (f"{seconds:.0f} s", f"for everything on this page, on {_machine()}"),
    )
    return element(
        "header",
        element("h1", "A diffusion model of handwritten digits"),
        _p(
            f"A small network has just learned to draw digits from {len(data):,} real ones (8x8 "
            "pixels, from scikit-learn): it was shown noisy digits, told which digit each was, and "
            "learned to take the noise away. Started from pure noise it now draws new ones. Below "
            "are ten of each class by every sampler, what a classifier says of them, and how far "
            "the network is from what is possible. Every formula in it is a function of ",
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
            "Each row shows the digit asked for. A place has the same first noise on every sheet, "
            "so that samplers can be compared picture by picture. What the classifier takes for "
            "another digit has a red frame."
        ),
        element("div", *sheets, real, class_="sheets"),
    )


def _way(findings: Findings) -> Markup:
    chosen = chosen_guided(findings.measured)
    return _section("From noise to digits", way_figure(chosen, findings.judge.data))


def _figures(findings: Findings) -> Markup:
    judge = findings.judge
    nearest = float(np.median(nearest_distances(judge.held_out.images, judge.data)))
    count = findings.measured[0].figures.count
    return _section(
        "Measured",
        _p(
            element("b", "Recognised as asked: "),
            "the share of the samples that a scikit-learn classifier, trained on the real training "
            "digits alone, takes for the class that was asked for. ",
            element("b", "Fréchet distance: "),
            "between the samples and the training digits, each summed up by mean and covariance, "
            "squared, in two kinds of features. From few pictures it is never near 0, so real "
            f"held-out digits are measured in the same way, {count} at a time (mean ± standard "
            "deviation over draws). ",
            element("b", "To the nearest training digit: "),
            "the median distance, root mean square over pixels from -1 to 1. A copy would have 0.",
        ),
        figures_table(findings.measured, nearest),
        _p(
            "Guidance buys recognisable digits with variety: the larger the weight, the clearer "
            "each digit, and the more all of a class look alike."
        ),
    )


def _losses(findings: Findings) -> Markup:
    levels, prediction = findings.levels, findings.run.config.objective.prediction
    charts = (
        training_chart(findings.log, findings.bound, prediction),
        level_chart(levels),
        ratio_chart(levels),
    )
    return _section(
        "How good can it get?",
        _p(
            "What the best network could reach on digits nobody knows, but a bound is known. For "
            "Gaussian data the optimal prediction has a closed form, and the dashed lines are its "
            "loss for the Gaussian with the mean and covariance of the training digits (",
            element("code", "refdiff.closed_form.Gaussian.minimal_eps_loss"),
            "). No predictor that is affine in the noisy picture does better on these digits; a "
            "network that has learned more than mean and covariance must go below. Near pure noise "
            "mean and covariance are all that can still be seen, so there the bound is the "
            "Bayes-optimal loss of a network that is not told the class, and such a network should "
            "meet it.",
        ),
        _p(
            f"Measured on {len(findings.judge.held_out)} held-out digits: told the class, the "
            f"network is below the line at {levels.below} of {len(levels.times)} noise levels."
        ),
        element("div", *(element("figure", chart) for chart in charts), class_="charts"),
    )


def _exact(findings: Findings) -> Markup:
    return _section(
        "Samplers without luck",
        _p(
            "For Gaussian data the perfect network is known, and every sampler is an affine "
            "function of the noise it draws, so the law of its output follows without a draw (",
            element("code", "refdiff.closed_form.output_moments"),
            "). Each entry is the error of the mean, then the standard deviation of the output, by "
            "the samplers and with the noise schedule of this page.",
        ),
        exact_table(findings.facts, MEAN),
        _p(
            "Data in a single point come back as that point, with spread 0, whatever the number of "
            "steps: a sampler that ends at the wrong noise level fails here. A spread of 0.5 is "
            "reached only in the limit of many steps; what is missing at few steps is the "
            f"sampler's own error, not the network's. 0 stands for less than {ROUNDING:g}."
        ),
    )


def _judged(findings: Findings) -> Markup:
    return _section(
        "Is other code right?",
        _p(
            "Code by others is judged in the same way: it is handed a model that knows the right "
            "answer for data whose law is known, and what it asks and returns is compared with the "
            "equations within what rounding may do. A difference is named by the mistake that "
            "gives these very numbers."
        ),
        verdicts(findings.judged),
    )


def _again(findings: Findings) -> Markup:
    return _section(
        "Again",
        _p("This page was made by the first command; the second samples from the same network."),
        element("pre", f"{findings.command}\n{findings.sampling}"),
        times_table(findings.times),
        _p(
            element(
                "small",
                f"refdiff {refdiff.__version__}, Python {platform.python_version()}, seed "
                f"{findings.run.config.seed}. The same seed on the same machine gives the same "
                "page, but for the times.",
            )
        ),
    )
