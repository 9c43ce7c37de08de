"""Checks of what a class computes without its model: q(x_t | x_0), the posterior, conversions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refdiff.conformance.checks import Check
from refdiff.conformance.probe.draws import tagged_draws
from refdiff.conformance.shapes.gaussian_diffusion.asking import (
    Asked,
    check,
    inputs,
    judged,
    numbers,
    times,
)
from refdiff.conformance.shapes.gaussian_diffusion.expected import Expected
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants.randomness import IGNORED, UNIFORM, seen
from refdiff.conformance.verdicts import Outcome, conforms, inconclusive

__all__ = ["forward_checks"]

_SHAPES = ((1, 4, 4), (3, 2, 5))
_MOMENTS = ("mean", "variance", "log-variance")


def forward_checks(subject: Subject) -> list[Check]:
    """Return the checks of the methods without a model."""
    q = ("ho2020/marginal-mean", "ho2020/marginal-variance")
    posterior = ("ho2020/posterior-mean", "ho2020/posterior-variance")
    found = [
        check(f"q-mean-variance/{name}", q, _moment(subject, _marginal, k))
        for k, name in enumerate(_MOMENTS)
    ]
    found += [
        check(f"q-posterior-mean-variance/{name}", posterior, _moment(subject, _posterior, k))
        for k, name in enumerate(_MOMENTS)
    ]
    sample = ("ho2020/marginal-sample",)
    found += [
        check("q-sample/values", sample, lambda: _q_sample(subject)),
        check("q-sample/own-noise", sample, lambda: _own_noise(subject)),
    ]
    for name, equation, asks in _CONVERSIONS:
        found.append(
            check(f"{name.replace('_', '-')}/values", (equation,), _conversion(subject, name, asks))
        )
    return [*found, *_round_trips(subject)]


# ---------------------------------------------------------------------- moments


def _moment(subject: Subject, ask: Callable[..., list[Asked]], k: int) -> Callable[[], Outcome]:
    return lambda: judged(subject, f"the {_MOMENTS[k]}", ask(subject, k))


def _marginal(subject: Subject, k: int) -> list[Asked]:
    asked = []
    for t, shape in _batches(subject):
        (x_0,) = inputs(1, (len(t), *shape))
        found = _component(subject.call("q_mean_variance", x_0=x_0, t=t), k)
        question = (
            lambda e, t=t, x=x_0: e.table("sqrt_alphas_cumprod", t, x) * e.parts.lift(x),
            lambda e, t=t, x=x_0: _full(e.table("one_minus_alphas_cumprod", t, x), x),
            lambda e, t=t, x=x_0: _full(e.table("log_one_minus_alphas_cumprod", t, x), x),
        )[k]
        asked.append(Asked({"t": t, "shape": x_0.shape}, numbers(found, x_0), question))
    return asked


def _posterior(subject: Subject, k: int) -> list[Asked]:
    asked = []
    for t, shape in _batches(subject):
        x_0, x_t = inputs(2, (len(t), *shape), (len(t), *shape))
        found = _component(subject.call("q_posterior_mean_variance", x_0=x_0, x_t=x_t, t=t), k)
        question = (
            lambda e, t=t, a=x_0, b=x_t: e.posterior_mean(e.parts.lift(a), e.parts.lift(b), t),
            lambda e, t=t, x=x_0: _full(e.table("posterior_variance", t, x), x),
            lambda e, t=t, x=x_0: _full(e.table("posterior_log_variance_clipped", t, x), x),
        )[k]
        asked.append(Asked({"t": t, "shape": x_0.shape}, numbers(found, x_0), question))
    return asked


def _full(values: Any, x: np.ndarray) -> Any:
    return values + np.zeros(x.shape)


def _component(found: Any, k: int) -> Any:
    if not isinstance(found, (tuple, list)) or len(found) <= k:
        raise Missing(f"the method returns no {_MOMENTS[k]}")
    return found[k]


def _batches(subject: Subject) -> list[tuple[np.ndarray, tuple[int, ...]]]:
    """Return times and image shapes: several times in one batch, and one time in all."""
    all_times = times(subject.count)
    return [(all_times, _SHAPES[0]), (np.full(2, subject.count - 1), _SHAPES[1])]


# ---------------------------------------------------------------------- samples of x_t


def _q_sample(subject: Subject) -> Outcome:
    asked = []
    for t, shape in _batches(subject):
        x_0, eps, other = inputs(3, *[(len(t), *shape)] * 3)
        if not subject.method("q_sample").takes("eps"):
            raise Missing("q_sample takes no noise")
        results = []
        for noise in (eps, other):
            with tagged_draws() as draws:
                results.append(numbers(subject.call("q_sample", x_0=x_0, t=t, eps=noise)))
        if np.array_equal(results[0], results[1]) and draws.records:
            return seen("known-deviation", IGNORED, "q_sample", at={"t": t})
        question = lambda e, a=x_0, b=eps, t=t: e.noisy(a, b, t)  # noqa: E731
        asked.append(Asked({"t": t, "shape": x_0.shape}, results[0], question))
    return judged(subject, "q_sample", asked, _as_equation(asked, subject))


def _as_equation(asked: list[Asked], subject: Subject) -> list[Asked]:
    """Return the same observations, expected of the equation and not of its tables."""
    readings = []
    for one, (t, shape) in zip(asked, _batches(subject), strict=True):
        x_0, eps, _ = inputs(3, *[(len(t), *shape)] * 3)

        def question(e: Expected, a: Any = x_0, b: Any = eps, t: Any = t) -> Any:
            level = e.table("alphas_cumprod", t, a)
            return e.parts.forward_sample(e.parts.lift(a), e.parts.lift(b), alpha_bar_t=level)

        readings.append(Asked(one.at, one.observed, question))
    return readings


def _own_noise(subject: Subject) -> Outcome:
    t = times(subject.count)
    (x_0,) = inputs(4, (len(t), *_SHAPES[0]))
    with tagged_draws() as draws:
        observed = numbers(subject.call("q_sample", x_0=x_0, t=t))
    drawn = [d for d in draws.records if d.values.size in (x_0.size, x_0[0].size)]
    if not drawn:
        if draws.tagged:
            return inconclusive("q_sample drew no noise of the size of an image that can be seen")
        return inconclusive("q_sample draws its noise from a source that cannot be observed")
    if drawn[0].kind == "uniform":
        return seen("known-deviation", UNIFORM, "q_sample", at={"t": t})
    noise = np.broadcast_to(drawn[0].values, x_0.shape)
    asked = Asked({"t": t}, observed, lambda e: e.noisy(x_0, noise, t))
    return judged(subject, "q_sample with noise of its own", [asked])


# ---------------------------------------------------------------------- conversions


def _conversion(
    subject: Subject, name: str, asks: Sequence[Callable[..., Any]]
) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        asked: list[list[Asked]] = [[] for _ in asks]
        for t, shape in _batches(subject):
            size = (len(t), *shape)
            x_0, x_t, eps, v = inputs(5, size, size, size, size)
            given = {"x_0": x_0, "x_t": x_t, "eps": eps, "v": v, "x_s": v}
            found = numbers(subject.call(name, t=t, **given))
            for reading, ask in zip(asked, asks, strict=True):
                question = lambda e, g=given, t=t, ask=ask: ask(e, t, **g)  # noqa: E731
                reading.append(Asked({"t": t, "shape": size}, found, question))
        return judged(subject, name, *asked)

    return judge


def _eps_from_v(e: Expected, t: Any, *, x_t: Any, v: Any, **_: Any) -> Any:
    level = e.table("alphas_cumprod", t, x_t)
    return e.parts.eps_from_v(e.parts.lift(x_t), e.parts.lift(v), alpha_bar_t=level)


def _x_0_from(prediction: str, given: str) -> Callable[..., Any]:
    return lambda e, t, **known: e.x_0_from(
        prediction, e.parts.lift(known[given]), e.parts.lift(known["x_t"]), t
    )


_CONVERSIONS: list[tuple[str, str, Sequence[Callable[..., Any]]]] = [
    ("predict_xstart_from_eps", "ho2020/x-0-from-eps", [_x_0_from("eps", "eps")]),
    (
        "predict_eps_from_xstart",
        "song2021ddim/eps-from-x-0",
        [lambda e, t, **k: e.eps_from_x_0(e.parts.lift(k["x_t"]), e.parts.lift(k["x_0"]), t)],
    ),
    ("predict_xstart_from_xprev", "ho2020/posterior-mean", [_x_0_from("x_s", "x_s")]),
    (
        "predict_v",
        "salimans2022/v-from-x-0",
        [
            lambda e, t, **k: e.velocity(k["x_0"], k["eps"], t),
            lambda e, t, **k: e.velocity_by_tables(k["x_0"], k["eps"], t),
        ],
    ),
    ("predict_xstart_from_v", "salimans2022/x-0-from-v", [_x_0_from("v", "v")]),
    ("predict_eps_from_v", "salimans2022/eps-from-v", [_eps_from_v]),
]


# ---------------------------------------------------------------------- round trips


def _round_trips(subject: Subject) -> list[Check]:
    """Return the checks that x_0 comes back from x_t, by each prediction that there is."""

    def back(convert: str, prediction: str) -> Callable[[], Outcome]:
        def judge() -> Outcome:
            t = times(subject.count)
            x_0, eps = inputs(6, *[(len(t), *_SHAPES[0])] * 2)
            if not subject.method("q_sample").takes("eps"):
                raise Missing("q_sample takes no noise")
            x_t = numbers(subject.call("q_sample", x_0=x_0, t=t, eps=eps))
            told = eps
            if prediction == "v":
                told = numbers(subject.call("predict_v", x_0=x_0, t=t, eps=eps))
            found = numbers(subject.call(convert, x_t=x_t, t=t, **{prediction: told}))

            def question(e: Expected) -> Any:
                output = e.parts.lift(eps) if prediction == "eps" else e.velocity(x_0, eps, t)
                return e.x_0_from(prediction, output, e.noisy(x_0, eps, t), t)

            outcome = judged(subject, f"{convert} of q_sample", [Asked({"t": t}, found, question)])
            if outcome.verdict == "conforms":
                return conforms("x_0 comes back")
            return outcome

        return judge

    return [
        check(
            "predict-xstart-from-eps/round-trip",
            ("ho2020/x-0-from-eps", "ho2020/marginal-sample"),
            back("predict_xstart_from_eps", "eps"),
        ),
        check(
            "predict-xstart-from-v/round-trip",
            ("salimans2022/x-0-from-v", "salimans2022/v-from-eps"),
            back("predict_xstart_from_v", "v"),
        ),
    ]
