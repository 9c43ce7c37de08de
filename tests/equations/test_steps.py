"""Sampler steps as formulas: marginals kept, forms agree, ends exact."""

import numpy as np
import pytest
from hypothesis import given

from refdiff.equations import (
    ddim_mean,
    ddim_sigma,
    ddim_step,
    ddpm_step,
    eps_from_x_0,
    forward_mean,
    forward_variance,
    posterior_mean,
    posterior_variance,
    x_0_from_eps,
)
from refdiff.testing import assert_close, assert_law, strategies

PAIRS = strategies.alpha_bar_pairs()
PICTURES = strategies.images((2, 3))
DDIM = ("song2021ddim/step", "song2021ddim/step-mean", "song2021ddim/sigma")


def named(pair):
    return dict(zip(("alpha_bar_t", "alpha_bar_s"), pair, strict=True))


@pytest.mark.property_id("P054")
@pytest.mark.verifies("song2021ddim/marginals", "song2021ddim/step-mean", "song2021ddim/sigma")
@given(PAIRS, strategies.etas())
def test_every_eta_keeps_the_marginals(pair, eta):
    """Lemma 1: with x_0 known, averaging over eps ~ N(0, 1) gives q(x_s | x_0)."""
    levels = {**named(pair), "eta": eta}
    of_x_0 = ddim_mean(1.0, 0.0, **levels)
    of_eps = ddim_mean(0.0, 1.0, **levels)
    assert_law("P054", of_x_0, forward_mean(1.0, alpha_bar_t=pair[1]))
    spread = of_eps**2 + ddim_sigma(**levels) ** 2
    assert_law("P054", spread, forward_variance(alpha_bar_t=pair[1]))


@pytest.mark.property_id("P055")
@pytest.mark.verifies("song2021ddim/step", "song2021ddim/sigma", "ho2020/ancestral-step")
@given(PAIRS, PICTURES, PICTURES, PICTURES)
def test_eta_1_is_ancestral_sampling(pair, x_t, eps, noise):
    levels = named(pair)
    assert_close(ddim_sigma(**levels, eta=1.0) ** 2, posterior_variance(**levels), units=8)
    found = ddim_step(x_t, eps, noise, **levels, eta=1.0)
    gain = (1 + np.abs(x_t).max() + np.abs(eps).max()) / pair[0] ** 0.5 + np.abs(noise).max()
    assert_law("P055", found, ddpm_step(x_t, eps, noise, **levels), scale=1 + gain)
    assert_close(found, ddpm_step(x_t, eps, noise, **levels), terms=gain, units=32)


@pytest.mark.property_id("P055")
@pytest.mark.verifies("song2021ddim/step-mean", "ho2020/posterior-mean")
@given(PAIRS, PICTURES, PICTURES)
def test_eta_1_has_the_posterior_mean_of_ddpm(pair, x_0, x_t):
    levels = named(pair)
    eps = eps_from_x_0(x_t, x_0, alpha_bar_t=pair[0])
    terms = (np.abs(x_0).max() + np.abs(x_t).max()) / (1 - pair[0]) ** 0.5
    found = ddim_mean(x_0, eps, **levels, eta=1.0)
    assert_close(found, posterior_mean(x_0, x_t, **levels), terms=1 + terms, units=32)


@pytest.mark.property_id("P061")
@pytest.mark.verifies(*DDIM)
@given(strategies.alpha_bar(), PICTURES, PICTURES, PICTURES, strategies.etas())
def test_last_step_returns_the_predicted_data_exactly(alpha_bar_t, x_t, eps, noise, eta):
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": 1.0, "eta": eta}
    x_0 = x_0_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t)
    assert (ddim_step(x_t, eps, noise, **levels) == x_0).all()
    assert ddim_sigma(**levels) == 0.0


@pytest.mark.verifies("song2021ddim/sigma")
@given(PAIRS, strategies.etas())
def test_eta_multiplies_the_standard_deviation(pair, eta):
    full = ddim_sigma(**named(pair), eta=1.0)
    assert_close(ddim_sigma(**named(pair), eta=eta), eta * full)


@pytest.mark.verifies("song2021ddim/step-mean", "song2021ddim/step")
@given(PAIRS, strategies.etas())
def test_the_direction_shrinks_as_eta_grows(pair, eta):
    direction = [ddim_mean(0.0, 1.0, **named(pair), eta=e) for e in (0.0, eta, 1.0)]
    assert direction[0] >= direction[1] >= direction[2] >= 0
    # eta = 0: all of the noise that q(x_s | x_0) has comes from the predicted eps.
    assert_close(direction[0] ** 2, forward_variance(alpha_bar_t=pair[1]))
