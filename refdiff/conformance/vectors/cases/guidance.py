"""Guidance: weights and scales, classifiers, and the interval with its edges."""

from __future__ import annotations

from collections.abc import Iterator

from refdiff.conformance.vectors.cases.case import Case
from refdiff.conformance.vectors.levels import LEVELS, beside, single

__all__ = ["cases"]

_PREDICTIONS = ((1.1875, -0.4375), (-2.3125, -2.84375))
_WEIGHTS = (0.0, -1.0, 1.0, 0.5, -0.5, 3.0, 7.5)


def cases() -> Iterator[Case]:
    """Yield the combinations of predictions, and the scale's interval."""
    for number, weight in enumerate(_WEIGHTS):
        for which, (cond, uncond) in enumerate(_PREDICTIONS):
            slug = f"weight-{weight:g}-{'ab'[which]}"
            yield Case(
                "classifier_free_guidance",
                slug.replace("weight--", "weight-minus-"),
                {"eps_cond": cond, "eps_uncond": uncond, "w": weight},
                ("the conditional prediction alone", "the unconditional prediction alone")[number]
                if number < 2
                else "",
            )
    for weight in _WEIGHTS:
        for which, (cond, uncond) in enumerate(_PREDICTIONS):
            scale = weight + 1
            yield Case(
                "guidance_from_scale",
                f"scale-{scale:g}-{'ab'[which]}",
                {"cond": cond, "uncond": uncond, "scale": scale},
                {0.0: "the unconditional prediction alone", 1.0: "the conditional one alone"}.get(
                    scale, ""
                ),
            )
    yield from _interval()
    yield from _classifier()


def _interval() -> Iterator[Case]:
    low, high = single(0.3), 5.0
    for slug, sigma, comment in (
        ("no-noise", 0.0, ""),
        ("below", 0.125, ""),
        ("at-the-lower-end", low, "the lower end is outside"),
        ("above-the-lower-end", beside(low, steps=1), "the next float32"),
        ("inside", 1.25, ""),
        ("at-the-upper-end", high, "the upper end is inside"),
        ("above-the-upper-end", beside(high, steps=1), "the next float32"),
        ("far-above", 80.0, ""),
    ):
        for scale in (3.0, 0.25):
            yield Case(
                "interval_scale",
                f"{slug}-scale-{scale:g}",
                {"sigma": sigma, "scale": scale, "sigma_lo": low, "sigma_hi": high},
                comment,
            )
    yield Case(
        "interval_scale",
        "from-zero",
        {"sigma": 0.0, "scale": 3.0, "sigma_lo": 0.0, "sigma_hi": 5.0},
        "no noise is outside an interval that begins there",
    )


def _classifier() -> Iterator[Case]:
    for slug, variance, scale in (
        ("no-scale", 0.25, 0.0),
        ("bayes", 0.25, 1.0),
        ("strong", single(0.01), 8.0),
        ("backwards", single(0.02), -2.5),
        ("no-variance", 0.0, 4.0),
        ("wide", 1.75, 0.5),
    ):
        yield Case(
            "classifier_guided_mean",
            slug,
            {"mean": 0.6875, "gradient": -1.3125, "variance": variance, "scale": scale},
        )
    for number, level in enumerate(LEVELS):
        yield Case(
            "classifier_guided_eps",
            level.slug,
            {
                "eps": 0.8125,
                "gradient": -1.6875,
                "alpha_bar_t": level.alpha_bar,
                "scale": (1.0, 4.5, -0.75)[number % 3],
            },
            level.comment,
        )
    yield Case(
        "classifier_guided_eps",
        "no-scale",
        {"eps": 0.8125, "gradient": -1.6875, "alpha_bar_t": 0.25, "scale": 0.0},
    )
