"""Checks of the betas: their domain, which known schedule they follow, what is left at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refdiff._namespace import cos, exp, minimum
from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case, fit
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.gaussian_diffusion.asking import check
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants import Variant
from refdiff.conformance.variants.diffusion_tables import (
    CLIPPED,
    COSINE_OFFSET,
    OUTSIDE,
    TERMINAL,
    UNSCALED,
)
from refdiff.conformance.verdicts import Outcome, conforms

__all__ = ["schedule_checks"]

_ORIGINAL = (1e-4, 0.02)  # the range of betas of the paper, for its 1000 steps
_ORIGINAL_STEPS = 1000


def schedule_checks(subject: Subject) -> list[Check]:
    """Return the checks of the betas."""
    return [
        check("betas/domain", ("ho2020/alpha-bar",), lambda: _domain(subject)),
        check(
            "betas/schedule",
            (
                "ho2020/linear-schedule",
                "nichol2021/cosine-schedule",
                "rombach2022/scaled-linear-schedule",
                "jabri2022/sigmoid-schedule",
            ),
            lambda: _schedule(subject),
        ),
        check("betas/terminal-snr", ("lin2024/zero-terminal-snr",), lambda: _terminal(subject)),
    ]


def _own_betas(subject: Subject) -> np.ndarray:
    if "betas" not in subject.tables:
        raise Missing("the target keeps no betas")
    return subject.tables["betas"]


def _domain(subject: Subject) -> Outcome:
    betas = _own_betas(subject)
    inside = (betas > 0) & (betas < 1)
    inside[-1] |= betas[-1] == 1
    if inside.all():
        return conforms("all betas lie between 0 and 1")
    t = int(np.argmin(inside))
    return _seen(
        "known-deviation",
        OUTSIDE,
        f"betas[{t}] = {betas[t]:.6g} is not between 0 and 1",
        at={"index": t},
        expected="in (0, 1)",
        observed=float(betas[t]),
    )


def _schedule(subject: Subject) -> Outcome:
    betas = _own_betas(subject)
    count = len(betas)
    if count < 3:
        raise Missing("a schedule of fewer than three steps has no form to recognise")
    clip = float(betas.max())
    unclipped = float(np.count_nonzero(betas < clip)) / count < 1 and betas[-1] == clip
    known: dict[str, Callable[[Parts], Any]] = {
        "linear": lambda parts: _evenly(parts, betas, 1.0),
        "scaled linear": lambda parts: _evenly(parts, betas, 0.5),
        "square root of linear": lambda parts: _evenly(parts, betas, 2.0),
        "cosine": lambda parts: _cosine(parts, count, 0.008, clip),
        "cosine with offset 0.08": lambda parts: _cosine(parts, count, 0.08, clip),
        "sigmoid": lambda parts: _sigmoid(parts, count, clip),
    }
    dtype = subject.dtypes["betas"]
    name = next((n for n, p in known.items() if fit([Case({}, betas, p)], dtype=dtype).holds), None)
    if name is None:
        return conforms("the betas follow a schedule of their own")
    if name == "cosine with offset 0.08":
        return _seen("known-deviation", COSINE_OFFSET, "the betas", expected=0.008, observed=0.08)
    if name in ("cosine", "sigmoid") and clip < 1 and unclipped:
        left = float(np.prod(1 - betas))
        message = f"{name} betas, the last clipped at {clip:.6g}: alpha_bar ends at {left:.3g}"
        return _seen("approximation", CLIPPED, message, expected=0.0, observed=left)
    return conforms(f"{name} betas from {betas[0]:.6g} to {betas[-1]:.6g}")


def _evenly(parts: Parts, betas: np.ndarray, power: float) -> Any:
    """Return betas whose power is spaced evenly between the first and the last."""
    ends = parts.lift(betas[[0, -1]]) ** power
    share = np.arange(len(betas)) / (len(betas) - 1)
    return (ends[0] * (1 - share) + ends[1] * share) ** (1 / power)


def _cosine(parts: Parts, count: int, offset: float, clip: float) -> Any:
    times = parts.lift(np.arange(count + 1) / count)
    wave = cos((times + offset) / (1 + offset) * (np.pi / 2)) ** 2
    return minimum(1 - wave[1:] / wave[:-1], clip)


def _sigmoid(parts: Parts, count: int, clip: float) -> Any:
    times = parts.lift(np.arange(count + 1) / count)
    values = 1 / (1 + exp(-(times * 6 - 3)))
    levels = (values[count] - values) / (values[count] - values[0])
    return minimum(1 - levels[1:] / levels[:-1], clip)


def _terminal(subject: Subject) -> Outcome:
    left = float(subject.alpha_bars[-1])
    if not left > 0:
        return conforms("no signal is left at the last time")
    betas = subject.betas
    known = {"at": {"index": subject.count - 1}, "expected": 0.0, "observed": left}
    message = f"alpha_bar ends at {left:.3g}: x_T keeps {np.sqrt(left):.3g} of x_0"
    original = all(
        float(np.float32(end)) == float(np.float32(right))
        for end, right in zip(betas[[0, -1]], _ORIGINAL, strict=True)
    )
    if original and subject.count < _ORIGINAL_STEPS:
        return _seen("approximation", UNSCALED, message, **known)
    return _seen("approximation", TERMINAL, message, **known)


def _seen(verdict: Any, variant: Variant, message: str, **known: Any) -> Outcome:
    return Outcome(
        verdict, f"{message}: {variant.summary.rstrip('.')}", variant=variant.name, **known
    )
