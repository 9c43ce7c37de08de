"""Likelihoods by the probability flow against exact densities; the estimates of the trace."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import solve_ivp

from refdiff.closed_form import Gaussian, GaussianMixture
from refdiff.equations import sde
from refdiff.evaluation.flow_likelihood import (
    DIVERGENCES,
    FlowLikelihood,
    draw_probes,
    estimated_divergence,
    exact_divergence,
    flow_likelihood,
)
from refdiff.samplers import schedule as schedules
from refdiff.testing import assert_close, assert_law

TIGHT = {"rtol": 1e-13, "atol": 1e-13}
COARSE = {"rtol": 1e-6, "atol": 1e-6}  # far below the spread of the estimates
MEAN = np.array([0.5, -2.0, 1.0])
SPREAD = np.array([[1.0, 0.3, 0.0], [0.3, 0.5, -0.2], [0.0, -0.2, 2.0]])
DENSE = Gaussian(MEAN, SPREAD)
DIAGONAL = Gaussian(MEAN, np.array([0.3, 1.0, 2.0]))
POINTS = torch.tensor(np.random.default_rng(0).normal(size=(4, 3)) + MEAN)
VP = schedules.vp_linear()
CASES = {
    "vp": (VP, 1e-3, 1.0),
    "cosine": (schedules.vp_cosine(), 1e-2, 0.98),
    "ve": (schedules.variance_exploding(), 0.0, 1.0),
    "edm": (schedules.edm(), 0.01, 40.0),
    "straight": (schedules.straight(), 0.01, 0.99),
    "table": (schedules.discrete(np.linspace(1.0, 0.01, 21)), 1.0, 20.0),
}


def exact_model(data, schedule, prediction="eps"):
    """Return the optimal model of Gaussian data as an affine function of torch tensors."""

    def model(x, t):
        at_t = data.at_scales(alpha_t=schedule.alpha(t), sigma_t=schedule.sigma(t))
        matrix, offset = at_t.predictor(prediction)
        matrix = np.broadcast_to(matrix, (3,)) if matrix.ndim < 2 else matrix
        matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
        return x @ torch.as_tensor(matrix).to(x).T + torch.as_tensor(offset).to(x)

    return model


def law(data, schedule, t):
    return data.at_scales(alpha_t=schedule.alpha(t), sigma_t=schedule.sigma(t)).marginal


def log_prior(data, schedule, t):
    return lambda x: torch.as_tensor(law(data, schedule, t).log_density(x.numpy()))


@pytest.mark.property_id("P077")
@pytest.mark.verifies("song2021sde/change-of-variables", kind="closed-form")
@pytest.mark.parametrize("name", CASES)
def test_the_likelihood_of_gaussian_data_is_the_normal_density(name):
    schedule, t_min, t_max = CASES[name]
    found = flow_likelihood(
        exact_model(DENSE, schedule),
        POINTS,
        schedule=schedule,
        t_min=t_min,
        t_max=t_max,
        log_prior=log_prior(DENSE, schedule, t_max),
        **TIGHT,
    )
    wanted = law(DENSE, schedule, t_min)
    density = stats.multivariate_normal(wanted.mean, wanted.covariance).logpdf(POINTS.numpy())
    assert_law("P077", found.log_likelihood, density)
    flow = DENSE.at_scales(alpha_t=schedule.alpha(t_min), sigma_t=schedule.sigma(t_min)).flow_to(
        POINTS.numpy(),
        DENSE.at_scales(alpha_t=schedule.alpha(t_max), sigma_t=schedule.sigma(t_max)),
    )
    assert_law("P077", found.noise, flow, scale=40.0)


@pytest.mark.property_id("P077")
@pytest.mark.verifies("song2021sde/change-of-variables", kind="closed-form")
@pytest.mark.parametrize("prediction", ["eps", "x_0", "v", "score"])
@pytest.mark.parametrize("method", ["DOP853", "RK45"])
def test_any_prediction_and_integrator_give_one_likelihood(prediction, method):
    tolerances = TIGHT if method == "DOP853" else {"rtol": 1e-10, "atol": 1e-12}
    found = flow_likelihood(
        exact_model(DENSE, VP, prediction),
        POINTS,
        schedule=VP,
        t_min=0.01,
        prediction=prediction,
        log_prior=log_prior(DENSE, VP, 1.0),
        method=method,
        **tolerances,
    )
    wanted = law(DENSE, VP, 0.01).log_density(POINTS.numpy())
    assert_law("P077", found.log_likelihood, wanted, scale=100.0 if method == "RK45" else 1.0)


@pytest.mark.property_id("P077")
@pytest.mark.verifies("song2021sde/change-of-variables", "song2021sde/probability-flow")
def test_the_change_of_variables_holds_in_the_papers_own_time_and_state():
    """Equation (39) as printed, for the VP SDE in t and x, with the divergence by hand."""
    data, ends = Gaussian([1.5], 0.25), {"beta_min": 0.1, "beta_max": 20.0}

    def at(t):
        integral = sde.vp_beta_integral(t=t, **ends)
        return data.at(alpha_bar_t=float(np.exp(-integral)))

    def rates(t, y):
        beta = sde.vp_beta(t=t, **ends)
        slope, offset = at(t).predictor("score")

        def velocity(x):
            drift = sde.vp_drift(x, beta_t=beta)
            score = slope.item() * x + offset.item()
            return sde.probability_flow_drift(drift, score, diffusion=np.sqrt(beta))

        return [velocity(y[0]), velocity(1.0) - velocity(0.0)]

    x = 0.9
    options = {"method": "DOP853", "rtol": 1e-13, "atol": 1e-13}
    end, gained = solve_ivp(rates, (0.05, 1.0), [x, 0.0], **options).y[:, -1]
    found = at(1.0).marginal.log_density(np.array([end])) + gained
    assert_law("P077", found, at(0.05).marginal.log_density(np.array([x])))


def mixture_eps(data, schedule):
    """Return the optimal eps of a mixture of equal spreads in torch, by the density's gradient."""

    def model(x, t):
        alpha, sigma = schedule.alpha(t), schedule.sigma(t)
        weights = torch.as_tensor(np.log(data.weights))
        logits, gradients = [], []
        for weight, part in zip(weights, data.components, strict=True):
            variance = alpha**2 * float(part.eigenvalues) + sigma**2
            residual = (x - alpha * torch.tensor(part.mean)) / variance
            logits.append(weight - residual.square().sum(1) * variance / 2 - np.log(variance))
            gradients.append(-residual)
        shares = torch.softmax(torch.stack(logits, 1), 1)
        return -sigma * (shares[..., None] * torch.stack(gradients, 1)).sum(1)

    return model


@pytest.mark.property_id("P077")
@pytest.mark.verifies("song2021sde/change-of-variables", kind="closed-form")
def test_the_likelihood_of_a_mixture_is_its_density():
    data = GaussianMixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.3]], [0.1, 0.3])
    x = torch.tensor([[-0.9, 0.4], [0.2, 0.1], [2.0, -1.0]], dtype=torch.float64)
    levels = {t: {"alpha_bar_t": VP.alpha(t) ** 2} for t in (0.01, 1.0)}
    found = flow_likelihood(
        mixture_eps(data, VP),
        x,
        schedule=VP,
        t_min=0.01,
        log_prior=lambda end: torch.as_tensor(
            data.marginal(**levels[1.0]).log_density(end.numpy())
        ),
        **TIGHT,
    )
    assert_law("P077", found.log_likelihood, data.marginal(**levels[0.01]).log_density(x.numpy()))


@pytest.mark.verifies("song2021sde/change-of-variables")
def test_without_a_prior_the_noise_alone_is_taken():
    def run(**options):
        return flow_likelihood(
            exact_model(DENSE, VP), POINTS, schedule=VP, t_min=0.01, **options, **TIGHT
        )

    plain, exact = run(), run(log_prior=log_prior(DENSE, VP, 1.0))
    noise = stats.multivariate_normal(np.zeros(3), VP.sigma(1.0) ** 2).logpdf(plain.noise.numpy())
    true = law(DENSE, VP, 1.0).log_density(plain.noise.numpy())
    gap = plain.log_likelihood - exact.log_likelihood
    assert_law("P077", gap, noise - true)
    assert np.all(np.abs(gap) > np.abs(gap).min() / 2)
    assert np.all(gap != 0.0)


def jacobian_output(J, x):
    return x @ torch.as_tensor(J).T


@pytest.mark.property_id("P078")
@pytest.mark.verifies("song2021sde/trace-estimator")
@pytest.mark.parametrize("seed", range(5))
def test_signs_are_exact_for_diagonal_jacobians(seed):
    x = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    diagonal = torch.tensor([1.0, -2.0, 5.0, 0.5], dtype=torch.float64)
    output = x * diagonal
    generator = torch.Generator().manual_seed(seed)
    signs = draw_probes(x, "rademacher", 3, generator)
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    assert_law("P078", estimated_divergence(output, x, signs), np.full(6, 4.5))
    normal = draw_probes(x, "gaussian", 3, generator)
    assert not torch.equal(estimated_divergence(output, x, normal), torch.full((6,), 4.5).double())


@pytest.mark.property_id("P078")
@pytest.mark.verifies("song2021sde/trace-estimator")
@pytest.mark.parametrize("kind", ["rademacher", "gaussian"])
def test_estimates_are_unbiased_with_the_stated_variance(kind):
    """Variance 2 sum_ij S_ij^2 for normal probes, without the diagonal for signs."""
    J = np.array([[1.0, 2.0, -0.5], [0.3, -2.0, 1.0], [0.7, 0.1, 0.4]])
    x = torch.zeros(40000, 3, dtype=torch.float64, requires_grad=True)
    probes = draw_probes(x, kind, 1, torch.Generator().manual_seed(1))
    draws = estimated_divergence(jacobian_output(J, x), x, probes).numpy()
    symmetric = (J + J.T) / 2
    squares = 2 * (symmetric**2).sum()
    if kind == "rademacher":
        squares -= 2 * (np.diag(symmetric) ** 2).sum()
    assert_law("P078/mean", draws, np.trace(J))
    assert_law("P078/mean", (draws - np.trace(J)) ** 2, squares)


@pytest.mark.verifies("song2021sde/trace-estimator")
def test_the_mean_over_probes_is_taken_and_the_exact_divergence_is_the_trace():
    J = np.array([[1.0, 2.0], [-3.0, 0.25]])
    x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    output = jacobian_output(J, x)
    assert_close(exact_divergence(output, x), np.full(5, 1.25))
    probes = draw_probes(x, "gaussian", 4, torch.Generator().manual_seed(2))
    each = [estimated_divergence(output, x, probe[None]) for probe in probes]
    assert_close(estimated_divergence(output, x, probes), sum(each) / 4, terms=64.0)
    curved = torch.sin(x[:, :1]) * x  # every sample by itself, not linear
    slopes = (2 * torch.sin(x[:, 0]) + x[:, 0] * torch.cos(x[:, 0])).detach()
    assert_close(exact_divergence(curved, x), slopes, terms=4.0)


@pytest.mark.verifies("song2021sde/trace-estimator")
def test_a_constant_output_has_no_divergence():
    x = torch.ones(3, 2, requires_grad=True)
    probes = draw_probes(x, "rademacher", 1)
    for output in (torch.ones(3, 2), torch.ones(3, 2, requires_grad=True) * 2):
        assert exact_divergence(output, x).tolist() == [0.0] * 3
        assert estimated_divergence(output, x, probes).tolist() == [0.0] * 3


@pytest.mark.property_id("P078")
@pytest.mark.verifies("song2021sde/trace-estimator", "song2021sde/change-of-variables")
def test_along_the_flow_of_independent_components_signs_lose_nothing():
    runs = {
        kind: flow_likelihood(
            exact_model(DIAGONAL, VP),
            POINTS,
            schedule=VP,
            t_min=0.01,
            divergence=kind,
            generator=torch.Generator().manual_seed(0),
            **TIGHT,
        ).log_likelihood
        for kind in DIVERGENCES
    }
    assert_law("P077", runs["rademacher"], runs["exact"])
    assert np.all(runs["gaussian"] != runs["exact"])


@pytest.mark.property_id("P078")
@pytest.mark.verifies("song2021sde/trace-estimator", "song2021sde/change-of-variables")
@pytest.mark.parametrize("kind", ["rademacher", "gaussian"])
def test_likelihoods_by_probes_are_unbiased(kind):
    """Many copies of one point, each with probes of its own, against the exact density."""
    found = flow_likelihood(
        exact_model(DENSE, VP),
        POINTS[:1].expand(4000, 3),
        schedule=VP,
        t_min=0.01,
        divergence=kind,
        generator=torch.Generator().manual_seed(3),
        log_prior=log_prior(DENSE, VP, 1.0),
        **COARSE,
    )
    wanted = law(DENSE, VP, 0.01).log_density(POINTS[0].numpy())
    assert_law("P078/mean", found.log_likelihood, wanted)
    assert found.log_likelihood.std() > 0.0


def test_calls_are_counted_and_images_and_float32_are_taken():
    asked = []

    def model(x, t):
        asked.append((x.shape, x.dtype))
        return x * VP.sigma(t)

    images = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = flow_likelihood(model, images, schedule=VP, t_min=1e-3, divergence="rademacher")
    assert found.model_calls == len(asked)
    assert set(asked) == {((2, 1, 4, 4), torch.float32)}
    assert found.num_dims == 16
    assert found.noise.shape == images.shape
    # Standard normal data: the marginals and the flow stay as they are.
    density = stats.norm.logpdf(images.numpy()).sum((1, 2, 3))
    assert np.all(np.abs(found.log_likelihood - density) < 0.01)


def test_bits_are_of_the_density_or_of_the_levels():
    """A uniform density over the 256 bins of width 2/255 costs eight bits a level."""
    flat = FlowLikelihood(np.array([-12 * math.log(512 / 255)]), torch.zeros(1, 12), 12, 1)
    assert_close(flat.nats, 12 * math.log(512 / 255))
    assert_close(flat.bits_per_dim, math.log2(512 / 255))
    assert_close(flat.bits_per_dim_of_levels(), 8.0)
    coarse = FlowLikelihood(np.array([-12 * math.log(34 / 16)]), torch.zeros(1, 12), 12, 1)
    assert_close(coarse.bits_per_dim_of_levels(17), math.log2(17))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t_min": 0.0}, "t_min=0 has an infinite log-SNR"),
        ({"t_min": 0.5, "t_max": 0.5}, "0 <= t_min < t_max"),
        ({"t_min": 0.5, "t_max": 2.0}, "0 <= t_min < t_max"),
        ({"schedule": schedules.edm()}, "be finite"),
        ({"schedule": schedules.straight()}, "t_max=1 has an infinite log-SNR"),
        ({"divergence": "hutchinson"}, "divergence='hutchinson' must be one of"),
        ({"prediction": "noise"}, "prediction='noise' must be one of"),
        ({"divergence": "gaussian", "num_probes": 0}, "num_probes=0 must be an integer >= 1"),
        ({"method": "Euler"}, "method='Euler' must be one of"),
        ({"x_0": torch.zeros(3)}, "samples along the first axis"),
        ({"x_0": torch.zeros(3, 2, dtype=torch.int64)}, "floating-point"),
    ],
)
def test_bad_arguments_are_refused_by_name(options, message):
    given = {"x_0": POINTS, "schedule": VP, "t_min": 0.01} | options
    with pytest.raises(ValueError, match=message):
        flow_likelihood(lambda x, t: x, given.pop("x_0"), **given)


def test_levels_are_counted():
    found = FlowLikelihood(np.zeros(1), torch.zeros(1, 1), 1, 1)
    with pytest.raises(ValueError, match="levels=1 must be an integer >= 2"):
        found.bits_per_dim_of_levels(1)
