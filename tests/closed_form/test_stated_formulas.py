"""The stated closed forms of normal laws and mixtures, against conditioning and quadrature."""

import numpy as np
import pytest
import torch
from scipy import stats

from refdiff.closed_form import Gaussian, GaussianMixture, ddim_moments
from refdiff.equations import ddim_step
from refdiff.testing import assert_law

MEAN = np.array([0.4, -1.0, 0.2])
SPREAD = np.array([[1.0, 0.4, 0.1], [0.4, 0.6, -0.2], [0.1, -0.2, 1.5]])
DATA = Gaussian(MEAN, SPREAD)
X = np.array([[0.3, 0.9, -1.0], [2.0, -0.5, 0.1]])
LEVELS = [0.95, 0.5, 0.03]
one = np.eye(3)


@pytest.mark.verifies(
    "refdiff2026/gaussian-marginal",
    "refdiff2026/gaussian-eps",
    "refdiff2026/gaussian-x-0",
    kind="closed-form",
)
@pytest.mark.parametrize("level", LEVELS)
def test_normal_data_by_conditioning_the_joint_law_of_data_noise_and_state(level):
    a, sigma = level**0.5, (1 - level) ** 0.5
    # (x_0, eps, x_t) as one normal vector of nine numbers
    mix = np.block([[one, 0 * one], [0 * one, one], [a * one, sigma * one]])
    source = np.block([[SPREAD, 0 * one], [0 * one, one]])
    joint = mix @ source @ mix.T
    state = joint[6:, 6:]
    covariance = a**2 * SPREAD + sigma**2 * one
    marginal = DATA.marginal(alpha_bar_t=level)
    assert_law("P028", covariance, state)
    assert_law("P028", marginal.covariance_matrix(), state)
    assert_law("P028", marginal.mean, a * MEAN)
    apart = X - a * MEAN
    inverse = np.linalg.inv(covariance)
    eps = sigma * apart @ inverse.T
    assert_law("P028", eps, apart @ np.linalg.solve(state, joint[6:, 3:6]), scale=100)
    assert_law("P028", DATA.optimal_eps(X, alpha_bar_t=level), eps, scale=100)
    x_0 = MEAN + a * apart @ (SPREAD @ inverse).T
    assert_law("P028", x_0, MEAN + apart @ np.linalg.solve(state, joint[6:, :3]), scale=100)
    left = SPREAD - joint[:3, 6:] @ np.linalg.solve(state, joint[6:, :3])
    assert_law("P028", sigma**2 * SPREAD @ inverse, left, scale=100)
    posterior = DATA.x_0_posterior(X, alpha_bar_t=level)
    assert_law("P028", posterior.mean, x_0, scale=100)
    assert_law("P028", posterior.covariance, left, scale=100)


@pytest.mark.verifies("refdiff2026/gaussian-reverse", kind="closed-form")
@pytest.mark.parametrize(("later", "earlier"), [(0.5, 0.8), (0.03, 0.5), (0.3, 0.31)])
def test_exact_reverse_step_of_normal_data(later, earlier):
    """The formula, by conditioning (x_s, x_t), whose covariance the forward step gives."""
    ratio = later / earlier
    beta = 1 - ratio
    at_s = earlier * SPREAD + (1 - earlier) * one
    at_t = ratio * at_s + beta * one
    gain = ratio**0.5 * at_s @ np.linalg.inv(at_t)
    mean = earlier**0.5 * MEAN + (X - later**0.5 * MEAN) @ gain.T
    covariance = at_s - ratio**0.5 * gain @ at_s
    posterior = DATA.x_0_posterior(X, alpha_bar_t=later)
    of_x_0 = earlier**0.5 * beta / (1 - later)
    of_x_t = ratio**0.5 * (1 - earlier) / (1 - later)
    tilde = (1 - earlier) / (1 - later) * beta
    written = tilde * one + earlier * beta**2 / (1 - later) ** 2 * posterior.covariance
    assert_law("P028", of_x_0 * posterior.mean + of_x_t * X, mean, scale=10)
    assert_law("P028", written, covariance, scale=10)
    kernel = DATA.reverse_kernel(X, alpha_bar_t=later, alpha_bar_s=earlier)
    assert_law("P028", kernel.mean, mean, scale=10)
    assert_law("P028", kernel.covariance, covariance, scale=10)


@pytest.mark.property_id("P056")
@pytest.mark.verifies("refdiff2026/gaussian-ddim-gain", kind="closed-form")
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("square", [0.0, 0.3, 1.0, 4.0])
def test_gain_of_a_ddim_step(square, eta):
    """The recursion V <- k^2 V + sigma^2, against the step, the chain and cosines."""
    table = np.array([1.0, 0.8, 0.4, 0.05])
    times = [3, 2, 1]
    data, variance = Gaussian(np.array([0.0]), square), 0.7
    gains = []
    for t in times:
        at, before = table[t], table[t - 1]
        noise = eta**2 * (1 - before) / (1 - at) * (1 - at / before)
        kept = max(1 - before - noise, 0.0)
        top = (before * at) ** 0.5 * square + (kept * (1 - at)) ** 0.5
        gains.append(top / (at * square + 1 - at))
        variance = gains[-1] ** 2 * variance + noise
        levels = {"alpha_bar_t": float(at), "alpha_bar_s": float(before)}
        moved = [
            float(ddim_step(x, data.optimal_eps([x], alpha_bar_t=at)[0], 0.0, **levels, eta=eta))
            for x in (0.0, 1.0)
        ]
        assert_law("P036", moved[1] - moved[0], gains[-1])
    start = Gaussian(np.array([0.2]), 0.7)
    found = ddim_moments(data, table, times, eta, prior=start)[-1]
    assert_law("P036", np.ravel(found.covariance)[0], variance)
    if square == 1.0 and eta == 0.0:
        angles = np.arccos(np.sqrt(table))
        assert_law("P056", np.prod(gains), np.prod(np.cos(np.diff(angles))))


WEIGHTS = [0.2, 0.5, 0.3]
MEANS = np.array([[0.5, -0.3], [-1.2, 0.1], [0.0, 1.0]])
SPREADS = np.array([0.3, 0.1, 0.5])
MIXTURE = GaussianMixture(WEIGHTS, MEANS, SPREADS)
POINTS = np.array([[0.1, 0.2], [-0.8, 0.7]])


def log_density(x, level):
    """Return the log-density of x_t, written with torch."""
    found = []
    for weight, mean, spread in zip(WEIGHTS, MEANS, SPREADS, strict=True):
        variance = level * spread + 1 - level
        square = ((x - level**0.5 * torch.as_tensor(mean)) ** 2).sum()
        found.append(np.log(weight) - square / (2 * variance) - np.log(2 * np.pi * variance))
    return torch.logsumexp(torch.stack([torch.as_tensor(value) for value in found]), 0)


@pytest.mark.property_id("P027")
@pytest.mark.property_id("P028")
@pytest.mark.verifies(
    "refdiff2026/mixture-score", "refdiff2026/second-order-tweedie", kind="autograd"
)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("point", POINTS)
def test_score_and_curvature_of_a_mixture_by_autograd(point, level):
    x = torch.as_tensor(point).requires_grad_()
    slope = torch.autograd.functional.jacobian(lambda y: log_density(y, level), x).numpy()
    curvature = torch.autograd.functional.hessian(lambda y: log_density(y, level), x).numpy()
    variances = level * SPREADS + 1 - level
    laws = [
        stats.multivariate_normal(level**0.5 * mean, variance).pdf(point)
        for mean, variance in zip(MEANS, variances, strict=True)
    ]
    shares = np.array(WEIGHTS) * laws / np.dot(WEIGHTS, laws)
    score = -((shares / variances)[:, None] * (point - level**0.5 * MEANS)).sum(0)
    assert_law("P027", score, slope, scale=100)
    assert_law("P027", MIXTURE.score(point[None], alpha_bar_t=level)[0], slope, scale=100)
    # The covariance of x_0 by conditioning each component, and between their means.
    means = MEANS + level**0.5 * (SPREADS / variances)[:, None] * (point - level**0.5 * MEANS)
    centre = shares @ means
    inside = (shares * SPREADS * (1 - level) / variances).sum() * np.eye(2)
    between = (shares[:, None] * (means - centre)).T @ (means - centre)
    gain = (1 - level) / level
    assert_law(
        "P028", gain * (np.eye(2) + (1 - level) * curvature), inside + between, scale=1 / level
    )

    def expected(y):
        slope = torch.autograd.grad(log_density(y, level), y, create_graph=True)[0]
        return (y + (1 - level) * slope) / level**0.5

    jacobian = torch.autograd.functional.jacobian(expected, x).numpy()
    written = level**0.5 / (1 - level) * (inside + between)
    assert_law("P028", jacobian, written, scale=1 / level)
