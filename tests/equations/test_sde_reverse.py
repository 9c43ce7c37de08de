"""Reverse SDEs and probability flows: Fokker-Planck, Gaussian marginals, conditioning."""

import numpy as np
import pytest
import sympy as sp
import torch
from scipy.integrate import solve_ivp

from refdiff.closed_form import Gaussian, GaussianMixture
from refdiff.equations import sde
from refdiff.testing import assert_law

X, Y = sp.symbols("x y", real=True)
DATA = Gaussian([1.5], 0.25)
START, END = 1.0, 0.1
TIGHT = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-13}


def rate(t):
    """A beta(t) that is no straight line."""
    return 0.5 + 8.0 * t**2 + np.sin(3.0 * t)


def integral(t):
    return 0.5 * t + 8.0 * t**3 / 3.0 + (1.0 - np.cos(3.0 * t)) / 3.0


def at(t):
    """Return the law of x_t in the VP process with this rate."""
    return DATA.at(alpha_bar_t=float(np.exp(-integral(t))))


def parts(x, t):
    """Return drift, score and diffusion coefficient at x."""
    drift = sde.vp_drift(x, beta_t=rate(t))
    score = at(t).predict("score", np.array([x])).item()
    return drift, score, sde.vp_diffusion(beta_t=rate(t))


def reverse(x, t):
    drift, score, g = parts(x, t)
    return sde.reverse_drift(drift, score, diffusion=g)


def flow(x, t):
    drift, score, g = parts(x, t)
    return sde.probability_flow_drift(drift, score, diffusion=g)


def marginals(velocity, noise, end=END):
    """Integrate mean and variance back from START; both velocities are affine in x."""

    def rates(t, y):
        offset = velocity(0.0, t)
        slope = velocity(1.0, t) - offset
        # Noise adds variance whichever way time runs.
        return [slope * y[0] + offset, 2 * slope * y[1] - (noise * noise) * rate(t)]

    first = at(START).marginal
    start = [first.mean.item(), first.covariance.item()]
    return solve_ivp(rates, (START, end), start, **TIGHT).y[:, -1]


@pytest.mark.property_id("P075")
@pytest.mark.verifies("song2021sde/reverse-sde", "song2021sde/probability-flow")
@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0, 1.7])
def test_reverse_sde_flow_and_the_family_between_have_one_set_of_marginals(noise):
    """Noise 0 is the flow, 1 the reverse SDE; between and beyond they are mixed by its square."""

    def velocity(x, t):
        return (1 - noise**2) * flow(x, t) + noise**2 * reverse(x, t)

    mean, variance = marginals(velocity, noise)
    wanted = at(END).marginal
    assert_law("P075", mean, wanted.mean.item())
    assert_law("P075", variance, wanted.covariance.item())


@pytest.mark.property_id("P076")
@pytest.mark.verifies("song2021sde/probability-flow", kind="closed-form")
@pytest.mark.parametrize("x", [-3.0, 0.2, 2.0])
def test_the_probability_flow_maps_by_the_ratio_of_standard_deviations(x):
    end = solve_ivp(lambda t, y: [flow(y[0], t)], (START, END), [x], **TIGHT).y[0, -1]
    here, there = at(START).marginal, at(END).marginal
    ratio = np.sqrt(there.covariance / here.covariance).item()
    assert_law("P076", end, there.mean.item() + ratio * (x - here.mean.item()))
    assert_law("P076", end, at(START).flow_to(np.array([x]), at(END)).item())


def right_of_fokker_planck(drift, spread, density):
    """Return -div(f p) + 1/2 sum_ij d_i d_j (D_ij p), D = G G^T."""
    axes = (X, Y)
    inward = -sum(sp.diff(f * density, axis) for f, axis in zip(drift, axes, strict=True))
    mixing = sum(
        sp.diff(spread[i, j] * density, axes[i], axes[j]) for i in range(2) for j in range(2)
    )
    return inward + mixing / 2


def inflow(velocity, density):
    """Return -div(f~ p), the change of density of deterministic motion."""
    return -sum(sp.diff(f * density, axis) for f, axis in zip(velocity, (X, Y), strict=True))


@pytest.mark.verifies("song2021sde/fokker-planck", "song2021sde/general-probability-flow")
def test_for_every_density_drift_and_matrix_the_flow_changes_the_density_as_the_sde_does():
    density = sp.Function("p")(X, Y)
    drift = [sp.Function(f"f{i}")(X, Y) for i in range(2)]
    G = sp.Matrix(2, 2, lambda i, j: sp.Function(f"G{i}{j}")(X, Y))
    spread = G * G.T
    score = sp.Matrix([sp.diff(density, X) / density, sp.diff(density, Y) / density])
    rows = [sp.diff(spread[i, 0], X) + sp.diff(spread[i, 1], Y) for i in range(2)]
    diffused = spread * score
    velocity = [
        sde.general_probability_flow_drift(drift[i], rows[i], diffused[i]) for i in range(2)
    ]
    gap = inflow(velocity, density) - right_of_fokker_planck(drift, spread, density)
    assert sp.simplify(sp.expand(gap)) == 0


@pytest.mark.verifies(
    "song2021sde/fokker-planck", "song2021sde/probability-flow", "song2021sde/reverse-sde"
)
def test_for_a_scalar_diffusion_flow_and_reverse_sde_change_every_density_alike():
    density = sp.Function("p")(X, Y)
    drift = [sp.Function(f"f{i}")(X, Y) for i in range(2)]
    g = sp.Symbol("g", positive=True)
    score = [sp.diff(density, axis) / density for axis in (X, Y)]
    pairs = list(zip(drift, score, strict=True))
    forward = right_of_fokker_planck(drift, g**2 * sp.eye(2), density)
    flows = [sde.probability_flow_drift(f, s, diffusion=g) for f, s in pairs]
    assert sp.expand(inflow(flows, density) - forward) == 0
    # Backwards in time the density changes by minus as much, and the noise still spreads it.
    backward = [-sde.reverse_drift(f, s, diffusion=g) for f, s in pairs]
    gap = right_of_fokker_planck(backward, g**2 * sp.eye(2), density) + forward
    assert sp.expand(gap) == 0


@pytest.mark.verifies("song2021sde/fokker-planck", "song2021sde/vp-kernel-variance")
def test_the_vp_kernel_solves_the_fokker_planck_equation():
    """Time enters by B(t) alone, whose derivative is beta."""
    B, beta = sp.symbols("B beta", positive=True)
    x_0 = sp.Symbol("x_0", real=True)
    mean, variance = sde.vp_mean_scale(beta_integral=B) * x_0, sde.vp_variance(beta_integral=B)
    density = sp.exp(-((X - mean) ** 2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)
    drift, g = sde.vp_drift(X, beta_t=beta), sde.vp_diffusion(beta_t=beta)
    change = -sp.diff(drift * density, X) + g**2 * sp.diff(density, X, 2) / 2
    assert sp.simplify((beta * sp.diff(density, B) - change) / density) == 0


@pytest.mark.property_id("P080")
@pytest.mark.verifies(
    "song2021sde/fokker-planck", "song2021sde/probability-flow", kind="closed-form"
)
@pytest.mark.parametrize("x", [-1.0, 0.3, 0.9])
def test_the_residual_of_a_mixtures_density_falls_with_the_square_of_h(x):
    data = GaussianMixture([0.3, 0.7], [[-1.0], [1.2]], [0.05, 0.2])

    def level(t):
        return float(np.exp(-integral(t)))

    def density(point, t):
        return np.exp(data.marginal(alpha_bar_t=level(t)).log_density(np.array([point])))

    def flux(point, t):
        drift, g = sde.vp_drift(point, beta_t=rate(t)), sde.vp_diffusion(beta_t=rate(t))
        score = data.score(np.array([point]), alpha_bar_t=level(t)).item()
        return sde.probability_flow_drift(drift, score, diffusion=g) * density(point, t)

    residuals = []
    for h in (4e-3, 2e-3):
        change = (density(x, 0.4 + h) - density(x, 0.4 - h)) / (2 * h)
        divergence = (flux(x + h, 0.4) - flux(x - h, 0.4)) / (2 * h)
        residuals.append((change + divergence).item())
    assert_law("P080", residuals[0] / residuals[1], 4.0)


@pytest.mark.property_id("P075")
@pytest.mark.verifies("song2021sde/conditional-reverse-sde")
def test_the_conditional_reverse_sde_reaches_the_data_given_the_observation():
    """y = H x_0 + n in two dimensions: the marginals are Gaussian, and known by conditioning."""
    mean, S = np.array([1.0, -0.5]), np.array([[0.5, 0.2], [0.2, 0.8]])
    H, R, y = np.array([[1.0, 2.0]]), np.array([[0.3]]), np.array([0.7])
    # The prior and, by the Kalman gain, the data given y.
    gain = S @ H.T @ np.linalg.inv(H @ S @ H.T + R)
    mean_y, S_y = mean + gain @ (y - H @ mean), S - gain @ H @ S

    def law(t, center, spread):
        alpha = sde.vp_mean_scale(beta_integral=integral(t))
        noise = sde.vp_variance(beta_integral=integral(t))
        return alpha * center, alpha**2 * spread + noise * np.eye(2), alpha

    def classifier_gradient(x, t):
        """Differentiate ln p_t(y | x): the observation seen through x_0 given x, by autograd."""
        center, spread, alpha = law(t, mean, S)
        K = alpha * S @ np.linalg.inv(spread)
        left = S - alpha * K @ S
        point = torch.tensor(x, requires_grad=True)
        guess = torch.tensor(mean) + torch.tensor(K) @ (point - torch.tensor(center))
        residual = torch.tensor(y) - torch.tensor(H) @ guess
        spread_y = torch.tensor(H @ left @ H.T + R)
        value = -0.5 * residual @ torch.linalg.solve(spread_y, residual)
        return torch.autograd.grad(value, point)[0].numpy()

    def velocity(x, t):
        center, spread, _ = law(t, mean, S)
        score = -np.linalg.solve(spread, x - center)
        drift, g = sde.vp_drift(x, beta_t=rate(t)), sde.vp_diffusion(beta_t=rate(t))
        return sde.conditional_reverse_drift(drift, score, classifier_gradient(x, t), diffusion=g)

    def rates(t, state):
        m, V = state[:2], state[2:].reshape(2, 2)
        offset = velocity(np.zeros(2), t)
        A = np.stack([velocity(e, t) - offset for e in np.eye(2)], axis=1)
        return np.concatenate([A @ m + offset, (A @ V + V @ A.T - rate(t) * np.eye(2)).ravel()])

    first_mean, first_spread, _ = law(START, mean_y, S_y)
    start = np.concatenate([first_mean, first_spread.ravel()])
    end = solve_ivp(rates, (START, END), start, **TIGHT).y[:, -1]
    wanted_mean, wanted_spread, _ = law(END, mean_y, S_y)
    assert_law("P075", end[:2], wanted_mean)
    assert_law("P075", end[2:].reshape(2, 2), wanted_spread)


@pytest.mark.property_id("P076")
@pytest.mark.verifies("song2021sde/probability-flow", kind="closed-form")
def test_in_one_dimension_the_flow_of_a_mixture_keeps_every_quantile():
    """Paths cannot cross, so the mass below one stays: an integrator and autograd of their own."""
    torchdiffeq = pytest.importorskip("torchdiffeq", reason="torchdiffeq is not installed")
    weights, centers, spreads = (
        torch.tensor(values, dtype=torch.float64)
        for values in ([0.35, 0.65], [-1.2, 1.9], [0.3, 0.8])
    )

    def parts_at(t):
        B = float(integral(float(t)))
        alpha = sde.vp_mean_scale(beta_integral=B)
        variance = alpha**2 * spreads + sde.vp_variance(beta_integral=B)
        return torch.distributions.Normal(alpha * centers, variance.sqrt())

    def velocity(t, x):
        with torch.enable_grad():
            point = x.detach().requires_grad_(True)
            logs = parts_at(t).log_prob(point[:, None]) + weights.log()
            score = torch.autograd.grad(torch.logsumexp(logs, 1).sum(), point)[0]
        beta = float(rate(float(t)))
        drift, g = sde.vp_drift(x, beta_t=beta), sde.vp_diffusion(beta_t=beta)
        return sde.probability_flow_drift(drift, score, diffusion=g)

    x = torch.tensor([-2.0, -0.3, 0.4, 1.7], dtype=torch.float64)
    times = torch.tensor([START, END], dtype=torch.float64)
    tight = {"rtol": 1e-12, "atol": 1e-12}
    # Else it interpolates its last step, with fewer digits than it computed.
    ends = {"options": {"step_t": times[1:]}}
    end = torchdiffeq.odeint(velocity, x, times, method="dopri8", **tight, **ends)[-1]
    below = [(parts_at(t).cdf(p[:, None]) * weights).sum(1) for t, p in ((START, x), (END, end))]
    assert_law("P076", below[1], below[0])
    assert float((end - x).abs().min()) > 0.01
