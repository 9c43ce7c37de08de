"""Checks of the variational bound: its terms, the prior's term, and the whole of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refdiff import checks
from refdiff.conformance.checks import Check
from refdiff.conformance.fitting import Case, fit
from refdiff.conformance.parts import Parts
from refdiff.conformance.probe.draws import tagged_draws
from refdiff.conformance.shapes.gaussian_diffusion.asking import (
    Asked,
    check,
    inputs,
    judged,
    numbers,
    times,
)
from refdiff.conformance.shapes.gaussian_diffusion.expected import Expected, expected
from refdiff.conformance.shapes.gaussian_diffusion.questions import (
    Answer,
    answered,
    nearness,
    tails,
)
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive

__all__ = ["bound_checks", "bound_term"]

Array = np.ndarray
_SHAPE = (2, 3, 3)
# Far from the data the distribution function is 0 or 1, whichever formula it is made by.
_FLOORS = (
    ("likelihood-at-least-1e-12", "likelihood-by-tanh-at-least-1e-12"),
    ("likelihood-at-least-1e-15", "likelihood-by-tanh-at-least-1e-15"),
)


def bound_checks(subject: Subject) -> list[Check]:
    """Return the checks of the variational bound."""
    kl = ("ho2020/bound", "ho2020/posterior-kl", "nichol2021/bits-per-dim")
    decoder = ("ho2020/bound", "ho2020/discretized-decoder")
    return [
        check("vb-terms-bpd/values", kl, lambda: _terms(subject)),
        check("vb-terms-bpd/first-time", decoder, lambda: _near(subject)),
        check("vb-terms-bpd/tails", decoder, lambda: _tails(subject)),
        check("prior-bpd/values", ("ho2020/prior-kl",), lambda: _prior(subject)),
        check("calc-bpd-loop/total", kl, lambda: _loop(subject, "total")),
        check("calc-bpd-loop/terms", kl, lambda: _loop(subject, "terms")),
    ]


def bound_term(
    e: Expected,
    subject: Subject,
    answer: Answer,
    x_0: Array,
    x_t: Array,
    t: Array,
    *,
    clipped: bool,
) -> Any:
    """Return the term of the bound of each sample, a mean over its components, in bits."""
    lift, parts = e.parts.lift, e.parts
    mean = e.posterior_mean(lift(x_0), lift(x_t), t)
    log_variance = e.table("posterior_log_variance_clipped", t, x_0) + np.zeros(x_0.shape)
    kind = subject.variance or "fixed-small"
    out = e.reverse(
        answer.output,
        x_t,
        t,
        prediction=subject.prediction or "eps",
        variance=kind,
        raw=answer.raw,
        clipped=clipped,
    )
    spread = out.log_variance + np.zeros(x_0.shape)
    kl = parts.normal_kl(mean, log_variance, out.mean, spread)
    first = (np.asarray(t) == 0).reshape((-1,) + (1,) * (x_0.ndim - 1))
    if first.any():
        nll = parts.decoder_nll(lift(x_0), mean=out.mean, log_variance=spread)
        where = np.broadcast_to(first, x_0.shape)
        kl = np.where(where, nll, kl) if isinstance(nll, np.ndarray) else nll.where(where, kl)
    return parts.bound_unit(kl.reshape((len(t), -1)).mean(1))


def _pictures(count: int) -> Array:
    (x,) = inputs(21, (count, *_SHAPE))
    return np.asarray(2 * np.clip(np.rint(127.5 + 90 * x), 0, 255) / 255 - 1)


def _terms(subject: Subject) -> Outcome:
    t = times(subject.count)[1:]
    # So far from the data that the divergence is well above its own rounding.
    return _term(subject, t, _pictures(len(t)), answered(subject, t, _SHAPE, seed=21))


def _near(subject: Subject) -> Outcome:
    t, x_0 = np.zeros(3, int), _pictures(3)
    away = (0.0, nearness(subject))
    return _term(subject, t, x_0, answered(subject, t, _SHAPE, seed=21, data=x_0, away=away))


def _tails(subject: Subject) -> Outcome:
    t, x_0 = np.zeros(4, int), _pictures(4)
    answer = answered(subject, t, _SHAPE, seed=21, data=x_0, away=tails(subject))
    if subject.computes == "float64":
        return _term(subject, t, x_0, answer)
    return _floor(subject, t, x_0, answer)


def _floor(subject: Subject, t: Array, x_0: Array, answer: Answer) -> Outcome:
    """Judge what a coarse dtype leaves of the tails: the floor of a mass, if it has one.

    A difference near 1 is 0 or some rounding there, and any other formula may give the same.
    """
    observed = _bits(subject, t, x_0, answer)[2:]
    for names in _FLOORS:
        parts = Parts([variant(names[0])])  # in float64, where the floor is above all rounding
        with checks("off"), np.errstate(all="ignore"):
            e = expected(parts, subject)
            found = bound_term(e, subject, answer, x_0, answer.x_t, t, clipped=False)
        values = parts.lift(found).value[2:]
        if _is(values, observed, subject.computes):
            return Outcome(
                "approximation",
                f"the bound's term: {variant(names[0]).summary}",
                variant=names[0],
                also_fits=names[1:],
            )
    return inconclusive(
        f"in {subject.computes} nothing is left of the small masses far from the data; "
        f"in float64 a floor or an underflow would show"
    )


def _is(values: Array, observed: Array, dtype: str) -> bool:
    return fit([Case({}, observed, lambda parts: parts.lift(values))], dtype=dtype).holds


def _term(subject: Subject, t: Array, x_0: Array, answer: Answer) -> Outcome:
    observed = _bits(subject, t, x_0, answer)

    def question(e: Expected) -> Any:
        return bound_term(e, subject, answer, x_0, answer.x_t, t, clipped=False)

    outcome = judged(subject, "the bound's term", [Asked({"t": t}, observed, question)])
    return _with_size(outcome)


def _bits(subject: Subject, t: Array, x_0: Array, answer: Answer) -> Array:
    found = subject.call("vb_terms_bpd", model=answer, x_0=x_0, x_t=answer.x_t, t=t, clip=False)
    if isinstance(found, Mapping):
        found = found["output"]
    if isinstance(found, (tuple, list)):
        found = found[0]
    return numbers(found)


def _with_size(outcome: Outcome) -> Outcome:
    """Say how large an approximation's error is, in the target's own unit."""
    if outcome.verdict != "approximation" or not isinstance(outcome.observed, float):
        return outcome
    gap = abs(outcome.observed - float(outcome.expected))
    return replace(outcome, message=f"{outcome.message}; it is off by {gap:.2g}")


def _prior(subject: Subject) -> Outcome:
    # Large enough to be seen through what little of them is left at the last time.
    (x_0,) = inputs(22, (3, *_SHAPE), scale=1000.0)
    observed = numbers(subject.call("prior_bpd", x_0=x_0))
    return judged(subject, "the prior's term", [Asked({}, observed, _prior_term(subject, x_0))])


def _prior_term(subject: Subject, x_0: Array) -> Any:
    t = np.full(len(x_0), subject.count - 1)

    def question(e: Expected) -> Any:
        mean = e.table("sqrt_alphas_cumprod", t, x_0) * e.parts.lift(x_0)
        spread = e.table("log_one_minus_alphas_cumprod", t, x_0) + np.zeros(x_0.shape)
        zero = np.zeros(x_0.shape)
        kl = e.parts.normal_kl(mean, spread, e.parts.lift(zero), e.parts.lift(zero))
        return e.parts.bound_unit(kl.reshape((len(x_0), -1)).mean(1))

    return question


def _loop(subject: Subject, what: str) -> Outcome:
    (x,) = inputs(23, (2, *_SHAPE))
    x_0 = 2 * np.clip(np.rint(127.5 + 90 * x), 0, 255) / 255 - 1
    (output, raw) = inputs(24, x_0.shape, x_0.shape)
    learns = subject.variance in ("learned", "learned-range")
    told = np.tanh(raw).astype(np.float32).astype(np.float64)
    answer = Answer(0.1 * output, told if learns else None, x_0, x_0)
    with tagged_draws():
        found = subject.call("calc_bpd_loop", model=answer, x_0=x_0, clip=False)
    if not isinstance(found, Mapping) or not {"vb", "prior_bpd", "total_bpd"} <= set(found):
        raise Missing("the loop does not show its terms by name")
    terms, prior = numbers(found["vb"]), numbers(found["prior_bpd"])
    if terms.shape != (len(x_0), subject.count) or len(answer.asked) != subject.count:
        return deviates(
            f"the loop has {terms.shape[-1]} terms and asks {len(answer.asked)} times for "
            f"{subject.count} times"
        )
    if what == "total":
        total = Asked(
            {"terms": terms.shape[1]},
            numbers(found["total_bpd"]),
            lambda e: e.parts.lift(terms).sum(1) + e.parts.lift(prior),
        )
        return judged(subject, "the bound's total", [total])
    asked = []
    visited = [int(question.t.reshape(-1)[0]) for question in answer.asked]
    if len(set(visited)) != subject.count:
        return deviates("the loop does not ask for every time once")
    for k in sorted({0, len(visited) // 2, len(visited) - 2}):
        shown = answer.asked[k]
        t = np.full(len(x_0), subject.count - 1 - k)

        def question(e: Expected, x_t: Array = shown.x, t: Array = t) -> Any:
            return bound_term(e, subject, answer, x_0, x_t, t, clipped=False)

        asked.append(Asked({"t": int(t[0])}, terms[:, k], question))
    outcome = judged(subject, "the bound's terms", asked)
    return conforms("each term is that of its time") if outcome.verdict == "conforms" else outcome
