"""Guidance: conventions of the weight, Bayes' rule, spread, thresholds, intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.closed_form import Gaussian
from refdiff.equations import (
    classifier_free_guidance,
    classifier_guided_eps,
    classifier_guided_mean,
    dynamic_threshold,
    guidance_from_scale,
    interval_scale,
    rescale_guidance,
    score_from_eps,
)
from refdiff.testing import assert_close, assert_law, strategies

PICTURES = strategies.images((2, 7))
WEIGHTS = strategies.guidance_weights()
SCALE_IDS = ("lin2024/guidance", "saharia2022/guidance", "karras2024/autoguidance")


@pytest.mark.property_id("P062")
@pytest.mark.verifies("ho2022cfg/guided-eps", *SCALE_IDS)
@given(PICTURES, PICTURES, WEIGHTS)
def test_guidance_has_the_two_predictions_at_its_ends_and_is_affine(cond, uncond, w):
    assert (classifier_free_guidance(cond, uncond, w=0.0) == cond).all()
    assert (classifier_free_guidance(cond, uncond, w=-1.0) == uncond).all()
    assert (guidance_from_scale(cond, uncond, scale=0.0) == uncond).all()
    assert_law("P062", guidance_from_scale(cond, uncond, scale=1.0), cond, scale=8.0)
    size = 8.0 * (1 + abs(w))
    middle = classifier_free_guidance(cond, uncond, w=w / 2)
    ends = (classifier_free_guidance(cond, uncond, w=v) for v in (0.0, w))
    assert_law("P062", middle, sum(ends) / 2, scale=size)
    doubled = classifier_free_guidance(2 * cond, 2 * uncond, w=w)
    assert_law("P062", doubled, 2 * classifier_free_guidance(cond, uncond, w=w), scale=2 * size)
    # Guidance moves away from the unconditional prediction, not towards it.
    gap = classifier_free_guidance(cond, uncond, w=w) - uncond
    assert_close(gap, (1 + w) * (cond - uncond), terms=16 * (1 + abs(w)))


@pytest.mark.property_id("P063")
@pytest.mark.verifies("ho2022cfg/guided-eps", *SCALE_IDS)
@given(PICTURES, PICTURES, WEIGHTS)
def test_scale_is_one_plus_weight(cond, uncond, w):
    first = classifier_free_guidance(cond, uncond, w=w)
    assert_law(
        "P063", first, guidance_from_scale(cond, uncond, scale=1 + w), scale=8 * (2 + abs(w))
    )


@pytest.mark.property_id("P064")
@pytest.mark.verifies("ho2022cfg/guided-eps", *SCALE_IDS)
@given(PICTURES, WEIGHTS)
def test_equal_predictions_are_left_alone(prediction, w):
    found = classifier_free_guidance(prediction, prediction, w=w)
    assert_law("P064", found, prediction, scale=1 + abs(w))
    assert (guidance_from_scale(prediction, prediction, scale=w) == prediction).all()


@pytest.mark.property_id("P066")
@pytest.mark.verifies("dhariwal2021/guided-eps", kind="closed-form")
@given(strategies.alpha_bar(), st.floats(-3, 3), st.floats(-2, 2), st.floats(0.1, 4))
def test_a_bayes_classifier_turns_the_marginal_into_the_conditional(alpha_bar_t, x_t, mean, var):
    """Normal data and a normal likelihood: the posterior over x_0 is normal too, in closed form."""
    prior = Gaussian(np.array([mean]), var)
    # Observe y = x_0 + noise of variance 1/2: precisions add.
    y, noise = 0.8, 0.5
    var_c = 1 / (1 / var + 1 / noise)
    conditional = Gaussian(np.array([var_c * (mean / var + y / noise)]), var_c)
    point, level = np.array([x_t]), {"alpha_bar_t": alpha_bar_t}
    gradient = conditional.score(point, **level) - prior.score(point, **level)
    eps = prior.optimal_eps(point, **level)
    found = classifier_guided_eps(eps, gradient, **level, scale=1.0)
    assert_law("P066", found, conditional.optimal_eps(point, **level))
    assert (classifier_guided_eps(eps, gradient, **level, scale=0.0) == eps).all()


@pytest.mark.property_id("P066")
@pytest.mark.verifies("dhariwal2021/guided-eps")
@given(strategies.alpha_bar(), PICTURES, PICTURES, WEIGHTS)
def test_classifier_guidance_adds_the_scaled_gradient_to_the_score(alpha_bar_t, eps, gradient, w):
    level = {"alpha_bar_t": alpha_bar_t}
    guided = classifier_guided_eps(eps, gradient, **level, scale=w)
    shift = score_from_eps(guided, **level) - score_from_eps(eps, **level)
    terms = (np.abs(eps) + 1) / (1 - alpha_bar_t) ** 0.5 + 8 * abs(w)
    assert_close(shift, w * gradient, terms=terms, units=8)


@pytest.mark.property_id("P067")
@pytest.mark.verifies("dhariwal2021/guided-mean", kind="closed-form")
@given(st.floats(-3, 3), st.floats(0.01, 4), st.floats(-3, 3))
def test_guided_mean_is_exact_for_a_log_linear_classifier(mean, variance, slope):
    """N(x; mu, s^2) exp(g x) is N(x; mu + s^2 g, s^2) up to a constant: complete the square."""
    x = np.linspace(-1.0, 1.0, 5) + mean
    guided = classifier_guided_mean(mean, slope, variance=variance, scale=1.0)
    tilted = -((x - mean) ** 2) / (2 * variance) + slope * x
    shifted = -((x - guided) ** 2) / (2 * variance)
    constant = tilted - shifted
    size = 1 + (np.abs(x).max() + abs(slope) * variance) ** 2 / variance + abs(slope)
    assert_law("P067", constant, constant[0], scale=size)
    assert classifier_guided_mean(mean, slope, variance=variance, scale=0.0) == mean


@pytest.mark.property_id("P069")
@pytest.mark.verifies("lin2024/rescaled-guidance")
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(-2, 6))
def test_rescaled_guidance_has_the_spread_it_promises(seed, phi, offset):
    rng = np.random.default_rng(seed)
    cond, guided = rng.normal(size=(2, 3, 4, 5))
    guided = 3 * guided + offset
    assert (rescale_guidance(guided, cond, phi=0.0) == guided).all()
    full = rescale_guidance(guided, cond, phi=1.0)
    axes = (1, 2)
    assert_law("P069", full.std(axes), cond.std(axes), scale=1 + abs(offset))
    # The two printed steps: rescale, then mix with the weight phi.
    mixed = phi * full + (1 - phi) * guided
    assert_law("P069", rescale_guidance(guided, cond, phi=phi), mixed, scale=20 + 4 * abs(offset))
    # Per sample: the others in the batch do not matter.
    alone = rescale_guidance(guided[1:2], cond[1:2], phi=phi)
    assert (alone == rescale_guidance(guided, cond, phi=phi)[1:2]).all()


@pytest.mark.property_id("P070")
@pytest.mark.verifies("saharia2022/dynamic-threshold")
@given(strategies.images((3, 11)), st.floats(0, 100), st.floats(1.01, 50))
def test_dynamic_threshold(x_0, percentile, factor):
    found = dynamic_threshold(x_0, percentile=percentile)
    s = np.maximum(1.0, np.quantile(np.abs(x_0), percentile / 100, axis=1, keepdims=True))
    assert_law("P070", found, np.clip(x_0, -s, s) / s, scale=4.0)
    assert np.abs(found).max() <= 1.0
    assert (dynamic_threshold(-x_0, percentile=percentile) == -found).all()
    order = np.arange(11)[::-1]
    assert (dynamic_threshold(x_0[:, order], percentile=percentile) == found[:, order]).all()
    small = x_0 / 4.0
    clipped = np.clip(small, -1, 1)
    assert (dynamic_threshold(small, percentile=percentile) == clipped).all()
    large = x_0 * (s > 1)  # samples whose quantile exceeds 1: the scale does not matter
    scaled = dynamic_threshold(factor * large, percentile=percentile)
    assert_law("P070", scaled, found * (s > 1), scale=8.0)


@pytest.mark.property_id("P070")
@pytest.mark.verifies("saharia2022/dynamic-threshold")
def test_percentile_is_in_percent_and_interpolates():
    x_0 = np.array([[0.0, 1.0, 2.0, 3.0, 4.0]])
    assert_close(dynamic_threshold(x_0, percentile=100.0), x_0 / 4)
    assert_close(dynamic_threshold(x_0, percentile=87.5), np.minimum(x_0, 3.5) / 3.5)
    assert_close(dynamic_threshold(x_0, percentile=0.995), np.minimum(x_0, 1.0))


@pytest.mark.property_id("P071")
@pytest.mark.verifies("kynkaanniemi2024/interval")
@given(st.floats(0.01, 100), WEIGHTS, PICTURES, PICTURES)
def test_guidance_interval(sigma, scale, cond, uncond):
    everywhere = interval_scale(sigma=sigma, scale=scale, sigma_lo=0.0, sigma_hi=float("inf"))
    assert everywhere == scale
    # Half-open: the upper end is inside, the lower one outside; outside is 1, not 0.
    ends = {"scale": scale, "sigma_lo": 1.0, "sigma_hi": 5.0}
    assert interval_scale(sigma=5.0, **ends) == scale
    assert interval_scale(sigma=1.0, **ends) == 1.0
    outside = interval_scale(sigma=5.0 + sigma, **ends)
    found = guidance_from_scale(cond, uncond, scale=outside)
    assert_close(found, cond, terms=16.0)
    levels = np.array([0.5, 1.0, 3.0, 5.0, 6.0])
    assert interval_scale(sigma=levels, **ends).tolist() == [1.0, 1.0, scale, scale, 1.0]
