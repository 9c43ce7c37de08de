"""Predictors, correctors and posteriors of score-based chains, and the losses of scores."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import solve_discrete_lyapunov

import refdiff.equations as eq
from refdiff.closed_form import Gaussian
from refdiff.equations import continuous, sde
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.inputs import magnitudes, spread

number = spread(-3.0, 3.0)
sigma_pairs = st.tuples(magnitudes(0.05, 50.0), st.floats(0.0, 0.99)).map(
    lambda found: {"sigma_t": found[0], "sigma_s": found[0] * found[1]}
)


@pytest.mark.verifies("song2021sde/langevin-step")
@given(magnitudes(0.1, 10.0), st.floats(0.05, 1.5))
def test_langevin_steps_keep_the_known_biased_variance_of_a_normal_density(variance, share):
    """With step = share V the chain settles at V/(1 - share/2), and in the limit at V."""
    step = share * variance
    gain = sde.langevin_step(1.0, -1.0 / variance, 0.0, step_size=step)
    kick = sde.langevin_step(0.0, 0.0, 1.0, step_size=step)
    settled = solve_discrete_lyapunov(np.array([[gain]]), np.array([[kick**2]])).item()
    assert_close(settled, variance / (1 - share / 2), units=64)
    assert abs(gain) < 1  # and for steps of 2V the chain no longer settles
    edge = sde.langevin_step(1.0, -1.0 / variance, 0.0, step_size=2 * variance)
    assert_close(edge, -1.0, terms=3.0)


@pytest.mark.verifies("song2021sde/corrector-step-size")
@given(magnitudes(0.01, 100.0), magnitudes(0.01, 100.0), magnitudes(0.01, 1.0), st.floats(0.0, 0.9))
def test_the_corrector_gives_noise_and_drift_the_chosen_ratio(score, noise, ratio, beta):
    """The drift of the Langevin step is r times as large as its noise; VP shortens the step."""
    size = sde.corrector_step_size(
        score_norm=score, noise_norm=noise, corrector_snr=ratio, beta=0.0
    )
    drift = sde.langevin_step(0.0, score, 0.0, step_size=size)
    kick = sde.langevin_step(0.0, 0.0, noise, step_size=size)
    assert_close(drift / kick, ratio, units=16)
    smaller = sde.corrector_step_size(
        score_norm=score, noise_norm=noise, corrector_snr=ratio, beta=beta
    )
    assert_close(smaller, size * (1 - beta), units=8)


@pytest.mark.verifies("song2021sde/vp-ancestral-step", "ho2020/ancestral-step-fixed-large")
@given(number, number, number, magnitudes(1e-4, 0.9), st.floats(0.05, 0.999))
def test_the_score_form_of_ancestral_sampling_is_ddpms(x_t, eps, noise, beta, alpha_bar_s):
    levels = {"alpha_bar_t": (1 - beta) * alpha_bar_s, "alpha_bar_s": alpha_bar_s}
    step = 1 - levels["alpha_bar_t"] / levels["alpha_bar_s"]
    score = eq.score_from_eps(eps, alpha_bar_t=levels["alpha_bar_t"])
    found = sde.vp_ancestral_step(x_t, score, noise, beta=step)
    wanted = eq.ddpm_step_fixed_large(x_t, eps, noise, **levels)
    size = (abs(x_t) + abs(score) + abs(noise) + 1) / (1 - beta)
    assert_close(found, wanted, terms=size, units=16)


@pytest.mark.verifies("song2021sde/reverse-diffusion-step", "song2021sde/vp-reverse-diffusion-step")
@given(number, number, number, st.floats(0.0, 1.0))
def test_the_vp_reverse_step_undoes_what_the_chain_adds(x_t, score, noise, beta):
    drift = sde.vp_chain_step(x_t, 0.0, beta=beta) - x_t
    added = sde.vp_chain_step(0.0, 1.0, beta=beta)
    found = sde.vp_reverse_diffusion_step(x_t, score, noise, beta=beta)
    general = sde.reverse_diffusion_step(x_t, drift, score, noise, diffusion=added)
    assert_close(found, general, terms=12.0)


@pytest.mark.verifies("song2021sde/vp-reverse-diffusion-step", "song2021sde/vp-ancestral-step")
@pytest.mark.parametrize(("x_t", "score", "noise"), [(1.0, 0.0, 0.0), (0.7, -1.3, 0.4)])
def test_reverse_diffusion_and_ancestral_steps_differ_in_second_order(x_t, score, noise):
    with mp.workdps(60):
        beta = mp.mpf(10) ** -20
        gap = sde.vp_ancestral_step(x_t, score, noise, beta=beta) - sde.vp_reverse_diffusion_step(
            x_t, score, noise, beta=beta
        )
        limit = float(gap / beta**2)
    # 1/sqrt(1-b) + sqrt(1-b) - 2 = b^2/4 + ..., and b (1/sqrt(1-b) - 1) = b^2/2 + ...
    assert_close(limit, x_t / 4 + score / 2)


@pytest.mark.verifies("song2021sde/reverse-diffusion-step", "song2021sde/reverse-sde")
@pytest.mark.parametrize("x", [0.5, 1.5])
def test_a_small_reverse_diffusion_step_is_the_reverse_sde(x):
    with mp.workdps(50):
        dt, rate, score = mp.mpf(10) ** -25, mp.mpf("1.7"), mp.mpf("-0.4")
        g = sde.vp_diffusion(beta_t=rate)
        moved = sde.vp_reverse_diffusion_step(mp.mpf(x), score, mp.mpf(0), beta=rate * dt) - x
        wanted = sde.reverse_drift(sde.vp_drift(mp.mpf(x), beta_t=rate), score, diffusion=g)
        kick = sde.vp_reverse_diffusion_step(mp.mpf(0), mp.mpf(0), mp.mpf(1), beta=rate * dt)
        found = float(moved / -dt), float(kick / mp.sqrt(dt))
    assert_close(found[0], float(wanted))
    assert_close(found[1], float(g))


@pytest.mark.verifies("song2021sde/ve-posterior-mean", "song2021sde/ve-posterior-variance")
@given(sigma_pairs, number, number)
def test_the_ve_posterior_is_bayes_rule_in_precisions(scales, x_0, x_t):
    sigma_t, sigma_s = scales["sigma_t"], scales["sigma_s"]
    if sigma_s < 1e-3 * sigma_t:
        assert sde.ve_posterior_variance(sigma_t=sigma_t, sigma_s=0.0) == 0.0
        assert sde.ve_posterior_mean(x_0, x_t, sigma_t=sigma_t, sigma_s=0.0) == x_0
        return
    likelihood = 1 / sde.ve_transition_variance(**scales)
    prior = 1 / sigma_s**2
    mean = (likelihood * x_t + prior * x_0) / (likelihood + prior)
    terms = (1 + abs(x_0) + abs(x_t)) * likelihood * sigma_t**2
    assert_close(sde.ve_posterior_mean(x_0, x_t, **scales), mean, terms=terms, units=16)
    variance = sde.ve_posterior_variance(**scales)
    assert_close(variance, 1 / (likelihood + prior), units=64)


@pytest.mark.property_id("P020")
@pytest.mark.verifies(
    "song2021sde/ve-posterior-mean",
    "song2021sde/ve-posterior-variance",
    "ho2020/posterior-mean",
    "ho2020/posterior-variance",
)
@given(strategies.alpha_bar_pairs(include_clean=False), number, number)
def test_the_ve_posterior_is_the_vp_one_divided_by_the_signal_scale(pair, x_0, eps):
    alpha_bar_t, alpha_bar_s = pair
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    scales = {
        "sigma_t": np.sqrt((1 - alpha_bar_t) / alpha_bar_t),
        "sigma_s": np.sqrt((1 - alpha_bar_s) / alpha_bar_s),
    }
    x_t = eq.forward_sample(x_0, eps, **{"alpha_bar_t": alpha_bar_t})
    mean = eq.posterior_mean(x_0, x_t, **levels) / np.sqrt(alpha_bar_s)
    found = sde.ve_posterior_mean(x_0, x_t / np.sqrt(alpha_bar_t), **scales)
    # The levels are rounded: 1 - alpha_bar and the step between have lost these digits.
    lost = 1 / (1 - alpha_bar_s) + 1 / (1 - alpha_bar_t / alpha_bar_s)
    size = (abs(x_0) + abs(eps) + 1) * (1 + scales["sigma_t"])
    assert_law("P020", found, mean, scale=lost, terms=size)
    variance = eq.posterior_variance(**levels) / alpha_bar_s
    assert_law("P020", sde.ve_posterior_variance(**scales), variance, scale=lost)


@pytest.mark.verifies("song2021sde/ve-ancestral-step", kind="closed-form")
@given(sigma_pairs, number, number)
def test_ve_ancestral_steps_keep_every_marginal_of_a_point(scales, point, z):
    """With the exact score of data in one point mean and variance at s come out exactly."""
    sigma_t, sigma_s = scales["sigma_t"], scales["sigma_s"]

    def step(x_t, noise):
        score = continuous.score_from_x_0(x_t, point, alpha_t=1.0, sigma_t=sigma_t)
        return sde.ve_ancestral_step(x_t, score, noise, **scales)

    centre = step(point, 0.0)
    gain = step(point + sigma_t, 0.0) - centre
    kick = step(point, 1.0) - centre
    assert_close(centre, point)
    size = abs(point) + sigma_t
    assert_close(gain**2 + kick**2, sigma_s**2, terms=sigma_s**2 + sigma_t * size, units=16)
    # The gain is a difference of states; dividing by sigma_t magnifies its rounding.
    found = step(point + z, 0.0) - centre
    assert_close(found, gain * z / sigma_t, terms=size * (1 + abs(z) / sigma_t), units=16)


@pytest.mark.verifies("song2021sde/ddpm-score-loss", "ho2020/simple-loss")
@given(number, number, number, st.floats(0.01, 0.99))
def test_ddpms_loss_of_scores_is_the_squared_error_of_the_noise(x_0, eps, eps_pred, alpha_bar_t):
    x_t = eq.forward_sample(x_0, eps, alpha_bar_t=alpha_bar_t)
    score_pred = eq.score_from_eps(eps_pred, alpha_bar_t=alpha_bar_t)
    found = sde.ddpm_score_loss(score_pred, x_t, x_0, alpha_bar_t=alpha_bar_t)
    wanted = eq.simple_loss(np.array([eps]), np.array([eps_pred])).item()
    size = (abs(x_0) + abs(eps) + abs(eps_pred) + 1) ** 2 / (1 - alpha_bar_t)
    assert_close(found, wanted, terms=size, units=16)


@pytest.mark.verifies("song2021sde/smld-loss", "song2021sde/score-matching-loss")
@given(number, number, number, magnitudes(0.1, 10.0))
def test_smlds_loss_compares_the_scaled_score_with_minus_the_noise(x_0, noise, output, sigma_t):
    x_t = continuous.forward_sample(x_0, noise, alpha_t=1.0, sigma_t=sigma_t)
    found = sde.smld_loss(output / sigma_t, x_t, x_0, sigma_t=sigma_t)
    size = (abs(output) + abs(noise) + abs(x_0) / sigma_t + 1) ** 2
    assert_close(found, (output + noise) ** 2, terms=size, units=16)
    general = sde.score_matching_loss(
        output / sigma_t, x_t, x_0, alpha_t=1.0, sigma_t=sigma_t, weight=sigma_t**2
    )
    assert_close(found, general, terms=size, units=16)


@pytest.mark.property_id("P031")
@pytest.mark.verifies("song2021sde/score-matching-loss", kind="closed-form")
@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_denoising_differs_from_explicit_score_matching_by_a_constant(weight):
    """For Gaussian data and any affine score: both losses by quadrature over x_0 and eps."""
    data, alpha_t, sigma_t = Gaussian([0.8], 0.36), 0.6, 0.7
    marginal = data.at_scales(alpha_t=alpha_t, sigma_t=sigma_t)
    nodes, masses = np.polynomial.hermite_e.hermegauss(12)
    masses = masses / masses.sum()
    x_0, eps = np.meshgrid(0.8 + 0.6 * nodes, nodes, indexing="ij")
    mass = np.outer(masses, masses)
    x_t = continuous.forward_sample(x_0, eps, alpha_t=alpha_t, sigma_t=sigma_t)
    true = marginal.predict("score", x_t[..., None])[..., 0]
    gaps = []
    for slope, offset in ((-1.0, 0.0), (0.5, 2.0), (-2.0, -1.0)):
        guess = slope * x_t + offset
        terms = sde.score_matching_loss(
            guess, x_t, x_0, alpha_t=alpha_t, sigma_t=sigma_t, weight=weight
        )
        gaps.append((mass * (terms - weight * (guess - true) ** 2)).sum())
    assert_law("P031", np.array(gaps[1:]), np.array(gaps[:1] * 2), scale=16.0)
    # The constant is the weighted variance of the kernel's score given x_t.
    left = data.at_scales(alpha_t=alpha_t, sigma_t=sigma_t).minimal_loss("x_0")
    assert_law("P031", gaps[0], weight * (alpha_t / sigma_t**2) ** 2 * left, scale=16.0)


@pytest.mark.verifies("song2021sde/score-matching-loss", kind="closed-form")
def test_the_minimizing_score_at_a_point_is_that_of_the_marginal():
    """Data uniform on an interval: the loss at one x_t over the posterior, by quadrature."""
    x_t, alpha_t, sigma_t = 0.7, 0.8, 0.5
    scales = {"alpha_t": alpha_t, "sigma_t": sigma_t}

    def against(function):
        def integrand(x_0):
            return function(x_0) * np.exp(-((x_t - alpha_t * x_0) ** 2) / (2 * sigma_t**2))

        return quad(integrand, -1.0, 1.0, epsabs=0, epsrel=1e-13)[0]

    mass = against(lambda x_0: 1.0)
    # The loss is a parabola in the score: three values give its minimum.
    low, middle, high = (
        against(lambda x_0, s=s: sde.score_matching_loss(s, x_t, x_0, weight=1.0, **scales)) / mass
        for s in (-1.0, 0.0, 1.0)
    )
    best = (low - high) / (2 * (low + high - 2 * middle))
    score = against(lambda x_0: continuous.score_from_x_0(x_t, x_0, **scales)) / mass
    ends = [np.exp(-((x_t - alpha_t * end) ** 2) / (2 * sigma_t**2)) for end in (-1.0, 1.0)]
    exact = (ends[0] - ends[1]) / alpha_t / mass  # the marginal's own derivative
    assert_close(score, exact, terms=8.0, units=64)
    assert_close(best, exact, terms=8.0, units=256)
