"""Gaussian data between two levels: reverse kernels and the probability flow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from refdiff.closed_form import Gaussian
from refdiff.testing import assert_close, assert_law
from tests.closed_form.worlds import ALL, GAUSSIANS, SINGULAR

PAIRS = [(0.9, 0.95), (0.5, 0.9999), (0.08, 0.5), (4e-5, 0.6), (0.0, 0.3)]
each_gaussian = pytest.mark.parametrize("data", GAUSSIANS.values(), ids=GAUSSIANS)
each_law = pytest.mark.parametrize("data", ALL.values(), ids=ALL)
each_pair = pytest.mark.parametrize(("later", "earlier"), PAIRS)


def dense_kernel(data, later, earlier):
    kernel = data.reverse_gain_offset_covariance(alpha_bar_t=later, alpha_bar_s=earlier)
    gain, covariance = (
        Gaussian(data.mean, part).covariance_matrix() for part in (kernel.gain, kernel.covariance)
    )
    return gain, kernel.offset, covariance


@each_pair
@each_gaussian
def test_reverse_kernel_is_bayes_rule_in_precision_form(data, later, earlier):
    ratio, added = np.sqrt(later / earlier), 1.0 - later / earlier
    one, spread = np.eye(data.dimension), data.covariance_matrix()
    prior = np.linalg.inv(earlier * spread + (1.0 - earlier) * one)
    covariance = np.linalg.inv(prior + ratio**2 / added * one)
    x_t = np.linspace(-2.0, 1.0, 2 * data.dimension).reshape(2, data.dimension)
    pull = prior @ (np.sqrt(earlier) * data.mean) + ratio / added * x_t
    moments = data.reverse_kernel(x_t, alpha_bar_t=later, alpha_bar_s=earlier)
    scale = 1.0 + np.abs(data.mean).max()
    assert_law("P036", moments.mean, pull @ covariance, scale=scale)
    dense = Gaussian(data.mean, moments.covariance).covariance_matrix()
    assert_law("P036", dense, covariance)


@each_pair
@each_law
def test_reverse_kernel_carries_one_marginal_into_the_other(data, later, earlier):
    """Law of total mean and variance over x_t."""
    gain, offset, covariance = dense_kernel(data, later, earlier)
    at_t, at_s = data.marginal(alpha_bar_t=later), data.marginal(alpha_bar_t=earlier)
    size = 8.0 * (1.0 + np.abs(data.mean).max())
    assert_close(gain @ at_t.mean + offset, at_s.mean, terms=size)
    total = gain @ at_t.covariance_matrix() @ gain.T + covariance
    assert_close(total, at_s.covariance_matrix(), terms=32.0)


@each_law
def test_reverse_kernels_compose(data):
    """Chapman-Kolmogorov: t to s, then s to u, is t to u."""
    first, second = dense_kernel(data, 0.1, 0.4), dense_kernel(data, 0.4, 0.9)
    gain, offset, covariance = dense_kernel(data, 0.1, 0.9)
    size = 8.0 * (1.0 + np.abs(data.mean).max())
    assert_close(second[0] @ first[0], gain, terms=16.0)
    assert_close(second[0] @ first[1] + second[1], offset, terms=size)
    assert_close(second[0] @ first[2] @ second[0].T + second[2], covariance, terms=16.0)


@each_law
def test_reverse_kernel_to_the_data_is_the_posterior(data):
    x_t = np.linspace(-1.0, 2.0, data.dimension)
    kernel = data.reverse_kernel(x_t, alpha_bar_t=0.3, alpha_bar_s=1.0)
    posterior = data.x_0_posterior(x_t, alpha_bar_t=0.3)
    assert_close(kernel.mean, posterior.mean, terms=16.0 * (1.0 + np.abs(data.mean).max()))
    assert_close(kernel.covariance, posterior.covariance, terms=8.0)


@each_law
def test_no_step_is_the_identity(data):
    for level in (0.2, 1.0):
        gain, offset, covariance = dense_kernel(data, level, level)
        assert_close(covariance, 0.0 * covariance, units=0)
        # The covariance of a plane is nearly singular at full signal: compare on its support.
        mean = np.sqrt(level) * data.mean
        size = 16.0 * (1.0 + np.abs(data.mean).max())
        assert_close(gain @ mean + offset, mean, terms=size)
        spread = data.marginal(alpha_bar_t=level).covariance_matrix()
        assert_close(gain @ spread, spread, terms=16.0)


@pytest.mark.parametrize(
    ("scales_t", "scales_s"),
    [((1.0, 2.0), (1.0, 0.7)), ((0.3, 0.7), (0.8, 0.2)), ((1.2, 3.0), (1.5, 0.4))],
    ids=["exploding", "straight", "growing"],
)
@each_gaussian
def test_any_scales_have_the_reverse_kernel_of_bayes_rule(data, scales_t, scales_s):
    """x_t = r x_s + independent noise: the precisions of the marginal at s and of x_t add."""
    (alpha_t, sigma_t), (alpha_s, sigma_s) = scales_t, scales_s
    one, spread = np.eye(data.dimension), data.covariance_matrix()
    prior = np.linalg.inv(alpha_s**2 * spread + sigma_s**2 * one)
    ratio = alpha_t / alpha_s
    added = sigma_t**2 - (ratio * sigma_s) ** 2
    kernel = data.at_scales(alpha_t=alpha_t, sigma_t=sigma_t).reverse_to(
        data.at_scales(alpha_t=alpha_s, sigma_t=sigma_s)
    )
    covariance = np.linalg.inv(prior + ratio**2 / added * one)
    scale = 1.0 + np.abs(data.mean).max()
    actual = Gaussian(data.mean, kernel.covariance).covariance_matrix()
    assert_law("P036", actual, covariance)
    gain = Gaussian(data.mean, kernel.gain).covariance_matrix()
    assert_law("P036", gain, ratio / added * covariance)
    expected = covariance @ prior @ (alpha_s * data.mean)
    assert_law("P036", kernel.offset, expected, scale=scale)


def test_no_step_at_the_data_of_a_point_mass_leaves_the_value():
    kernel = SINGULAR["point"].reverse_gain_offset_covariance(alpha_bar_t=1.0, alpha_bar_s=1.0)
    assert (kernel.gain, kernel.covariance) == (1.0, 0.0)
    assert_close(kernel.offset, np.zeros(2), units=0)


@pytest.mark.property_id("P076")
@each_gaussian
def test_probability_flow_solves_the_ordinary_differential_equation(data):
    """VP: alpha_bar = exp(-B), dx/dB = -(x + score) / 2, in both directions."""
    early, late = 0.05, 4.0
    start = np.linspace(-1.0, 1.5, data.dimension)

    def slope(integral, x):
        return -0.5 * (x + data.score(x, alpha_bar_t=np.exp(-integral)))

    solved = solve_ivp(slope, (late, early), start, method="DOP853", rtol=1e-12, atol=1e-12)
    end = solved.y[:, -1]
    levels = {"alpha_bar_t": np.exp(-late), "alpha_bar_s": np.exp(-early)}
    scale = 1.0 + np.abs(data.mean).max()
    assert_law("P076", data.probability_flow(start, **levels), end, scale=scale)
    back = {"alpha_bar_t": np.exp(-early), "alpha_bar_s": np.exp(-late)}
    assert_law("P076", data.probability_flow(end, **back), start, scale=scale)


def test_probability_flow_of_exploding_noise():
    """VE: dx/dsigma = -sigma score."""
    data, start = GAUSSIANS["full"], np.array([1.0, -4.0, 2.0])

    def slope(sigma, x):
        return -sigma * data.at_scales(alpha_t=1.0, sigma_t=sigma).predict("score", x)

    solved = solve_ivp(slope, (5.0, 0.1), start, method="DOP853", rtol=1e-12, atol=1e-12)
    noisy = data.at_scales(alpha_t=1.0, sigma_t=5.0)
    actual = noisy.flow_to(start, data.at_scales(alpha_t=1.0, sigma_t=0.1))
    assert_law("P076", actual, solved.y[:, -1])


@given(
    levels=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3),
    mean=st.floats(-50.0, 50.0),
    spread=st.floats(0.01, 9.0),
)
def test_flow_composes_and_transports_the_marginal(levels, mean, spread):
    data = Gaussian([mean], spread)
    first, second, third = levels
    x = data.marginal(alpha_bar_t=first).mean + np.array([[-1.5], [0.0], [2.0]])
    middle = data.probability_flow(x, alpha_bar_t=first, alpha_bar_s=second)
    end = data.probability_flow(middle, alpha_bar_t=second, alpha_bar_s=third)
    direct = data.probability_flow(x, alpha_bar_t=first, alpha_bar_s=third)
    assert_close(end, direct, terms=1e3 * (1.0 + abs(mean)))
    # The standardised deviation is kept, sign included: the map is monotone and measure-preserving.
    before, after = data.marginal(alpha_bar_t=first), data.marginal(alpha_bar_t=third)
    kept = (x - before.mean) / np.sqrt(before.covariance)
    found = (direct - after.mean) / np.sqrt(after.covariance)
    assert_close(found, kept, terms=1e3 * (1.0 + abs(mean)))


@pytest.mark.parametrize(
    ("later", "earlier", "words"),
    [(0.5, 0.3, "were the two swapped"), (0.0, 0.0, "alpha_bar_s=0.0"), (0.5, 1.2, "must be in")],
)
def test_transitions_that_do_not_exist_are_refused(later, earlier, words):
    with pytest.raises(ValueError, match=words):
        GAUSSIANS["full"].reverse_kernel(np.zeros(3), alpha_bar_t=later, alpha_bar_s=earlier)


def test_flow_out_of_a_point_is_refused():
    with pytest.raises(ValueError, match="without spread"):
        SINGULAR["point"].probability_flow([1.0, 1.0], alpha_bar_t=1.0, alpha_bar_s=0.5)
    arrived = SINGULAR["point"].probability_flow([1.0, 1.0], alpha_bar_t=0.5, alpha_bar_s=1.0)
    assert_close(arrived, SINGULAR["point"].mean, units=0)


def test_levels_in_the_wrong_order_are_refused():
    data = GAUSSIANS["scalar"]
    clean, noisy = (data.at_scales(alpha_t=1.0, sigma_t=sigma) for sigma in (0.1, 2.0))
    with pytest.raises(ValueError, match="less noisy"):
        clean.reverse_to(noisy)
    with pytest.raises(ValueError, match="alpha_s"):
        noisy.reverse_to(data.at_scales(alpha_t=0.0, sigma_t=1.0))
