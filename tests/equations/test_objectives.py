"""Losses and weights: divergences by quadrature, the bound, equal objectives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refdiff.closed_form import Gaussian
from refdiff.equations import (
    alpha_bar_from_log_snr,
    alpha_bars_from_betas,
    cosine_betas,
    forward_sample,
    linear_betas,
    min_snr_weight_eps,
    min_snr_weight_v,
    min_snr_weight_x_0,
    normal_kl,
    p2_weight_eps,
    posterior_mean,
    posterior_variance,
    prior_kl,
    simple_loss,
    snr,
    transition_mean,
    transition_variance,
    vlb_weight_eps,
)
from refdiff.testing import assert_close, assert_law, strategies

LINEAR = alpha_bars_from_betas(linear_betas(1000))


@pytest.mark.verifies("ho2020/simple-loss")
@given(strategies.images((3, 2, 4)), strategies.images((3, 2, 4)))
def test_simple_loss_is_a_mean_per_sample(eps, eps_pred):
    found = simple_loss(eps, eps_pred)
    norms = [np.linalg.norm((e - p).ravel()) ** 2 / 8 for e, p in zip(eps, eps_pred, strict=True)]
    assert found.shape == (3,)
    assert_close(found, np.array(norms), units=16)
    assert (simple_loss(eps, eps) == 0).all()


@pytest.mark.verifies("ho2020/posterior-kl", kind="closed-form")
@given(st.floats(-2, 2), st.floats(-3, 2), st.floats(-2, 2), st.floats(-3, 2))
def test_divergence_of_normals_against_quadrature(mean_1, log_var_1, mean_2, log_var_2):
    first = stats.norm(mean_1, np.exp(log_var_1 / 2))
    second = stats.norm(mean_2, np.exp(log_var_2 / 2))
    low, high = mean_1 - 12 * first.std(), mean_1 + 12 * first.std()
    nodes, weights = np.polynomial.legendre.leggauss(120)
    x = (low + high) / 2 + (high - low) / 2 * nodes
    integrand = first.pdf(x) * (first.logpdf(x) - second.logpdf(x))
    exact = (high - low) / 2 * (weights * integrand).sum()
    found = normal_kl(mean_1, log_var_1, mean_2, log_var_2)
    assert found >= 0
    assert_law("P053", found, exact, scale=1 + found)
    if (mean_1, log_var_1) == (mean_2, log_var_2):
        assert found == 0


@pytest.mark.property_id("P050")
@pytest.mark.verifies("ho2020/prior-kl", kind="closed-form")
@given(st.floats(-1, 1), strategies.alpha_bar(high=0.9))
def test_prior_term_is_the_divergence_from_standard_normal(x_0, alpha_bar_t):
    found = prior_kl(x_0, alpha_bar_t=alpha_bar_t)
    mean, variance = alpha_bar_t**0.5 * x_0, 1 - alpha_bar_t
    law = stats.norm(mean, variance**0.5)
    # The integrand is the normal density times a quadratic: 40 nodes are exact.
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    x = mean + variance**0.5 * nodes
    weights = weights / weights.sum()
    exact = (weights * (law.logpdf(x) - stats.norm.logpdf(x))).sum()
    # The integrand's two logarithms cancel to the divergence.
    assert_law("P050", found + 1.0, exact + 1.0)
    assert found >= 0


@pytest.mark.property_id("P050")
@pytest.mark.verifies("ho2020/prior-kl", "nichol2021/bits-per-dim")
def test_published_size_of_the_prior_term():
    """L_T of the linear schedule in bits per dimension, for three mean squares of the data."""
    for mean_square, golden in ((1 / 4, 7.28e-6), (1 / 3, 9.70e-6), (1.0, 2.911e-5)):
        bits = prior_kl(mean_square**0.5, alpha_bar_t=LINEAR[-1]) / np.log(2)
        assert_law("P048", bits, golden)  # the paper and the table print three digits


@pytest.mark.verifies("ho2020/vlb-weight-eps", "ho2020/posterior-kl", kind="closed-form")
@given(strategies.alpha_bar_pairs(include_clean=False), st.floats(0.01, 2))
def test_bound_weight_is_the_divergence_of_two_reverse_steps(pair, error):
    """Two predictions that differ by `error` in eps differ in the bound by weight * error^2."""
    alpha_bar_t, alpha_bar_s = pair
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    variance = posterior_variance(**levels)
    shift = (1 - alpha_bar_t) ** 0.5 * error / alpha_bar_t**0.5  # in x_0
    means = posterior_mean(shift, 0.0, **levels)
    divergence = normal_kl(means, np.log(variance), 0.0, np.log(variance))
    weight = vlb_weight_eps(**levels, variance=variance)
    assert_close(divergence, weight * error**2, units=64)


@pytest.mark.property_id("P105")
@pytest.mark.verifies("hang2023/weight-x-0", "hang2023/weight-eps", "hang2023/weight-v")
@given(strategies.alpha_bar(), st.floats(0.5, 20))
def test_min_snr_weights_are_one_objective(alpha_bar_t, gamma):
    ratio = snr(alpha_bar_t=alpha_bar_t)
    on_x_0 = min_snr_weight_x_0(snr_t=ratio, gamma=gamma)
    # |eps|^2 = SNR |x_0|^2 and |v|^2 = (1 + SNR) |x_0|^2.
    size = 8 * max(1.0, on_x_0)
    on_eps = min_snr_weight_eps(snr_t=ratio, gamma=gamma)
    assert_law("P105", on_eps * ratio, on_x_0, scale=size)
    assert_law("P105", min_snr_weight_v(snr_t=ratio, gamma=gamma) * (1 + ratio), on_x_0, scale=size)
    assert_close(on_x_0, np.minimum(ratio, gamma))


@pytest.mark.property_id("P105")
@pytest.mark.verifies("hang2023/weight-x-0", "hang2023/weight-eps", "hang2023/weight-v")
def test_min_snr_weights_at_the_ends_and_at_the_clip():
    ends = {"snr_t": np.array([0.0, 5.0, np.inf]), "gamma": 5.0}
    assert min_snr_weight_x_0(**ends).tolist() == [0.0, 5.0, 5.0]
    assert min_snr_weight_eps(**ends).tolist() == [1.0, 1.0, 0.0]
    assert min_snr_weight_v(**ends).tolist() == [0.0, 5.0 / 6.0, 0.0]
    for weight in (min_snr_weight_x_0, min_snr_weight_eps, min_snr_weight_v):
        below, above = (weight(snr_t=np.nextafter(5.0, end), gamma=5.0) for end in (0.0, 9.0))
        assert_close(below, above)  # continuous where SNR reaches gamma


@pytest.mark.property_id("P106")
@pytest.mark.verifies("choi2022/weight-eps")
@given(strategies.alpha_bar(include_low=True, include_high=True), st.floats(0.1, 4))
def test_p2_weight(alpha_bar_t, gamma):
    ratio = snr(alpha_bar_t=alpha_bar_t)
    assert_law("P106", p2_weight_eps(snr_t=ratio, k=1.0, gamma=1.0), 1 - alpha_bar_t)
    assert p2_weight_eps(snr_t=ratio, k=1.0, gamma=0.0) == 1.0 or ratio == np.inf
    power = p2_weight_eps(snr_t=ratio, k=1.0, gamma=gamma)
    assert_close(power, (1 - alpha_bar_t) ** gamma, units=16 * (1 + gamma) * 20)


@pytest.mark.property_id("P109")
@pytest.mark.verifies("ho2020/simple-loss")
@given(st.integers(0, 2**32 - 1), st.integers(2, 50))
def test_importance_sampling_of_times_is_unbiased(seed, num_steps):
    """Enumerate every time with its probability: any positive p_t gives the plain mean."""
    rng = np.random.default_rng(seed)
    eps, eps_pred = rng.normal(size=(2, num_steps, 6))
    losses = simple_loss(eps, eps_pred)
    probabilities = rng.random(num_steps) + 1e-3
    probabilities /= probabilities.sum()
    weighted = losses / (num_steps * probabilities)
    assert_law("P109", (probabilities * weighted).sum(), losses.mean())


def diffusion_loss(data, signal):
    """VDM's discrete loss with the optimal denoiser, through divergences of posteriors (nats)."""
    total = 0.0
    for alpha_bar_t, alpha_bar_s in zip(signal[1:], signal[:-1], strict=True):
        levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
        # Two data points that differ by the root of the posterior variance of x_0.
        _, variance_0 = data.x_0_posterior(np.zeros(1), alpha_bar_t=alpha_bar_t)
        error = float(np.ravel(variance_0)[0]) ** 0.5
        log_variance = np.log(posterior_variance(**levels))
        shift = posterior_mean(error, 0.0, **levels)
        total += normal_kl(shift, log_variance, 0.0, log_variance)
    return total


@pytest.mark.property_id("P051")
@pytest.mark.property_id("P052")
@pytest.mark.property_id("P053")
@pytest.mark.verifies("ho2020/posterior-kl", "ho2020/posterior-mean", kind="closed-form")
def test_discrete_loss_falls_to_the_continuous_one_whatever_the_schedule():
    """L_inf of normal data is the I-MMSE integral: only the ends of the SNR count."""
    variance, high, low = 0.3, 9.0, -7.0
    data = Gaussian(np.array([0.4]), variance)
    limit = 0.5 * np.log((1 + variance * np.exp(high)) / (1 + variance * np.exp(low)))
    lines = {
        "straight": lambda u: high + (low - high) * u,
        "bent": lambda u: high + (low - high) * u**2,
        "cosine": lambda u: high + (low - high) * np.sin(np.pi * u / 2) ** 2,
    }
    for line in lines.values():
        gaps = []
        for steps in (400, 800):
            log_snrs = line(np.linspace(0.0, 1.0, steps + 1))
            loss = diffusion_loss(data, alpha_bar_from_log_snr(log_snr_t=log_snrs))
            gaps.append(loss - limit)
        assert gaps[0] > gaps[1] > 0
        assert_law("P051", gaps[0] / gaps[1], 2.0)


@pytest.mark.property_id("P044")
@pytest.mark.verifies("ho2020/bound", "ho2020/posterior-mean", "ho2020/posterior-variance")
@given(st.integers(0, 2**32 - 1))
def test_lines_of_the_bounds_derivation_agree_on_every_trajectory(seed):
    """(18) sums forward steps, (21) posteriors and the end: Bayes' rule makes them equal."""
    rng = np.random.default_rng(seed)
    alpha_bars = alpha_bars_from_betas(cosine_betas(12, max_beta=0.9))
    x = [rng.normal()]

    def log_normal(value, mean, variance):
        return -0.5 * ((value - mean) ** 2 / variance + np.log(2 * np.pi * variance))

    forward = 0.0
    for t in range(1, 13):
        levels = {"alpha_bar_t": alpha_bars[t], "alpha_bar_s": alpha_bars[t - 1]}
        mean, variance = transition_mean(x[-1], **levels), transition_variance(**levels)
        x.append(mean + variance**0.5 * rng.normal())
        forward += log_normal(x[-1], mean, variance)
    backward = log_normal(x[12], alpha_bars[12] ** 0.5 * x[0], 1 - alpha_bars[12])
    for t in range(2, 13):
        levels = {"alpha_bar_t": alpha_bars[t], "alpha_bar_s": alpha_bars[t - 1]}
        mean = posterior_mean(x[0], x[t], **levels)
        backward += log_normal(x[t - 1], mean, posterior_variance(**levels))
    assert_law("P044", forward, backward, scale=1 + 100 / (1 + abs(forward)))


@pytest.mark.property_id("P046")
@pytest.mark.verifies("sohldickstein2015/importance-likelihood", kind="closed-form")
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 4), st.floats(-2, 2))
def test_with_the_exact_reverse_process_every_trajectory_weighs_p_of_x_0(seed, variance, mean):
    rng = np.random.default_rng(seed)
    alpha_bars = alpha_bars_from_betas(linear_betas(20, beta_start=0.02, beta_end=0.4))
    data = Gaussian(np.array([mean]), variance)

    def log_normal(value, centre, spread):
        return -0.5 * ((value - centre) ** 2 / spread + np.log(2 * np.pi * spread))

    x_0 = x = mean + variance**0.5 * rng.normal()
    log_weight = 0.0
    for t in range(1, 21):
        levels = {"alpha_bar_t": float(alpha_bars[t]), "alpha_bar_s": float(alpha_bars[t - 1])}
        centre, spread = transition_mean(x, **levels), transition_variance(**levels)
        x_next = centre + spread**0.5 * rng.normal()
        back, back_variance = data.reverse_kernel(np.array([x_next]), **levels)
        log_weight -= log_normal(x_next, centre, spread)
        log_weight += log_normal(x, float(back[0]), float(np.ravel(back_variance)[0]))
        x = x_next
    end = data.marginal(alpha_bar_t=float(alpha_bars[-1]))
    log_weight += float(end.log_density(np.array([x])))
    exact = float(data.log_density(np.array([x_0])))
    assert_law("P046", log_weight, exact, scale=1 + 100 / (1 + abs(exact)))


@pytest.mark.verifies("ho2020/marginal-sample", "ho2020/simple-loss", kind="closed-form")
def test_optimal_noise_prediction_has_the_minimal_simple_loss():
    """Five standard errors, seed fixed: the mean loss of the optimum is 1 - alpha_bar-weighted."""
    rng = np.random.default_rng(0)
    data = Gaussian(np.array([0.6, -1.0, 0.2]), np.array([0.5, 2.0, 0.01]))
    x_0 = data.mean + np.sqrt(np.array([0.5, 2.0, 0.01])) * rng.normal(size=(20000, 3))
    eps = rng.normal(size=x_0.shape)
    for alpha_bar_t in (0.9, 0.4, 0.02):
        x_t = forward_sample(x_0, eps, alpha_bar_t=alpha_bar_t)
        losses = simple_loss(eps, data.optimal_eps(x_t, alpha_bar_t=alpha_bar_t))
        assert_law("P038", losses, data.minimal_eps_loss(alpha_bar_t=alpha_bar_t))
