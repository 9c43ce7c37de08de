"""The probe's worlds against closed forms that were derived elsewhere, and against quadrature."""

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from refdiff.closed_form import Gaussian, GaussianMixture
from refdiff.conformance.probe.data import PREDICTIONS, WORLDS, World, gaussian_world, point_world
from refdiff.testing import assert_close

LEVELS = [(np.sqrt(0.9999), np.sqrt(0.0001)), (0.6, 0.8), (np.sqrt(4e-5), np.sqrt(1 - 4e-5))]
AFFINE = ["gaussian", "wide", "point", "large-mean"]


def noisy(shape=(2, 3, 2, 2), seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize(("alpha", "sigma"), LEVELS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("name", AFFINE)
def test_affine_worlds_answer_as_the_closed_form_of_each_element(name, prediction, alpha, sigma):
    world, x = WORLDS[name], noisy()
    got = world.prediction(prediction)(x, alpha, sigma)
    (means,), (variances,) = world.means(x.shape[1:]), world.variances(x.shape[1:])
    wanted = np.empty_like(x)
    for index in np.ndindex(x.shape[1:]):
        data = Gaussian(float(means[index]), float(variances[index]))
        at = data.at_scales(alpha_t=alpha, sigma_t=sigma)
        wanted[(slice(None), *index)] = at.predict(prediction, x[(slice(None), *index)])
    terms = np.abs(x / sigma) + np.abs(means) * (1 + alpha / sigma)
    assert_close(got, wanted, terms=terms)


def test_elements_differ_so_that_mixing_them_up_shows():
    (means,), (variances,) = (
        WORLDS["gaussian"].means((3, 2, 2)),
        WORLDS["gaussian"].variances((3, 2, 2)),
    )
    assert len(np.unique(means)) == len(np.unique(variances)) == 12
    assert not np.any(means == 0)
    assert not np.any(variances == 1)


@pytest.mark.parametrize(("alpha", "sigma"), LEVELS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_mixture_with_a_shared_component_answers_as_the_closed_form(prediction, alpha, sigma):
    shape = (2, 2)
    world = World("m", (-0.5, 0.75), (0.25, 0.0625), (0.25, 0.75), ripple=0.3, shared=True)
    x = noisy((5, *shape))
    reference = GaussianMixture(
        world.weights,
        np.stack([m.ravel() for m in world.means(shape)]),
        np.stack([v.ravel() for v in world.variances(shape)]),
    )
    optimal = {"eps": "optimal_eps", "x_0": "optimal_x_0", "v": "optimal_v"}[prediction]
    for condition, law in [(None, reference), (0, reference.conditional(0)), (2, reference)]:
        labels = None if condition is None else np.full(5, condition)
        wanted = getattr(law, optimal)(x.reshape(5, 4), alpha_bar_t=float(alpha**2))
        got = world.prediction(prediction)(x, alpha, sigma, labels)
        # The table holds alpha_bar; alpha and sigma are its roots, so each side rounds its own.
        terms = (1 + np.abs(x)) ** 2 / sigma**2
        assert_close(got, wanted.reshape(x.shape), terms=terms)


def test_labels_may_differ_within_a_batch_and_the_last_is_the_null_class():
    world, x = WORLDS["classes"], noisy((4, 1, 2, 2))
    mixed = world.eps(x, 0.6, 0.8, np.array([0, 1, 2, 3]))
    for row, label in enumerate([0, 1, 2]):
        alone = gaussian_world(
            "c", mean=world.mean[label], variance=world.variance[label], ripple=world.ripple
        )
        assert_close(mixed[row], alone.eps(x, 0.6, 0.8)[row], terms=np.abs(x[row]) + 1)
    np.testing.assert_array_equal(mixed[3], world.eps(x, 0.6, 0.8)[3])
    assert world.num_classes == 3


@pytest.mark.parametrize(("alpha", "sigma"), LEVELS)
def test_elementwise_mixtures_against_quadrature(alpha, sigma):
    """E[x_0 | x] is an integral over the data; nothing of the world's own formula enters."""
    world = World("m", (-0.6, 0.4), (0.02, 0.05), (0.375, 0.625))

    def density(x_0):
        return sum(
            w * np.exp(-((x_0 - m) ** 2) / (2 * s)) / np.sqrt(2 * np.pi * s)
            for w, m, s in zip(world.weights, world.mean, world.variance, strict=True)
        )

    for x in (-0.4, 0.1, 0.9):

        def likely(x_0, x=x):
            return np.exp(-((x - alpha * x_0) ** 2) / (2 * sigma**2))

        points = [-0.6, 0.4, x / alpha]
        points = [p for p in points if -4 < p < 4]
        total = quad(lambda z: density(z) * likely(z), -4, 4, points=points, limit=400)[0]
        first = quad(lambda z: z * density(z) * likely(z), -4, 4, points=points, limit=400)[0]
        got = float(world.x_0(np.array([[x]]), alpha, sigma)[0, 0])
        assert abs(got - first / total) < 1 / 2**30  # what the quadrature reaches


def test_the_score_is_the_gradient_of_the_log_density():
    world, x, h = WORLDS["mixture"], noisy((1, 1, 2, 2)), 2.0**-16
    alpha, sigma = 0.8, 0.6

    def log_density(y):
        total = 0.0
        for w, m, s in zip(
            world.weights, world.means((1, 2, 2)), world.variances((1, 2, 2)), strict=True
        ):
            v = alpha**2 * s + sigma**2
            total = total + w * np.exp(-((y - alpha * m) ** 2) / (2 * v)) / np.sqrt(v)
        return np.log(total)

    slope = (log_density(x + h) - log_density(x - h)) / (2 * h)
    assert np.max(np.abs(world.score(x, alpha, sigma) - slope)) < 100 * h**2


@pytest.mark.parametrize("name", ["gaussian", "mixture"])
def test_the_flow_is_the_solution_of_its_differential_equation(name):
    """dx/dsigma = eps in coordinates x_0 + sigma eps."""
    world, x = WORLDS[name], 5.0 * noisy((2, 1, 2, 2))
    solved = solve_ivp(
        lambda sigma, y: world.eps(y.reshape(x.shape), 1.0, sigma).ravel(),
        (5.0, 0.25),
        x.ravel(),
        method="DOP853",
        rtol=2.0**-40,
        atol=2.0**-40,
    ).y[:, -1]
    end = world.flow(x, 1.0, 5.0, 1.0, 0.25)
    assert np.max(np.abs(end.ravel() - solved)) < 2.0**-30


@pytest.mark.parametrize("name", ["gaussian", "mixture", "large-mean"])
def test_the_flow_leads_from_law_to_law(name):
    """Points of the marginal, in standard deviations, become the same points of the data."""
    world = WORLDS[name]
    z = np.array([[-1.0], [0.0], [1.0]]) if world.affine else None
    if z is None:
        back = world.flow(world.flow(noisy(), 0.1, 0.99), 1.0, 0.0, 0.1, 0.99)
        assert_close(back, noisy(), terms=np.abs(noisy()) + 1, units=2**12)
        return
    mean, variance = world.law((1,), 0.1, 0.99)
    ends = world.flow(mean + np.sqrt(variance) * z, 0.1, 0.99)
    wanted_mean, wanted_variance = world.law((1,))
    assert_close(ends, wanted_mean + np.sqrt(wanted_variance) * z, terms=np.abs(ends) + 1)


def test_points_flow_to_the_point_and_shared_mixtures_have_no_flow():
    world = point_world(0.6)
    np.testing.assert_array_equal(world.flow(noisy(), 0.1, 0.9), np.full((2, 3, 2, 2), 0.6))
    with pytest.raises(ValueError, match="no closed form"):
        WORLDS["classes"].flow(noisy(), 0.1, 0.9)
    with pytest.raises(ValueError, match="prediction='score'"):
        world.prediction("score")


def test_scales_may_differ_within_a_batch():
    world, x = WORLDS["gaussian"], noisy()
    got = world.eps(x, np.array([0.6, 1.0]), np.array([0.8, 3.0]))
    np.testing.assert_array_equal(got[0], world.eps(x, 0.6, 0.8)[0])
    np.testing.assert_array_equal(got[1], world.eps(x, 1.0, 3.0)[1])
