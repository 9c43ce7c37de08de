"""Rectified flow: ends and lines, marginals, one-step exactness after reflow, transport cost."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial.hermite_e import hermegauss
from scipy.integrate import solve_ivp
from scipy.special import ndtr

from refdiff.closed_form import Gaussian
from refdiff.equations import ddim_step, flow
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.lines import Line

PICTURES = strategies.images((2, 3))
DATA = Line([0.3, 0.7], [-1.4, 0.9], [0.25, 0.6])
MEANS, STDS = st.floats(-2, 2), st.floats(0.1, 3)


@pytest.mark.property_id("P104")
@pytest.mark.verifies(
    "liu2023/interpolation",
    "liu2023/target",
    "liu2023/velocity-from-x-0",
    "liu2023/velocity-from-eps",
    "liu2023/x-0-from-velocity",
    "liu2023/eps-from-velocity",
    "lipman2023/score-from-velocity",
)
@given(st.floats(0.05, 0.95), PICTURES, PICTURES)
def test_state_velocity_and_ends_lie_on_one_line(t, x_0, eps):
    x_t = flow.straight_sample(x_0, eps, t=t)
    u = flow.straight_velocity(x_0, eps)
    size = 8 / t / (1 - t)
    for found, wanted in (
        (flow.straight_velocity_from_x_0(x_t, x_0, t=t), u),
        (flow.straight_velocity_from_eps(x_t, eps, t=t), u),
        (flow.straight_x_0_from_velocity(x_t, u, t=t), x_0),
        (flow.straight_eps_from_velocity(x_t, u, t=t), eps),
        ((1 - t) * x_0 + t * eps, x_t),
        (eps - x_0, u),
    ):
        assert_law("P104", found, wanted, scale=size)
    # The straight path among the paths of any scales, and the score from its velocity.
    path = {"alpha_t": 1 - t, "sigma_t": t, "alpha_rate": -1.0, "sigma_rate": 1.0}
    assert_law("P104", flow.velocity_from_x_0(x_t, x_0, **path), u, scale=size)
    score = -((1 - t) * u + x_t) / t
    assert_law("P104", flow.score_from_velocity(x_t, u, **path), score, scale=size)


@pytest.mark.verifies("liu2023/interpolation", "liu2023/euler-step")
@given(PICTURES, PICTURES, st.floats(0, 1), st.floats(0, 1))
def test_lines_run_from_data_to_noise(x_0, eps, t, s):
    assert (flow.straight_sample(x_0, eps, t=0.0) == x_0).all()
    assert (flow.straight_sample(x_0, eps, t=1.0) == eps).all()
    x_t, u = flow.straight_sample(x_0, eps, t=t), flow.straight_velocity(x_0, eps)
    assert_close(flow.euler_step(x_t, u, t=t, s=s), flow.straight_sample(x_0, eps, t=s), terms=24.0)


@pytest.mark.property_id("P104")
@pytest.mark.verifies("liu2023/velocity", "liu2023/velocity-from-x-0", kind="closed-form")
@given(MEANS, STDS, st.floats(0.02, 0.98), st.floats(-4, 4))
def test_the_optimal_velocity_is_the_difference_of_the_predicted_ends(mean, std, t, x):
    """For normal data E[eps - x_0 | x_t] is a linear regression, written from the covariances."""
    variance = ((1 - t) * std) ** 2 + t * t
    slope = (t - (1 - t) * std**2) / variance  # cov(eps - x_0, x_t) / var(x_t)
    regression = -mean + slope * (x - (1 - t) * mean)
    at = Gaussian(mean, std**2).at_scales(alpha_t=1 - t, sigma_t=t)
    x_0, eps = (float(at.predict(name, x)) for name in ("x_0", "eps"))
    size = (1 + abs(x) + abs(mean)) * (1 + std) ** 2 * 8 / t / (1 - t)
    assert_law("P104", flow.straight_velocity(x_0, eps), regression, scale=size)
    assert_law("P104", flow.straight_velocity_from_x_0(x, x_0, t=t), regression, scale=size)
    assert_law("P104", flow.straight_velocity_from_eps(x, eps, t=t), regression, scale=size)
    assert_law("P104", flow.straight_sample(x_0, eps, t=t), x, scale=size)


def carried(start, to_t):
    """Follow the rectified flow of the mixture from noise at t = 1."""

    def right_hand_side(t, state):
        x = torch.as_tensor(state)
        return flow.straight_velocity_from_x_0(x, DATA.mean_x_0(x, 1 - t, t), t=t).numpy()

    found = solve_ivp(right_hand_side, (1.0, to_t), start, method="DOP853", rtol=1e-12, atol=1e-13)
    return found.y[:, -1]


@pytest.mark.verifies("liu2023/marginals", "liu2023/velocity", kind="proof")
@pytest.mark.parametrize("t", [0.6, 0.2, 0.02])
def test_the_flow_has_the_law_of_the_lines_at_every_time(t):
    """On the line a flow keeps the order of points, so it keeps the law if it keeps quantiles."""
    start = np.array([-2.2, -0.4, 0.1, 1.5])
    end = carried(start, t)
    reached = [DATA.cumulative(x, 1 - t, t) for x in end]
    assert_law("P099", np.array(reached), ndtr(start))


@pytest.mark.property_id("P101")
@pytest.mark.verifies("liu2023/euler-step", "salimans2022/ddim-step")
@given(st.floats(0.05, 1), st.floats(0, 1), PICTURES, PICTURES)
def test_an_euler_step_is_a_ddim_step(t, part, x_t, x_0):
    s = part * t
    u = flow.straight_velocity_from_x_0(x_t, x_0, t=t)
    scales = {"alpha_t": 1 - t, "sigma_t": t, "alpha_s": 1 - s, "sigma_s": s}
    found = flow.euler_step(x_t, u, t=t, s=s)
    assert_law("P101", found, flow.ddim_step_from_x_0(x_t, x_0, **scales), scale=16 / t)
    if t < 0.95 and s > 0.02:  # 1 - alpha_bar keeps no digits of a smaller s
        # The same point divided by its length sqrt(alpha^2 + sigma^2): DDIM in alpha_bar.
        length_t, length_s = math.hypot(1 - t, t), math.hypot(1 - s, s)
        eps = flow.straight_eps_from_velocity(x_t, u, t=t)
        signal = {
            "alpha_bar_t": ((1 - t) / length_t) ** 2,
            "alpha_bar_s": ((1 - s) / length_s) ** 2,
        }
        preserved = ddim_step(x_t / length_t, eps, 0.0 * eps, **signal, eta=0.0)
        assert_law("P101", found, length_s * preserved, scale=1000 / t / (1 - t))


@pytest.mark.property_id("P102")
@pytest.mark.verifies(
    "liu2023/reflow-straightens", "liu2023/straightness", "liu2023/euler-step", kind="closed-form"
)
@given(MEANS, STDS, st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_the_reflow_of_a_normal_law_is_straight_and_takes_one_step(mean, std, t, seed):
    """The first flow couples x_0 = m + s eps; along its lines the velocity is a function of x_t."""
    eps = np.random.default_rng(seed).normal(size=(5, 1))
    x_0 = mean + std * eps
    x_t = flow.straight_sample(x_0, eps, t=t)
    # Invert x_t = (1 - t) (m + s eps) + t eps: what a network that sees x_t alone can know.
    known = (x_t - (1 - t) * mean) / ((1 - t) * std + t)
    learned = known - (mean + std * known)
    size = 64 * (1 + abs(mean) + std) * (1 + 1 / std)
    assert_law("P102", flow.straight_velocity(x_0, eps), learned, scale=size)
    assert_law("P102", flow.straightness(x_0, eps, learned), 0.0, scale=size)
    start = eps - (mean + std * eps)  # the velocity learned at t = 1
    assert_law("P102", flow.euler_step(eps, start, t=1.0, s=0.0), x_0, scale=size)


@pytest.mark.property_id("P102")
@pytest.mark.verifies("liu2023/reflow-straightens", "liu2023/marginals", kind="closed-form")
@pytest.mark.parametrize("seed", [0, 1])
def test_reflow_of_correlated_normal_data_is_straight_for_white_noise(seed):
    """The first flow is the symmetric root of the covariance, whose lines never cross."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    stds = np.array([0.3, 1.0, 2.5])
    root, mean = basis * stds @ basis.T, rng.normal(size=3)
    data = Gaussian(mean, root @ root)

    def right_hand_side(t, x):
        at = data.at_scales(alpha_t=1 - t, sigma_t=t)
        return flow.straight_velocity_from_eps(x, at.predict("eps", x), t=t)

    eps = rng.normal(size=3)
    # From just below t = 1, where the line from the noise has hardly begun.
    path = solve_ivp(right_hand_side, (0.999, 0.0), eps, method="DOP853", rtol=1e-12, atol=1e-13)
    spread = basis * np.hypot(0.001 * stds, 0.999) @ basis.T
    exact = mean + root @ np.linalg.solve(spread, eps - 0.001 * mean)
    assert_law("P099", path.y[:, -1], exact)
    # Along the second coupling's lines the noise, and so the velocity, follows from x_t.
    x_0 = mean + root @ eps
    for t in (0.0, 0.3, 1.0):
        x_t = flow.straight_sample(x_0, eps, t=t)
        known = np.linalg.solve((1 - t) * root + t * np.eye(3), x_t - (1 - t) * mean)
        learned = flow.straight_velocity(mean + root @ known, known)
        assert_law("P102", learned, flow.straight_velocity(x_0, eps), scale=64.0)
        assert_law("P102", flow.euler_step(x_t, learned, t=t, s=0.0), x_0, scale=64.0)


@pytest.mark.verifies("liu2023/straightness", "lipman2023/velocity-from-x-0", kind="closed-form")
@given(MEANS, st.floats(0.1, 0.8), st.floats(0.1, 0.9))
def test_one_rectification_is_not_straight(mean, std, t):
    """The first flow of a normal law bends: S is positive unless the deviations are equal."""
    eps = np.array([[-1.2], [0.4], [2.0]])
    x_0 = mean + std * eps
    spread = math.hypot((1 - t) * std, t)
    x_t = (1 - t) * mean + spread * eps
    # d/dt of the ratio of deviations, against the posterior mean's velocity.
    rate = (t - (1 - t) * std**2) / spread
    bent = rate * eps - mean
    at = Gaussian(mean, std**2).at_scales(alpha_t=1 - t, sigma_t=t)
    found = flow.straight_velocity_from_x_0(x_t, at.predict("x_0", x_t), t=t)
    assert_law("P104", found, bent, scale=64 * (1 + abs(mean)) / t)
    apart = flow.straightness(x_0, eps, bent)
    assert_close(apart, ((1 - std - rate) * eps[:, 0]) ** 2, terms=64 * (1 + abs(mean)) ** 2)


COSTS = {
    "absolute": np.abs,
    "quartic": lambda gap: gap**4,
    "one-sided": lambda gap: np.maximum(gap, 0.0),
    "exponential": lambda gap: np.exp(gap / 4),
}


def nodes(count):
    points, weights = hermegauss(count)
    return points, weights / weights.sum()


@pytest.mark.property_id("P103")
@pytest.mark.verifies("liu2023/cost-falls", "liu2023/transport-cost", kind="closed-form")
def test_rectifying_a_normal_coupling_lowers_the_squared_cost_as_known():
    """Data N(0.7, 0.25): the cost falls from 1.74 = m^2 + 1 + S to 0.74 = m^2 + (1 - s)^2."""
    points, weights = nodes(20)
    x_0, eps = (grid.reshape(-1, 1) for grid in np.meshgrid(0.7 + 0.5 * points, points))
    both = np.outer(weights, weights).ravel()
    apart = both @ flow.squared_transport_cost(x_0, eps)
    column = points[:, None]
    joined = weights @ flow.squared_transport_cost(0.7 + 0.5 * column, column)
    assert_close(apart, 1.74, units=64)
    assert_close(joined, 0.74, units=64)


@pytest.mark.property_id("P103")
@pytest.mark.verifies("liu2023/cost-falls", kind="proof")
@pytest.mark.parametrize("cost", COSTS.values(), ids=COSTS)
def test_rectifying_a_mixture_coupling_lowers_every_convex_cost(cost):
    """On the line the flow joins equal quantiles; those are found without any flow."""
    points, weights = nodes(60)
    joined = np.array([DATA.quantile(ndtr(p)) for p in points])
    after = weights @ cost(joined - points)
    before = 0.0
    data = zip(*(values.numpy() for values in (DATA.weights, DATA.means, DATA.stds)), strict=True)
    for share, mean, std in data:
        gaps = (mean + std * points)[:, None] - points[None, :]
        before += share * (weights @ cost(gaps) @ weights)
    assert after < before
    # The flow itself ends at those quantiles, but for the little noise left at its end.
    start = np.array([-1.0, 0.5])
    exact = [DATA.quantile(p) for p in ndtr(start)]
    assert np.abs(carried(start, 0.004) - exact).max() < 0.02


@pytest.mark.verifies("liu2023/transport-cost", "liu2023/straightness")
@given(strategies.images((2, 3, 2)), strategies.images((2, 3, 2)))
def test_costs_are_squared_norms_of_each_sample(x_0, eps):
    found = flow.squared_transport_cost(x_0, eps)
    norms = [np.linalg.norm((a - b).ravel()) ** 2 for a, b in zip(x_0, eps, strict=True)]
    assert_close(found, np.array(norms), units=16)
    # Standing still is as far from straight as the whole way.
    assert_close(flow.straightness(x_0, eps, 0.0 * eps), found, units=16)
    assert (flow.straightness(x_0, eps, flow.straight_velocity(x_0, eps)) == 0).all()
