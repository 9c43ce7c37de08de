"""The exact variational bound against assembled joint Gaussians, and the laws of the bound."""

import numpy as np
import pytest

from refdiff.closed_form import Gaussian, ddpm_moments, exact_bound
from refdiff.testing import assert_close, assert_law
from tests.closed_form.worlds import FULL, GAUSSIANS, MEAN, linear_alpha_bars

SHORT = np.array([1.0, 0.96, 0.8, 0.45, 0.12, 0.02])
MODELS = {
    "optimal": None,
    "isotropic": Gaussian([0.2, -0.8, 1.0], 1.3),
    "full": Gaussian([0.2, -0.8, 1.0], FULL[::-1, ::-1] + 0.3 * np.eye(3)),
}
VARIANCES = {"beta": "beta", "beta-tilde": "beta-tilde", "exact": "exact", "numbers": 0.3}
DATA = {name: GAUSSIANS[name] for name in ("isotropic", "diagonal", "full")}


def dense_reverse(law, later, earlier):
    """Gain, offset, covariance of x_s given x_t, by conditioning the joint of (x_s, x_t)."""
    one = np.eye(law.dimension)
    ratio = np.sqrt(later / earlier)
    at_s = earlier * law.covariance_matrix() + (1.0 - earlier) * one
    at_t = ratio**2 * at_s + (1.0 - ratio**2) * one
    gain = np.linalg.solve(at_t, ratio * at_s).T
    mean = law.mean
    return gain, np.sqrt(earlier) * mean - np.sqrt(later) * gain @ mean, at_s - ratio * gain @ at_s


def reverse_variances(model, alpha_bars, variance):
    """Reverse covariances for t = 1..T, as the docstring of `exact_bound` defines them."""
    one = np.eye(model.dimension)
    betas = 1.0 - alpha_bars[1:] / alpha_bars[:-1]
    if variance == "exact":
        pairs = zip(alpha_bars[1:], alpha_bars[:-1], strict=True)
        return [dense_reverse(model, later, earlier)[2] for later, earlier in pairs]
    if variance == "beta-tilde":
        small = betas * (1.0 - alpha_bars[:-1]) / (1.0 - alpha_bars[1:])
        return [
            max(value, small[1]) * one if t == 0 else value * one for t, value in enumerate(small)
        ]
    if variance == "beta":
        return [beta * one for beta in betas]
    return [variance * one for _ in betas]


def forward_joint(data, alpha_bars):
    """Mean and covariance of (x_0, ..., x_T) by running x_t = sqrt(1-beta) x_s + sqrt(beta) z."""
    d, steps = data.dimension, len(alpha_bars)
    mean = np.zeros(steps * d)
    covariance = np.zeros((steps * d, steps * d))
    for i, first in enumerate(alpha_bars):
        mean[i * d : (i + 1) * d] = np.sqrt(first) * data.mean
        for j, second in enumerate(alpha_bars):
            low, high = min(first, second), max(first, second)
            at_high = high * data.covariance_matrix() + (1.0 - high) * np.eye(d)
            covariance[i * d : (i + 1) * d, j * d : (j + 1) * d] = np.sqrt(low / high) * at_high
    return mean, covariance


def reverse_joint(model, prior, alpha_bars, covariances):
    """Mean and covariance of the model's (x_0, ..., x_T), built from x_T downwards."""
    d, steps = model.dimension, len(alpha_bars)
    mean = np.zeros(steps * d)
    root = np.zeros((steps * d, steps * d))
    last = slice((steps - 1) * d, steps * d)
    mean[last], root[last, last] = prior.mean, np.linalg.cholesky(prior.covariance_matrix())
    for t in range(steps - 1, 0, -1):
        gain, offset, _ = dense_reverse(model, alpha_bars[t], alpha_bars[t - 1])
        here, there = slice(t * d, (t + 1) * d), slice((t - 1) * d, t * d)
        mean[there] = gain @ mean[here] + offset
        root[there] = gain @ root[here]
        root[there, there] += np.linalg.cholesky(covariances[t - 1])
    return mean, root @ root.T


@pytest.mark.parametrize("prior", ["standard-normal", "marginal"])
@pytest.mark.parametrize("variance", VARIANCES.values(), ids=VARIANCES)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_bound_is_the_divergence_of_whole_trajectories(data, model, variance, prior):
    """E[-log p(x_0)] bound = H(x_0) + KL(q(x_0..x_T) || p(x_0..x_T)), from dense joints."""
    network = data if model is None else model
    covariances = reverse_variances(network, SHORT, variance)
    last = data.marginal(alpha_bar_t=SHORT[-1])
    start = last if prior == "marginal" else Gaussian(np.zeros(3), 1.0)
    q = Gaussian(*forward_joint(data, SHORT))
    p = Gaussian(*reverse_joint(network, start, SHORT, covariances))
    bound = exact_bound(data, SHORT, variance=variance, model=model, prior=prior)
    expected = data.entropy() + q.kl_divergence(p)
    assert_law("P041", bound.total, expected, scale=1.0 + expected)
    assert_law("P041", bound.total_from_marginals, expected, scale=1.0 + expected)


@pytest.mark.verifies("ho2020/bound", "ho2020/bound-alternative", kind="closed-form")
@pytest.mark.property_id("P041")
@pytest.mark.parametrize("variance", ["beta", "beta-tilde", "exact"])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_both_arrangements_have_the_same_total(model, variance):
    bound = exact_bound(GAUSSIANS["full"], linear_alpha_bars(200), variance=variance, model=model)
    size = 1.0 + abs(bound.total)
    assert_law("P041", bound.total, bound.total_from_marginals, scale=size)


@pytest.mark.property_id("P042")
@pytest.mark.parametrize("data", GAUSSIANS.values(), ids=GAUSSIANS)
def test_exact_chain_reaches_the_entropy(data):
    bound = exact_bound(data, linear_alpha_bars(1000), variance="exact", prior="marginal")
    size = float(data.dimension)
    assert_law("P042", bound.total, data.entropy(), scale=size)
    assert_law("P042", bound.total_from_marginals, data.entropy(), scale=size)
    assert_law("P042", bound.marginal_steps, 0.0)
    assert bound.marginal_prior == 0.0
    assert np.all(bound.L_between > 0.0)


@pytest.mark.property_id("P043")
@pytest.mark.parametrize("variance", ["beta", "beta-tilde", "exact"])
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_bound_is_above_the_negative_log_likelihood_by_the_path_divergence(data, variance):
    """E[-log p(x_0)] under the law that the reverse chain really has at time 0."""
    covariances = reverse_variances(data, SHORT, variance)
    mean, covariance = reverse_joint(data, Gaussian(np.zeros(3), 1.0), SHORT, covariances)
    q = Gaussian(*forward_joint(data, SHORT))
    p = Gaussian(mean, covariance)
    output = Gaussian(mean[:3], covariance[:3, :3])
    likelihood = data.entropy() + data.kl_divergence(output)
    bound = exact_bound(data, SHORT, variance=variance).total
    paths = q.kl_divergence(p) - data.kl_divergence(output)
    assert_law("P043", bound - likelihood, paths, scale=1.0 + bound)
    assert paths > 0.0


@pytest.mark.property_id("P043")
@pytest.mark.parametrize("variance", ["fixed-large", "exact"])
@pytest.mark.parametrize("spread", [0.25, 1.0, 4.0])
def test_long_chain_bound_is_above_the_likelihood_of_its_own_output(spread, variance):
    data, alpha_bars = Gaussian([0.7], spread), linear_alpha_bars(1000)
    bound_name = {"fixed-large": "beta", "exact": "exact"}[variance]
    bound = exact_bound(data, alpha_bars, variance=bound_name).total
    output = ddpm_moments(data, alpha_bars, range(1000, 0, -1), variance, last_noise=True)[-1]
    likelihood = data.entropy() + data.kl_divergence(Gaussian(*output))
    law = "P043"
    assert_law(law, min(bound - likelihood, 0.0), 0.0)
    assert bound - likelihood < 0.1
    assert_law(law, min(likelihood - data.entropy(), 0.0), 0.0)


def test_terms_are_the_named_divergences():
    """L_T, L_1 and L_0 of one dimension by cubature over (x_0, x_t)."""
    data, alpha_bars = Gaussian([0.7], 0.25), np.array([1.0, 0.8, 0.3])
    bound = exact_bound(data, alpha_bars, variance="beta")
    x_0 = 0.7 + 0.5 * np.array([-1.0, 1.0])
    # Expected KL(q(x_T | x_0) || N(0, 1)).
    prior = [Gaussian(np.sqrt(0.3) * x, 0.7).kl_divergence(Gaussian(0.0, 1.0)) for x in x_0]
    assert_close(bound.L_T, np.mean(prior), terms=2.0)
    beta = 1.0 - 0.3 / 0.8
    middle, last = [], []
    for x in x_0:
        for noise in (-1.0, 1.0):
            x_2 = np.sqrt(0.3) * x + np.sqrt(0.7) * noise
            mean = (np.sqrt(0.8) * beta * x + np.sqrt(1.0 - beta) * 0.2 * x_2) / 0.7
            target = data.reverse_kernel([x_2], alpha_bar_t=0.3, alpha_bar_s=0.8).mean
            posterior = Gaussian([mean], 0.2 / 0.7 * beta)
            middle.append(posterior.kl_divergence(Gaussian(target, beta)))
            x_1 = np.sqrt(0.8) * x + np.sqrt(0.2) * noise
            decoder = Gaussian(data.optimal_x_0([x_1], alpha_bar_t=0.8), 0.2)
            last.append(decoder.negative_log_likelihood([x]))
    assert_close(bound.L_between, np.array([np.mean(middle)]), terms=2.0)
    assert_close(bound.L_0, np.mean(last), terms=2.0)


@pytest.mark.parametrize(
    ("second_moment", "printed"), [(0.25, "7.28e-06"), (1.0 / 3.0, "9.70e-06"), (1.0, "2.911e-05")]
)
def test_prior_term_of_the_published_schedule(second_moment, printed):
    bound = exact_bound(Gaussian([0.0], second_moment), linear_alpha_bars(), variance="beta")
    digits = len(printed.split("e")[0]) - 2
    assert f"{bound.L_T / np.log(2.0):.{digits}e}" == printed


def test_numbers_stand_for_the_named_variances():
    data, betas = GAUSSIANS["full"], 1.0 - SHORT[1:] / SHORT[:-1]
    named = exact_bound(data, SHORT, variance="beta")
    given = exact_bound(data, SHORT, variance=betas)
    assert_close(given.total, named.total, units=64)
    assert_close(given.L_between, named.L_between, terms=16.0)


def test_zero_terminal_signal_has_no_prior_term():
    table = np.array([1.0, 0.7, 0.2, 0.0])
    bound = exact_bound(Gaussian(MEAN, FULL), table, variance="exact")
    assert bound.L_T == 0.0
    assert_law("P042", bound.total, Gaussian(MEAN, FULL).entropy())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": Gaussian([0.0], 0.0)}, "singular"),
        ({"variance": "small"}, "must be one of"),
        ({"variance": [0.1, 0.2]}, "must be one of"),
        ({"variance": -0.1}, "must be one of"),
        ({"alpha_bars": [1.0, 0.5], "variance": "beta-tilde"}, "T >= 2"),
        ({"alpha_bars": [0.9, 0.5]}, "must be 1"),
        ({"alpha_bars": [1.0, 0.5, 0.5]}, "every step must add noise"),
        ({"alpha_bars": [1.0, 0.5, -0.1]}, "must lie in"),
        ({"alpha_bars": [1.0]}, "T >= 1"),
        ({"model": Gaussian([0.0, 0.0], 1.0)}, "event shape"),
        ({"prior": "uniform"}, "must be one of"),
    ],
)
def test_bad_arguments_are_named(change, words):
    arguments = {"data": Gaussian([0.5], 0.5), "alpha_bars": SHORT, "variance": "beta", **change}
    with pytest.raises(ValueError, match=words):
        exact_bound(arguments.pop("data"), arguments.pop("alpha_bars"), **arguments)
