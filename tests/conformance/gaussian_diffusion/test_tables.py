"""Which objects are of the shape, and what is said of their betas and weights."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.gaussian_diffusion import recognises
from refdiff.conformance.textbook.gaussian_diffusion import GaussianDiffusion, build
from refdiff.equations import (
    betas_from_alpha_bars,
    cosine_betas,
    linear_betas,
    scaled_linear_betas,
    sigmoid_alpha_bars,
)
from tests.conformance.gaussian_diffusion.judging import outcomes
from tests.conformance.gaussian_diffusion.renamed import Renamed


def test_a_table_and_a_method_make_the_shape() -> None:
    assert recognises(build(Parts()))
    assert recognises(Renamed())
    assert not recognises(SimpleNamespace(betas=np.ones(3)))
    assert not recognises(SimpleNamespace(q_sample=lambda x_start, t, noise: x_start))
    assert not recognises(GaussianDiffusion)


@pytest.mark.parametrize(
    ("betas", "verdict", "variant", "words"),
    [
        (linear_betas(50, beta_end=0.4), "conforms", None, "linear betas"),
        (scaled_linear_betas(50), "conforms", None, "scaled linear betas"),
        (cosine_betas(50), "approximation", "beta-clip", "cosine betas"),
        (cosine_betas(50, max_beta=1.0), "conforms", None, "cosine betas"),
        (cosine_betas(50, offset=0.08), "known-deviation", "cosine-offset-ten-times-too-large", ""),
        (
            np.minimum(betas_from_alpha_bars(sigmoid_alpha_bars(50)), 0.999),
            "approximation",
            "beta-clip",
            "sigmoid betas",
        ),
        (np.linspace(0.1, 0.2, 50) ** 3, "conforms", None, "of their own"),
    ],
)
def test_schedules_are_recognised(
    betas: np.ndarray, verdict: str, variant: str | None, words: str
) -> None:
    found = outcomes(build(Parts(), betas=betas), "betas/schedule")["betas/schedule"]
    assert (found.verdict, found.variant) == (verdict, variant)
    assert words in found.message


def test_a_range_of_betas_that_is_scaled_beyond_one_is_named() -> None:
    betas = np.linspace(1e-4, 0.02, 20) * 1000 / 20 * 1.2
    found = outcomes(build(Parts(), betas=betas), "betas/domain")["betas/domain"]
    assert (found.variant, found.at["index"]) == ("beta-outside-unit-interval", 16)


@pytest.mark.parametrize(
    ("betas", "variant"),
    [
        (linear_betas(200), "beta-range-not-scaled-with-T"),
        (linear_betas(1000), "non-zero-terminal-snr"),
        (cosine_betas(50, max_beta=1.0), None),
    ],
)
def test_what_is_left_at_the_end_is_measured(betas: np.ndarray, variant: str | None) -> None:
    found = outcomes(build(Parts(), betas=betas), "betas/terminal")["betas/terminal-snr"]
    assert found.variant == variant
    if variant:
        assert found.observed == np.prod(1 - betas)


@pytest.mark.parametrize(
    ("weight", "verdict", "variant"),
    [
        (lambda snr: snr / (snr + 1), "conforms", None),
        (lambda snr: np.minimum(snr, 5.0) / (snr + 1), "convention", "min-snr-weight"),
        (lambda snr: np.minimum(snr, 2.35) / (snr + 1), "convention", "min-snr-weight"),
        (np.ones_like, "convention", "loss-not-weighted"),
        (lambda snr: np.minimum(snr, 5.0) / snr, "known-deviation", None),
        (lambda snr: np.sqrt(snr), "deviates", None),
    ],
)
def test_weights_are_known_by_their_closed_form(
    weight: object, verdict: str, variant: str | None
) -> None:
    found = outcomes(Renamed(weight=weight), "loss-weight/")["loss-weight/values"]
    assert found.verdict == verdict
    if variant:
        assert found.variant == variant
