"""Gaussian mixtures: non-linear predictions, posteriors, classes and sampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from refdiff.closed_form import Gaussian, GaussianMixture
from refdiff.testing import assert_close, assert_law
from tests.closed_form.worlds import FULL, LEVELS, MEAN, central_difference, mixture

POINTS = [np.array([0.1, 0.2]), np.array([-1.5, 0.9]), np.array([2.0, -2.5])]
each_level = pytest.mark.parametrize("level", [0.97, 0.6, 0.3, 0.08])
each_point = pytest.mark.parametrize("x", POINTS, ids=lambda x: f"{x[0]},{x[1]}")


@pytest.mark.property_id("P026")
@each_level
@each_point
def test_score_by_responsibilities_is_the_slope_of_the_log_density(x, level):
    data = mixture()
    slope = central_difference(data.marginal(alpha_bar_t=level).log_density, x)
    assert_law("P026", data.score(x, alpha_bar_t=level), slope)


@pytest.mark.property_id("P027")
@each_level
@each_point
def test_tweedie_first_order(x, level):
    data, variance = mixture(), 1.0 - level
    score = data.score(x, alpha_bar_t=level)
    gain = 1.0 / np.sqrt(level)
    x_0 = (x + variance * score) / np.sqrt(level)
    eps = -np.sqrt(variance) * score
    assert_law("P027", data.optimal_x_0(x, alpha_bar_t=level), x_0, scale=gain)
    assert_law("P027", data.optimal_eps(x, alpha_bar_t=level), eps, scale=gain)
    v = np.sqrt(level) * eps - np.sqrt(variance) * x_0
    assert_law("P027", data.optimal_v(x, alpha_bar_t=level), v, scale=gain)


@pytest.mark.property_id("P028", "P029")
@each_level
@each_point
def test_jacobian_of_the_posterior_mean_is_the_posterior_covariance(x, level):
    data, variance = mixture(), 1.0 - level
    mean, covariance = data.x_0_posterior(x, alpha_bar_t=level)
    assert_law("P027", mean, data.optimal_x_0(x, alpha_bar_t=level))
    jacobian = central_difference(lambda y: data.optimal_x_0(y, alpha_bar_t=level), x)
    assert_law("P029", jacobian, np.sqrt(level) / variance * covariance)
    assert_close(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance)[0] > 0.0


@pytest.mark.property_id("P028")
@each_level
@each_point
def test_tweedie_second_order(x, level):
    """The Hessian of log q from the components: E[g g^T] - E[g] E[g]^T - E[V^-1]."""
    data, variance = mixture(), 1.0 - level
    noisy = data.marginal(alpha_bar_t=level)
    densities = [
        weight * stats.multivariate_normal(part.mean, part.covariance_matrix()).pdf(x)
        for weight, part in zip(noisy.weights, noisy.components, strict=True)
    ]
    shares = np.array(densities) / np.sum(densities)
    precisions = [np.linalg.inv(part.covariance_matrix()) for part in noisy.components]
    slopes = [
        -precision @ (x - part.mean)
        for precision, part in zip(precisions, noisy.components, strict=True)
    ]
    mean = sum(r * g for r, g in zip(shares, slopes, strict=True))
    hessian = -np.outer(mean, mean)
    for share, slope, precision in zip(shares, slopes, precisions, strict=True):
        hessian += share * (np.outer(slope, slope) - precision)
    expected = variance / level * (np.eye(2) + variance * hessian)
    covariance = data.x_0_posterior(x, alpha_bar_t=level).covariance
    # The second moment is subtracted from its mean squared.
    assert_law("P028", covariance, expected, scale=1.0 + mean @ mean)


@pytest.mark.parametrize("x_t", [-1.1, 0.2, 1.7])
@pytest.mark.parametrize("level", [0.9, 0.4])
def test_posterior_moments_are_integrals_over_the_data(x_t, level):
    """Bayes' rule by quadrature in one dimension, with no Gaussian algebra."""
    weights, means, stds = [0.3, 0.7], [-1.0, 0.8], [0.5, 0.3]
    data = GaussianMixture(weights, np.array(means)[:, None], np.square(stds))

    def joint(x_0, power):
        prior = np.dot(weights, stats.norm.pdf(x_0, means, stds))
        likelihood = stats.norm.pdf(x_t, np.sqrt(level) * x_0, np.sqrt(1.0 - level))
        return x_0**power * prior * likelihood

    total, first, second = (
        quad(joint, -6.0, 6.0, args=(power,), points=[-1.0, 0.8], epsabs=1e-14, limit=200)[0]
        for power in range(3)
    )
    mean, covariance = data.x_0_posterior([x_t], alpha_bar_t=level)
    assert_law("P026", mean[0], first / total)
    assert_law("P026", covariance[0, 0], second / total - (first / total) ** 2)
    noisy = data.marginal(alpha_bar_t=level)
    assert_law("P026", noisy.log_density([x_t]), np.log(total))


@pytest.mark.parametrize("covariance", [0.4, [0.2, 1.0, 2.0], FULL], ids=["scalar", "(d,)", "full"])
def test_one_component_is_a_gaussian(covariance):
    data = Gaussian(MEAN, covariance)
    stacked = np.asarray(covariance) if np.ndim(covariance) == 0 else np.array([covariance])
    single = GaussianMixture([1.0], MEAN[None], stacked)
    x = np.linspace(-1.0, 2.0, 12).reshape(2, 2, 3)
    for level in LEVELS:
        for name in ("optimal_eps", "optimal_x_0", "optimal_v", "score"):
            actual = getattr(single, name)(x, alpha_bar_t=level)
            expected = getattr(data, name)(x, alpha_bar_t=level)
            assert_close(actual, expected)
    assert_close(single.log_density(x), data.log_density(x))


def test_components_far_from_a_point_leave_no_nan():
    data = GaussianMixture([0.5, 0.5], [[-300.0], [300.0]], 1e-3)
    x = np.array([[-299.0], [0.0], [299.0]])
    prediction = data.optimal_x_0(x, alpha_bar_t=0.9999)
    assert_close(prediction[1], 0.0, terms=300.0)
    assert_close(prediction[[0, 2]], -prediction[[2, 0]])
    assert np.all(np.abs(prediction[[0, 2]]) > 298.0)


@pytest.mark.property_id("P065")
@each_level
@each_point
def test_difference_of_scores_is_the_gradient_of_the_bayes_classifier(x, level):
    data = mixture()
    slopes = central_difference(lambda y: data.class_log_probabilities(y, alpha_bar_t=level), x)
    for label in range(3):
        conditional = data.conditional(label)
        gap = conditional.score(x, alpha_bar_t=level) - data.score(x, alpha_bar_t=level)
        gradient = data.classifier_gradient(x, label=label, alpha_bar_t=level)
        assert_law("P065", gap, slopes[label])
        assert_law("P065", gradient, slopes[label])
        eps_gap = conditional.optimal_eps(x, alpha_bar_t=level)
        eps_gap = eps_gap - data.optimal_eps(x, alpha_bar_t=level)
        assert_law("P065", -eps_gap / np.sqrt(1.0 - level), slopes[label])


@pytest.mark.property_id("P066")
@each_level
@each_point
def test_classifier_guidance_with_the_bayes_classifier_is_the_conditional_prediction(x, level):
    data, sigma = mixture(), np.sqrt(1.0 - level)
    eps = data.optimal_eps(x, alpha_bar_t=level)
    for label in range(3):
        gradient = data.classifier_gradient(x, label=label, alpha_bar_t=level)
        expected = data.conditional(label).optimal_eps(x, alpha_bar_t=level)
        assert_law("P066", eps - sigma * gradient, expected)


@each_level
@each_point
def test_class_probabilities_are_normalised_and_follow_bayes(x, level):
    data = mixture()
    logarithms = data.class_log_probabilities(x, alpha_bar_t=level)
    assert_close(np.sum(np.exp(logarithms)), 1.0)
    whole = data.marginal(alpha_bar_t=level).log_density(x)
    for label, share in enumerate([0.2, 0.5, 0.3]):
        part = data.conditional(label).marginal(alpha_bar_t=level).log_density(x)
        assert_close(logarithms[label], np.log(share) + part - whole, terms=16.0 + abs(part))


def test_null_class_is_all_data():
    data = mixture()
    assert data.conditional(None) is data
    assert data.conditional(data.num_classes) is data
    assert data.num_classes == 3
    one = data.conditional(1)
    assert_close(one.weights, np.array([0.7, 0.3]))
    assert_close(one.components[1].mean, np.array([0.3, -1.5]), units=0)


@given(st.floats(-4.0, 4.0), st.floats(-4.0, 4.0), st.floats(1e-4, 0.9999))
def test_classes_average_to_the_whole(first, second, level):
    """E[x_0 | x_t] is the average of E[x_0 | x_t, class] over the classes given x_t."""
    data, x = mixture(), np.array([first, second])
    shares = np.exp(data.class_log_probabilities(x, alpha_bar_t=level))
    each = [data.conditional(label).optimal_x_0(x, alpha_bar_t=level) for label in range(3)]
    assert_close(shares @ np.array(each), data.optimal_x_0(x, alpha_bar_t=level), terms=400.0)


def test_samples_have_the_moments_and_labels_of_the_mixture():
    data = mixture()
    draws, labels = data.sample_with_labels(20_000, np.random.default_rng(3))
    mean, covariance = data.moments()
    centred = draws - mean
    assert_law("P038", draws, mean)
    assert_law("P038", centred[:, :, None] * centred[:, None, :], covariance)
    assert_law("P038", np.eye(3)[labels], np.array([0.2, 0.5, 0.3]))
    inside = draws[labels == 1]
    assert_law("P038", inside, data.conditional(1).moments().mean)
    assert_close(
        data.sample(50, np.random.default_rng(4)),
        data.sample_with_labels(50, np.random.default_rng(4))[0],
        units=0,
    )


def test_moments_of_the_mixture_are_those_of_its_components():
    mean, covariance = mixture().moments()
    weights = mixture().weights
    second = sum(
        w * (part.covariance_matrix() + np.outer(part.mean, part.mean))
        for w, part in zip(weights, mixture().components, strict=True)
    )
    assert_close(mean, weights @ np.array([part.mean for part in mixture().components]), terms=2.0)
    assert_close(covariance, second - np.outer(mean, mean), terms=4.0)


def test_posterior_samples_have_the_posterior_moments():
    data, level, x = mixture(), 0.3, np.array([0.1, 0.2])
    mean, covariance = data.x_0_posterior(x, alpha_bar_t=level)
    many = np.broadcast_to(x, (20_000, 2))
    draws = data.sample_x_0_posterior(many, np.random.default_rng(5), alpha_bar_t=level)
    centred = draws - mean
    assert_law("P038", draws, mean)
    assert_law("P038", centred[:, :, None] * centred[:, None, :], covariance)


def test_posterior_samples_over_noisy_data_are_data():
    """Noise the data, then draw x_0 given the result: the law of x_0 comes back."""
    data, level, rng = mixture(), 0.5, np.random.default_rng(6)
    x_0 = data.sample(20_000, rng)
    x_t = np.sqrt(level) * x_0 + np.sqrt(1.0 - level) * rng.standard_normal(x_0.shape)
    draws = data.sample_x_0_posterior(x_t, rng, alpha_bar_t=level)
    mean, covariance = data.moments()
    centred = draws - mean
    assert_law("P038", draws, mean)
    assert_law("P038", centred[:, :, None] * centred[:, None, :], covariance)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: GaussianMixture([0.5, 0.6], np.zeros((2, 1)), 1.0), "sum to 1"),
        (lambda: GaussianMixture([1.5, -0.5], np.zeros((2, 1)), 1.0), "positive"),
        (lambda: GaussianMixture([0.5, 0.5], np.zeros((3, 1)), 1.0), "means of shape"),
        (lambda: GaussianMixture([0.5, 0.5], np.zeros((2, 3)), np.eye(3)), "covariances of shape"),
        (lambda: GaussianMixture([1.0], [[0.0]], 1.0, labels=[1]), "labels"),
        (lambda: GaussianMixture([1.0], [[0.0]], 1.0, labels=[0, 0]), "labels"),
        (lambda: mixture().conditional(7), "label=7"),
        (lambda: mixture().conditional(-1), "label=-1"),
        (lambda: mixture().classifier_gradient([0.0, 0.0], label=3, alpha_bar_t=0.5), "null class"),
        (lambda: mixture().score([0.0, 0.0, 0.0], alpha_bar_t=0.5), "of shape"),
        (lambda: mixture().score([0.0, 0.0], alpha_bar_t=2.0), "alpha_bar_t=2.0"),
    ],
)
def test_bad_arguments_are_named(build, words):
    with pytest.raises(ValueError, match=words):
        build()
