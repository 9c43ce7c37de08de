"""Flow matching's theorems: marginal fields, continuity, equal gradients, push-forward."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from refdiff.closed_form import Gaussian
from refdiff.equations import flow
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.inputs import spread
from tests.support.lines import Line

POINTS = Line([0.2, 0.5, 0.3], [-1.5, 0.3, 1.0], [0.0, 0.0, 0.0])
SPREAD = Line([0.3, 0.7], [-1.0, 0.8], [0.3, 0.6])
LEFT = 0.1  # the noise left at t = 0


def number(value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def conditional_fields(x, t):
    """Return u_t(x | x_0) for each data point, one more axis at the end."""
    return flow.optimal_transport_field(x[..., None], POINTS.means, t=t, sigma_min=LEFT)


def scales(t):
    return flow.optimal_transport_alpha(t=t), flow.optimal_transport_sigma(t=t, sigma_min=LEFT)


def marginal_field(x, t):
    """Return equation (8) for finite data: the fields averaged with the points' posterior."""
    return (POINTS.shares(x, *scales(t)) * conditional_fields(x, t)).sum(-1)


@pytest.mark.verifies(
    "lipman2023/marginal-field", "lipman2023/marginal-path", "lipman2023/ot-field", kind="proof"
)
@given(st.floats(0.05, 0.95), st.floats(-3, 3))
def test_the_marginal_field_carries_the_marginal_path(time, place):
    """The continuity equation, d_t p + d_x (p u) = 0, by autograd in time and place (Theorem 1)."""
    t, x = number(time), number(place)
    density = POINTS.density(x, *scales(t))
    rate = torch.autograd.grad(density, t, retain_graph=True)[0]
    current = density * marginal_field(x, t)
    divergence = torch.autograd.grad(current, x)[0]
    steepness = (1 + abs(place)) ** 3 / (time + LEFT) ** 3
    assert_close(rate + divergence, 0.0, terms=8 * steepness, units=16)


@pytest.mark.verifies("lipman2023/marginal-field", "lipman2023/velocity-from-score", kind="proof")
@given(st.floats(0.02, 0.98), st.floats(-3, 3))
def test_the_marginal_field_is_that_of_the_marginal_score(time, place):
    """The average over the posterior turns the conditional score into the gradient of log p."""
    x, t = number(place), torch.tensor(time, dtype=torch.float64)
    alpha, sigma = scales(t)
    score = torch.autograd.grad(torch.log(POINTS.density(x, alpha, sigma)), x)[0]
    path = {
        "alpha_t": alpha.item(),
        "sigma_t": sigma.item(),
        "alpha_rate": -1.0,
        "sigma_rate": 1.0 - LEFT,
    }
    found = flow.velocity_from_score(place, score.item(), **path)
    terms = 8 * (1 + abs(place)) ** 2 / (1 - time) / (time + LEFT) ** 2
    assert_close(found, marginal_field(x, t).item(), terms=terms, units=8)


def matching_losses(slope, bend, time):
    """Return FM and CFM losses at one time of v(x) = bend tanh(2 x) + slope x, by quadrature.

    The trapezoidal rule on an entire integrand of Gaussian decay is exact to rounding.
    """
    t = torch.tensor(time, dtype=torch.float64)
    x = torch.linspace(-9, 9, 1801, dtype=torch.float64)
    guess = bend * torch.tanh(2 * x) + slope * x
    joint = torch.exp(POINTS.log_joint(x, *scales(t)))
    # A squared error per place (one component), and per place and data point.
    marginal = flow.flow_matching_loss(marginal_field(x, t)[:, None], guess[:, None])
    fields = conditional_fields(x, t)
    each = flow.flow_matching_loss(
        fields.reshape(-1, 1), guess[:, None].expand_as(fields).reshape(-1, 1)
    ).reshape(fields.shape)
    width = 18 / 1800
    return (joint.sum(-1) * marginal).sum() * width, (joint * each).sum() * width


@pytest.mark.property_id("P100")
@pytest.mark.verifies(
    "lipman2023/conditional-flow-matching", "lipman2023/flow-matching", kind="proof"
)
@given(st.floats(0.1, 0.95), st.floats(-2, 2), st.floats(-2, 2))
def test_conditional_and_marginal_flow_matching_have_one_gradient(time, slope, bend):
    """Theorem 2: the losses differ by the posterior variance of the field, whatever v is."""
    a, b = number(slope), number(bend)
    fm, cfm = matching_losses(a, b, time)
    gradients = [torch.autograd.grad(loss, (a, b), retain_graph=True) for loss in (fm, cfm)]
    size = 20 / (time + LEFT) ** 2 + 20 * (slope**2 + bend**2)
    for one, other in zip(*gradients, strict=True):
        assert_law("P100", one, other, scale=size)
    at_0 = matching_losses(number(0.0), number(0.0), time)
    assert_law("P100", (cfm - fm).item(), (at_0[1] - at_0[0]).item(), scale=size)
    assert cfm > fm  # the conditional field is more than the marginal one


@pytest.mark.verifies("lipman2023/flow-matching", kind="proof")
def test_flow_matching_is_0_at_the_field_alone():
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    field = marginal_field(x, torch.tensor(0.4, dtype=torch.float64))[:, None]
    assert (flow.flow_matching_loss(field, field) == 0).all()
    assert (flow.flow_matching_loss(field, field + 0.1) > 0).all()


def carried(field, start, from_t, to_t):
    """Integrate dx/dt = field(x, t), and the logarithm of dx/dstart with it."""

    def right_hand_side(t, state):
        x = number(state[0])
        u = field(x, torch.tensor(t, dtype=torch.float64))
        return [u.item(), torch.autograd.grad(u, x)[0].item()]

    found = solve_ivp(
        right_hand_side, (from_t, to_t), [start, 0.0], method="DOP853", rtol=1e-12, atol=1e-13
    )
    return found.y[:, -1]


def spread_field(x, t):
    """Return E[eps - x_0 | x] for the mixture with a density, along straight lines."""
    return flow.straight_velocity_from_x_0(x, SPREAD.mean_x_0(x, 1 - t, t), t=t)


@pytest.mark.verifies("lipman2023/flow", "lipman2023/push-forward", kind="proof")
@pytest.mark.parametrize("start", [-1.3, 0.2, 1.7])
def test_a_flow_composes_and_pushes_the_density_forward(start):
    """Noise carried to the data: its density over the stretch of the map is the data's."""
    x, log_stretch = carried(spread_field, start, 1.0, 0.05)
    between, first = carried(spread_field, start, 1.0, 0.6)
    again, second = carried(spread_field, between, 0.6, 0.05)
    assert_law("P099", again, x)
    assert_law("P099", first + second, log_stretch)
    log_noise = -(start**2) / 2 - math.log(2 * math.pi) / 2
    end = SPREAD.density(torch.tensor(x, dtype=torch.float64), 0.95, 0.05)
    # (4): p_t(phi(x)) |det dphi/dx| = p_0(x).
    assert_law("P099", math.log(end.item()) + log_stretch, log_noise, scale=10.0)


@pytest.mark.property_id("P099")
@pytest.mark.verifies("lipman2023/flow", "lipman2023/ot-field", kind="closed-form")
@given(st.floats(-2, 2), st.floats(0.2, 3), spread(-2, 2))
def test_the_optimal_transport_flow_of_a_gaussian_is_the_ratio_of_deviations(mean, std, start):
    data = Gaussian(mean, std**2)

    def law(t):
        return (1 - t) * mean, math.hypot(
            (1 - t) * std, flow.optimal_transport_sigma(t=t, sigma_min=LEFT)
        )

    def right_hand_side(t, x):
        at = data.at_scales(
            alpha_t=1 - t, sigma_t=flow.optimal_transport_sigma(t=t, sigma_min=LEFT)
        )
        # The field is affine in the data: its average is the field towards E[x_0 | x].
        return flow.optimal_transport_field(x, at.predict("x_0", x), t=t, sigma_min=LEFT)

    found = solve_ivp(right_hand_side, (1.0, 0.0), [start], method="DOP853", rtol=1e-12, atol=1e-13)
    (m_1, s_1), (m_0, s_0) = law(1.0), law(0.0)
    assert_law("P099", found.y[0, -1], m_0 + s_0 / s_1 * (start - m_1), scale=1 + abs(mean) + std)


@pytest.mark.verifies("lipman2023/conditional-flow-matching", "liu2023/objective")
@given(strategies.images((2, 3, 2)), strategies.images((2, 3, 2)), st.floats(-2, 2))
def test_the_loss_is_a_mean_over_each_sample(velocity, velocity_pred, shift):
    found = flow.flow_matching_loss(velocity, velocity_pred)
    sums = ((velocity - velocity_pred) ** 2).sum((1, 2))
    assert found.shape == (2,)
    assert_close(found * 6, sums, terms=8 * 64)
    # Only the difference of the two counts.
    moved = flow.flow_matching_loss(velocity + shift, velocity_pred + shift)
    assert_close(moved, found, terms=200.0)
    assert np.array_equal(found, flow.flow_matching_loss(velocity_pred, velocity))
