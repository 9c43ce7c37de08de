"""Checks of the training loss: what the model is shown, its target, reduction and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from refdiff.conformance.checks import Check
from refdiff.conformance.probe.draws import Draws, tagged_draws
from refdiff.conformance.shapes.gaussian_diffusion.asking import (
    Asked,
    check,
    inputs,
    judged,
    numbers,
    times,
)
from refdiff.conformance.shapes.gaussian_diffusion.bound import bound_term
from refdiff.conformance.shapes.gaussian_diffusion.expected import Expected
from refdiff.conformance.shapes.gaussian_diffusion.questions import (
    Answer,
    as_told,
    nearness,
    times_told,
)
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants.gaussian_diffusion import FROM_ONE
from refdiff.conformance.variants.randomness import IGNORED, UNIFORM, seen
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive

__all__ = ["loss_checks"]

Array = np.ndarray
_SHAPE = (2, 3, 3)
_KINDS = {"l1": "absolute_error", "huber": "huber_error"}


@dataclass(frozen=True)
class _Run:
    """One call of the loss, and all that went in and out."""

    x_0: Array
    eps: Array
    t: Array
    answer: Answer
    terms: Mapping[str, Any]
    draws: Draws


def loss_checks(subject: Subject) -> list[Check]:
    """Return the checks of the training loss."""
    simple = ("ho2020/simple-loss",)
    return [
        check("training-losses/model-input", simple, lambda: _model_input(subject)),
        check("training-losses/values", simple, lambda: _values(subject)),
        check("training-losses/own-noise", simple, lambda: _own_noise(subject)),
        check("training-losses/bound", ("nichol2021/hybrid-loss",), lambda: _hybrid(subject)),
    ]


def _run(subject: Subject, *, seed: int = 11, given: bool = True) -> _Run:
    method = subject.method("training_losses")
    t = times(subject.count)
    size = (len(t), *_SHAPE)
    x_0, eps, output, raw = inputs(seed, size, size, size, size)
    x_0 = _levels(x_0)
    first = t == 0
    output[first] = _near(subject, x_0[first], eps[first], output[first])
    learns = subject.variance in ("learned", "learned-range")
    raw = np.tanh(raw).astype(np.float32).astype(np.float64)
    answer = Answer(output, raw if learns else None, x_0, x_0)
    if given and not method.takes("eps"):
        raise Missing("the loss takes no noise")
    known = {"eps": eps} if given else {}
    with tagged_draws() as draws:
        found = subject.call(
            "training_losses",
            model=answer,
            x_0=x_0,
            t=t,
            labels=np.zeros(len(t), np.int64),
            **known,
        )
    if not answer.asked:
        raise Missing("the loss does not ask the model that can be put into the target")
    return _Run(x_0, eps, t, answer, _terms(found), draws)


def _near(subject: Subject, x_0: Array, eps: Array, z: Array) -> Array:
    """Return outputs at the first time whose x_0 is near the data: a loss may hold the decoder."""
    level = float(subject.alpha_bars[1])
    signal, noise = np.sqrt(level), np.sqrt(1 - level)
    near = x_0 + nearness(subject) * np.clip(z, -1.5, 1.5)
    output = {
        "eps": (signal * x_0 + noise * eps - signal * near) / noise,
        "v": (signal * (signal * x_0 + noise * eps) - near) / noise,
    }.get(subject.prediction or "eps", near)
    return np.asarray(output).astype(np.float32).astype(np.float64)


def _levels(x: Array) -> Array:
    """Return pictures on the 256 levels of grey, outermost ones among them."""
    return np.asarray(2 * np.clip(np.rint(127.5 + 60 * x), 0, 255) / 255 - 1)


def _terms(found: Any) -> Mapping[str, Any]:
    if isinstance(found, Mapping):
        return found
    if isinstance(found, (tuple, list)):
        found = found[0]
    return {"loss": found}


def _model_input(subject: Subject) -> Outcome:
    run = _run(subject)
    again = _run(subject, seed=12)
    shown = run.answer.asked[0]
    right = times_told(subject, run.t)
    told = np.broadcast_to(shown.t.reshape(-1), run.t.shape)
    if np.array_equal(told, right + 1):
        return seen("convention", FROM_ONE, "the loss", at={"t": run.t})
    if not as_told(told, right):
        return deviates(
            f"the model is told {told.tolist()} in training at {run.t.tolist()}", at={"t": run.t}
        )
    if run.draws.records and _independent(run, again):
        return seen("known-deviation", IGNORED, "the loss", at={"t": run.t})
    asked = [
        Asked(
            {"t": one.t, "what": "model input"},
            one.answer.asked[0].x,
            _shown_in(one),
        )
        for one in (run, again)
    ]
    return judged(subject, "what the model is shown in training", asked)


def _shown_in(run: _Run) -> Callable[[Expected], Any]:
    return lambda e: e.noisy(run.x_0, run.eps, run.t)


def _independent(run: _Run, again: _Run) -> bool:
    """Say whether x_t is made of other noise than the given, drawn alike in both runs."""
    drawn = [d.values for d in run.draws.records if d.values.size == run.eps.size]
    same = [d.values for d in again.draws.records if d.values.size == run.eps.size]
    return bool(drawn) and len(drawn) == len(same) and not np.array_equal(run.eps, again.eps)


def _target(e: Expected, subject: Subject, run: _Run) -> Any:
    lift = e.parts.lift
    x_t = e.noisy(run.x_0, run.eps, run.t)
    if subject.prediction == "x_s":
        return e.posterior_mean(lift(run.x_0), x_t, run.t)
    return e.parts.loss_target(
        x_0=lift(run.x_0),
        eps=lift(run.eps),
        v=e.velocity(run.x_0, run.eps, run.t),
        prediction=subject.prediction or "eps",
    )


def _squared(e: Expected, subject: Subject, run: _Run) -> Any:
    """Return the loss of each sample, weighted by the target's own table."""
    error = getattr(e.parts, _KINDS.get(subject.loss or "", "sample_loss"))
    losses = error(_target(e, subject, run), e.parts.lift(run.answer.output))
    if "loss_weight" in subject.tables:
        losses = losses * e.parts.lift(subject.tables["loss_weight"])[run.t]
    return losses


def _values(subject: Subject) -> Outcome:
    run = _run(subject)
    kind = subject.loss or "mse"
    name = "loss" if kind in ("kl", "rescaled-kl") or "mse" not in run.terms else "mse"
    observed = numbers(run.terms.get(name, next(iter(run.terms.values()))))

    def question(e: Expected) -> Any:
        if kind in ("kl", "rescaled-kl"):
            losses = bound_term(
                e, subject, run.answer, run.x_0, run.answer.asked[0].x, run.t, clipped=False
            )
            losses = losses * (subject.count if kind == "rescaled-kl" else 1)
        else:
            losses = _squared(e, subject, run)
        return losses

    def averaged(e: Expected) -> Any:
        return e.parts.batch_loss(question(e))

    if subject.variance in ("learned", "learned-range") and name == "loss" and kind == "mse":
        return inconclusive("the loss of a learned variance is returned only with its bound")
    each = [Asked({"t": run.t}, observed, question)]
    mean = [Asked({"t": run.t}, observed, averaged)]
    if observed.ndim:
        return judged(subject, "the training loss", each)
    if "loss_weight" in subject.tables:
        return judged(subject, "the training loss", mean)
    return judged(subject, "the training loss", each, mean)


def _own_noise(subject: Subject) -> Outcome:
    run = _run(subject, given=False)
    drawn = [d for d in run.draws.records if d.values.size in (run.x_0.size, run.x_0[0].size)]
    if not drawn:
        return inconclusive("the loss drew no noise that can be seen")
    if drawn[0].kind == "uniform":
        return seen("known-deviation", UNIFORM, "the loss", at={"t": run.t})
    noise = np.broadcast_to(drawn[0].values.reshape((-1, *_SHAPE)), run.x_0.shape)
    told = _Run(run.x_0, noise, run.t, run.answer, run.terms, run.draws)
    shown = Asked(
        {"t": run.t, "what": "model input"},
        run.answer.asked[0].x,
        lambda e: e.noisy(run.x_0, noise, run.t),
    )
    found = judged(subject, "x_t made of noise that the loss draws", [shown])
    if found.verdict != "conforms" or subject.loss in ("kl", "rescaled-kl"):
        return found
    name = "mse" if "mse" in run.terms else "loss"
    if subject.variance in ("learned", "learned-range") and name == "loss":
        return found
    observed = numbers(run.terms.get(name, next(iter(run.terms.values()))))

    def question(e: Expected) -> Any:
        losses = _squared(e, subject, told)
        return losses if observed.ndim else e.parts.batch_loss(losses)

    loss = judged(subject, "the training loss", [Asked({"t": run.t}, observed, question)])
    return (
        loss
        if loss.verdict in ("deviates", "known-deviation")
        else conforms("the noise that is drawn makes x_t, and is what the model has to say")
    )


def _hybrid(subject: Subject) -> Outcome:
    if subject.variance not in ("learned", "learned-range"):
        raise Missing("the target's model does not learn a variance")
    if subject.loss not in (None, "mse", "rescaled-mse"):
        raise Missing("the loss is the bound itself")
    run = _run(subject)
    if "vb" not in run.terms:
        return inconclusive("the loss does not show its bound apart")
    observed = numbers(run.terms["vb"])

    def question(e: Expected) -> Any:
        shown = run.answer.asked[0].x
        term = bound_term(e, subject, run.answer, run.x_0, shown, run.t, clipped=False)
        return term * e.parts.bound_loss_factor(subject.count)

    return judged(subject, "the bound in the loss", [Asked({"t": run.t}, observed, question)])
