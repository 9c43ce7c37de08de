"""Gaussian data at one noise level: predictions, posteriors, losses, densities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from refdiff.closed_form import Basis, Gaussian
from refdiff.testing import assert_close, assert_law
from tests.closed_form.worlds import (
    ALL,
    GAUSSIANS,
    LEVELS,
    MEAN,
    SINGULAR,
    central_difference,
    conditioned,
    cubature,
    joint_gaussian,
)

each_gaussian = pytest.mark.parametrize("data", GAUSSIANS.values(), ids=GAUSSIANS)
each_law = pytest.mark.parametrize("data", ALL.values(), ids=ALL)
each_level = pytest.mark.parametrize("level", LEVELS)


def some_point(data, level):
    """A point about one standard deviation from the mean of x_t."""
    marginal = data.marginal(alpha_bar_t=level)
    offset = np.linspace(-1.2, 0.9, data.dimension)
    return marginal.mean + np.sqrt(np.diag(marginal.covariance_matrix())) * offset


def joint_by_basis(data, level):
    """x_0, eps and x_t as affine values of two independent vectors."""
    basis = Basis()
    x_0 = basis.vector("x_0", data.dimension, mean=data.mean, covariance=data.covariance)
    eps = basis.vector("eps", data.dimension)
    return x_0, eps, np.sqrt(level) * x_0 + np.sqrt(1.0 - level) * eps


def mean_square(value):
    mean, covariance = value.moments()
    return np.trace(covariance) + mean @ mean


@each_level
@each_law
def test_predictions_are_conditional_expectations_of_the_joint_gaussian(data, level):
    a, b, d = np.sqrt(level), np.sqrt(1.0 - level), data.dimension
    mean, covariance = joint_gaussian(data, a, b)
    x_0, eps, x_t = np.split(np.arange(3 * d), 3)
    point = some_point(data, level)
    x_0_mean, x_0_left = conditioned(mean, covariance, x_0, x_t, point)
    eps_mean, _ = conditioned(mean, covariance, eps, x_t, point)
    size = 1.0 + np.abs(data.mean).max()
    assert_law("P027", data.optimal_x_0(point, alpha_bar_t=level), x_0_mean, scale=size / b**2)
    assert_law("P027", data.optimal_eps(point, alpha_bar_t=level), eps_mean, scale=size / b**2)
    expected_v = a * eps_mean - b * x_0_mean
    assert_law("P027", data.optimal_v(point, alpha_bar_t=level), expected_v, scale=size / b**2)
    posterior = data.x_0_posterior(point, alpha_bar_t=level)
    assert_law("P027", posterior.mean, x_0_mean, scale=size / b**2)
    dense = Gaussian(data.mean, posterior.covariance).covariance_matrix()
    assert_law("P028", dense, x_0_left)
    marginal = data.marginal(alpha_bar_t=level)
    assert_close(marginal.mean, mean[x_t])
    assert_close(marginal.covariance_matrix(), covariance[np.ix_(x_t, x_t)], terms=4.0)


@each_level
@each_law
def test_predictor_matrices_give_the_same_predictions(data, level):
    point = some_point(data, level)
    noisy = data.at(alpha_bar_t=level)
    for prediction in ("eps", "x_0", "v", "score"):
        matrix, offset = noisy.predictor(prediction)
        moved = matrix @ point if matrix.ndim == 2 else matrix * point
        largest = np.abs(matrix).max() * (1.0 + np.abs(data.mean).max())
        assert_close(moved + offset, noisy.predict(prediction, point), terms=8.0 * (1 + largest))


@pytest.mark.property_id("P026")
@each_level
@each_gaussian
def test_score_is_the_slope_of_the_log_density(data, level):
    marginal = data.marginal(alpha_bar_t=level)
    point = some_point(data, level)
    slope = central_difference(marginal.log_density, point)
    assert_law("P026", data.score(point, alpha_bar_t=level), slope)


@pytest.mark.property_id("P027")
@each_level
@each_law
def test_tweedie_first_order(data, level):
    a, variance = np.sqrt(level), 1.0 - level
    point = some_point(data, level)
    score = data.score(point, alpha_bar_t=level)
    size = (1.0 + np.abs(data.mean).max()) / a
    expected = (point + variance * score) / a
    assert_law("P027", data.optimal_x_0(point, alpha_bar_t=level), expected, scale=size)
    expected = -np.sqrt(variance) * score
    assert_law("P027", data.optimal_eps(point, alpha_bar_t=level), expected, scale=size)


@pytest.mark.property_id("P028")
@each_gaussian
def test_tweedie_second_order(data):
    level = 0.4
    variance = 1.0 - level
    hessian = -np.linalg.inv(data.marginal(alpha_bar_t=level).covariance_matrix())
    expected = variance / level * (np.eye(data.dimension) + variance * hessian)
    covariance = data.x_0_posterior(data.mean, alpha_bar_t=level).covariance
    assert_law("P028", Gaussian(data.mean, covariance).covariance_matrix(), expected)


@pytest.mark.property_id("P029")
@each_gaussian
def test_jacobian_of_the_posterior_mean_is_a_multiple_of_the_covariance(data):
    level = 0.4
    point = some_point(data, level)
    jacobian = central_difference(lambda x: data.optimal_x_0(x, alpha_bar_t=level), point)
    covariance = data.x_0_posterior(point, alpha_bar_t=level).covariance
    dense = Gaussian(data.mean, covariance).covariance_matrix()
    assert_law("P029", jacobian, np.sqrt(level) / (1.0 - level) * dense)
    assert np.linalg.eigvalsh(dense)[0] > 0.0


@pytest.mark.property_id("P030")
@each_level
@each_law
def test_minimal_losses_are_mean_squares_of_the_residuals(data, level):
    a, b, d = np.sqrt(level), np.sqrt(1.0 - level), data.dimension
    x_0, eps, x_t = joint_by_basis(data, level)
    noisy = data.at(alpha_bar_t=level)
    targets = {"eps": eps, "x_0": x_0, "v": a * eps - b * x_0}
    # Residuals of size sqrt(loss) come from terms of size 1: the loss loses what that costs.
    gain = (1.0 + np.abs(data.mean).max()) ** 2 / b**2
    for prediction, target in targets.items():
        residual = target - x_t.apply(*noisy.predictor(prediction))
        loss = noisy.minimal_loss(prediction)
        assert_law("P028", loss, mean_square(residual) / d, scale=gain)
    assert noisy.minimal_loss("eps") == data.minimal_eps_loss(alpha_bar_t=level)


@pytest.mark.property_id("P030")
@pytest.mark.parametrize("level", [0.97, 0.6, 0.08])
@each_gaussian
def test_both_forms_of_the_minimal_eps_loss(data, level):
    spread, d = data.covariance_matrix(), data.dimension
    precision = np.linalg.inv(level * spread + (1.0 - level) * np.eye(d))
    loss = data.minimal_eps_loss(alpha_bar_t=level)
    assert_law("P030", loss, level * np.trace(spread @ precision) / d)
    assert_law("P030", loss, 1.0 - (1.0 - level) * np.trace(precision) / d)


@pytest.mark.property_id("P031")
def test_denoising_and_explicit_score_matching_differ_by_a_constant():
    data, level = GAUSSIANS["full"], 0.35
    _, eps, x_t = joint_by_basis(data, level)
    target = -eps / np.sqrt(1.0 - level)
    score = x_t.apply(*data.at(alpha_bar_t=level).predictor("score"))
    rng = np.random.default_rng(7)
    gaps = []
    for _ in range(8):
        model = x_t.apply(rng.normal(size=(3, 3)) / 2.0, rng.normal(size=3))
        gaps.append(mean_square(model - target) - mean_square(model - score))
    # The terms that are subtracted are up to a hundred times the constant.
    assert_law("P031", np.array(gaps), gaps[0], scale=20.0)
    assert_law("P031", gaps[0], mean_square(target) - mean_square(score), scale=20.0)


@pytest.mark.property_id("P032")
@each_level
@each_law
def test_residuals_are_uncorrelated_with_what_is_observed(data, level):
    x_0, eps, x_t = joint_by_basis(data, level)
    noisy = data.at(alpha_bar_t=level)
    gain = (1.0 + np.abs(data.mean).max()) / (1.0 - level)
    for prediction, target in (("eps", eps), ("x_0", x_0)):
        residual = target - x_t.apply(*noisy.predictor(prediction))
        assert_law("P032", residual.covariance(x_t), 0.0, scale=gain)
        assert_law("P032", residual.offset, 0.0, scale=gain)


@pytest.mark.property_id("P033")
@given(
    c=st.floats(0.1, 10.0),
    b=st.floats(-5.0, 5.0),
    level=st.floats(1e-3, 0.999),
    x=st.floats(-3.0, 3.0),
)
def test_shifted_and_scaled_data_act_as_another_snr(c, b, level, x):
    data, moved = Gaussian(0.7, 0.25), Gaussian(c * 0.7 + b, 0.25 * c**2)
    snr = c**2 * level / (1.0 - level)
    other = snr / (1.0 + snr)
    # x_t = a (c x_0 + b) + sigma eps, shifted by a b and brought to unit total variance.
    point = np.sqrt(level) * b + x * np.sqrt((1.0 - level) / (1.0 - other))
    actual = moved.optimal_eps(point, alpha_bar_t=level)
    expected = data.optimal_eps(x, alpha_bar_t=other)
    assert_law("P033", actual, expected, scale=1.0 + (1.0 + abs(b)) / np.sqrt(1.0 - level))


@each_law
def test_scales_name_the_same_levels(data):
    level, stretch = 0.3, 2.7
    point = some_point(data, level)
    noisy = data.at_scales(alpha_t=stretch * np.sqrt(level), sigma_t=stretch * np.sqrt(1 - level))
    for prediction in ("eps", "x_0"):
        actual = noisy.predict(prediction, stretch * point)
        expected = data.at(alpha_bar_t=level).predict(prediction, point)
        assert_close(actual, expected, terms=16.0 * (1.0 + np.abs(data.mean).max()))
    score = data.score(point, alpha_bar_t=level) / stretch
    size = 16.0 * (1.0 + np.abs(data.mean).max())
    assert_close(noisy.predict("score", stretch * point), score, terms=size)


@each_law
def test_nothing_is_known_at_zero_signal(data):
    point = np.linspace(-2.0, 3.0, data.dimension)
    assert_close(data.optimal_x_0(point, alpha_bar_t=0.0), data.mean, units=0)
    assert_close(data.optimal_v(point, alpha_bar_t=0.0), -data.mean, units=0)
    assert_close(data.optimal_eps(point, alpha_bar_t=0.0), point, terms=8.0)
    assert_close(data.score(point, alpha_bar_t=0.0), -point, terms=8.0)
    assert data.minimal_eps_loss(alpha_bar_t=0.0) == 0.0


@each_gaussian
def test_data_are_seen_and_noise_is_not_at_full_signal(data):
    point = data.mean + np.linspace(-1.0, 1.0, data.dimension)
    size = 8.0 * np.abs(point).max()
    assert_close(data.optimal_x_0(point, alpha_bar_t=1.0), point, terms=size)
    assert_close(data.optimal_eps(point, alpha_bar_t=1.0), np.zeros(data.dimension), units=0)
    assert_close(data.optimal_v(point, alpha_bar_t=1.0), np.zeros(data.dimension), units=0)
    assert data.minimal_eps_loss(alpha_bar_t=1.0) == 1.0
    assert data.at(alpha_bar_t=1.0).minimal_loss("v") == 1.0
    assert data.at(alpha_bar_t=1.0).minimal_loss("x_0") == 0.0


def test_point_mass_knows_its_data_at_every_level():
    data = SINGULAR["point"]
    for level in (0.0, 0.5, 1.0):
        assert_close(data.optimal_x_0([3.0, 4.0], alpha_bar_t=level), data.mean, units=0)
        assert data.x_0_posterior([3.0, 4.0], alpha_bar_t=level).covariance == 0.0
    assert data.minimal_eps_loss(alpha_bar_t=0.5) == 0.0
    # At full signal v is the noise, of which nothing is seen.
    assert data.minimal_eps_loss(alpha_bar_t=1.0) == 1.0
    assert data.at(alpha_bar_t=1.0).minimal_loss("v") == 1.0
    noise = (np.array([3.0, 4.0]) - np.sqrt(0.5) * data.mean) / np.sqrt(0.5)
    assert_close(data.optimal_eps([3.0, 4.0], alpha_bar_t=0.5), noise)


def test_scalar_law_works_element_by_element():
    data, x = Gaussian(0.7, 0.25), np.linspace(-2.0, 2.0, 24).reshape(2, 3, 4)
    one = GAUSSIANS["scalar"]
    for name in ("optimal_eps", "optimal_x_0", "optimal_v", "score"):
        actual = getattr(data, name)(x, alpha_bar_t=0.3)
        expected = getattr(one, name)(x[..., None], alpha_bar_t=0.3)[..., 0]
        assert_close(actual, expected, units=0)
    assert_close(data.log_density(x), one.log_density(x[..., None]), units=0)


def test_image_shaped_mean_is_a_flat_vector():
    mean = np.linspace(-1.0, 1.0, 12).reshape(3, 2, 2)
    images, vector = Gaussian(mean, 0.6), Gaussian(mean.ravel(), 0.6)
    x = np.linspace(2.0, -3.0, 24).reshape(2, 3, 2, 2)
    flat = x.reshape(2, 12)
    eps = images.optimal_eps(x, alpha_bar_t=0.7)
    assert_close(eps.reshape(2, 12), vector.optimal_eps(flat, alpha_bar_t=0.7), units=0)
    assert_close(images.log_density(x), vector.log_density(flat))
    assert images.minimal_eps_loss(alpha_bar_t=0.7) == vector.minimal_eps_loss(alpha_bar_t=0.7)
    assert_close(images.entropy(), vector.entropy())


@each_gaussian
def test_log_density_and_entropy_agree_with_scipy(data):
    frozen = stats.multivariate_normal(data.mean, data.covariance_matrix())
    x = data.mean + np.linspace(-2.0, 2.0, 5 * data.dimension).reshape(5, data.dimension)
    terms = 64.0 * (1.0 + np.abs(frozen.logpdf(x)))
    assert_close(data.log_density(x), np.atleast_1d(frozen.logpdf(x)), terms=terms)
    assert_close(data.negative_log_likelihood(x), -np.atleast_1d(frozen.logpdf(x)), terms=terms)
    assert_close(data.entropy(), frozen.entropy(), terms=8.0)


@pytest.mark.parametrize(
    ("first", "second"),
    [("isotropic", "diagonal"), ("full", "diagonal"), ("diagonal", "full"), ("full", "isotropic")],
)
def test_divergence_is_the_expected_log_ratio(first, second):
    p, q = GAUSSIANS[first], Gaussian(MEAN[::-1], GAUSSIANS[second].covariance)
    x = cubature(p)
    expected = np.mean(p.log_density(x) - q.log_density(x))
    assert_close(p.kl_divergence(q), expected, units=256)
    assert_close(p.kl_divergence(p), 0.0, terms=16.0)


@pytest.mark.property_id("P052")
@pytest.mark.parametrize("spread", [0.04, 1.0, 3.0])
def test_continuous_loss_is_the_mutual_information(spread):
    data, low, high = Gaussian(0.7, spread), 1e-2, 50.0

    def integrand(log_snr):
        snr = np.exp(log_snr)
        return 0.5 * snr * data.at(alpha_bar_t=snr / (1.0 + snr)).minimal_loss("x_0")

    loss, _ = quad(integrand, np.log(low), np.log(high), epsabs=0, epsrel=1e-13)
    information = data.mutual_information(snr=high) - data.mutual_information(snr=low)
    assert_law("P052", information, loss)
    assert_law("P052", information, 0.5 * np.log((1 + spread * high) / (1 + spread * low)))


def test_mutual_information_is_the_entropy_that_noise_leaves():
    data, level = GAUSSIANS["full"], 0.3
    noise = Gaussian(np.zeros(3), 1.0 - level)
    expected = data.marginal(alpha_bar_t=level).entropy() - noise.entropy()
    assert_close(data.mutual_information(snr=level / (1.0 - level)), expected, terms=16.0)


@each_law
def test_samples_have_the_stated_moments(data):
    draws = data.sample(20_000, np.random.default_rng(11)) - data.mean
    products = draws[:, :, None] * draws[:, None, :]
    assert_law("P038", draws, 0.0 * data.mean)
    assert_law("P038", products, data.covariance_matrix())


@pytest.mark.parametrize(
    ("mean", "covariance", "words"),
    [
        (0.0, -0.5, "must be >= 0"),
        ([0.0, 1.0], [1.0, 2.0, 3.0], "mean of shape"),
        ([0.0, 1.0], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "covariance of shape"),
        ([0.0, 1.0], [[1.0, 0.5], [0.0, 1.0]], "symmetric"),
        ([0.0, 1.0], [[1.0, 2.0], [2.0, 1.0]], "semi-definite"),
        (0.0, np.ones((2, 2, 2)), "covariance of shape"),
        (np.nan, 1.0, "finite"),
    ],
)
def test_laws_that_are_none_are_refused(mean, covariance, words):
    with pytest.raises(ValueError, match=words):
        Gaussian(mean, covariance)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda data: data.optimal_eps([0.0, 0.0], alpha_bar_t=1.5), "alpha_bar_t=1.5"),
        (lambda data: data.optimal_eps([0.0, 0.0], alpha_bar_t=-0.1), "must be in"),
        (lambda data: data.optimal_eps([0.0, 0.0], alpha_bar_t=np.array([0.1, 0.2])), "one finite"),
        (lambda data: data.optimal_eps([0.0], alpha_bar_t=0.5), "x_t of shape"),
        (lambda data: data.score([0.0, 0.0], alpha_bar_t=1.0), "score"),
        (lambda data: data.log_density([0.0, 0.0]), "singular"),
        (lambda data: data.entropy(), "singular"),
        (lambda data: data.at_scales(alpha_t=0.0, sigma_t=0.0), "not both 0"),
        (lambda data: data.at(alpha_bar_t=0.5).predict("noise", [0.0, 0.0]), "must be one of"),
        (lambda data: data.at(alpha_bar_t=0.5).minimal_loss("score"), "must be one of"),
        (lambda data: data.mutual_information(snr=-1.0), "snr=-1.0"),
    ],
)
def test_questions_without_an_answer_are_refused(ask, words):
    with pytest.raises(ValueError, match=words):
        ask(SINGULAR["half-point"])


def test_laws_cannot_be_changed_from_outside():
    mean = np.array([1.0, 2.0])
    data = Gaussian(mean, 1.0)
    mean[0] = 9.0
    assert data.mean[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        data.mean[0] = 9.0
