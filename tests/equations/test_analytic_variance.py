"""Analytic-DPM: the optimal reverse step of every DDIM process, by conditioning joint laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.closed_form import Gaussian
from refdiff.equations import (
    ddim_mean,
    ddim_sigma,
    normal_kl,
    optimal_reverse_variance,
    posterior_variance,
    transition_variance,
    x_0_from_score,
)
from refdiff.equations.bounds import (
    ddim_posterior_weight_eps,
    optimal_mean,
    optimal_variance,
    optimal_variance_from_x_0,
    optimal_variance_upper,
    optimal_variance_upper_bounded,
    posterior_weight_eps,
    score_mean_square,
    x_0_variance,
)
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.trajectories import sigma_points

MODERATE = st.tuples(st.floats(0.02, 0.95), st.floats(0.05, 0.95)).map(
    lambda found: {"alpha_bar_t": found[0] * found[1], "alpha_bar_s": found[0]}
)


def joint_moments(variance, *, alpha_bar_t, alpha_bar_s, eta):
    """Return Var x_s, Cov(x_s, x_t), Var x_t of data of this variance in a DDIM process."""
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    of_eps = ddim_mean(0.0, 1.0, **levels, eta=eta)
    noise_t = (1 - alpha_bar_t) ** 0.5
    var_s = alpha_bar_s * variance + of_eps**2 + ddim_sigma(**levels, eta=eta) ** 2
    shared = (alpha_bar_s * alpha_bar_t) ** 0.5 * variance + of_eps * noise_t
    return var_s, shared, alpha_bar_t * variance + 1 - alpha_bar_t


@pytest.mark.property_id("P107")
@pytest.mark.verifies(
    "bao2022/optimal-mean",
    "bao2022/optimal-variance-any-process",
    "bao2022/optimal-variance-from-x-0",
    "bao2022/x-0-variance",
    "bao2022/variance-bounds",
    kind="closed-form",
)
@given(MODERATE, strategies.etas(), st.floats(0.01, 4.0), st.floats(-2.0, 2.0))
def test_optimal_step_is_the_conditional_of_normal_data(levels, eta, variance, x_t):
    var_s, shared, var_t = joint_moments(variance, **levels, eta=eta)
    exact = var_s - shared**2 / var_t
    alpha_bar_t = levels["alpha_bar_t"]
    mean_squared_eps = (1 - alpha_bar_t) / var_t
    at = {**levels, "eta": eta}
    size = (1 + var_s + optimal_variance_upper(**at)) / alpha_bar_t
    found = optimal_variance(**at, mean_squared_eps=mean_squared_eps)
    assert_close(found, exact, terms=size, units=32)
    open_x_0 = variance * (1 - alpha_bar_t) / var_t
    spread = x_0_variance(alpha_bar_t=alpha_bar_t, mean_squared_eps=mean_squared_eps)
    assert_close(spread, open_x_0, terms=1 / alpha_bar_t)
    assert_close(optimal_variance_from_x_0(**at, variance=open_x_0), exact, terms=size, units=32)
    mean = optimal_mean(x_t, -x_t / var_t, **at)
    assert_close(mean, shared / var_t * x_t, terms=4 * size, units=32)
    # Theorem 2
    assert ddim_sigma(**at) ** 2 <= found
    assert found <= optimal_variance_upper(**at) * (1 + 8 * np.finfo(float).eps)


@pytest.mark.verifies("bao2022/optimal-variance-any-process", "bao2022/variance-bounds")
@given(strategies.alpha_bar_pairs(), strategies.etas())
def test_eta_1_is_the_variance_for_ddpm(pair, mean_squared_eps):
    levels = dict(zip(("alpha_bar_t", "alpha_bar_s"), pair, strict=True))
    found = optimal_variance(**levels, eta=1.0, mean_squared_eps=mean_squared_eps)
    exact = optimal_reverse_variance(**levels, mean_squared_eps=mean_squared_eps)
    assert_close(found, exact, units=64)
    # The upper bound is beta / alpha, the lower one beta-tilde.
    upper = transition_variance(**levels) * (pair[1] / pair[0])
    assert_close(optimal_variance_upper(**levels, eta=1.0), upper, units=64)
    lower = optimal_variance(**levels, eta=1.0, mean_squared_eps=1.0)
    assert_close(lower, posterior_variance(**levels), units=16)


@pytest.mark.verifies("bao2022/optimal-mean", "bao2022/x-0-from-score")
@given(strategies.alpha_bar(), st.floats(-2, 2), st.floats(-2, 2), strategies.etas())
def test_the_mean_of_the_last_step_is_the_expected_data(alpha_bar_t, x_t, score, eta):
    found = optimal_mean(x_t, score, alpha_bar_t=alpha_bar_t, alpha_bar_s=1.0, eta=eta)
    exact = x_0_from_score(x_t, score, alpha_bar_t=alpha_bar_t)
    assert_close(found, exact, terms=(abs(x_t) + abs(score)) / alpha_bar_t**0.5, units=16)


@pytest.mark.verifies(
    "bao2022/variance-bound-of-bounded-data",
    "bao2022/x-0-variance",
    "bao2022/optimal-variance-any-process",
    kind="closed-form",
)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("level", [1e-4, 0.05, 0.3, 0.8])
def test_data_at_the_ends_of_an_interval_come_close_to_the_bound(level, eta):
    """x_0 = -1 or 1: E[x_0 | x_t] is a hyperbolic tangent, the rest by quadrature."""
    # Equidistant nodes: for an analytic function that falls off so fast their error is nothing.
    nodes = np.linspace(-12.0, 12.0, 4001)
    x_t = level**0.5 + (1 - level) ** 0.5 * nodes
    weights = np.exp(-(nodes**2) / 2)
    weights /= weights.sum()
    expected_x_0 = np.tanh(level**0.5 * x_t / (1 - level))
    open_x_0 = (weights * (1 - expected_x_0**2)).sum()
    expected_eps = (x_t - level**0.5 * expected_x_0) / (1 - level) ** 0.5
    mean_squared_eps = (weights * expected_eps**2).sum()
    spread = x_0_variance(alpha_bar_t=level, mean_squared_eps=mean_squared_eps)
    assert_law("P053", level * spread, level * open_x_0, scale=100)
    at = {"alpha_bar_t": level, "alpha_bar_s": 0.5 + level / 2, "eta": eta}
    found = optimal_variance(**at, mean_squared_eps=mean_squared_eps)
    assert_law("P053", level * found, level * optimal_variance_from_x_0(**at, variance=open_x_0))
    upper = optimal_variance_upper_bounded(**at, width=2.0)
    assert ddim_sigma(**at) ** 2 < found < upper
    if level == 1e-4:  # x_t says next to nothing: the bound is nearly attained, its rival is not
        assert found > 0.999 * upper
        assert optimal_variance_upper(**at) > 1000 * upper


@pytest.mark.verifies("bao2022/gamma", kind="closed-form")
@pytest.mark.parametrize("level", [0.9, 0.3, 0.01])
def test_mean_square_of_the_score_of_normal_data_is_a_trace(level):
    """The score is linear in x_t: sigma points have its exact mean square."""
    covariance = np.array([[1.0, 0.4, 0.0], [0.4, 0.5, 0.1], [0.0, 0.1, 2.0]])
    data = Gaussian([0.3, -1.0, 0.0], covariance)
    marginal = data.marginal(alpha_bar_t=level)
    root = np.linalg.cholesky(marginal.covariance_matrix())
    x_t = marginal.mean + sigma_points(3) @ root.T
    found = score_mean_square(data.score(x_t, alpha_bar_t=level)).mean()
    exact = np.trace(np.linalg.inv(marginal.covariance_matrix())) / 3
    assert_law("P030", found, exact)
    # What Theorem 1 calls the mean squared eps, by the other route:
    assert_law("P030", (1 - level) * found, 1 - data.minimal_eps_loss(alpha_bar_t=level))


@pytest.mark.verifies("song2021ddim/bound-weight", kind="closed-form")
@given(MODERATE, st.floats(0.05, 1.0), st.floats(-2.0, 2.0))
def test_weight_is_the_divergence_of_two_steps_of_the_sampler(levels, eta, error):
    """Two predictions of the noise, and with them two predictions of the data."""
    alpha_bar_t = levels["alpha_bar_t"]
    moved_x_0 = -(((1 - alpha_bar_t) / alpha_bar_t) ** 0.5) * error
    shift = ddim_mean(moved_x_0, error, **levels, eta=eta)
    log_variance = 2 * np.log(ddim_sigma(**levels, eta=eta))
    exact = normal_kl(shift, log_variance, 0.0, log_variance)
    weight = ddim_posterior_weight_eps(**levels, eta=eta)
    size = np.exp(-log_variance) * abs(shift * error) / alpha_bar_t**0.5
    assert_close(weight * error**2, exact, terms=exact + size + size**2, units=64)
    one = ddim_posterior_weight_eps(**levels, eta=1.0)
    assert_close(one, posterior_weight_eps(**levels), units=32)


@pytest.mark.verifies("song2021ddim/bound-weight", kind="closed-form")
@given(MODERATE, st.floats(0.05, 1.0))
def test_the_weight_quoted_from_the_appendix_lacks_two_factors(levels, eta):
    """An error of eps moves x_0 by sqrt((1 - alpha_bar)/alpha_bar), and x_s by less than x_0."""
    alpha_bar_t, alpha_bar_s = levels["alpha_bar_t"], levels["alpha_bar_s"]
    sigma = ddim_sigma(**levels, eta=eta)
    quoted = 1 / (2 * sigma**2 * alpha_bar_t)
    kept = (1 - alpha_bar_s - sigma**2) ** 0.5
    of_x_0 = alpha_bar_s**0.5 - kept * (alpha_bar_t / (1 - alpha_bar_t)) ** 0.5
    lacking = (1 - alpha_bar_t) * of_x_0**2
    found = ddim_posterior_weight_eps(**levels, eta=eta)
    size = quoted / (1 - alpha_bar_t) / (1 - alpha_bar_s)
    assert_close(found, quoted * lacking, terms=size, units=64)
    assert found < quoted
