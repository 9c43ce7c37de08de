"""The bound through entropies, its maximum, and models multiplied by a function."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refdiff.closed_form import Gaussian, exact_bound
from refdiff.equations import (
    alpha_bars_from_betas,
    classifier_guided_mean,
    posterior_variance,
    transition_mean,
    transition_variance,
)
from refdiff.equations.bounds import (
    entropy_form,
    normal_entropy,
    posterior_term,
    reconstruction_term,
    reverse_entropy_lower,
    reverse_entropy_upper,
)
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.trajectories import forward_path, sigma_points

NOISY = strategies.alpha_bar_pairs(include_clean=False)
TABLE = np.array([1.0, 0.9, 0.6, 0.25, 0.04])
STEPS = len(TABLE) - 1


def named(pair):
    return dict(zip(("alpha_bar_t", "alpha_bar_s"), pair, strict=True))


@pytest.mark.verifies("sohldickstein2015/normal-entropy", kind="closed-form")
@given(st.floats(-6.0, 6.0))
def test_entropy_of_a_normal_distribution_is_that_of_scipy(log_variance):
    exact = stats.norm(0.0, np.exp(log_variance / 2)).entropy()
    assert_close(normal_entropy(log_variance), float(exact), terms=4 + abs(log_variance))


@pytest.mark.verifies("sohldickstein2015/reverse-entropy-lower", kind="closed-form")
@given(st.floats(0.01, 0.99), st.floats(0.05, 0.95))
def test_lower_entropy_is_that_of_x_s_given_x_t_and_the_data(alpha_bar_s, part):
    """Conditioning the joint law of (x_s, x_t) given x_0, with a matrix."""
    alpha_bar_t = alpha_bar_s * part
    shared = part**0.5 * (1 - alpha_bar_s)
    joint = np.array([[1 - alpha_bar_s, shared], [shared, 1 - alpha_bar_t]])
    conditional = 1 / np.linalg.inv(joint)[0, 0]
    found = reverse_entropy_lower(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    assert_close(found, float(stats.norm(0, conditional**0.5).entropy()), terms=16.0, units=16)


@pytest.mark.property_id("P045")
@pytest.mark.verifies(
    "sohldickstein2015/reverse-entropy-lower",
    "sohldickstein2015/reverse-entropy-upper",
    "sohldickstein2015/entropy-bounds",
    kind="closed-form",
)
@pytest.mark.parametrize(
    ("variance", "holds"), [(0.01, True), (0.5, True), (1.0, True), (4.0, False)]
)
def test_entropy_bounds_hold_for_narrow_data_only(variance, holds):
    """The upper bound needs entropy to grow along the chain: wide data lose some."""
    data = Gaussian([0.3], variance)
    for t in range(2, STEPS + 1):
        levels = {"alpha_bar_t": float(TABLE[t]), "alpha_bar_s": float(TABLE[t - 1])}
        kernel = data.reverse_kernel([0.0], **levels).covariance
        entropy = normal_entropy(np.log(float(np.ravel(kernel)[0])))
        assert reverse_entropy_lower(**levels) < entropy
        if variance == 1.0:
            assert_law("P045", entropy, reverse_entropy_upper(**levels))
        else:
            assert (entropy < reverse_entropy_upper(**levels)) == holds


@pytest.mark.verifies("sohldickstein2015/entropy-form", kind="closed-form")
@pytest.mark.parametrize("mean", [0.0, 0.6])
@pytest.mark.parametrize("square", [1.0, 0.5, 3.0])
def test_entropy_form_is_the_bound_of_data_with_mean_square_1(mean, square):
    """With the last reverse step equal to the first forward step; else off by the errata's term."""
    data = Gaussian([mean], square - mean**2)
    variances = 1 - TABLE[1:] / TABLE[:-1]
    divergences = last = 0.0
    points = sigma_points(STEPS + 1)
    for numbers in points:
        x = forward_path(data, TABLE, numbers)
        for t in range(2, STEPS + 1):
            levels = {"alpha_bar_t": TABLE[t], "alpha_bar_s": TABLE[t - 1]}
            guess = 0.8 * x[t] + 0.1  # any reverse mean
            divergences += posterior_term(x[0], x[t], guess, **levels, variance=variances[t - 1])
        # p(x_T) is standard normal, p(x_0 | x_1) = q(x_1 | x_0) pi(x_0) / pi(x_1).
        last += reconstruction_term(x[0], TABLE[1] ** 0.5 * x[1], np.log(variances[0]))
        last += reconstruction_term(x[STEPS], 0.0, 0.0)
    divergences, last = divergences / len(points), last / len(points)
    bound = divergences + last - normal_entropy(np.log(1 - TABLE[STEPS]))
    found = -entropy_form(divergences, alpha_bar_t=TABLE[STEPS], alpha_bar_s=TABLE[1])
    squares = [1 + level * (square - 1) for level in TABLE]
    excess = (squares[STEPS] - squares[1] + squares[0] - 1) / 2
    assert_law("P041", bound, found + excess, scale=16)
    assert (excess == 0.0) == (square == 1.0)


@pytest.mark.verifies("sohldickstein2015/optimal-reverse", kind="closed-form")
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_the_exact_reverse_step_has_the_best_bound(step):
    """Any other mean or variance of any step is worse, by the divergence between the two steps."""
    data = Gaussian([0.6], 0.4)
    exact = []
    for t in range(1, STEPS + 1):
        levels = {"alpha_bar_t": float(TABLE[t]), "alpha_bar_s": float(TABLE[t - 1])}
        exact.append(float(np.ravel(data.reverse_kernel([0.0], **levels).covariance)[0]))
    best = exact_bound(data, TABLE, variance=exact).total
    for factor in (0.5, 0.9, 1.1, 2.0):
        changed = np.array(exact)
        changed[step - 1] *= factor
        worse = exact_bound(data, TABLE, variance=changed).total
        assert_law("P041", worse - best, (1 / factor - 1 + np.log(factor)) / 2)
    for mean, variance in ((0.5, 0.4), (0.6, 0.5), (0.7, 0.3)):
        other = exact_bound(data, TABLE, variance=exact, model=Gaussian([mean], variance))
        assert other.total > best


@pytest.mark.verifies("sohldickstein2015/equilibrium", "sohldickstein2015/forward-step")
@given(st.floats(1e-4, 1.0), st.floats(-3.0, 3.0))
def test_standard_normal_noise_is_the_equilibrium_of_a_step(beta, y):
    """Integrate the kernel over the equilibrium; and it is the kernel of the paper."""
    levels = {"alpha_bar_t": 1 - beta, "alpha_bar_s": 1.0}
    assert_close(transition_mean(y, **levels), (1 - beta) ** 0.5 * y)
    variance = transition_variance(**levels)
    assert_close(variance, beta, terms=1.0)
    assert_close(transition_mean(1.0, **levels) ** 2 + variance, 1.0, terms=2.0)
    # The product of the two densities is normal in y': around sqrt(1 - beta) y, variance beta.
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    spread = variance**0.5
    before = transition_mean(y, **levels) + spread * nodes
    kernel = stats.norm(transition_mean(before, **levels), spread).pdf(y)
    values = kernel * stats.norm.pdf(before) / stats.norm.pdf(nodes) * spread
    total = (weights * values).sum() / np.sqrt(2 * np.pi)
    assert_law("P053", total, stats.norm.pdf(y))


@pytest.mark.verifies("sohldickstein2015/erasing-rate", kind="closed-form")
@given(st.integers(1, 300))
def test_the_erasing_rate_leaves_a_straight_line(num_steps):
    betas = 1.0 / np.arange(num_steps, 0, -1)
    table = alpha_bars_from_betas(betas)
    exact = 1 - np.arange(num_steps + 1) / num_steps
    assert_close(table, exact, terms=1.0, units=num_steps + 4)
    assert table[-1] == 0.0


@pytest.mark.verifies("sohldickstein2015/perturbed-product", "dhariwal2021/guided-mean")
@pytest.mark.parametrize("step", range(2, STEPS + 1))
def test_a_model_times_a_function_is_sampled_step_by_step(step):
    """With r at noisy times the expected r of the data, the product is normal and exact.

    The data times r are another normal law; its reverse step must be the product of the model's
    reverse step with r, divided by the integral.
    """
    mean, variance, centre, width = 0.6, 0.4, -0.5, 0.7
    data = Gaussian([mean], variance)
    precision = 1 / variance + 1 / width
    tilted = Gaussian([(mean / variance + centre / width) / precision], 1 / precision)
    levels = {"alpha_bar_t": float(TABLE[step]), "alpha_bar_s": float(TABLE[step - 1])}
    kernel = data.reverse_kernel([0.9], **levels)
    first = stats.norm(float(kernel.mean[0]), float(np.ravel(kernel.covariance)[0]) ** 0.5)

    def expected_r(x):
        posterior = data.x_0_posterior([x], alpha_bar_t=levels["alpha_bar_s"])
        spread = float(np.ravel(posterior.covariance)[0]) + width
        return stats.norm(centre, spread**0.5).pdf(float(posterior.mean[0]))

    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    x = first.mean() + first.std() * nodes
    weights = weights * np.array([expected_r(value) for value in x])
    weights /= weights.sum()  # dividing by the integral, Z tilde
    exact = tilted.reverse_kernel([0.9], **levels)
    found = (weights * x).sum()
    assert_law("P053", found, float(exact.mean[0]))
    assert_law("P053", (weights * (x - found) ** 2).sum(), float(np.ravel(exact.covariance)[0]))


@pytest.mark.verifies("sohldickstein2015/perturbed-product", "dhariwal2021/guided-mean")
@given(NOISY, st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_a_log_linear_function_shifts_the_mean_by_variance_times_slope(pair, mean, slope):
    variance = posterior_variance(**named(pair))
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    x = variance**0.5 * nodes
    weights = weights * np.exp(slope * x)
    shift = (weights * x).sum() / weights.sum()
    found = classifier_guided_mean(mean, slope, variance=variance, scale=1.0)
    assert_law("P053", found, mean + shift)
