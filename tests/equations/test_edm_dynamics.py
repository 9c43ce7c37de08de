"""EDM's differential equations, steps and churn, from what they do to data of known law."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refdiff.closed_form import Gaussian, GaussianMixture
from refdiff.equations import continuous, solvers
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.inputs import magnitudes, spread

SIGMAS = strategies.sigmas(low=1e-2)
RATES = spread(-3.0, 3.0)
MEAN, VARIANCE = 1.5, 0.6
X = np.array([-2.0, 0.3, 4.0])


def score(sigma):
    return -(X - MEAN) / (VARIANCE + sigma**2)


@pytest.mark.verifies("karras2022/ode")
@given(SIGMAS, RATES)
def test_the_ode_moves_gaussian_points_with_the_standard_deviation(sigma, rate):
    """x = m + c sqrt(s^2 + sigma^2), so dx/dt is (x - m) times the logarithmic rate of the root."""
    wanted = (X - MEAN) * sigma * rate / (VARIANCE + sigma**2)
    found = solvers.edm_drift(score(sigma), sigma=sigma, sigma_rate=rate)
    assert_close(found, wanted, units=8)


@pytest.mark.verifies("karras2022/scaled-ode", "karras2022/slope", "karras2022/score-from-denoiser")
@given(SIGMAS, magnitudes(0.05, 2.0), RATES, RATES)
def test_a_signal_scale_adds_its_own_motion(sigma, alpha, alpha_rate, sigma_rate):
    """x = alpha y gives dx/dt = alpha' y + alpha y'; the score of x is that of y over alpha."""
    y_rate = (X - MEAN) * sigma * sigma_rate / (VARIANCE + sigma**2)
    wanted = alpha_rate * X + alpha * y_rate
    terms = np.abs(alpha_rate * X) + 16 * np.abs(alpha * sigma_rate) * (np.abs(X) + 1) / sigma
    at_scales = Gaussian(MEAN, VARIANCE).at_scales(alpha_t=alpha, sigma_t=alpha * sigma)
    common = {"alpha_t": alpha, "sigma": sigma}
    common |= {"alpha_rate": alpha_rate, "sigma_rate": sigma_rate}
    drift = solvers.edm_scaled_drift(alpha * X, at_scales.predict("score", alpha * X), **common)
    slope = solvers.edm_slope(alpha * X, at_scales.predict("x_0", alpha * X), **common)
    assert_close(drift, wanted, terms=terms)
    assert_close(slope, wanted, terms=terms)


@pytest.mark.verifies("karras2022/scaled-ode", "karras2022/vp-sigma", "karras2022/vp-scale")
@given(spread(0.01, 1.0))
def test_in_the_vp_schedule_it_is_the_probability_flow_of_song(t):
    """dx/dt = -beta/2 (x + score), with the rates of both schedules taken by autograd."""
    time = torch.tensor(t, dtype=torch.float64, requires_grad=True)
    betas = {"beta_d": 19.9, "beta_min": 0.1}
    sigma, alpha = (f(t=time, **betas) for f in (solvers.vp_sigma, solvers.vp_scale))
    sigma_rate, alpha_rate = (torch.autograd.grad(f, time)[0].item() for f in (sigma, alpha))
    found = solvers.edm_scaled_drift(
        X,
        score(0.7),
        alpha_t=alpha.item(),
        sigma=sigma.item(),
        alpha_rate=alpha_rate,
        sigma_rate=sigma_rate,
    )
    beta = 0.1 + 19.9 * t
    assert_close(found, -beta / 2 * (X + score(0.7)), terms=beta * 8.0, units=16)


@pytest.mark.property_id("P075")
@pytest.mark.verifies(
    "karras2022/sde-forward", "karras2022/sde-reverse", "karras2022/sde-diffusion"
)
@given(SIGMAS, RATES, st.one_of(st.just(0.0), magnitudes(1e-2, 10.0)))
def test_every_replacement_rate_gives_the_moments_of_the_ode(sigma, rate, replacement):
    """dV/dt = 2 a V + g^2 for a drift a (x - m) forwards, and -2 a V + g^2 backwards."""
    common = {"sigma": sigma, "sigma_rate": rate, "replacement_rate": replacement}
    variance = VARIANCE + sigma**2
    slope = np.array([-1.0 / variance])  # the score's own slope
    g = solvers.edm_sde_diffusion(sigma=sigma, replacement_rate=replacement)
    forward = 2 * solvers.edm_forward_sde_drift(slope, **common) * variance + g**2
    backward = -2 * solvers.edm_reverse_sde_drift(slope, **common) * variance + g**2
    wanted = 2 * sigma * rate  # of V = s^2 + sigma^2
    size = 1 + sigma**2 * replacement + sigma
    assert_law("P075", forward, wanted, scale=size)
    assert_law("P075", backward, -wanted, scale=size)


@pytest.mark.verifies("karras2022/sde-forward", "karras2022/sde-diffusion")
@given(SIGMAS, magnitudes(0.1, 3.0))
def test_one_replacement_rate_is_pure_diffusion(sigma, rate):
    common = {"sigma": sigma, "replacement_rate": rate / sigma}
    drift = solvers.edm_forward_sde_drift(score(sigma), sigma_rate=rate, **common)
    assert_close(drift, 0.0, terms=np.abs(score(sigma)) * sigma * rate)
    assert_close(solvers.edm_sde_diffusion(**common) ** 2, 2 * sigma * rate)


@pytest.mark.verifies("karras2022/denoising-loss", kind="closed-form")
@given(SIGMAS, spread(-0.5, 1.5))
def test_no_affine_denoiser_beats_the_mean_of_the_data(sigma, gain):
    """Its loss for D(x) = m + gain (x - m) is (gain - 1)^2 s^2 + gain^2 sigma^2."""
    noisy = Gaussian(MEAN, VARIANCE).at_scales(alpha_t=1.0, sigma_t=sigma)
    best = VARIANCE / (VARIANCE + sigma**2)
    smallest = sigma**2 * VARIANCE / (VARIANCE + sigma**2)
    assert_close(noisy.predict("x_0", X), MEAN + best * (X - MEAN), terms=8.0)
    assert_close(noisy.minimal_loss("x_0"), smallest, units=8)
    loss = (gain - 1) ** 2 * VARIANCE + gain**2 * sigma**2
    excess = (gain - best) ** 2 * (VARIANCE + sigma**2)
    assert_close(loss, smallest + excess, terms=loss + smallest + 4 * excess)
    assert_close((best - 1) ** 2 * VARIANCE + best**2 * sigma**2, smallest, units=8)


@pytest.mark.verifies("karras2022/score-from-denoiser", "karras2022/denoising-loss")
@given(SIGMAS)
def test_the_mean_of_mixture_data_gives_the_gradient_of_the_density(sigma):
    weights, means, spreads = [0.3, 0.7], [[-1.0], [2.0]], [0.2, 0.5]
    x = np.array([[-3.0], [-0.4], [0.5], [2.5]])
    # The same point in variance-preserving coordinates, which the closed form is written in.
    size = np.sqrt(1 + sigma**2)
    data = GaussianMixture(weights, means, spreads)
    denoised = data.optimal_x_0(x / size, alpha_bar_t=1 / (1 + sigma**2))
    found = continuous.score_from_x_0(x, denoised, alpha_t=1.0, sigma_t=sigma)
    points = torch.tensor(x, requires_grad=True)
    variances = torch.tensor(spreads, dtype=torch.float64) + sigma**2
    centers = torch.tensor(means, dtype=torch.float64).T
    logs = torch.log(torch.tensor(weights, dtype=torch.float64)) - variances.log() / 2
    density = torch.logsumexp(logs - (points - centers) ** 2 / (2 * variances), dim=1)
    (wanted,) = torch.autograd.grad(density.sum(), points)
    assert_close(found, wanted, terms=(np.abs(x) + 2) / sigma**2, units=64)


@pytest.mark.verifies("karras2022/euler-step", "karras2022/heun-step")
def test_steps_are_exact_for_slopes_of_their_degree():
    start, step = 2.0, -0.5
    for constant, linear in ((3.0, 0.0), (3.0, 4.0)):

        def slope(t, constant=constant, linear=linear):
            return constant + linear * t

        exact = constant * step + linear * ((start + step) ** 2 - start**2) / 2
        heun = solvers.heun_step(X, slope(start), slope(start + step), step=step)
        assert_close(heun, X + exact, terms=16.0)
        if linear == 0.0:
            assert_close(solvers.euler_step(X, slope(start), step=step), X + exact, terms=16.0)


@pytest.mark.verifies(
    "karras2022/churn-rise", "karras2022/churned-sigma", "karras2022/churned-state"
)
@given(SIGMAS, magnitudes(1e-6, 0.4))
def test_churn_adds_the_difference_of_the_variances(sigma, rise):
    raised = solvers.churned_sigma(sigma=sigma, rise=rise)
    assert_close(raised / sigma, 1 + rise)
    zero, one = np.zeros(1), np.ones(1)
    common = {"sigma": sigma, "rise": rise}
    added = solvers.churned_state(zero, one, noise_scale=1.0, **common)
    assert_close(sigma**2 + added**2, raised**2, units=8)
    assert_close(solvers.churned_state(one, one, noise_scale=0.0, **common), one)
    more = solvers.churned_state(zero, one, noise_scale=1.007, **common)
    assert_close(more, 1.007 * added)


@pytest.mark.verifies("karras2022/churn-rise")
def test_churn_acts_inside_its_range_and_at_most_doubles_the_variance():
    common = {"num_steps": 10.0, "churn_lo": 0.5, "churn_hi": 50.0}
    levels = np.array([0.49, 0.5, 1.0, 50.0, 50.1])
    rises = solvers.churn_rise(sigma=levels, churn=np.full(5, 2.0), **common)
    np.testing.assert_array_equal(rises, [0.0, 0.2, 0.2, 0.2, 0.0])
    most = solvers.churn_rise(sigma=3.0, churn=80.0, **common)
    assert_close(solvers.churned_sigma(sigma=3.0, rise=most) ** 2, 18.0)
    assert solvers.churn_rise(sigma=3.0, churn=0.0, **common) == 0.0


@pytest.mark.verifies("karras2022/sigma-distribution")
def test_training_levels_are_log_normal():
    quantiles = np.linspace(0.01, 0.99, 25)
    found = solvers.training_sigma(stats.norm.ppf(quantiles), log_mean=-1.2, log_std=1.2)
    wanted = stats.lognorm(s=1.2, scale=np.exp(-1.2)).ppf(quantiles)
    assert_close(found, wanted, units=64)
