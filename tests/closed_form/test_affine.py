"""Affine values: arithmetic that agrees with arrays, and refusals of what is not affine."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.closed_form import Basis, Gaussian
from refdiff.testing import assert_close
from tests.closed_form.worlds import FULL, MEAN

FACTORS = np.array([0.5, -2.0, 3.0])
MATRIX = np.array([[1.0, 0.5, -0.5], [0.25, -1.0, 2.0], [0.0, 0.5, 1.5]])

OPERATIONS = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: y - x,
    lambda x, y: -x,
    lambda x, y: +x,
    lambda x, y: 2.0 * x,
    lambda x, y: x * np.float64(-0.5),
    lambda x, y: np.float64(0.75) * x + 1,
    lambda x, y: np.array(1.25) * x - 2.5,
    lambda x, y: 3.0 - x,
    lambda x, y: np.float64(3.0) - x,
    lambda x, y: np.array([1.5]) * x,
    lambda x, y: x / 4,
    lambda x, y: FACTORS * x,
    lambda x, y: x / FACTORS,
    lambda x, y: MEAN + x,
    lambda x, y: x - MEAN,
    lambda x, y: MEAN - x,
    lambda x, y: x * 3 + 1.5 * y,
]


def evaluate(value, draws):
    """The value of an affine map once the vectors of its basis are known."""
    return value.offset + sum(value.coefficient(name) @ draws[name] for name in value.basis.names)


def source():
    """Three vectors, one of them with a mean and a covariance of its own, and draws for them."""
    basis = Basis()
    rng = np.random.default_rng(2)
    values = [
        basis.vector("a", 3),
        basis.vector("b", 3, mean=MEAN, covariance=FULL),
        basis.vector("c", 3, covariance=[0.0, 1.0, 4.0]),
    ]
    draws = {name: rng.standard_normal(3) for name in basis.names}
    return values, draws


@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 2)), max_size=12))
def test_every_program_of_affine_operations_agrees_with_arrays(program):
    values, draws = source()
    arrays = [evaluate(value, draws) for value in values]
    x, plain = values[1], arrays[1]
    size = 1.0 + np.abs(plain).max()
    for operation, index in program:
        x, plain = operation(x, values[index]), operation(plain, arrays[index])
        # No operation magnifies by more than 4 and none adds more than three vectors.
        size = 4.0 * size + 16.0
    assert_close(evaluate(x, draws), plain, terms=size)


def test_matrices_are_applied():
    values, draws = source()
    x, plain = values[1], evaluate(values[1], draws)
    assert_close(evaluate(x.apply(MATRIX, MEAN), draws), MATRIX @ plain + MEAN, terms=32.0)
    assert_close(evaluate(x.apply(MATRIX[:2]), draws), MATRIX[:2] @ plain, terms=32.0)
    assert_close(evaluate(x.apply(FACTORS, 1.0), draws), FACTORS * plain + 1.0, terms=32.0)
    assert_close(evaluate(x.apply(0.5), draws), 0.5 * plain)


def test_moments_are_those_of_the_stated_law():
    (a, b, c), _ = source()
    assert_close(b.moments().mean, MEAN, units=0)
    assert_close(b.moments().covariance, FULL, terms=16.0)
    mean, covariance = (2.0 * a - b + c).moments()
    assert_close(mean, -MEAN)
    assert_close(covariance, 4.0 * np.eye(3) + FULL + np.diag([0.0, 1.0, 4.0]), terms=16.0)


def test_dependence_is_remembered():
    (a, b, c), _ = source()
    assert_close((b - b).moments().covariance, np.zeros((3, 3)), units=0)
    assert_close((a + 2.0 * b).covariance(b - 3.0 * a), 2.0 * FULL - 3.0 * np.eye(3), terms=16.0)
    assert_close(a.covariance(c), np.zeros((3, 3)), units=0)
    assert_close((b + c).covariance(a), np.zeros((3, 3)), units=0)


def test_coefficients_are_found_by_name():
    basis = Basis()
    x, first, second = (basis.vector(name, 2) for name in ("x_T", "noise", "noise"))
    assert basis.names == ("x_T", "noise", "noise (2)")
    y = 3.0 * x - second.apply([[1.0, 2.0], [0.0, 1.0]])
    assert_close(y.coefficient("x_T"), 3.0 * np.eye(2), units=0)
    assert_close(y.coefficient("noise"), np.zeros((2, 2)), units=0)
    assert_close(y.coefficient("noise (2)"), np.array([[-1.0, -2.0], [0.0, -1.0]]), units=0)
    assert_close(first.coefficient("x_T"), np.zeros((2, 2)), units=0)
    assert_close(first.coefficient("noise (2)"), np.zeros((2, 2)), units=0)
    with pytest.raises(ValueError, match="name='z'"):
        y.coefficient("z")


def test_operands_are_not_changed():
    (a, b, _), _ = source()
    before = b.moments()
    total = b + a
    total = total * 5.0 + MEAN
    assert_close(b.moments().mean, before.mean, units=0)
    assert_close(b.moments().covariance, before.covariance, units=0)
    total.offset[0] = 99.0
    assert total.offset[0] != 99.0


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x * x,
        lambda x: x / x,
        lambda x: 1.0 / x,
        lambda x: np.float64(1.0) / x,
        lambda x: x**2,
        abs,
        float,
        bool,
        lambda x: x < 1.0,
        lambda x: x >= x,
        lambda x: np.clip(x, -1.0, 1.0),
        lambda x: np.maximum(x, 0.0),
        lambda x: np.asarray(x),
        lambda x: max(x, 1.0),
    ],
)
def test_what_is_not_affine_is_refused(operation):
    with pytest.raises(TypeError):
        operation(Basis().vector("x", 3))


@pytest.mark.parametrize(
    "operation", [lambda x: x * x, abs, lambda x: x > 0.0, lambda x: np.asarray(x)]
)
def test_refusals_say_why(operation):
    with pytest.raises(TypeError, match="clipping, thresholding and rescaling are not affine"):
        operation(Basis().vector("x", 3))


@pytest.mark.parametrize("operation", [operator.add, operator.sub])
def test_values_that_do_not_fit_are_refused(operation):
    x = Basis().vector("x", 3)
    with pytest.raises(TypeError, match="share one Basis"):
        operation(x, Basis().vector("x", 3))
    with pytest.raises(TypeError, match="dimensions 3 and 2"):
        operation(x, x.basis.vector("y", 2))
    with pytest.raises(TypeError, match="shape"):
        operation(x, np.zeros((2, 3)))
    with pytest.raises(TypeError, match="takes numbers"):
        operation(x, "noise")


def test_bad_vectors_and_matrices_are_named():
    with pytest.raises(ValueError, match="dimension=0"):
        Basis().vector("x", 0)
    with pytest.raises(ValueError, match="semi-definite"):
        Basis().vector("x", 2, covariance=[[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ValueError, match="matrix of shape"):
        Basis().vector("x", 2).apply(np.eye(3))
    with pytest.raises(TypeError, match="share one Basis"):
        Basis().vector("x", 2).covariance(Basis().vector("x", 2))


def test_scalar_torch_values_scale():
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    x = Basis().vector("x", 2, mean=1.0)
    assert_close((x * torch.tensor(0.5, dtype=torch.float64)).offset, np.array([0.5, 0.5]))


def test_means_of_vectors_follow_their_law():
    law = Gaussian(MEAN, FULL)
    x = Basis().vector("x", 3, mean=law.mean, covariance=law.covariance)
    assert_close(x.moments().covariance, law.covariance_matrix(), terms=16.0)
    assert (x.dimension, x.shape, x.ndim) == (3, (3,), 1)
