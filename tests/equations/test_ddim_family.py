"""DDIM's family of forward processes, its bound, and its steps as a numerical method."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from refdiff.closed_form import Gaussian
from refdiff.equations import (
    ddim_mean,
    ddim_sigma,
    ddim_step,
    ddpm_step_fixed_large,
    eps_from_x_0,
    forward_sample,
    posterior_mean,
    posterior_mean_from_eps,
    posterior_variance,
    transition_mean,
    transition_variance,
    x_0_from_eps,
)
from refdiff.equations.bounds import ddim_posterior_weight_eps, weighted_eps_loss
from refdiff.equations.solvers import (
    ddim_encode_step,
    ddim_euler_step,
    ddim_forward_mean,
    ddim_forward_variance,
    ddim_larger_sigma,
    ddim_probability_flow_step,
)
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.trajectories import joint_given_data, log_normal, sigma_points

PAIRS = strategies.alpha_bar_pairs()
NUMBERS = st.floats(-2.0, 2.0)
MODERATE = st.tuples(st.floats(0.02, 0.95), st.floats(0.05, 0.95)).map(
    lambda found: {"alpha_bar_t": found[0] * found[1], "alpha_bar_s": found[0]}
)
TABLE = np.array([1.0, 0.93, 0.7, 0.3, 0.05])
STEPS = len(TABLE) - 1


def named(pair):
    return dict(zip(("alpha_bar_t", "alpha_bar_s"), pair, strict=True))


def of(t, s):
    return {"alpha_bar_t": float(TABLE[t]), "alpha_bar_s": float(TABLE[s])}


def kernel(x_0, x_t, levels, eta):
    """Return mean and variance of q_sigma(x_s | x_t, x_0)."""
    eps = eps_from_x_0(x_t, x_0, alpha_bar_t=levels["alpha_bar_t"])
    return ddim_mean(x_0, eps, **levels, eta=eta), ddim_sigma(**levels, eta=eta) ** 2


def assembled(x_0, times, eta):
    """Return mean and covariance of the states at `times` (last first), from the end down."""
    count = len(times)
    mean, root = np.zeros(count), np.zeros((count, count))
    last = float(TABLE[times[0]])
    mean[0], root[0, 0] = last**0.5 * x_0, (1 - last) ** 0.5
    for k in range(1, count):
        levels = of(times[k - 1], times[k])
        offset, variance = kernel(x_0, 0.0, levels, eta)
        slope = kernel(x_0, 1.0, levels, eta)[0] - offset
        mean[k] = offset + slope * mean[k - 1]
        root[k] = slope * root[k - 1]
        root[k, k] += variance**0.5
    return mean, root @ root.T


@pytest.mark.property_id("P054")
@pytest.mark.verifies(
    "song2021ddim/inference-family", "song2021ddim/accelerated-process", kind="closed-form"
)
@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("times", [(4, 3, 2, 1), (4, 2, 1), (4, 1), (4, 3)])
def test_the_assembled_process_has_the_marginals_of_ddpm(times, eta):
    """Also on a list of times; those left out hang from the data, with the same marginals."""
    mean, covariance = assembled(0.8, times, eta)
    levels = TABLE[list(times)]
    assert_law("P054", mean, np.sqrt(levels) * 0.8)
    assert_law("P054", np.diag(covariance), 1 - levels)
    _, markov = joint_given_data([1.0, *levels], 0.8)
    same = np.abs(covariance - markov).max()
    if eta == 1.0:
        assert_law("P054", covariance, markov)
    else:  # the same marginals, and another joint law
        assert same > 0.01 or len(times) == 1


@pytest.mark.verifies(
    "song2021ddim/forward-mean", "song2021ddim/forward-variance", kind="closed-form"
)
@given(MODERATE, strategies.etas(), NUMBERS, NUMBERS)
def test_forward_step_is_the_kernel_turned_round(levels, eta, x_0, x_s):
    """Conditioning the joint law of (x_s, x_t) given x_0."""
    alpha_bar_t, alpha_bar_s = levels["alpha_bar_t"], levels["alpha_bar_s"]
    offset, _ = kernel(x_0, 0.0, levels, eta)
    slope = kernel(x_0, 1.0, levels, eta)[0] - offset
    shared = slope * (1 - alpha_bar_t)
    gain = shared / (1 - alpha_bar_s)
    mean = alpha_bar_t**0.5 * x_0 + gain * (x_s - alpha_bar_s**0.5 * x_0)
    size = (4 + abs(x_0) + abs(x_s)) / (1 - alpha_bar_s) / (1 - alpha_bar_t)
    assert_close(ddim_forward_mean(x_0, x_s, **levels, eta=eta), mean, terms=size, units=32)
    variance = 1 - alpha_bar_t - gain * shared
    found = ddim_forward_variance(**levels, eta=eta)
    assert_close(found, variance, terms=size, units=32)
    if eta == 1.0:  # Markov
        assert_close(found, transition_variance(**levels))
        found = ddim_forward_mean(x_0, x_s, **levels, eta=eta)
        assert_close(found, transition_mean(x_s, **levels), terms=4.0)


@pytest.mark.property_id("P055")
@pytest.mark.verifies("song2021ddim/markov-sigma", "song2021ddim/larger-sigma")
@given(PAIRS, NUMBERS, NUMBERS, NUMBERS)
def test_the_two_noises_of_ddpm(pair, x_t, eps, noise):
    """sigma(1) is the root of beta-tilde; the larger noise goes with the mean of sigma(1)."""
    levels = named(pair)
    assert_close(ddim_sigma(**levels, eta=1.0) ** 2, posterior_variance(**levels), units=8)
    mean = posterior_mean_from_eps(x_t, eps, **levels)
    larger = ddim_larger_sigma(**levels)
    assert_close(larger**2, transition_variance(**levels), units=8)
    step = ddpm_step_fixed_large(x_t, eps, noise, **levels)
    assert_close(mean + larger * noise, step, terms=abs(mean) + abs(noise), units=16)
    at_x_0 = posterior_mean(x_t, eps, **levels)
    direction = eps_from_x_0(eps, x_t, alpha_bar_t=pair[0])
    size = (abs(x_t) + abs(eps) + 1) / (1 - pair[0]) ** 0.5
    assert_close(ddim_mean(x_t, direction, **levels, eta=1.0), at_x_0, terms=size, units=32)


@pytest.mark.verifies("song2021ddim/generative-process", "song2021ddim/step")
@given(MODERATE, strategies.etas(), NUMBERS, NUMBERS, NUMBERS)
def test_generation_is_the_family_at_the_predicted_data(levels, eta, x_t, eps, noise):
    """For t > 1 the kernel at f(x_t); for t = 1 the data f(x_1), with the noise 0."""
    guess = x_0_from_eps(x_t, eps, alpha_bar_t=levels["alpha_bar_t"])
    mean, variance = kernel(guess, x_t, levels, eta)
    found = ddim_step(x_t, eps, noise, **levels, eta=eta)
    size = (1 + abs(x_t) + abs(eps)) / levels["alpha_bar_t"] / (1 - levels["alpha_bar_t"])
    assert_close(found, mean + variance**0.5 * noise, terms=size + abs(noise), units=32)
    last = {**levels, "alpha_bar_s": 1.0}
    mean, variance = kernel(guess, x_t, last, eta)
    assert (mean, variance) == (guess, 0.0)
    assert ddim_step(x_t, eps, noise, **last, eta=eta) == guess


def path(x_0, numbers, eta):
    """Return x_0..x_T drawn from the family, from the end down, as a function of the numbers."""
    x = np.zeros(STEPS + 1)
    x[0] = x_0
    x[STEPS] = forward_sample(x_0, numbers[0], alpha_bar_t=float(TABLE[STEPS]))
    for t in range(STEPS, 1, -1):
        mean, variance = kernel(x_0, x[t], of(t, t - 1), eta)
        x[t - 1] = mean + variance**0.5 * numbers[t - 1]
    return x


@pytest.mark.verifies(
    "song2021ddim/bound",
    "song2021ddim/bound-weight",
    "song2021ddim/weighted-loss",
    kind="closed-form",
)
@pytest.mark.parametrize("eta", [0.2, 1.0])
@pytest.mark.parametrize("x_0", [-0.4, 0.9])
def test_the_bound_is_a_weighted_noise_loss_and_a_constant(x_0, eta):
    """Theorem 1: two models' bounds differ by the difference of their weighted losses."""
    points = sigma_points(STEPS)
    paths = [path(x_0, numbers, eta) for numbers in points]

    def bound(slope):
        total = 0.0
        for x in paths:
            total += log_normal(x[STEPS], TABLE[STEPS] ** 0.5 * x[0], 1 - TABLE[STEPS])
            total -= log_normal(x[STEPS], 0.0, 1.0)
            for t in range(1, STEPS + 1):
                guess = x_0_from_eps(x[t], slope * x[t] + 0.1, alpha_bar_t=float(TABLE[t]))
                if t == 1:
                    total -= log_normal(x[0], guess, 0.3)
                    continue
                true, variance = kernel(x[0], x[t], of(t, t - 1), eta)
                model, _ = kernel(guess, x[t], of(t, t - 1), eta)
                total += log_normal(x[t - 1], true, variance)
                total -= log_normal(x[t - 1], model, variance)
        return total / len(paths)

    def loss(slope):
        total = 0.0
        for x in paths:
            for t in range(1, STEPS + 1):
                eps = eps_from_x_0(x[t], x[0], alpha_bar_t=float(TABLE[t]))
                if t == 1:  # -log N(x_0; f, 0.3) and eps: x_0 - f is a multiple of their difference
                    weight = (1 - TABLE[1]) / TABLE[1] / (2 * 0.3)
                else:
                    weight = ddim_posterior_weight_eps(**of(t, t - 1), eta=eta)
                total += weighted_eps_loss(eps, slope * x[t] + 0.1, weight=float(weight))
        return total / len(paths)

    gaps = [bound(slope) - loss(slope) for slope in (-0.5, 0.2, 0.9)]
    scale = 16 + loss(-0.5) + loss(0.9)
    assert_law("P041", gaps[1], gaps[0], scale=scale)
    assert_law("P041", gaps[2], gaps[0], scale=scale)


@pytest.mark.property_id("P058")
@pytest.mark.verifies("song2021ddim/euler-step", "song2021ddim/encode-step")
@given(PAIRS, NUMBERS, NUMBERS)
def test_a_step_of_euler_is_a_step_of_ddim_and_undoes_encoding(pair, x_t, eps):
    levels = named(pair)
    found = ddim_euler_step(x_t, eps, **levels)
    size = (1 + abs(x_t) + abs(eps)) / pair[0] ** 0.5
    assert_close(found, ddim_step(x_t, eps, 0.0, **levels, eta=0.0), terms=size, units=32)
    assert_close(
        ddim_encode_step(found, eps, **levels), x_t, terms=1 + abs(x_t) + abs(eps), units=64
    )
    # Clean data with the noise that is added: encoding is the forward process.
    clean = {**levels, "alpha_bar_s": 1.0}
    sample = forward_sample(x_t, eps, alpha_bar_t=pair[0])
    assert_close(ddim_encode_step(x_t, eps, **clean), sample, terms=abs(x_t) + abs(eps), units=8)


DATA = Gaussian(np.array([0.7]), 0.4)


@pytest.mark.verifies("song2021ddim/ode", kind="closed-form")
@pytest.mark.parametrize(("start", "end"), [(0.02, 0.9), (0.3, 0.999), (0.9, 0.02)])
def test_the_equation_carries_normal_data_along_the_exact_map(start, end):
    """d xbar = eps(xbar / sqrt(sigma^2 + 1)) d sigma, integrated by DOP853."""

    def slope(sigma, rescaled):
        level = 1 / (1 + sigma**2)
        return DATA.optimal_eps(level**0.5 * rescaled, alpha_bar_t=level)

    sigmas = [((1 - level) / level) ** 0.5 for level in (start, end)]
    x = np.array([1.3])
    solution = solve_ivp(slope, sigmas, x / start**0.5, method="DOP853", rtol=1e-12, atol=1e-13)
    exact = DATA.probability_flow(x, alpha_bar_t=start, alpha_bar_s=end)
    assert_law("P058/ode", end**0.5 * solution.y[:, -1], exact)


def run(step, count):
    """Go from alpha_bar 0.05 to 0.9 in steps that are equal in log SNR."""
    log_snrs = np.linspace(np.log(0.05 / 0.95), np.log(0.9 / 0.1), count + 1)
    levels = 1 / (1 + np.exp(-log_snrs))
    x = np.array([1.3])
    for t, s in itertools.pairwise(levels):
        eps = DATA.optimal_eps(x, alpha_bar_t=float(t))
        x = step(x, eps, alpha_bar_t=float(t), alpha_bar_s=float(s))
    return float(x[0])


@pytest.mark.property_id("P058")
@pytest.mark.verifies(
    "song2021ddim/probability-flow-euler-step", "song2021ddim/euler-step", kind="closed-form"
)
def test_both_steps_of_euler_converge_with_order_1_to_the_exact_map():
    exact = float(DATA.probability_flow([1.3], alpha_bar_t=0.05, alpha_bar_s=0.9)[0])
    for step in (ddim_euler_step, ddim_probability_flow_step):
        errors = [run(step, count) - exact for count in (400, 800)]
        assert_law("P058/probability-flow", errors[0] / errors[1], 2.0)
    # One step of either: they differ by the square of its length in sigma, exactly
    # eps (sigma_t - sigma_s)^2 / (2 sigma_t) in rescaled variables.
    for level_s in (0.6, 0.95, 1.0):
        levels = {"alpha_bar_t": 0.5, "alpha_bar_s": level_s}
        apart = ddim_euler_step(0.0, 1.0, **levels) - ddim_probability_flow_step(0.0, 1.0, **levels)
        fall = 1.0 - ((1 - level_s) / level_s) ** 0.5
        assert_close(apart / level_s**0.5, -(fall**2) / 2, terms=2.0)


@pytest.mark.property_id("P060")
@pytest.mark.verifies("song2021ddim/encode-step", kind="closed-form")
def test_encoding_and_decoding_returns_with_an_error_of_order_1():
    def back_and_forth(count):
        log_snrs = np.linspace(np.log(0.98 / 0.02), np.log(0.05 / 0.95), count + 1)
        levels = [float(level) for level in 1 / (1 + np.exp(-log_snrs))]
        x = np.array([0.4])
        pairs = list(zip(levels[1:], levels[:-1], strict=True))
        for t, s in pairs:
            eps = DATA.optimal_eps(x, alpha_bar_t=s)
            x = ddim_encode_step(x, eps, alpha_bar_t=t, alpha_bar_s=s)
        for t, s in reversed(pairs):
            eps = DATA.optimal_eps(x, alpha_bar_t=t)
            x = ddim_euler_step(x, eps, alpha_bar_t=t, alpha_bar_s=s)
        return abs(float(x[0]) - 0.4)

    assert_law("P060", back_and_forth(400) / back_and_forth(800), 2.0)
