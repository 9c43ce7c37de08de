"""Checks of what training draws by itself: its times, and which labels it drops."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from refdiff.conformance.checks import Check
from refdiff.conformance.probe.draws import tagged_draws
from refdiff.conformance.shapes.gaussian_diffusion.asking import check, inputs, numbers
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants.randomness import (
    INVERTED,
    NEVER_DROPPED,
    NEVER_FIRST,
    NEVER_LAST,
    PER_BATCH,
    SHARED_TIME,
    UNEVEN,
    seen,
)
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive

__all__ = ["drawn_checks"]

Array = np.ndarray
SIGNIFICANCE = 1e-6
"""Probability with which a right target is called wrong."""

_BATCH = 256
_MOST_NUMBERS = 4_000_000  # in one batch
_DROP_RATES = ("p_uncond", "cond_drop_prob", "drop_prob", "label_dropout", "class_dropout_prob")


def drawn_checks(subject: Subject) -> list[Check]:
    """Return the checks of what training draws."""
    return [
        check("forward/times", ("ho2020/simple-loss",), lambda: _times(subject)),
        check("training-losses/labels", (), lambda: _labels(subject)),
    ]


class _Listener:
    """A model that says zero, and remembers times and labels."""

    def __init__(self, factor: int) -> None:
        self.factor = factor
        self.times: list[Array] = []
        self.labels: list[Array | None] = []

    def __call__(self, x: Any, t: Any = None, *others: Any, **named: Any) -> Any:
        self.times.append(np.broadcast_to(numbers(t).reshape(-1), (len(x),)).copy())
        found = [v for v in (*others, *named.values()) if _is_labels(v, len(x))]
        self.labels.append(numbers(found[0]) if found else None)
        return torch.zeros_like(x).repeat_interleave(self.factor, dim=1)


def _is_labels(value: Any, count: int) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.shape == (count,)
        and not value.dtype.is_floating_point
    )


def _images(subject: Subject, batch: int) -> Array:
    """Return pictures of the size that the target wants, in [0, 1]."""
    side = getattr(subject.target, "image_size", 4)
    height, width = side if isinstance(side, (tuple, list)) else (side, side)
    channels = getattr(subject.target, "channels", 2)
    channels = channels if isinstance(channels, int) else 2
    one = int(channels) * int(height) * int(width)
    count = max(2, min(batch, _MOST_NUMBERS // one))
    (x,) = inputs(31, (count, int(channels), int(height), int(width)))
    return np.asarray(np.clip(0.5 + 0.2 * x, 0, 1))


def _listened(subject: Subject, name: str, **given: Any) -> Iterator[_Listener]:
    """Yield a listener after each call of a method, for ever."""
    factor = 2 if subject.variance in ("learned", "learned-range") else 1
    with tagged_draws(seed=1):
        while True:
            listener = _Listener(factor)
            subject.call(name, model=listener, **given)
            yield listener


def _times(subject: Subject) -> Outcome:
    x = _images(subject, _BATCH)
    wanted = math.ceil(-math.log(SIGNIFICANCE) * subject.count)
    drawn: list[Array] = []
    alike = 0
    for listener in _listened(subject, "forward", x_0=x, labels=np.zeros(len(x), np.int64)):
        if not listener.times:
            raise Missing("the loss does not ask the model that can be put into the target")
        drawn.append(listener.times[0])
        alike += len(set(listener.times[0].tolist())) == 1
        if len(drawn) * (1 if alike else len(x)) >= wanted or len(drawn) > 400:
            break
    times = np.concatenate(drawn)
    if alike == len(drawn) and subject.count > 1 and len(drawn) > 2:
        return seen("approximation", SHARED_TIME, "training", at={"batch": len(x)})
    return _judged_times(subject, times)


def _judged_times(subject: Subject, times: Array) -> Outcome:
    count, last = len(times), subject.count - 1
    base = 1 if times.max() == subject.count and times.min() >= 1 else 0
    low, high = int(times.min()) - base, int(times.max()) - base
    known: dict[str, Any] = {"at": {"draws": count, "significance": SIGNIFICANCE}}
    if high > last or low < 0:
        return deviates(f"a time {high} is trained that the tables do not have", **known)
    if high < last:
        known |= {"expected": last, "observed": high}
        return seen("known-deviation", NEVER_LAST, f"{count} draws up to {high}", **known)
    if low > 0:
        known |= {"expected": 0, "observed": low}
        return seen("known-deviation", NEVER_FIRST, f"{count} draws from {low}", **known)
    bins = min(10, subject.count)
    edges = np.linspace(0, subject.count, bins + 1).round()
    found = np.histogram(times - base, edges)[0]
    expected = count * np.diff(edges) / subject.count
    from scipy import stats  # takes a second, which every other check would wait for

    if stats.chisquare(found, expected).pvalue < SIGNIFICANCE:
        return seen("convention", UNEVEN, f"{count} draws", **known)
    return conforms(f"{count} draws, from the first time to the last, all alike often", **known)


def _labels(subject: Subject) -> Outcome:
    name = "training_losses"
    method = subject.method(name)
    x = _images(subject, 64)
    labels = 1 + np.arange(len(x)) % 9
    given: dict[str, Any] = {"x_0": x, "t": np.full(len(x), subject.count // 2)}
    if method.takes("labels"):
        given["labels"] = labels
    elif "model_kwargs" in method.switches:
        given["model_kwargs"] = {"y": torch.from_numpy(labels)}
    else:
        raise Missing("the loss takes no labels")
    dropped: list[Array] = []
    for listener in _listened(subject, name, **given):
        if not listener.labels or (listener.labels[0] is None and not dropped):
            return inconclusive("no labels are seen to reach the model")
        told = listener.labels[0]
        gone = np.ones(len(x), bool) if told is None else told != labels
        dropped.append(gone)
        if len(dropped) >= 60:
            break
    return _judged_labels(subject, np.stack(dropped))


def _judged_labels(subject: Subject, dropped: Array) -> Outcome:
    rate, count = float(dropped.mean()), dropped.size
    wanted = next(
        (
            float(value)
            for name in _DROP_RATES
            if isinstance(value := getattr(subject.target, name, None), float)
        ),
        None,
    )
    at = {"labels": count, "significance": SIGNIFICANCE}
    if not dropped.any():
        if wanted:
            known = {"at": at, "expected": wanted, "observed": 0.0}
            return seen("known-deviation", NEVER_DROPPED, f"of {count} labels none", **known)
        return conforms("labels reach the model as they are: who calls may drop them")
    per_batch = dropped.all(axis=1) | ~dropped.any(axis=1)
    if per_batch.all() and not dropped.all():
        return seen("approximation", PER_BATCH, f"{len(dropped)} batches", at=at)
    if wanted is None:
        return conforms(f"{rate:.3g} of the labels are dropped, one by one", at=at)
    from scipy import stats

    for told, right in ((wanted, True), (1 - wanted, False)):
        if stats.binomtest(int(dropped.sum()), count, told).pvalue >= SIGNIFICANCE:
            if right:
                return conforms(f"{rate:.3g} of the labels are dropped, one by one", at=at)
            known = {"at": at, "expected": wanted, "observed": rate}
            return seen("known-deviation", INVERTED, f"{rate:.3g} are dropped", **known)
    message = f"{rate:.3g} of the labels are dropped in place of {wanted:.3g}"
    return deviates(message, at=at, expected=wanted, observed=rate)
