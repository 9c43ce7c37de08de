"""The Fréchet distance against formulas that share nothing with its Procrustes form."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from refdiff.evaluation import frechet_distance, frechet_distance_from_moments
from refdiff.testing import assert_close

SEEDS = st.integers(0, 2**32 - 1)
DIMS = st.integers(1, 8)


def from_moments(*moments):
    return frechet_distance_from_moments(*moments, features="test")


def orthogonal(generator, dim):
    return np.linalg.qr(generator.normal(size=(dim, dim)))[0]


def well_conditioned(generator, dim):
    """A covariance with eigenvalues between 0.1 and 10."""
    turn = orthogonal(generator, dim)
    covariance = turn * 10 ** generator.uniform(-1, 1, dim) @ turn.T
    return (covariance + covariance.T) / 2


def size_of(mean_a, covariance_a, mean_b, covariance_b):
    """Sum of the terms of the textbook formula, which its rounding errors scale with."""
    shift = np.abs(mean_a) + np.abs(mean_b)
    return float(shift @ shift + np.trace(covariance_a) + np.trace(covariance_b))


@given(seed=SEEDS, dim=DIMS)
def test_it_is_the_textbook_formula_by_matrix_square_roots(seed, dim):
    generator = np.random.default_rng(seed)
    means = generator.normal(size=(2, dim))
    first, second = (well_conditioned(generator, dim) for _ in range(2))
    product = np.real(scipy.linalg.sqrtm(first @ second))
    expected = np.sum((means[0] - means[1]) ** 2) + np.trace(first + second - 2 * product)
    moments = (means[0], first, means[1], second)
    # Schur's square root costs some ten operations a dimension, times the condition of the root.
    assert_close(from_moments(*moments).squared, expected, terms=size_of(*moments), units=100 * dim)


@given(seed=SEEDS, dim=DIMS, data=st.data())
def test_commuting_covariances_compare_standard_deviations(seed, dim, data):
    generator = np.random.default_rng(seed)
    deviations = np.array(
        data.draw(st.lists(st.floats(0, 10) | st.just(0.0), min_size=2 * dim, max_size=2 * dim))
    ).reshape(2, dim)
    turn = orthogonal(generator, dim)
    means = generator.normal(size=(2, dim))
    first, second = (turn * row**2 @ turn.T for row in deviations)
    expected = np.sum((means[0] - means[1]) ** 2) + np.sum((deviations[0] - deviations[1]) ** 2)
    moments = (means[0], first, means[1], second)
    result = from_moments(*moments)
    # A variance is only known to rounding of the largest, its root to the root of that.
    rounding = np.sqrt(dim * np.finfo(float).eps) * deviations.max(initial=0.0)
    slack = dim * 4 * rounding * (deviations.max(initial=0.0) + rounding)
    assert abs(result.squared - expected) <= slack + 100 * np.finfo(float).eps * size_of(*moments)


@given(seed=SEEDS, dim=st.integers(2, 8))
def test_covariances_of_rank_one(seed, dim):
    # tr (A^1/2 B A^1/2)^1/2 of a u u' and b v v' is sqrt(a b) |u.v|.
    generator = np.random.default_rng(seed)
    u, v = orthogonal(generator, dim)[:2]
    v = np.cos(seed) * u + np.sin(seed) * v
    a, b = generator.uniform(0.5, 2, 2)
    moments = (np.zeros(dim), a * np.outer(u, u), np.zeros(dim), b * np.outer(v, v))
    expected = a + b - 2 * np.sqrt(a * b) * abs(u @ v)
    assert_close(from_moments(*moments).squared, expected, terms=size_of(*moments), units=20 * dim)


@given(seed=SEEDS, dim=st.integers(2, 8), data=st.data())
def test_covariances_in_spaces_at_right_angles_share_nothing(seed, dim, data):
    generator = np.random.default_rng(seed)
    rank = data.draw(st.integers(1, dim - 1))
    turn = orthogonal(generator, dim)
    variances = generator.uniform(0.5, 2, dim)
    first = turn[:, :rank] * variances[:rank] @ turn[:, :rank].T
    second = turn[:, rank:] * variances[rank:] @ turn[:, rank:].T
    moments = (np.zeros(dim), first, np.zeros(dim), second)
    assert_close(from_moments(*moments).squared, variances.sum(), units=20 * dim)


@given(seed=SEEDS, dim=DIMS)
def test_a_point_is_as_far_as_the_mean_square_distance_to_it(seed, dim):
    generator = np.random.default_rng(seed)
    mean, covariance = generator.normal(size=dim), well_conditioned(generator, dim)
    point = generator.normal(size=dim)
    result = from_moments(mean, covariance, point, np.zeros((dim, dim)))
    expected = np.sum((mean - point) ** 2) + np.trace(covariance)
    assert_close(result.squared, expected, units=20 * dim)
    assert_close(result.mean_part, np.sum((mean - point) ** 2), units=20 * dim)
    assert_close(result.covariance_part, np.trace(covariance), units=20 * dim)
    assert_close(result.distance**2, result.squared)


@st.composite
def feature_pairs(draw):
    generator = np.random.default_rng(draw(SEEDS))
    dim = draw(DIMS)
    mix = generator.normal(size=(2, dim, dim))
    if draw(st.booleans()):
        mix[:, : dim // 2] = 0  # without full rank
    counts = draw(st.tuples(st.integers(2, 40), st.integers(2, 40)))
    return generator, *(
        generator.normal(size=(count, dim)) @ part + generator.normal(size=dim)
        for count, part in zip(counts, mix, strict=True)
    )


def size_of_vectors(first, second):
    return float(
        sum(
            np.var(part, axis=0, ddof=1).sum() + np.sum(part**2, axis=1).max()
            for part in (first, second)
        )
    )


@given(pair=feature_pairs())
def test_it_is_zero_to_rounding_for_equal_sets_whatever_the_rank(pair):
    _, first, _ = pair
    result = frechet_distance(first, first[::-1], features="test")
    # A sum of squares of rounding errors: the bound is the square of the unit, not the unit.
    bound = (100 * len(first[0]) * np.finfo(float).eps) ** 2 * size_of_vectors(first, first)
    assert 0 <= result.squared <= bound


@given(pair=feature_pairs())
def test_it_is_symmetric(pair):
    _, first, second = pair
    one = frechet_distance(first, second, features="test")
    other = frechet_distance(second, first, features="test")
    assert_close(one.squared, other.squared, terms=size_of_vectors(first, second), units=200)
    assert (one.count_a, one.count_b) == (len(first), len(second)) == (other.count_b, other.count_a)


@given(pair=feature_pairs(), scale=st.sampled_from([0.25, 1.0, 8.0]))
def test_turning_moving_and_scaling_both_sets(pair, scale):
    generator, first, second = pair
    dim = first.shape[1]
    turn, shift = orthogonal(generator, dim), generator.normal(size=dim)
    before = frechet_distance(first, second, features="test").squared
    moved = [scale * (part @ turn + shift) for part in (first, second)]
    after = frechet_distance(*moved, features="test").squared
    terms = scale**2 * size_of_vectors(first, second) + size_of_vectors(*moved)
    assert_close(after, scale**2 * before, terms=terms, units=400)


@given(pair=feature_pairs())
def test_vectors_and_their_moments_agree(pair):
    _, first, second = pair
    moments = [
        moment
        for part in (first, second)
        for moment in (part.mean(axis=0), np.atleast_2d(np.cov(part, rowvar=False)))
    ]
    got = frechet_distance(first, second, features="test").squared
    # Where rank is missing, a covariance holds its roots to half the digits only.
    assert_close(from_moments(*moments).squared, got, terms=size_of(*moments), dtype="float32")


@given(seed=SEEDS, dim=DIMS, count=st.integers(2, 12))
def test_it_never_exceeds_what_moving_the_vectors_one_by_one_costs(seed, dim, count):
    # Gelbrich: among sets with these moments none are nearer than the Gaussians. Pairing the
    # vectors in the best way is one transport between the sets, whose own moments are biased.
    generator = np.random.default_rng(seed)
    first, second = generator.normal(size=(2, count, dim)) * generator.uniform(0.1, 3, (2, 1, 1))
    costs = np.sum((first[:, None] - second[None]) ** 2, axis=-1)
    transport = costs[linear_sum_assignment(costs)].mean()
    result = frechet_distance(first, second, features="test")
    biased = result.mean_part + result.covariance_part * (count - 1) / count
    assert biased <= transport * (1 + 1000 * np.finfo(float).eps)


def test_known_by_hand():
    # Means 0 and 3, standard deviations 2 and 6: (3)^2 + (4)^2, a distance of 5.
    result = from_moments([0.0], [[4.0]], [3.0], [[36.0]])
    assert (result.squared, result.mean_part, result.covariance_part) == (25.0, 9.0, 16.0)
    assert (result.distance, result.dim, result.count_a) == (5.0, 1, None)
    assert str(result) == "25 (squared Fréchet distance, test)"
    # Unbiased variances: {-1, 1} has 2, {-3, 3} has 18; sqrt 18 - sqrt 2 = 2 sqrt 2.
    vectors = frechet_distance([[-1.0], [1.0]], [[-3.0], [3.0]], features="a number")
    assert_close(vectors.squared, 8.0)
    assert str(vectors).endswith("(squared Fréchet distance, a number, 2 against 2)")


EYE = np.eye(2)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: frechet_distance(np.ones((3, 2)), np.ones((3, 4)), features=""), "features_b 4"),
        (lambda: frechet_distance(np.ones((1, 2)), np.ones((3, 2)), features=""), "at least 2"),
        (lambda: frechet_distance(np.ones(3), np.ones((3, 1)), features=""), r"expected \(N, D\)"),
        (
            lambda: frechet_distance(np.ones((2, 2)), [[1, 2], [np.nan, 3]], features=""),
            "features_b holds a value that is not finite",
        ),
        (lambda: from_moments([0, 0], [[1, 0.5], [0, 1]], [0, 0], EYE), "covariance_a is not sym"),
        (lambda: from_moments([0, 0], EYE, [0, 0], -EYE), "covariance_b has the eigenvalue -1"),
        (lambda: from_moments([0, 0], EYE, [0], EYE), "means and covariances have shapes"),
        (lambda: from_moments([0, 0], EYE, [0, 0], [1, 1]), "covariance_b has shape"),
        (lambda: from_moments([0, np.inf], EYE, [0, 0], EYE), "mean_a holds a value"),
    ],
)
def test_bad_arguments_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
