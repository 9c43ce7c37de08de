"""Checks of one step: p_sample, ddim_sample and ddim_reverse_sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refdiff._namespace import exp
from refdiff.conformance.checks import Check
from refdiff.conformance.parts.grids import Walk
from refdiff.conformance.parts.tables import joined_table
from refdiff.conformance.probe.draws import Draws, tagged_draws
from refdiff.conformance.shapes.gaussian_diffusion.asking import (
    Asked,
    check,
    judged,
    numbers,
    times,
)
from refdiff.conformance.shapes.gaussian_diffusion.expected import Expected
from refdiff.conformance.shapes.gaussian_diffusion.questions import Answer, answered
from refdiff.conformance.shapes.gaussian_diffusion.reverse import expected_moments
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants import variant
from refdiff.conformance.variants.randomness import UNIFORM, seen
from refdiff.conformance.verdicts import Outcome, conforms, inconclusive

__all__ = ["step_method_checks"]

Array = np.ndarray
_SHAPE = (2, 3, 3)
_CLAMPED = "noise-of-the-clamped-variance"
"""A form that adds noise of variance 1e-20 at the end; it explains no other noise."""


def step_method_checks(subject: Subject) -> list[Check]:
    """Return the checks of single steps."""
    ancestral = ("ho2020/ancestral-step", "ho2020/ancestral-step-fixed-large")
    ddim = ("song2021ddim/step", "song2021ddim/sigma")
    found = [
        check("p-sample/values", ancestral, lambda: _ancestral(subject, _later(subject))),
        check("p-sample/first-time", ancestral, lambda: _ancestral(subject, [np.zeros(2, int)])),
        check("p-sample/mixed-times", ancestral, lambda: _mixed(subject)),
        check("p-sample/noise", ancestral, lambda: _noise(subject)),
    ]
    for name, eta in (("zero", 0.0), ("half", 0.5), ("one", 1.0)):
        found.append(check(f"ddim-sample/eta-{name}", ddim, _ddim(subject, eta, first=False)))
    return [
        *found,
        check("ddim-sample/first-time", ddim, _ddim(subject, 0.5, first=True)),
        check("ddim-reverse-sample/values", ("song2021ddim/step",), lambda: _inverse(subject)),
    ]


def _later(subject: Subject) -> list[Array]:
    return [np.full(2, t) for t in times(subject.count) if t > 0]


def _sample(found: Any) -> Array:
    if isinstance(found, Mapping):
        if "sample" not in found:
            raise Missing("the step returns no sample")
        found = found["sample"]
    if isinstance(found, (tuple, list)):
        found = found[0]
    return numbers(found)


def _step(subject: Subject, method: str, t: Array, **given: Any) -> tuple[Answer, Array, Draws]:
    answer = answered(subject, t, _SHAPE)
    with tagged_draws() as draws:
        found = subject.call(
            method,
            model=answer,
            x_t=answer.x_t,
            t=t,
            clip=False,
            labels=np.zeros(len(t), np.int64),
            **given,
        )
    if not answer.asked:
        raise Missing(f"{method} does not ask the model that can be put into the target")
    return answer, _sample(found), draws


def _drawn(draws: Draws, x: Array) -> Array | None:
    """Return the noise that a step drew: of the batch, or one image for all; zero if none."""
    for draw in draws.records:
        if draw.values.size in (x.size, x[0].size):
            if draw.kind == "uniform":
                return None
            shape = x.shape if draw.values.size == x.size else x[:1].shape
            return np.broadcast_to(draw.values.reshape(shape), x.shape)
    return np.zeros(x.shape)


def _ancestral(subject: Subject, batches: list[Array]) -> Outcome:
    asked: list[Asked] = []
    other: list[Asked] = []
    for t in batches:
        answer, observed, draws = _step(subject, "p_sample", t)
        noise = _drawn(draws, answer.x_t)
        if noise is None:
            return seen("known-deviation", UNIFORM, "p_sample", at={"t": t})
        if not draws.tagged:
            return inconclusive("p_sample draws noise from a source that cannot be observed")
        at = {"t": t, "prediction": subject.prediction or "eps"}
        asked.append(Asked(at, observed, _by_tables(subject, answer, t, noise)))
        other.append(Asked(at, observed, _by_steps(subject, answer, t, noise)))
    open_choice = subject.variance is None
    return judged(subject, "p_sample", asked, *([other] * open_choice))


def _by_tables(subject: Subject, answer: Answer, t: Array, noise: Array) -> Callable[..., Any]:
    def question(e: Expected) -> Any:
        moments = expected_moments(e, subject, answer, t)
        return _updated(e, moments.mean, exp(moments.log_variance), t, noise)

    return question


def _by_steps(subject: Subject, answer: Answer, t: Array, noise: Array) -> Callable[..., Any]:
    def question(e: Expected) -> Any:
        pair = {
            "alpha_bar_t": e.table("alphas_cumprod", t, answer.x_t),
            "alpha_bar_s": e.table("alphas_cumprod_prev", t, answer.x_t),
        }
        x_t = e.parts.lift(answer.x_t)
        x_0, eps = e.parts.x_0_and_eps(
            e.parts.lift(answer.output),
            x_t,
            alpha_bar_t=pair["alpha_bar_t"],
            prediction=subject.prediction or "eps",
        )
        mean = e.parts.ddpm_mean(x_0, eps, x_t, **pair)
        return _updated(e, mean, e.parts.ddpm_variance(**pair), t, noise)

    return question


def _updated(e: Expected, mean: Any, variance: Any, t: Array, noise: Array) -> Any:
    """Return the state after the step: noise in all samples but those at the first time."""
    shape = (-1,) + (1,) * (noise.ndim - 1)
    first = np.asarray(t == 0, np.float64).reshape(shape)
    weight = (1 - first) + first * e.parts.last_noise_weight()
    after = e.parts.ddpm_update(mean, e.parts.lift(noise), variance=variance, weight=weight)
    if not first.any():
        return after
    clamped = float(np.min(e.value_of(variance))) < 1e-19
    if not clamped and any(v.name == _CLAMPED for v in e.parts.variants):
        raise ValueError("the variance at the first time is not the one that is clamped")
    levels = joined_table(1.0, e.alphas_cumprod)
    count = len(levels) - 1
    return after + first * e.parts.added_at_end(Walk(levels, tuple(range(count, 0, -1))))


def _mixed(subject: Subject) -> Outcome:
    if subject.method("p_sample").whole_times:
        raise Missing("p_sample takes one time for the whole batch")
    return _ancestral(subject, [times(subject.count)])


def _noise(subject: Subject) -> Outcome:
    answer, _, draws = _step(subject, "p_sample", np.full(3, subject.count // 2))
    sizes = [d.values.size for d in draws.records if d.kind == "normal"]
    if answer.x_t.size in sizes:
        return conforms("each sample gets noise of its own")
    if answer.x_t[0].size in sizes:
        return seen("known-deviation", variant("noise-shared-by-the-batch"), "p_sample")
    return inconclusive("p_sample drew no normal noise of the size of the batch")


def _ddim(subject: Subject, eta: float, *, first: bool) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        takes = subject.method("ddim_sample").takes("eta")
        if not takes and eta != 0:
            raise Missing("ddim_sample takes no eta")
        asked = []
        for t in [np.zeros(2, int)] if first else _later(subject):
            answer, observed, draws = _step(subject, "ddim_sample", t, eta=eta)
            noise = _drawn(draws, answer.x_t)
            if noise is None:
                return seen("known-deviation", UNIFORM, "ddim_sample", at={"t": t})

            def question(
                e: Expected, answer: Answer = answer, t: Array = t, noise: Array = noise
            ) -> Any:
                x_t = e.parts.lift(answer.x_t)
                x_0 = expected_moments(e, subject, answer, t).x_0
                eps = e.eps_from_x_0(x_t, x_0, t)
                return e.parts.ddim_update(
                    x_0,
                    eps,
                    e.parts.lift(noise),
                    alpha_bar_t=e.table("alphas_cumprod", t, answer.x_t),
                    alpha_bar_s=e.table("alphas_cumprod_prev", t, answer.x_t),
                    eta=eta,
                )

            asked.append(Asked({"t": t, "eta": eta}, observed, question))
        return judged(subject, f"ddim_sample with eta = {eta:g}", asked)

    return judge


def _inverse(subject: Subject) -> Outcome:
    asked = []
    for t in times(subject.count)[:-1]:
        batch = np.full(2, t)
        answer, observed, _ = _step(subject, "ddim_reverse_sample", batch)

        def question(e: Expected, answer: Answer = answer, t: Array = batch) -> Any:
            x_0 = expected_moments(e, subject, answer, t).x_0
            eps = e.eps_from_x_0(e.parts.lift(answer.x_t), x_0, t)
            level = e.table("alphas_cumprod_next", t, answer.x_t)
            return e.parts.forward_sample(x_0, eps, alpha_bar_t=level)

        asked.append(Asked({"t": batch}, observed, question))
    return judged(subject, "ddim_reverse_sample", asked)
