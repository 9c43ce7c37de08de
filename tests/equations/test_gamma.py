"""Scales, transitions and SDE coefficients in the log-SNR of Variational Diffusion Models."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import refdiff.equations as eq
from refdiff.closed_form import Gaussian
from refdiff.equations import continuous, sde
from refdiff.testing import assert_close, assert_law
from tests.support.inputs import magnitudes, spread

gammas = spread(-8.0, 8.0)
number = spread(-3.0, 3.0)
DATA = Gaussian([1.5], 0.25)


def both(gamma_t, gamma_s):
    return {
        "alpha_t": sde.alpha_from_gamma(gamma_t=gamma_t),
        "sigma_t": sde.sigma_from_gamma(gamma_t=gamma_t),
        "alpha_s": sde.alpha_from_gamma(gamma_t=gamma_s),
        "sigma_s": sde.sigma_from_gamma(gamma_t=gamma_s),
    }


@st.composite
def pairs(draw):
    gamma_t = draw(gammas)
    return gamma_t, gamma_t - draw(magnitudes(1e-3, 6.0))


@pytest.mark.property_id("P010")
@pytest.mark.verifies(
    "kingma2021/alpha-from-gamma", "kingma2021/sigma-from-gamma", "kingma2021/snr-from-gamma"
)
@given(gammas)
def test_the_scales_of_a_gamma_preserve_variance_and_give_it_back(gamma):
    alpha, sigma = sde.alpha_from_gamma(gamma_t=gamma), sde.sigma_from_gamma(gamma_t=gamma)
    assert_close(alpha**2 + sigma**2, 1.0)
    assert_close(alpha**2, eq.alpha_bar_from_log_snr(log_snr_t=-gamma))
    assert_close(sde.snr_from_gamma(gamma_t=gamma), continuous.snr(alpha_t=alpha, sigma_t=sigma))
    found = -continuous.log_snr(alpha_t=alpha, sigma_t=sigma)
    assert_close(found, gamma, terms=abs(gamma) + 4)


@pytest.mark.verifies(
    "kingma2021/transition-variance-from-gamma", "kingma2021/posterior-variance-from-gamma"
)
@given(pairs())
def test_the_stable_variances_are_the_printed_differences(pair):
    scales = both(*pair)
    found = sde.transition_variance_from_gamma(gamma_t=pair[0], gamma_s=pair[1])
    ratio = scales["alpha_t"] / scales["alpha_s"]
    assert_close(
        found,
        scales["sigma_t"] ** 2 - (ratio * scales["sigma_s"]) ** 2,
        terms=scales["sigma_t"] ** 2,
        units=16,
    )
    # Bayes' rule: the precision given x_t and x_0 is what x_t says of x_s, and the prior's.
    precision = ratio**2 / found + 1 / scales["sigma_s"] ** 2
    variance = sde.posterior_variance_from_gamma(gamma_t=pair[0], gamma_s=pair[1])
    assert_close(variance, 1 / precision, units=64 / min(1.0, pair[0] - pair[1]))


@pytest.mark.verifies("kingma2021/transition-variance-from-gamma")
@given(gammas, magnitudes(1e-3, 5.0), magnitudes(1e-3, 5.0))
def test_transitions_through_a_time_between_compose(gamma_t, first, second):
    gamma_u, gamma_s = gamma_t - first, gamma_t - first - second
    late = sde.transition_variance_from_gamma(gamma_t=gamma_t, gamma_s=gamma_u)
    early = sde.transition_variance_from_gamma(gamma_t=gamma_u, gamma_s=gamma_s)
    ratio = sde.alpha_from_gamma(gamma_t=gamma_t) / sde.alpha_from_gamma(gamma_t=gamma_u)
    whole = sde.transition_variance_from_gamma(gamma_t=gamma_t, gamma_s=gamma_s)
    # gamma_u is rounded: by a part of the shorter step.
    lost = (1 + abs(gamma_t)) / min(first, second)
    assert_close(late + ratio**2 * early, whole, units=16 * (1 + lost))


@pytest.mark.property_id("P019")
@pytest.mark.verifies(
    "kingma2021/generative-model",
    "kingma2021/reverse-mean-from-eps",
    "kingma2021/reverse-mean-from-score",
    "kingma2021/reverse-mean-from-gamma",
    "kingma2021/posterior-mean",
)
@given(pairs(), number, number)
def test_all_forms_of_the_reverse_mean_are_the_posterior_mean_with_the_predicted_data(pair, x, eps):
    scales = both(*pair)
    at_t = {name: scales[name] for name in ("alpha_t", "sigma_t")}
    x_t = continuous.forward_sample(x, eps, **at_t)
    wanted = continuous.posterior_mean(x, x_t, **scales)
    score = continuous.score_from_eps(eps, sigma_t=scales["sigma_t"])
    size = (abs(x) + abs(eps) + 1) * scales["alpha_s"] / scales["alpha_t"] * 16
    found = [
        sde.reverse_mean_from_eps(x_t, eps, **scales),
        sde.reverse_mean_from_score(x_t, score, **scales),
        sde.reverse_mean_from_gamma(x_t, eps, gamma_t=pair[0], gamma_s=pair[1]),
    ]
    assert_law("P019", np.array(found), np.full(3, wanted), scale=size)
    levels = {"alpha_bar_t": scales["alpha_t"] ** 2, "alpha_bar_s": scales["alpha_s"] ** 2}
    lost = 1 / (1 - levels["alpha_bar_t"])
    ddpm = eq.posterior_mean_from_eps(x_t, eps, **levels)
    assert_law("P019", found[0], ddpm, scale=size * lost)


@pytest.mark.property_id("P019")
@pytest.mark.verifies("kingma2021/reverse-mean-from-gamma")
def test_without_the_noise_scale_the_stable_form_is_wrong():
    """What a copy of the printed form says, alpha_s/alpha_t (x_t + expm1(.) eps)."""
    gamma_t, gamma_s, x, eps = 0.5, 0.1, 0.7, -1.1
    scales = both(gamma_t, gamma_s)
    x_t = scales["alpha_t"] * x + scales["sigma_t"] * eps
    rescaling = scales["alpha_s"] / scales["alpha_t"]
    copied = rescaling * (x_t + np.expm1(gamma_s - gamma_t) * eps)
    wanted = continuous.posterior_mean(x, x_t, **scales)
    assert abs(copied - wanted) > 0.03
    fixed = rescaling * (x_t + scales["sigma_t"] * np.expm1(gamma_s - gamma_t) * eps)
    assert_law("P019", fixed, wanted)


@pytest.mark.verifies("kingma2021/generative-model", kind="closed-form")
@given(pairs(), number)
def test_with_the_best_prediction_the_model_has_the_mean_of_the_exact_reverse_kernel(pair, x_t):
    scales = both(*pair)
    at_t = DATA.at_scales(alpha_t=scales["alpha_t"], sigma_t=scales["sigma_t"])
    at_s = DATA.at_scales(alpha_t=scales["alpha_s"], sigma_t=scales["sigma_s"])
    eps = at_t.predict("eps", np.array([x_t])).item()
    kernel = at_t.reverse_to(at_s)
    wanted = np.asarray(kernel.gain) * x_t + kernel.offset
    size = (abs(x_t) + 4) * scales["alpha_s"] / scales["alpha_t"]
    found = sde.reverse_mean_from_gamma(x_t, eps, gamma_t=pair[0], gamma_s=pair[1])
    assert_close(found, wanted.item(), terms=size, units=64)


@pytest.mark.verifies("kingma2021/generative-model")
@given(pairs(), number)
def test_with_the_true_data_the_model_keeps_the_marginals(pair, x):
    """Averaged over q(z_t | x) the model's step gives the mean and variance of q(z_s | x)."""
    scales = both(*pair)
    gain = continuous.posterior_mean(0.0, 1.0, **scales)
    mean = continuous.posterior_mean(x, scales["alpha_t"] * x, **scales)
    variance = gain**2 * scales["sigma_t"] ** 2
    variance += sde.posterior_variance_from_gamma(gamma_t=pair[0], gamma_s=pair[1])
    assert_close(mean, scales["alpha_s"] * x, terms=abs(x) + 1, units=16)
    assert_close(variance, scales["sigma_s"] ** 2, units=64)


PATHS = {
    "straight": (lambda t: 1 - t, lambda t: t),
    "cosine": (lambda t: mp.cos(mp.pi * t / 2), lambda t: mp.sin(mp.pi * t / 2)),
    "exploding": (lambda t: mp.mpf(1), lambda t: mp.exp(3 * t)),
    "widening": (lambda t: 1 + t, lambda t: (1 + t) * t),
}


def coefficients(path, t):
    """Return (slope of the drift, squared diffusion, diffusion from gamma) at a time."""
    alpha, sigma = PATHS[path]
    with mp.workdps(30):
        log_alpha_rate = mp.diff(lambda u: mp.log(alpha(u)), t)
        variance_rate = mp.diff(lambda u: sigma(u) ** 2, t)
        gamma_rate = mp.diff(lambda u: 2 * mp.log(sigma(u) / alpha(u)), t)
        slope = sde.linear_drift(1, log_alpha_rate=log_alpha_rate)
        squared = sde.squared_diffusion(
            sigma_t=sigma(t), variance_rate=variance_rate, log_alpha_rate=log_alpha_rate
        )
        g = sde.diffusion_from_gamma_rate(sigma_t=sigma(t), gamma_rate=gamma_rate)
    return float(slope), float(squared), float(g)


@pytest.mark.property_id("P072")
@pytest.mark.verifies(
    "kingma2021/sde-drift",
    "kingma2021/sde-squared-diffusion",
    "kingma2021/sde-diffusion-from-gamma",
)
@pytest.mark.parametrize("path", PATHS)
def test_moments_of_the_sde_of_any_two_scales_are_the_scales(path):
    start, end = 0.2, 0.7

    def rates(t, y):
        slope, squared, g = coefficients(path, t)
        assert_close(g**2, squared, terms=abs(squared) + abs(slope), units=64)
        return [slope * y[0], 2 * slope * y[1] + squared]

    alpha, sigma = PATHS[path]
    begin = [float(alpha(mp.mpf(start))), float(sigma(mp.mpf(start))) ** 2]
    options = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-13}
    found = solve_ivp(rates, (start, end), begin, **options).y[:, -1]
    wanted = [float(alpha(mp.mpf(end))), float(sigma(mp.mpf(end))) ** 2]
    assert_law("P072", found, np.array(wanted), scale=20.0)


@pytest.mark.verifies(
    "kingma2021/sde-drift",
    "kingma2021/sde-squared-diffusion",
    "song2021sde/vp-drift",
    "song2021sde/vp-diffusion",
)
def test_the_coefficients_of_the_vp_scales_are_minus_half_beta_and_beta():
    ends, t = {"beta_min": mp.mpf("0.1"), "beta_max": mp.mpf(20)}, mp.mpf("0.3")

    def integral(u):
        return sde.vp_beta_integral(t=u, **ends)

    with mp.workdps(30):
        beta = sde.vp_beta(t=t, **ends)
        log_alpha_rate = mp.diff(lambda u: mp.log(sde.vp_mean_scale(beta_integral=integral(u))), t)
        variance_rate = mp.diff(lambda u: sde.vp_variance(beta_integral=integral(u)), t)
        squared = sde.squared_diffusion(
            sigma_t=mp.sqrt(sde.vp_variance(beta_integral=integral(t))),
            variance_rate=variance_rate,
            log_alpha_rate=log_alpha_rate,
        )
        found = [sde.linear_drift(2, log_alpha_rate=log_alpha_rate), squared]
        wanted = [sde.vp_drift(2, beta_t=beta), sde.vp_diffusion(beta_t=beta) ** 2]
    assert_close(np.array(found, dtype=float), np.array(wanted, dtype=float))
