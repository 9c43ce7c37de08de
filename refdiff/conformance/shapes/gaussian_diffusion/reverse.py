"""Checks of p(x_s | x_t): the moments that a class makes of its model's output, and guidance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from refdiff.conformance.checks import Check
from refdiff.conformance.shapes.gaussian_diffusion.asking import (
    Asked,
    check,
    inputs,
    judged,
    numbers,
    times,
)
from refdiff.conformance.shapes.gaussian_diffusion.expected import Expected, Moments
from refdiff.conformance.shapes.gaussian_diffusion.questions import (
    Answer,
    answered,
    as_told,
    times_told,
)
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants.gaussian_diffusion import AT_X_T, FROM_ONE
from refdiff.conformance.variants.randomness import seen
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive

__all__ = ["expected_moments", "reverse_checks"]

Array = np.ndarray
_SHAPE = (2, 3, 3)
_FIELDS = ("mean", "variance", "log_variance", "pred_xstart")
_EQUATIONS = {
    "mean": ("ho2020/posterior-mean",),
    "variance": ("ho2020/variance-choices", "nichol2021/learned-range-variance"),
    "log_variance": ("ho2020/variance-choices", "nichol2021/learned-range-variance"),
    "pred_xstart": ("ho2020/x-0-from-eps", "salimans2022/x-0-from-v"),
}


def reverse_checks(subject: Subject) -> list[Check]:
    """Return the checks of p_mean_variance and of conditioning on a classifier."""
    found = [
        check(
            f"p-mean-variance/{field.replace('_', '-')}",
            _EQUATIONS[field],
            _field(subject, field),
        )
        for field in _FIELDS
    ]
    return [
        *found,
        check("p-mean-variance/clipped", ("ho2020/posterior-mean",), lambda: _clipped(subject)),
        check("p-mean-variance/model-time", (), lambda: _model_time(subject)),
        check("condition-mean/values", ("dhariwal2021/guided-mean",), lambda: _guided(subject)),
        check("condition-mean/gradient-place", ("dhariwal2021/guided-mean",), _place(subject)),
        check("condition-score/values", ("dhariwal2021/guided-eps",), lambda: _score(subject)),
    ]


def expected_moments(
    e: Expected, subject: Subject, answer: Answer, t: Array, *, clipped: bool = False
) -> Moments:
    """Return the moments that the answer gives, as the target's configuration says."""
    return e.reverse(
        answer.output,
        answer.x_t,
        t,
        prediction=subject.prediction or "eps",
        variance=subject.variance or "fixed-small",
        raw=answer.raw,
        clipped=clipped,
    )


def _ask(subject: Subject, answer: Answer, t: Array, *, clip: bool) -> dict[str, Any]:
    labels = np.zeros(len(t), np.int64)
    found = subject.call(
        "p_mean_variance", model=answer, x_t=answer.x_t, t=t, clip=clip, labels=labels
    )
    if not answer.asked:
        raise Missing("p_mean_variance does not ask the model that can be put into the target")
    if isinstance(found, Mapping):
        return {name: found[name] for name in _FIELDS if name in found}
    if isinstance(found, (tuple, list)) and len(found) >= 3:
        return dict(zip(_FIELDS, found, strict=False))
    raise Missing("p_mean_variance returns neither a mapping nor three moments")


def _field(subject: Subject, field: str) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        asked, choices, plain = [], [], []
        for t in _batches(subject, "p_mean_variance"):
            answer = answered(subject, t, _SHAPE)
            found = _ask(subject, answer, t, clip=False)
            if field not in found:
                raise Missing(f"p_mean_variance returns no {field}")
            observed = numbers(found[field], answer.x_t)
            at = {"t": t, "prediction": subject.prediction or "eps"}

            def question(e: Expected, answer: Answer = answer, t: Array = t) -> Any:
                moments = expected_moments(e, subject, answer, t)
                wanted = {
                    "mean": moments.mean,
                    "variance": moments.variance,
                    "log_variance": moments.log_variance,
                    "pred_xstart": moments.x_0,
                }[field]
                return wanted + np.zeros(answer.x_t.shape)

            def chosen(e: Expected, answer: Answer = answer, t: Array = t) -> Any:
                pair = {
                    "alpha_bar_t": e.table("alphas_cumprod", t, answer.x_t),
                    "alpha_bar_s": e.table("alphas_cumprod_prev", t, answer.x_t),
                }
                return e.parts.ddpm_variance(**pair) + np.zeros(answer.x_t.shape)

            asked.append(Asked(at, observed, question))
            choices.append(Asked(at, observed, chosen))
            if subject.variance == "fixed-large":
                betas = np.broadcast_to(_shaped(subject.betas[t], answer.x_t), answer.x_t.shape)
                plain.append(Asked(at, observed, _lifted(betas)))
        if plain and field == "variance":
            fixed = judged(subject, "the variance of p_mean_variance", plain)
            if fixed.verdict == "conforms":
                return fixed
        open_choice = field == "variance" and subject.variance is None
        return judged(subject, f"the {field} of p_mean_variance", asked, *([choices] * open_choice))

    return judge


def _lifted(values: Array) -> Callable[[Expected], Any]:
    return lambda e: e.parts.lift(values)


def _shaped(values: Array, x: Array) -> Array:
    return values.reshape((-1,) + (1,) * (x.ndim - 1))


def _batches(subject: Subject, method: str) -> list[Array]:
    """Return batches of several times, or one time a batch where the method takes only one."""
    all_times = times(subject.count)
    if subject.method(method).whole_times:
        return [np.full(2, t) for t in all_times]
    return [all_times, np.full(2, subject.count // 2)]


def _clipped(subject: Subject) -> Outcome:
    t = times(subject.count)
    answer = answered(subject, t, _SHAPE, scale=2.0)
    found = _ask(subject, answer, t, clip=True)
    wanted = subject.prediction != "x_s"
    if not subject.method("p_mean_variance").takes("clip"):
        return inconclusive("p_mean_variance has no argument that says whether to clip x_0")
    asked = []
    for field, name in (("pred_xstart", "x_0"), ("mean", "mean")):
        if field in found and (field != "mean" or wanted):

            def question(e: Expected, name: str = name) -> Any:
                moments = expected_moments(e, subject, answer, t, clipped=True)
                return getattr(moments, name)

            asked.append(Asked({"t": t, "field": field}, numbers(found[field]), question))
    return judged(subject, "p_mean_variance with x_0 clipped", asked)


def _model_time(subject: Subject) -> Outcome:
    for t in _batches(subject, "p_mean_variance"):
        answer = answered(subject, t, _SHAPE)
        _ask(subject, answer, t, clip=False)
        told = np.broadcast_to(answer.asked[0].t.reshape(-1), (len(t),))
        right = times_told(subject, t)
        if np.array_equal(told, right + 1):
            return seen("convention", FROM_ONE, "p_mean_variance", at={"t": t})
        if not as_told(told, right):
            worst = int(np.argmax(np.abs(told - right)))
            return deviates(
                f"the model is told {told[worst]:g} at index {t[worst]} in place of "
                f"{right[worst]:g}",
                at={"t": int(t[worst])},
                expected=float(right[worst]),
                observed=float(told[worst]),
            )
        if not np.array_equal(answer.asked[0].x, answer.x_t):
            return deviates("the model is shown another array than the state", at={"t": t})
    return conforms("the model is shown the state and told its time")


# ---------------------------------------------------------------------- classifiers


class _Gradient:
    def __init__(self, values: Array) -> None:
        self.values = values
        self.places: list[Array] = []

    def __call__(self, x: Any, t: Any, **_: Any) -> Any:
        self.places.append(numbers(x))
        return torch.from_numpy(self.values.copy())


def _moments(subject: Subject) -> tuple[Array, dict[str, Array], Array, _Gradient]:
    t = times(subject.count)
    size = (len(t), *_SHAPE)
    mean, x_0, x_t, gradient, spread = inputs(8, size, size, size, size, size)
    moments = {"mean": mean, "variance": np.abs(spread), "pred_xstart": x_0}
    return t, moments, x_t, _Gradient(gradient)


def _torch(moments: dict[str, Array]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(values.copy()) for name, values in moments.items()}


def _guided(subject: Subject) -> Outcome:
    t, moments, x_t, gradient = _moments(subject)
    found = subject.call("condition_mean", gradient=gradient, moments=_torch(moments), x_t=x_t, t=t)

    def question(e: Expected) -> Any:
        lift = e.parts.lift
        return e.parts.classifier_guided_mean(
            lift(moments["mean"]),
            lift(gradient.values),
            variance=lift(moments["variance"]),
            scale=1.0,
        )

    return judged(subject, "condition_mean", [Asked({"t": t}, numbers(found), question)])


def _place(subject: Subject) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        t, moments, x_t, gradient = _moments(subject)
        subject.call("condition_mean", gradient=gradient, moments=_torch(moments), x_t=x_t, t=t)
        if len(gradient.places) != 1:
            return inconclusive(f"the gradient was asked for {len(gradient.places)} times")
        if np.array_equal(gradient.places[0], moments["mean"]):
            return conforms("the gradient is taken at the predicted mean")
        if np.array_equal(gradient.places[0], x_t):
            return seen("approximation", AT_X_T, "condition_mean", at={"t": t})
        return inconclusive("the gradient is taken neither at the state nor at the mean")

    return judge


def _score(subject: Subject) -> Outcome:
    t, moments, x_t, gradient = _moments(subject)
    found = subject.call(
        "condition_score", gradient=gradient, moments=_torch(moments), x_t=x_t, t=t
    )
    if not isinstance(found, Mapping) or "pred_xstart" not in found:
        raise Missing("condition_score returns no pred_xstart")

    def x_0(e: Expected) -> Any:
        lift = e.parts.lift
        eps = e.eps_from_x_0(lift(x_t), lift(moments["pred_xstart"]), t)
        level = e.table("alphas_cumprod", t, x_t)
        guided = e.parts.classifier_guided_eps(
            eps, lift(gradient.values), alpha_bar_t=level, scale=1.0
        )
        return e.x_0_from("eps", guided, lift(x_t), t)

    asked = [Asked({"t": t, "field": "pred_xstart"}, numbers(found["pred_xstart"]), x_0)]
    if "mean" in found:

        def mean(e: Expected) -> Any:
            return e.posterior_mean(x_0(e), e.parts.lift(x_t), t)

        asked.append(Asked({"t": t, "field": "mean"}, numbers(found["mean"]), mean))
    return judged(subject, "condition_score", asked)
