"""The diffusion loss: divergences, limits, mutual information, invariance, the whole bound."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import refdiff.equations as eq
from refdiff.closed_form import Gaussian
from refdiff.equations import continuous, sde
from refdiff.testing import assert_close, assert_law
from tests.support.inputs import magnitudes, spread

number = spread(-3.0, 3.0)
gamma_pairs = st.tuples(spread(-7.0, 7.0), magnitudes(1e-2, 6.0)).map(
    lambda found: {"gamma_t": found[0], "gamma_s": found[0] - found[1]}
)
DATA = Gaussian([0.4], 0.36)
GAMMA_0, GAMMA_1 = -6.0, 4.0
# Schedules between the same ends: gamma(t) with its derivative.
SCHEDULES = {
    "linear": (lambda t: GAMMA_0 + 10.0 * t, lambda t: 10.0 + 0.0 * t),
    "quadratic": (lambda t: GAMMA_0 + 10.0 * t**2, lambda t: 20.0 * t),
    "cosine": (
        lambda t: GAMMA_0 + 5.0 * (1.0 - np.cos(np.pi * t)),
        lambda t: 5.0 * np.pi * np.sin(np.pi * t),
    ),
}


def scales(gamma):
    return {
        "alpha_t": float(sde.alpha_from_gamma(gamma_t=gamma)),
        "sigma_t": float(sde.sigma_from_gamma(gamma_t=gamma)),
    }


def smallest_error(gamma):
    """Return the mean squared error of the best prediction of x_0."""
    return DATA.at_scales(**scales(gamma)).minimal_loss("x_0")


def discrete_loss(T):
    """Return L_T for the best prediction: an error of its standard deviation in every step."""
    grid = [SCHEDULES["linear"][0](i / T) for i in range(T + 1)]
    total = 0.0
    for s, t in itertools.pairwise(grid):
        error = np.sqrt(smallest_error(t))
        total += sde.diffusion_loss_x_0(error, 0.0, gamma_t=t, gamma_s=s, num_steps=T) / T
    return total


def continuous_loss(name):
    gamma, rate = SCHEDULES[name]

    def density(t):
        error, snr = np.sqrt(smallest_error(gamma(t))), sde.snr_from_gamma(gamma_t=gamma(t))
        return sde.continuous_loss_x_0(error, 0.0, snr_t=snr, gamma_rate=rate(t))

    return quad(density, 0.0, 1.0, epsabs=1e-14, epsrel=1e-13)[0]


def information(gamma):
    """Return the mutual information of x_0 and x_t in nats."""
    return DATA.mutual_information(snr=float(sde.snr_from_gamma(gamma_t=gamma)))


@pytest.mark.verifies(
    "kingma2021/diffusion-loss", "kingma2021/diffusion-loss-x-0", "kingma2021/generative-model"
)
@given(gamma_pairs, number, number, number)
def test_the_term_of_a_step_is_the_divergence_of_its_two_posteriors(pair, x_0, guess, eps):
    at_t, at_s = scales(pair["gamma_t"]), scales(pair["gamma_s"])
    both = {**at_t, "alpha_s": at_s["alpha_t"], "sigma_s": at_s["sigma_t"]}
    x_t = continuous.forward_sample(x_0, eps, **at_t)
    means = [continuous.posterior_mean(data, x_t, **both) for data in (x_0, guess)]
    log_variance = np.log(sde.posterior_variance_from_gamma(**pair))
    divergence = eq.normal_kl(means[0], log_variance, means[1], log_variance)
    found = sde.diffusion_loss_x_0(x_0, guess, num_steps=1, **pair)
    size = (abs(x_0) + abs(guess) + abs(eps) + 1) ** 2 * np.exp(-log_variance)
    assert_close(found, divergence, terms=size, units=64)
    hundred = sde.diffusion_loss_x_0(x_0, guess, num_steps=100, **pair)
    assert_close(hundred, 100 * found)


@pytest.mark.property_id("P017")
@pytest.mark.verifies("kingma2021/diffusion-loss-eps", "kingma2021/diffusion-loss-x-0")
@given(gamma_pairs, number, number, number)
def test_the_loss_in_eps_is_that_in_x_0_and_ddpms_with_the_posterior_variance(pair, x_t, eps, bad):
    at_t = scales(pair["gamma_t"])
    in_eps = sde.diffusion_loss_eps(eps, bad, num_steps=2, **pair)
    data = [continuous.x_0_from_eps(x_t, noise, **at_t) for noise in (eps, bad)]
    in_x_0 = sde.diffusion_loss_x_0(*data, num_steps=2, **pair)
    weight = in_eps / (eps - bad) ** 2 if eps != bad else 0.0
    size = weight * (abs(eps) + abs(bad) + abs(x_t) + 1) ** 2 / at_t["sigma_t"] ** 2
    assert_close(in_eps, in_x_0, terms=size + 1, units=64)
    levels = {
        "alpha_bar_t": at_t["alpha_t"] ** 2,
        "alpha_bar_s": float(sde.alpha_from_gamma(gamma_t=pair["gamma_s"])) ** 2,
    }
    variance = eq.posterior_variance(**levels)
    ddpm = eq.vlb_weight_eps(variance=variance, **levels)
    lost = 1 / (1 - levels["alpha_bar_s"]) + 1 / (1 - levels["alpha_bar_t"])
    half = sde.diffusion_loss_eps(1.0, 0.0, num_steps=1, **pair)
    assert_law("P017", half, ddpm, scale=lost + 1 / (pair["gamma_t"] - pair["gamma_s"]))


@pytest.mark.verifies(
    "kingma2021/continuous-loss-x-0",
    "kingma2021/continuous-loss-eps",
    "kingma2021/snr-from-gamma",
)
@given(spread(-7.0, 7.0), magnitudes(0.1, 10.0), number, number, number)
def test_the_continuous_losses_agree_and_are_the_limit_of_the_discrete_one(
    gamma, rate, x_t, eps, bad
):
    at_t = scales(gamma)
    data = [continuous.x_0_from_eps(x_t, noise, **at_t) for noise in (eps, bad)]
    snr = sde.snr_from_gamma(gamma_t=gamma)
    in_eps = sde.continuous_loss_eps(eps, bad, gamma_rate=rate)
    in_x_0 = sde.continuous_loss_x_0(*data, snr_t=snr, gamma_rate=rate)
    size = rate * (abs(eps) + abs(bad) + abs(x_t) + 1) ** 2 / at_t["sigma_t"] ** 2
    assert_close(in_eps, in_x_0, terms=size, units=64)
    # A step of length 1/T with T so large that the next term is below rounding.
    T = 2.0**60
    step = {"gamma_t": rate / T, "gamma_s": 0.0}
    assert_close(sde.diffusion_loss_eps(eps, bad, num_steps=T, **step), in_eps)


@pytest.mark.property_id("P051")
@pytest.mark.verifies("kingma2021/diffusion-loss-x-0", "kingma2021/continuous-loss-x-0")
def test_more_steps_give_a_smaller_loss_with_an_excess_that_halves():
    limit = continuous_loss("linear")
    excess = [discrete_loss(T) - limit for T in (64, 128, 256)]
    assert excess[0] > excess[1] > excess[2] > 0
    assert_law("P051", excess[0] / excess[1], 2.0)
    assert_law("P051", excess[1] / excess[2], 2.0)


@pytest.mark.property_id("P052")
@pytest.mark.property_id("P053")
@pytest.mark.verifies("kingma2021/invariance", "kingma2021/continuous-loss-x-0", kind="closed-form")
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_continuous_loss_of_the_best_prediction_is_mutual_information(name):
    expected = information(GAMMA_0) - information(GAMMA_1)
    assert_law("P052", continuous_loss(name), expected)


def any_model(x_t, v):
    """A prediction of x_0 that is far from the best, as a function of state and SNR."""
    return np.tanh(x_t) / (1.0 + v) + 0.2 * x_t


def error_at(v):
    """Return the mean square error of this model for x_0 = 0.7 at SNR v, over the noise."""
    nodes, masses = np.polynomial.hermite_e.hermegauss(40)
    at_t = scales(-np.log(v))
    x_t = continuous.forward_sample(0.7, nodes, **at_t)
    return float((masses / masses.sum() * (0.7 - any_model(x_t, v)) ** 2).sum())


def over_time(name, weight):
    gamma, rate = SCHEDULES[name]

    def density(t):
        v = float(sde.snr_from_gamma(gamma_t=gamma(t)))
        error = np.sqrt(error_at(v) * weight(v))
        return sde.continuous_loss_x_0(error, 0.0, snr_t=v, gamma_rate=rate(t))

    return quad(density, 0.0, 1.0, epsabs=1e-12, epsrel=1e-12, limit=200)[0]


def over_snr(weight):
    """Integrate over v = SNR, in its logarithm for the sake of the quadrature."""

    def density(log_v):
        v = np.exp(log_v)
        return v * sde.weighted_loss_x_0(np.sqrt(error_at(v)), 0.0, weight=weight(v))

    return quad(density, -GAMMA_1, -GAMMA_0, epsabs=1e-12, epsrel=1e-12, limit=200)[0]


@pytest.mark.property_id("P053")
@pytest.mark.verifies("kingma2021/invariance", "kingma2021/weighted-loss")
@pytest.mark.parametrize("weight", [lambda v: 1.0, lambda v: 1.0 / (1.0 + v)], ids=["bound", "p2"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_for_any_model_and_weight_the_loss_depends_on_the_ends_alone(name, weight):
    assert_law("P053", over_time(name, weight), over_snr(weight), scale=10.0)


@pytest.mark.verifies("kingma2021/bound", "kingma2021/continuous-loss-x-0", kind="closed-form")
def test_the_bound_exceeds_the_entropy_by_the_divergence_of_the_ends():
    """Best predictions in continuous time: only N(0, 1) in place of q(z_1) is left to lose."""
    nodes, masses = np.polynomial.hermite_e.hermegauss(20)
    x_0 = 0.4 + 0.6 * nodes
    last = scales(GAMMA_1)
    prior = eq.normal_kl(last["alpha_t"] * x_0, np.log(last["sigma_t"] ** 2), 0.0, 0.0)
    prior = float((masses / masses.sum() * prior).sum())
    left = smallest_error(GAMMA_0)
    reconstruction = 0.5 * (1.0 + np.log(2 * np.pi * left))  # entropy of x_0 given z_0
    bound = prior + reconstruction + continuous_loss("cosine")
    marginal = DATA.at_scales(**last).marginal
    excess = marginal.kl_divergence(Gaussian([0.0], 1.0))
    assert_law("P052", bound - DATA.entropy(), excess)
    assert excess > 0


@pytest.mark.property_id("P043")
@pytest.mark.verifies("kingma2021/bound", "kingma2021/diffusion-loss")
@pytest.mark.parametrize("T", [1, 4, 50])
def test_the_bound_of_a_finite_chain_is_above_that_of_continuous_time(T):
    assert discrete_loss(T) > continuous_loss("linear")
    assert discrete_loss(2 * T) < discrete_loss(T)


@pytest.mark.verifies("kingma2021/weighted-loss")
@given(magnitudes(1e-3, 1e3), number, number)
def test_weight_1_over_the_snr_is_the_continuous_loss(v, x_0, guess):
    """With t = SNR_max - SNR the SNR falls at rate 1, so that gamma rises by 1/SNR."""
    bound = sde.continuous_loss_x_0(x_0, guess, snr_t=v, gamma_rate=1 / v)
    assert_close(sde.weighted_loss_x_0(x_0, guess, weight=1.0), bound)
