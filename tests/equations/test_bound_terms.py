"""Terms of DDPM's bound: divergences, weights, and the bound of normal data term by term."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refdiff.closed_form import Gaussian, exact_bound
from refdiff.equations import (
    alpha_bars_from_betas,
    bits_per_dim,
    discretized_gaussian_log_likelihood,
    forward_sample,
    linear_betas,
    posterior_mean,
    posterior_variance,
    prior_kl,
    simple_loss,
    snr,
    vlb_weight_eps,
    x_0_from_eps,
)
from refdiff.equations.bounds import (
    density_bits_per_dim,
    eps_term,
    mean_term,
    mean_term_from_eps,
    posterior_term,
    posterior_weight_eps,
    posterior_weight_x_0,
    reconstruction_term,
    variance_term,
)
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.trajectories import forward_path, sigma_points

NOISY = strategies.alpha_bar_pairs(include_clean=False)
PAIRS = strategies.alpha_bar_pairs()
NUMBERS = st.floats(-2.0, 2.0)
TABLE = np.array([1.0, 0.96, 0.8, 0.45, 0.12, 0.02])


def named(pair):
    return dict(zip(("alpha_bar_t", "alpha_bar_s"), pair, strict=True))


def size_of(*numbers):
    return 1 + sum(abs(n) for n in numbers)


@pytest.mark.verifies("ho2020/bound-term", "ho2020/bound-variance-term", kind="closed-form")
@given(st.floats(0.01, 0.9), st.floats(0.05, 0.95), NUMBERS, NUMBERS, NUMBERS, st.floats(0.2, 3.0))
def test_term_is_the_divergence_by_quadrature(alpha_bar_s, part, x_0, x_t, mean, factor):
    levels = {"alpha_bar_t": alpha_bar_s * part, "alpha_bar_s": alpha_bar_s}
    target, small = posterior_mean(x_0, x_t, **levels), posterior_variance(**levels)
    variance = factor * small
    first, second = stats.norm(target, small**0.5), stats.norm(mean, variance**0.5)
    # The log-ratio is quadratic: few nodes are exact.
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    x = target + small**0.5 * nodes
    exact = (weights * (first.logpdf(x) - second.logpdf(x))).sum() / weights.sum()
    found = posterior_term(x_0, x_t, mean, **levels, variance=variance)
    assert_law("P050", found + 1, exact + 1, scale=1 + found)
    apart = variance_term(**levels, variance=variance)
    assert_close(found, apart + mean_term(x_0, x_t, mean, **levels, variance=variance))
    assert apart >= 0


@pytest.mark.verifies("ho2020/bound-variance-term", kind="autograd")
@given(NOISY)
def test_posterior_variance_is_the_only_one_that_costs_nothing(pair):
    small = posterior_variance(**named(pair))
    assert_close(variance_term(**named(pair), variance=small), 0.0, terms=1.0)
    variance = torch.tensor([small, 2 * small, small / 2], dtype=torch.float64, requires_grad=True)
    variance_term(**named(pair), variance=variance).sum().backward()
    # d/dv of (small/v - 1 - ln(small/v)) / 2, in units of 1/small
    slopes = (variance.grad * small).detach().numpy()
    assert_close(slopes, np.array([0.0, 0.125, -1.0]), terms=4.0)


@pytest.mark.verifies("ho2020/bound-variance-term", kind="closed-form")
@pytest.mark.parametrize("part", [1e-3, 1e-5, -1e-5])
def test_a_variance_that_is_nearly_the_posteriors_costs_a_square(part):
    """(e - ln(1 + e))/2 is e^2/4 - e^3/6 + ...: no floor of rounding hides it."""
    levels = {"alpha_bar_t": 0.25, "alpha_bar_s": 0.5}
    small = posterior_variance(**levels)
    found = variance_term(**levels, variance=small * (1 + part))
    relative = -part / (1 + part)  # of beta-tilde to the variance
    series = sum((-relative) ** k / k for k in range(2, 8)) / 2
    assert_close(found, series, terms=abs(part), units=4)


@pytest.mark.verifies("ho2020/bound-mean-term-through-eps", "ho2020/bound-mean-term-from-eps")
@given(PAIRS, NUMBERS, NUMBERS, NUMBERS, st.floats(0.1, 2.0))
def test_the_mean_term_has_three_forms(pair, x_t, eps, mean, variance):
    """(8) at the data that eps implies is (9), and (9) is (10)."""
    levels = named(pair)
    x_0 = x_0_from_eps(x_t, eps, alpha_bar_t=pair[0])
    through_x_0 = mean_term(x_0, x_t, mean, **levels, variance=variance)
    found = mean_term_from_eps(x_t, eps, mean, **levels, variance=variance)
    gain = size_of(x_t, eps) / pair[0] ** 0.5 / (1 - pair[0]) ** 0.5 + abs(mean)
    assert_close(found, through_x_0, terms=gain**2 / variance, units=64)
    worse = mean_term_from_eps(x_t, eps, mean + 1.0, **levels, variance=variance)
    assert worse + found > 0.1 / variance  # no mean is right twice


@pytest.mark.verifies("ho2020/bound-term-eps", "ho2020/bound-mean-term-from-eps")
@given(PAIRS, NUMBERS, NUMBERS, NUMBERS, st.floats(0.1, 2.0))
def test_noise_error_is_the_error_of_the_mean_it_leads_to(pair, x_0, eps, eps_pred, variance):
    levels = named(pair)
    x_t = forward_sample(x_0, eps, alpha_bar_t=pair[0])
    predicted = posterior_mean(x_0_from_eps(x_t, eps_pred, alpha_bar_t=pair[0]), x_t, **levels)
    found = eps_term(eps, eps_pred, **levels, variance=variance)
    exact = mean_term(x_0, x_t, predicted, **levels, variance=variance)
    # As distances of means, which are differences of numbers of this size:
    size = size_of(x_0, eps, eps_pred) / pair[0] ** 0.5
    distances = ((2 * variance * term) ** 0.5 for term in (found, exact))
    assert_close(*distances, terms=size, units=64)


@pytest.mark.property_id("P017")
@pytest.mark.verifies("ho2020/bound-weight-eps-posterior", "ho2020/bound-weight-x-0-posterior")
@given(NOISY, NUMBERS)
def test_weights_of_the_smaller_variance_are_of_one_objective(pair, error):
    levels = named(pair)
    small = posterior_variance(**levels)
    on_eps = posterior_weight_eps(**levels)
    assert_close(on_eps, vlb_weight_eps(**levels, variance=small), units=32)
    # |eps error|^2 = SNR |x_0 error|^2, and the divergence of two posteriors apart by the error.
    on_x_0 = posterior_weight_x_0(**levels)
    assert_close(on_x_0, on_eps * snr(alpha_bar_t=pair[0]), units=16)
    moved = posterior_term(error, 0.3, posterior_mean(0.0, 0.3, **levels), **levels, variance=small)
    # The two means share a part of x_t, whose rounding their difference keeps.
    shared = posterior_mean(0.0, 0.3, **levels) / posterior_mean(1.0, 0.0, **levels)
    size = size_of(error) * (size_of(error) + shared)
    assert_close(moved, on_x_0 * error**2, terms=1 + on_x_0 * size, units=64)


@pytest.mark.verifies("ho2020/bound-reconstruction", kind="closed-form")
@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.floats(-4.0, 2.0)), min_size=1, max_size=5))
def test_reconstruction_is_the_density_of_scipy(points):
    x_0, mean, log_variance = np.array(points).T
    exact = -stats.norm(mean, np.exp(log_variance / 2)).logpdf(x_0)
    size = 2 + (x_0 - mean) ** 2 * np.exp(-log_variance) + abs(log_variance)
    assert_close(reconstruction_term(x_0, mean, log_variance), exact, terms=size)


@pytest.mark.property_id("P048")
@pytest.mark.verifies("refdiff2026/density-bits-per-dim", "ho2020/bound-reconstruction")
@pytest.mark.parametrize("mean", [-0.3, 0.0, 0.4])
def test_a_wide_decoder_costs_what_its_density_says(mean):
    """Bins of width 2/255: the decoder of levels and the density differ by the bin alone."""
    inner = 2.0 * np.arange(60, 196) / 255 - 1
    std = 0.5
    levels = -discretized_gaussian_log_likelihood(inner, mean=mean, std=std)
    density = reconstruction_term(inner, mean, 2 * np.log(std))
    found = density_bits_per_dim(density.sum(), num_dims=inner.size, levels=256)
    assert_law("P048", found, bits_per_dim(levels.sum(), num_dims=inner.size))


@pytest.mark.verifies("refdiff2026/density-bits-per-dim", kind="closed-form")
@given(st.integers(1, 3000), st.integers(2, 1024))
def test_a_uniform_density_costs_the_logarithm_of_the_levels(num_dims, levels):
    """Each level has an interval of length 2/(k-1) around it; k of them hold the mass 1."""
    nats = num_dims * np.log(2 * levels / (levels - 1))
    found = density_bits_per_dim(nats, num_dims=float(num_dims), levels=float(levels))
    assert_close(found, np.log2(levels), terms=2 + np.log2(levels))


def kernel(model, t, variance):
    """Return the levels, the mean of x_{t-1} as a function of x_t, and the variance."""
    levels = {"alpha_bar_t": float(TABLE[t]), "alpha_bar_s": float(TABLE[t - 1])}
    return levels, lambda x: float(model.reverse_kernel([x], **levels).mean[0]), variance[t - 1]


@pytest.mark.property_id("P041")
@pytest.mark.verifies(
    "ho2020/bound",
    "ho2020/bound-term",
    "ho2020/bound-reconstruction",
    "ho2020/prior-kl",
    kind="closed-form",
)
@pytest.mark.parametrize("factor", [1.0, 0.6, 1.9])
@pytest.mark.parametrize("model", [Gaussian([0.7], 0.5), Gaussian([-0.2], 1.6)])
def test_terms_add_up_to_the_bound_of_normal_data(model, factor):
    """Functions term by term, averaged exactly, against the closed form of whole chains."""
    data = Gaussian([0.7], 0.5)
    variance = factor * (1 - TABLE[1:] / TABLE[:-1])
    whole = exact_bound(data, TABLE, variance=variance, model=model)
    steps = len(TABLE) - 1
    sums = np.zeros(steps + 1)
    points = sigma_points(steps + 1)
    for numbers in points:
        x = forward_path(data, TABLE, numbers)
        sums[steps] += prior_kl(x[0], alpha_bar_t=TABLE[-1])
        for t in range(2, steps + 1):
            levels, mean, v = kernel(model, t, variance)
            sums[t - 1] += posterior_term(x[0], x[t], mean(x[t]), **levels, variance=v)
        _, mean, v = kernel(model, 1, variance)
        sums[0] += reconstruction_term(x[0], mean(x[1]), np.log(v))
    terms = sums / len(points)
    assert_law("P041", terms[0], whole.L_0)
    assert_law("P041", terms[1:steps], whole.L_between)
    assert_law("P041", terms[steps], whole.L_T)
    assert_law("P041", terms.sum(), whole.total)


@pytest.mark.verifies("ho2020/training-step", kind="autograd")
def test_gradient_of_a_training_step_against_finite_differences():
    """The loss of a linear model is a parabola: central differences are exact."""
    rng = np.random.default_rng(1)
    table = alpha_bars_from_betas(linear_betas(20, beta_start=0.01, beta_end=0.3))
    x_0, eps = rng.normal(size=(2, 16, 3))
    levels = table[rng.integers(1, 21, size=(16, 1))]
    x_t = forward_sample(x_0, eps, alpha_bar_t=levels)

    def loss(parameters):
        slope, offset = parameters
        return simple_loss(eps_as(parameters), slope * x_as(parameters) + offset).mean()

    def x_as(like):
        return torch.as_tensor(x_t) if isinstance(like, torch.Tensor) else x_t

    def eps_as(like):
        return torch.as_tensor(eps) if isinstance(like, torch.Tensor) else eps

    at = torch.tensor([0.4, -0.1], dtype=torch.float64, requires_grad=True)
    loss(at).backward()
    start = at.detach().numpy()
    slopes = [(loss(start + step) - loss(start - step)) / 2 for step in np.eye(2)]
    assert_close(at.grad, np.array(slopes), terms=8.0, units=16)
    # Algorithm 1's gradient is -2 E[(eps - eps_pred) d eps_pred].
    residual = eps - (start[0] * x_t + start[1])
    written = [-2 * (residual * x_t).mean(), -2 * residual.mean()]
    assert_close(at.grad, np.array(written), terms=8.0, units=16)
