"""Velocities of paths: derivatives by autograd, probability flows, refusals."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from refdiff.equations import continuous, flow
from refdiff.testing import assert_close, assert_law, strategies

PICTURES = strategies.images((2, 3))
TIMES = st.floats(0.02, 0.98)

PATHS = {
    "straight": lambda t: (1 - t, t),
    "trigonometric": lambda t: (torch.cos(math.pi / 2 * t), torch.sin(math.pi / 2 * t)),
    "exploding": lambda t: (torch.ones_like(t), 0.01 * 5000.0**t),
    "preserving": lambda t: (torch.exp(-4 * t * t), torch.sqrt(-torch.expm1(-8 * t * t))),
    "skew": lambda t: (1.5 - t * t, torch.log1p(3 * t)),
}
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
CONVERSION_IDS = (
    "lipman2023/velocity-from-x-0",
    "lipman2023/velocity-from-eps",
    "lipman2023/velocity-from-v",
    "lipman2023/velocity-from-score",
    "lipman2023/x-0-from-velocity",
    "lipman2023/eps-from-velocity",
    "lipman2023/v-from-velocity",
    "lipman2023/score-from-velocity",
)


def at(path, time):
    """Return scales and their derivatives as numbers; the derivatives are autograd's."""
    t = torch.tensor(time, dtype=torch.float64, requires_grad=True)
    found = {}
    for name, value in zip(("alpha", "sigma"), path(t), strict=True):
        (rate,) = torch.autograd.grad(value + 0 * t, t, retain_graph=True)
        found |= {f"{name}_t": value.item(), f"{name}_rate": rate.item()}
    return found


def derivative(path, x_0, eps, time):
    """Return dx_t/dt of the line of one pair, by autograd."""

    def position(t):
        alpha, sigma = path(t)
        return alpha * torch.as_tensor(x_0) + sigma * torch.as_tensor(eps)

    return rated(position, time)[1].numpy()


def rated(function, time):
    """Return a function of time and its derivative there."""
    t = torch.tensor(time, dtype=torch.float64)
    return torch.autograd.functional.jvp(function, t, torch.ones_like(t))


@pytest.mark.property_id("P104")
@pytest.mark.verifies("lipman2023/conditional-velocity", *CONVERSION_IDS)
@every_path
@given(TIMES, PICTURES, PICTURES)
def test_every_prediction_gives_the_derivative_of_the_path_and_back(path, time, x_0, eps):
    scales = at(path, time)
    alpha_t, sigma_t = scales["alpha_t"], scales["sigma_t"]
    x_t = alpha_t * x_0 + sigma_t * eps
    v, score = alpha_t * eps - sigma_t * x_0, -eps / sigma_t
    expected = derivative(path, x_0, eps, time)
    rates = abs(scales["alpha_rate"]) + abs(scales["sigma_rate"])
    turning = alpha_t * scales["sigma_rate"] - sigma_t * scales["alpha_rate"]
    size = 1 + np.abs(x_0).max() + np.abs(eps).max()
    stretch = (1 + alpha_t + sigma_t) * (1 + 1 / alpha_t) * (1 + 1 / sigma_t) ** 2
    terms = size * rates * (alpha_t + sigma_t + 1) * stretch * (1 + rates / turning)

    def close(found, wanted):
        assert_close(found, wanted, terms=terms, units=16)

    only_rates = {name: scales[name] for name in ("alpha_rate", "sigma_rate")}
    close(flow.velocity(x_0, eps, **only_rates), expected)
    close(flow.velocity_from_x_0(x_t, x_0, **scales), expected)
    close(flow.velocity_from_eps(x_t, eps, **scales), expected)
    close(flow.velocity_from_v(x_t, v, **scales), expected)
    close(flow.velocity_from_score(x_t, score, **scales), expected)
    terms *= 1 + 1 / turning
    close(flow.x_0_from_velocity(x_t, expected, **scales), x_0)
    close(flow.eps_from_velocity(x_t, expected, **scales), eps)
    close(flow.v_from_velocity(x_t, expected, **scales), v)
    close(flow.score_from_velocity(x_t, expected, **scales), score)


@pytest.mark.verifies("lipman2023/gaussian-path", "lipman2023/gaussian-path-field")
@given(TIMES, PICTURES, PICTURES)
def test_the_field_of_a_gaussian_path_carries_its_affine_flow(time, x_0, noise):
    """Theorem 3, for a mean that is no multiple of the data and a scale that rises and falls."""
    data, start = torch.as_tensor(x_0), torch.as_tensor(noise)

    def mean(t):
        return torch.cos(3 * t) * data + t * t

    def scale(t):
        return 0.2 + torch.sin(math.pi * t) ** 2

    moved, expected = rated(lambda t: scale(t) * start + mean(t), time)
    mean_t, mean_rate = rated(mean, time)
    sigma_t, sigma_rate = rated(scale, time)
    found = flow.gaussian_path_field(
        moved, mean_t, mean_rate, sigma_t=sigma_t, sigma_rate=sigma_rate
    )
    size = (1 + np.abs(x_0).max() + np.abs(noise).max()) * 40
    assert_close(found, expected, terms=size / sigma_t.item(), units=8)


@pytest.mark.property_id("P097")
@pytest.mark.verifies(
    "lipman2023/ot-field",
    "lipman2023/ot-flow",
    "lipman2023/ot-target",
    "lipman2023/ot-mean-scale",
    "lipman2023/ot-noise-scale",
)
@given(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), PICTURES, PICTURES)
def test_the_optimal_transport_field_is_constant_along_its_flow(t, x_0, eps):
    left = {"sigma_min": 1e-4}
    x_t = flow.optimal_transport_sample(x_0, eps, t=t, **left)
    along = flow.optimal_transport_field(x_t, x_0, t=t, **left)
    target = flow.optimal_transport_velocity(x_0, eps, **left)
    assert_law("P097", along, target)
    # The line through the ends, and the two scales of which it is made.
    clean = flow.optimal_transport_sample(x_0, eps, t=0.0, **left)
    assert_close(clean, x_0 + 1e-4 * eps, terms=8.0)
    assert (flow.optimal_transport_sample(x_0, eps, t=1.0, **left) == eps).all()
    assert_close(clean + t * target, x_t, terms=16.0)
    scales = {
        "alpha_t": flow.optimal_transport_alpha(t=t),
        "sigma_t": flow.optimal_transport_sigma(t=t, **left),
    }
    assert_close(continuous.forward_sample(x_0, eps, **scales), x_t, terms=16.0)
    # The velocity is the derivative of the scales: -1 and 1 - sigma_min.
    assert_close(flow.velocity(x_0, eps, alpha_rate=-1.0, sigma_rate=1 - 1e-4), target, terms=16.0)


@pytest.mark.property_id("P098")
@pytest.mark.verifies(
    "lipman2023/variance-preserving-path",
    "lipman2023/variance-preserving-field",
    "lipman2023/velocity-from-score",
)
@given(st.floats(0.01, 20), st.floats(0.1, 20), PICTURES, PICTURES)
def test_the_preserving_field_is_the_conditional_probability_flow(integral, beta_t, x_0, eps):
    alpha_t, sigma_t = math.exp(-integral / 2), math.sqrt(-math.expm1(-integral))
    x_t = continuous.forward_sample(x_0, eps, alpha_t=alpha_t, sigma_t=sigma_t)
    found = flow.variance_preserving_field(x_t, x_0, beta_integral=integral, beta_t=beta_t)
    scales = {
        "alpha_t": alpha_t,
        "sigma_t": sigma_t,
        "alpha_rate": -beta_t / 2 * alpha_t,
        "sigma_rate": beta_t / 2 * alpha_t**2 / sigma_t,
    }
    size = 8 * (1 + beta_t) / sigma_t**2
    assert_law("P098", found, flow.velocity_from_x_0(x_t, x_0, **scales), scale=size)
    # dx = f x dt + g dw with f = -beta/2 and g^2 = beta: the flow is f x - g^2 score / 2.
    score = -(x_t - alpha_t * x_0) / sigma_t**2
    drift = -beta_t / 2 * x_t - beta_t / 2 * score
    assert_law("P098", found, drift, scale=size)
    assert_law("P098", flow.velocity_from_score(x_t, score, **scales), drift, scale=4 * size)


@pytest.mark.property_id("P098")
@pytest.mark.verifies("lipman2023/variance-exploding-path", "lipman2023/variance-exploding-field")
@given(st.floats(0.01, 80), st.floats(0.1, 20), PICTURES, PICTURES)
def test_the_exploding_field_is_the_conditional_probability_flow(sigma_t, sigma_rate, x_0, eps):
    """EDM's dx/dt = -(dsigma/dt) sigma score, with the score of N(x_0, sigma^2)."""
    x_t = x_0 + sigma_t * eps
    rates = {"sigma_t": sigma_t, "sigma_rate": sigma_rate}
    found = flow.variance_exploding_field(x_t, x_0, **rates)
    score = -(x_t - x_0) / sigma_t**2
    size = 8 * (1 + sigma_rate) * (1 + 1 / sigma_t)
    assert_law("P098", found, -sigma_rate * sigma_t * score, scale=size)
    still = {"alpha_t": 1.0, "alpha_rate": 0.0}
    assert_law("P098", found, flow.velocity_from_x_0(x_t, x_0, **still, **rates), scale=size)
    # Theorem 3 again, with a mean that does not move.
    general = flow.gaussian_path_field(x_t, x_0, np.zeros_like(x_0), **rates)
    assert_law("P098", found, general, scale=size)


@pytest.mark.parametrize("name", ["x_0", "eps", "v", "score"])
def test_a_path_that_does_not_lose_signal_is_refused(name):
    function = getattr(flow, f"{name}_from_velocity")
    scales = {"alpha_t": 0.5, "sigma_t": 0.5}
    for rates in ({"alpha_rate": 1.0, "sigma_rate": -1.0}, {"alpha_rate": 1.0, "sigma_rate": 1.0}):
        with pytest.raises(ValueError, match="signal-to-noise ratio must fall"):
            function(1.0, 1.0, **scales, **rates)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (flow.optimal_transport_alpha, {"t": 1.5}),
        (flow.optimal_transport_sigma, {"t": 1.5, "sigma_min": 0.1}),
        (flow.optimal_transport_sample, {"t": 1.5, "sigma_min": 0.1}),
        (flow.optimal_transport_field, {"t": 1.5, "sigma_min": 0.1}),
        (flow.straight_sample, {"t": 1.5}),
        (flow.straight_velocity_from_x_0, {"t": 1.5}),
        (flow.straight_velocity_from_eps, {"t": 1.5}),
        (flow.straight_x_0_from_velocity, {"t": 1.5}),
        (flow.straight_eps_from_velocity, {"t": 1.5}),
        (flow.euler_step, {"t": 1.5, "s": 0.5}),
        (flow.euler_step, {"t": 0.5, "s": 1.5}),
    ],
)
def test_times_beyond_noise_are_refused(function, arguments):
    tensors = (1.0,) * (0 if function.__name__.endswith(("alpha", "sigma")) else 2)
    with pytest.raises(ValueError, match=r"[ts]=1\.5 must be in .*0 is data|velocity there"):
        function(*tensors, **arguments)


def test_ends_at_which_a_velocity_is_unknown_are_refused():
    with pytest.raises(ValueError, match="ask for a velocity"):
        flow.straight_velocity_from_x_0(1.0, 1.0, t=0.0)
    with pytest.raises(ValueError, match="ask for a velocity"):
        flow.straight_velocity_from_eps(1.0, 1.0, t=1.0)
    with pytest.raises(ValueError, match="infinite at t=0"):
        flow.optimal_transport_field(1.0, 1.0, t=0.5, sigma_min=0.0)
