"""The derivation of the bound, line by line: on single trajectories and in expectation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from refdiff.closed_form import Gaussian, exact_bound
from refdiff.equations import (
    normal_kl,
    posterior_mean,
    posterior_variance,
    transition_mean,
    transition_variance,
)
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.trajectories import (
    forward_path,
    joint_given_data,
    log_normal,
    reverse_joint,
    sigma_points,
)

TABLE = np.array([1.0, 0.93, 0.7, 0.3, 0.05])
STEPS = len(TABLE) - 1
DATA, MODEL = Gaussian([0.6], 0.5), Gaussian([-0.1], 0.9)
VARIANCES = 1.3 * (1 - TABLE[1:] / TABLE[:-1])


def levels(t):
    return {"alpha_bar_t": float(TABLE[t]), "alpha_bar_s": float(TABLE[t - 1])}


def model_kernels():
    """Return gain, offset and variance of each reverse step: means of another law than the data."""
    found = []
    for t in range(1, STEPS + 1):
        offset = float(MODEL.reverse_kernel([0.0], **levels(t)).mean[0])
        gain = float(MODEL.reverse_kernel([1.0], **levels(t)).mean[0]) - offset
        found.append((gain, offset, VARIANCES[t - 1]))
    return found


def data_kernel(x, t):
    """Return log q(x_{t-1} | x_t) of the data's own reverse process."""
    mean, variance = DATA.reverse_kernel([x[t]], **levels(t))
    return log_normal(x[t - 1], float(mean[0]), float(np.ravel(variance)[0]))


def reverse_log(x, t):
    gain, offset, variance = model_kernels()[t - 1]
    return log_normal(x[t - 1], gain * x[t] + offset, variance)


def forward_log(x, t):
    return log_normal(
        x[t], transition_mean(x[t - 1], **levels(t)), transition_variance(**levels(t))
    )


def posterior_log(x, t):
    mean = posterior_mean(x[0], x[t], **levels(t))
    return log_normal(x[t - 1], mean, posterior_variance(**levels(t)))


def marginal_log(x, t):
    return log_normal(x[t], TABLE[t] ** 0.5 * x[0], 1 - TABLE[t])


def lines(x):
    """Return what stands inside the expectation of each line, on one trajectory."""
    p = multivariate_normal(*reverse_joint(model_kernels(), 0.0, 1.0))
    q = multivariate_normal(*joint_given_data(TABLE, x[0]))
    prior = log_normal(x[STEPS], 0.0, 1.0)
    steps, later = range(1, STEPS + 1), range(2, STEPS + 1)
    whole = DATA.log_density([x[0]])
    at = [
        float(DATA.marginal(alpha_bar_t=float(a)).log_density([v]))
        for a, v in zip(TABLE, x, strict=True)
    ]
    return {
        "(17)": -(p.logpdf(x) - q.logpdf(x[1:])),
        "(18)": -prior - sum(reverse_log(x, t) - forward_log(x, t) for t in steps),
        "(19)": -prior
        - sum(reverse_log(x, t) - forward_log(x, t) for t in later)
        - (reverse_log(x, 1) - forward_log(x, 1)),
        "(20)": -prior
        - sum(
            reverse_log(x, t) - posterior_log(x, t) + marginal_log(x, t - 1) - marginal_log(x, t)
            for t in later
        )
        - (reverse_log(x, 1) - forward_log(x, 1)),
        "(21)": -(prior - marginal_log(x, STEPS))
        - sum(reverse_log(x, t) - posterior_log(x, t) for t in later)
        - reverse_log(x, 1),
        "(25)": -(prior - at[STEPS])
        - sum(reverse_log(x, t) - data_kernel(x, t) for t in steps)
        - float(np.ravel(whole)[0]),
    }


@pytest.mark.property_id("P044")
@pytest.mark.verifies(
    "ho2020/reverse-process",
    "ho2020/forward-process",
    "ho2020/posterior",
    "ho2020/bound-derivation-path-ratio",
    "ho2020/bound-derivation-steps",
    "ho2020/bound-derivation-first-step",
    "ho2020/bound-derivation-bayes",
    "ho2020/bound-derivation-telescoped",
    "ho2020/bound-alternative-derivation",
    "sohldickstein2015/forward-process",
    "sohldickstein2015/reverse-process",
    "song2021ddim/latent-model",
    kind="closed-form",
)
@given(st.lists(st.floats(-3.0, 3.0), min_size=STEPS + 1, max_size=STEPS + 1))
def test_every_line_has_one_value_on_every_trajectory(numbers):
    """(17) is that of two assembled joint laws; the others sum over steps of chains."""
    found = lines(np.array(numbers))
    size = 100 / (1 + abs(found["(17)"]))
    for value in found.values():
        assert_law("P044", value, found["(17)"], scale=1 + size)


@pytest.mark.property_id("P041")
@pytest.mark.verifies(
    "ho2020/bound-by-ratios",
    "ho2020/bound-derivation-divergences",
    "ho2020/bound-alternative-derivation",
    "sohldickstein2015/jensen-bound",
    kind="closed-form",
)
def test_every_line_has_the_bound_for_its_expectation():
    whole = exact_bound(DATA, TABLE, variance=VARIANCES, model=MODEL)
    paths = [forward_path(DATA, TABLE, numbers) for numbers in sigma_points(STEPS + 1)]
    values = [lines(path) for path in paths]
    for name in values[0]:
        mean = np.mean([value[name] for value in values])
        assert_law("P041", mean, whole.total, scale=16)
    # (22): averaging over the posterior makes each term of (21) a divergence.
    kernels = model_kernels()
    for t in range(2, STEPS + 1):
        gain, offset, variance = kernels[t - 1]
        small = posterior_variance(**levels(t))
        divergences = [
            normal_kl(
                posterior_mean(x[0], x[t], **levels(t)),
                np.log(small),
                gain * x[t] + offset,
                np.log(variance),
            )
            for x in paths
        ]
        ratios = [posterior_log(x, t) - reverse_log(x, t) for x in paths]
        assert_law("P041", np.mean(ratios), np.mean(divergences), scale=16)
        assert_law("P041", np.mean(divergences), whole.L_between[t - 2], scale=16)
    # The inequality: the marginal of the model at x_0 is that of the assembled joint.
    mean, covariance = reverse_joint(kernels, 0.0, 1.0)
    likelihood = DATA.entropy() + DATA.kl_divergence(Gaussian([mean[0]], covariance[0, 0]))
    assert whole.total > likelihood


@pytest.mark.verifies("ho2020/posterior", kind="closed-form")
@given(strategies.alpha_bar_pairs(include_clean=False), st.floats(-2, 2), st.floats(-2, 2))
def test_posterior_is_the_product_of_two_normal_densities(pair, x_0, x_t):
    """Bayes' rule in precision form, at points of the scale of each factor."""
    alpha_bar_t, alpha_bar_s = pair
    at = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    beta, kept = transition_variance(**at), alpha_bar_t / alpha_bar_s  # 1 - beta, all its digits
    precision = 1 / (1 - alpha_bar_s) + kept / beta
    assert_close(posterior_variance(**at) * precision, 1.0, units=32)
    weighted = alpha_bar_s**0.5 * x_0 / (1 - alpha_bar_s) + kept**0.5 * x_t / beta
    size = (abs(x_0) + abs(x_t) + 1) * (1 / (1 - alpha_bar_s) + 1 / beta)
    found = posterior_mean(x_0, x_t, **at)
    assert_close(found * precision, weighted, terms=size, units=32)
