"""The forward process and its posterior: composition, Bayes' rule, total variance."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.equations import (
    alpha_bars_from_betas,
    betas_from_alpha_bars,
    continuous,
    ddpm_step,
    ddpm_step_fixed_large,
    forward_mean,
    forward_sample,
    forward_variance,
    learned_range_variance,
    linear_betas,
    optimal_reverse_variance,
    posterior_mean,
    posterior_mean_from_eps,
    posterior_variance,
    snr,
    transition_mean,
    transition_variance,
    vlb_weight_eps,
    x_0_from_eps,
)
from refdiff.testing import assert_close, assert_law, strategies

LINEAR = alpha_bars_from_betas(linear_betas(1000))
T, S = LINEAR[2:], LINEAR[1:-1]  # all pairs (t, t-1) with t >= 2
PAIR = {"alpha_bar_t": T, "alpha_bar_s": S}
PAIRS = strategies.alpha_bar_pairs()


@pytest.mark.property_id("P011")
@pytest.mark.verifies(
    "ho2020/transition-mean",
    "ho2020/transition-variance",
    "ho2020/marginal-mean",
    "ho2020/marginal-variance",
    "song2021ddim/transition-mean",
    "song2021ddim/transition-variance",
)
@given(PAIRS)
def test_forward_process_composes(pair):
    alpha_bar_t, alpha_bar_s = pair
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    mean_s = forward_mean(1.0, alpha_bar_t=alpha_bar_s)
    assert_law(
        "P011", transition_mean(mean_s, **levels), forward_mean(1.0, alpha_bar_t=alpha_bar_t)
    )
    passed_on = transition_mean(1.0, **levels) ** 2 * forward_variance(alpha_bar_t=alpha_bar_s)
    variance = passed_on + transition_variance(**levels)
    assert_law("P011", variance, forward_variance(alpha_bar_t=alpha_bar_t))


@pytest.mark.property_id("P011")
@pytest.mark.verifies("ho2020/transition-variance", "ho2020/linear-schedule")
def test_one_step_adds_beta():
    found = transition_variance(alpha_bar_t=LINEAR[1:], alpha_bar_s=LINEAR[:-1])
    # alpha_bar itself carries the roundings of a product of up to 1000 factors.
    assert_close(found, linear_betas(1000), terms=1.0, units=8)


@pytest.mark.verifies("ho2020/marginal-sample")
@given(strategies.alpha_bar(include_low=True, include_high=True), strategies.images((2, 5)))
def test_sample_has_the_mean_and_variance_of_the_marginal(alpha_bar_t, x_0):
    level = {"alpha_bar_t": alpha_bar_t}
    zero = np.zeros_like(x_0)
    assert_close(forward_sample(x_0, zero, **level), forward_mean(x_0, **level))
    # The coefficient of eps squared is the variance.
    unit = forward_sample(zero, np.ones_like(x_0), **level)
    assert_close(unit**2, np.full_like(x_0, forward_variance(**level)))


@pytest.mark.property_id("P018")
@pytest.mark.verifies("ho2020/marginal-sample")
@given(st.integers(0, 2**32 - 1), strategies.alpha_bar())
def test_sample_commutes_with_rotations_and_permutations(seed, alpha_bar_t):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    x_0, eps = rng.normal(size=(2, 3, 4))
    level = {"alpha_bar_t": alpha_bar_t}
    rotated = forward_sample(x_0 @ rotation, eps @ rotation, **level)
    assert_law("P018", rotated, forward_sample(x_0, eps, **level) @ rotation, scale=4.0)
    order = rng.permutation(3)
    permuted = forward_sample(x_0[order], eps[order], **level)
    assert (permuted == forward_sample(x_0, eps, **level)[order]).all()


@pytest.mark.property_id("P012")
@pytest.mark.verifies("ho2020/posterior-mean", "ho2020/posterior-variance", kind="closed-form")
def test_posterior_is_bayes_rule_in_precision_form():
    """Precisions of x_s from x_0 and from x_t add up; so do precision-weighted means."""
    x_0, x_t = 0.7, -1.3
    from_x_0, from_x_t = 1 / (1 - S), (T / S) / (1 - T / S)
    variance = 1 / (from_x_0 + from_x_t)
    mean = variance * (from_x_0 * np.sqrt(S) * x_0 + np.sqrt(T / S) / (1 - T / S) * x_t)
    assert_law("P012", posterior_variance(**PAIR), variance)
    # The two terms of the mean have opposite signs here: compare on the scale of the terms.
    assert_law("P012", posterior_mean(x_0, x_t, **PAIR) / 2.0, mean / 2.0, scale=10.0)


@pytest.mark.property_id("P013")
@pytest.mark.verifies("ho2020/posterior-mean", "ho2020/posterior-variance", "ho2020/reverse-mean")
@given(strategies.alpha_bar(), strategies.images((2, 3)), strategies.images((2, 3)))
def test_last_step_returns_the_data(alpha_bar_t, x_0, x_t):
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": 1.0}
    assert (posterior_mean(x_0, x_t, **levels) == x_0).all()
    assert posterior_variance(**levels) == 0.0
    eps = (x_t - alpha_bar_t**0.5 * x_0) / (1 - alpha_bar_t) ** 0.5
    gain = (1 + np.abs(x_t).max() + np.abs(eps).max()) / alpha_bar_t**0.5
    assert_law("P013", posterior_mean_from_eps(x_t, eps, **levels), x_0, scale=1 + gain)


@pytest.mark.property_id("P014")
@pytest.mark.verifies("ho2020/posterior-mean", "ho2020/posterior-variance")
@given(PAIRS)
def test_total_mean_and_variance_give_back_the_marginal(pair):
    """Average the posterior over q(x_t | x_0): its coefficients must give q(x_s | x_0)."""
    levels = dict(zip(("alpha_bar_t", "alpha_bar_s"), pair, strict=True))
    of_x_0 = posterior_mean(1.0, 0.0, **levels)
    of_x_t = posterior_mean(0.0, 1.0, **levels)
    mean = of_x_0 + of_x_t * forward_mean(1.0, alpha_bar_t=pair[0])
    assert_law("P014", mean, forward_mean(1.0, alpha_bar_t=pair[1]))
    spread = of_x_t**2 * forward_variance(alpha_bar_t=pair[0])
    variance = posterior_variance(**levels) + spread
    assert_law("P014", variance, forward_variance(alpha_bar_t=pair[1]))


@pytest.mark.property_id("P015")
@pytest.mark.verifies("ho2020/reverse-mean", "ho2020/x-0-from-eps")
@given(PAIRS)
def test_posterior_mean_through_eps_is_the_posterior_mean(pair):
    """Equal coefficient by coefficient: set x_t and eps to 1 in turn."""
    levels = dict(zip(("alpha_bar_t", "alpha_bar_s"), pair, strict=True))
    for x_t, eps in ((1.0, 0.0), (0.0, 1.0)):
        x_0 = x_0_from_eps(x_t, eps, alpha_bar_t=pair[0])
        through = posterior_mean(x_0, x_t, **levels)
        assert_law("P015", posterior_mean_from_eps(x_t, eps, **levels), through)


@pytest.mark.property_id("P016")
@pytest.mark.verifies("ho2020/posterior-variance", "ho2020/transition-variance")
def test_posterior_variance_is_below_beta_and_tends_to_it():
    small, large = posterior_variance(**PAIR), transition_variance(**PAIR)
    assert (small < large).all()
    ratio = small / large
    assert (np.diff(ratio) > 0).all()
    assert 1 - ratio[-1] < 1e-5


@pytest.mark.property_id("P017")
@pytest.mark.verifies("ho2020/vlb-weight-eps")
@given(strategies.alpha_bar_pairs(include_clean=False))
def test_bound_weight_with_beta_tilde_is_half_the_relative_fall_of_snr(pair):
    alpha_bar_t, alpha_bar_s = pair
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    weight = vlb_weight_eps(**levels, variance=posterior_variance(**levels))
    ratio = snr(alpha_bar_t=alpha_bar_s) / snr(alpha_bar_t=alpha_bar_t)
    # ratio - 1 cancels for neighbouring levels, and 1 - alpha_bar for clean ones.
    condition = (ratio + 1) / (ratio - 1)
    assert_close(weight, (ratio - 1) / 2, units=8 * condition)


@pytest.mark.property_id("P108")
@pytest.mark.verifies("nichol2021/learned-range-variance")
def test_learned_range_has_the_fixed_variances_as_ends():
    zero, one = np.zeros(T.shape), np.ones(T.shape)
    assert_law("P108", learned_range_variance(zero, **PAIR), posterior_variance(**PAIR))
    assert_law("P108", learned_range_variance(one, **PAIR), transition_variance(**PAIR))
    steps = [learned_range_variance(np.full(T.shape, v), **PAIR) for v in (0.0, 0.25, 0.5, 1.0)]
    assert all((low <= high).all() for low, high in itertools.pairwise(steps))
    # Halfway in the logarithm is the geometric mean, not the arithmetic one.
    geometric = np.sqrt(posterior_variance(**PAIR) * transition_variance(**PAIR))
    assert_law("P108", steps[2], geometric)


@pytest.mark.property_id("P107")
@pytest.mark.verifies("bao2022/optimal-variance", kind="closed-form")
@given(PAIRS, st.floats(0.0, 9.0))
def test_optimal_variance_is_the_exact_reverse_variance_of_normal_data(pair, variance_0):
    """For x_0 ~ N(0, S) the pair (x_s, x_t) is normal: condition one on the other."""
    alpha_bar_t, alpha_bar_s = pair
    var_s = alpha_bar_s * variance_0 + (1 - alpha_bar_s)
    var_t = alpha_bar_t * variance_0 + (1 - alpha_bar_t)
    # Var(x_s) - Cov(x_s, x_t)^2 / Var(x_t), with the subtraction carried out.
    exact = var_s * (alpha_bar_s - alpha_bar_t) / alpha_bar_s / var_t
    mean_squared_eps = (1 - alpha_bar_t) / var_t
    found = optimal_reverse_variance(
        alpha_bar_t=alpha_bar_t,
        alpha_bar_s=alpha_bar_s,
        mean_squared_eps=min(mean_squared_eps, 1.0),
    )
    # 1 - mean_squared_eps cancels where x_t is nearly all noise.
    lost = (alpha_bar_s - alpha_bar_t) ** 2 / (alpha_bar_s * alpha_bar_t * (1 - alpha_bar_t))
    assert_close(found, exact, terms=exact + lost, units=16)
    # Theorem 2: between beta-tilde and beta / alpha.
    low = posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    assert low <= found <= (low + lost) * (1 + 8 * np.finfo(float).eps)


@pytest.mark.property_id("P019")
@pytest.mark.verifies(
    "kingma2021/transition-mean",
    "kingma2021/transition-variance",
    "kingma2021/posterior-mean",
    "kingma2021/posterior-variance",
    "kingma2021/marginal-mean",
    "kingma2021/marginal-variance",
    "kingma2021/marginal-sample",
)
@given(PAIRS, strategies.images((2, 3)), strategies.images((2, 3)))
def test_two_scales_contain_the_discrete_family(pair, x_0, x_t):
    alpha_bar_t, alpha_bar_s = pair
    discrete = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    scales = {
        "alpha_t": alpha_bar_t**0.5,
        "sigma_t": (1 - alpha_bar_t) ** 0.5,
        "alpha_s": alpha_bar_s**0.5,
        "sigma_s": (1 - alpha_bar_s) ** 0.5,
    }
    at_t = {"alpha_t": scales["alpha_t"], "sigma_t": scales["sigma_t"]}
    # sigma_t^2 - (alpha_t/alpha_s)^2 sigma_s^2 cancels for neighbours: absolute agreement.
    variances = (continuous.transition_variance(**scales), transition_variance(**discrete))
    assert_law("P019", *variances)
    assert_close(
        continuous.posterior_variance(**scales),
        posterior_variance(**discrete),
        terms=(1 - alpha_bar_s) / (1 - alpha_bar_t),
        units=16,
    )
    found = continuous.posterior_mean(x_0, x_t, **scales)
    gain = 1 / (1 - alpha_bar_t)  # the same cancellation, divided by the variance at t
    size = np.abs(x_0).max() + np.abs(x_t).max()
    assert_law("P019", found, posterior_mean(x_0, x_t, **discrete), scale=1 + size * gain)
    mean = continuous.transition_mean(x_0, alpha_t=scales["alpha_t"], alpha_s=scales["alpha_s"])
    assert_close(mean, transition_mean(x_0, **discrete))
    sample = continuous.forward_sample(x_0, x_t, **at_t)
    assert_close(sample, forward_sample(x_0, x_t, alpha_bar_t=alpha_bar_t), terms=1 + size)
    mean_0 = continuous.forward_mean(x_0, alpha_t=scales["alpha_t"])
    assert_close(mean_0, forward_mean(x_0, alpha_bar_t=alpha_bar_t))
    variance = continuous.forward_variance(sigma_t=scales["sigma_t"])
    assert_close(variance, forward_variance(alpha_bar_t=alpha_bar_t))


@pytest.mark.property_id("P020")
@pytest.mark.verifies("kingma2021/posterior-mean", "kingma2021/posterior-variance")
@given(strategies.alpha_bar_pairs(include_clean=False))
def test_variance_exploding_posterior_is_the_same_in_other_coordinates(pair):
    """x / sqrt(alpha_bar) turns the levels into sigma^2 = (1 - alpha_bar) / alpha_bar."""
    alpha_bar_t, alpha_bar_s = pair
    sigma_t, sigma_s = (((1 - a) / a) ** 0.5 for a in pair)
    exploding = {"alpha_t": 1.0, "sigma_t": sigma_t, "alpha_s": 1.0, "sigma_s": sigma_s}
    discrete = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    x_0, x_t = 0.4, -2.5
    found = alpha_bar_s**0.5 * continuous.posterior_mean(x_0, x_t / alpha_bar_t**0.5, **exploding)
    # sigma_t - sigma_s cancels for neighbours, by the ratio of the two to their difference.
    condition = (sigma_t + sigma_s) / (sigma_t - sigma_s)
    terms = posterior_mean(abs(x_0), abs(x_t), **discrete)
    assert_close(found, posterior_mean(x_0, x_t, **discrete), terms=terms, units=16 * condition)
    variance = alpha_bar_s * continuous.posterior_variance(**exploding)
    assert_close(variance, posterior_variance(**discrete), units=16 * condition)


@pytest.mark.verifies("ho2020/ancestral-step", "ho2020/ancestral-step-fixed-large")
@given(PAIRS, strategies.images((2, 3)), strategies.images((2, 3)), strategies.images((2, 3)))
def test_ancestral_steps_have_the_mean_and_variance_they_promise(pair, x_t, eps, noise):
    levels = dict(zip(("alpha_bar_t", "alpha_bar_s"), pair, strict=True))
    mean = posterior_mean_from_eps(x_t, eps, **levels)
    for step, variance in (
        (ddpm_step, posterior_variance(**levels)),
        (ddpm_step_fixed_large, transition_variance(**levels)),
    ):
        assert (step(x_t, eps, 0.0, **levels) == mean).all()
        added = step(0.0, 0.0, noise, **levels)
        assert_close(added**2, variance * noise**2, units=8)


@pytest.mark.verifies("ho2020/variance-choices", kind="closed-form")
def test_each_fixed_variance_is_exact_for_its_data():
    """beta for standard normal data, beta-tilde for a point: the conditional variances."""
    # x_0 ~ N(0, 1): x_s and x_t are standard normal with covariance sqrt(T / S).
    assert_close(transition_variance(**PAIR), 1 - T / S, terms=1.0)
    # x_0 known: Var(x_s | x_t) from the joint covariance given x_0.
    joint = 1 - S - (np.sqrt(T / S) * (1 - S)) ** 2 / (1 - T)
    assert_close(posterior_variance(**PAIR), joint, terms=1.0)
    assert_close(betas_from_alpha_bars(LINEAR)[1:], 1 - T / S, terms=1.0)
