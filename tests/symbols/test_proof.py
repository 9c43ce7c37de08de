"""The decision procedure: what is equal is proved, and what is not is refused."""

import pytest
import sympy as sp

from tests.support.proof import ProofError, prove_equal

a, b, c = sp.symbols("a b c", positive=True)
y = sp.Symbol("y", real=True)
POINTS = [{a: 0.25, b: 0.5, c: 1.7, y: -0.3}, {a: 0.1, b: 0.9, c: 0.4, y: 1.2}]

EQUAL = [
    (sp.sqrt((1 - a) / (1 - b)), sp.sqrt(1 - a) / sp.sqrt(1 - b)),
    (sp.sqrt(a - a * b), sp.sqrt(a) * sp.sqrt(1 - b)),
    (1 / (sp.sqrt(a) + sp.sqrt(b)), (sp.sqrt(b) - sp.sqrt(a)) / (b - a)),
    (sp.log(a / (1 - a)), sp.log(a) - sp.log(1 - a)),
    (sp.log(8 * a**2), 3 * sp.log(2) + 2 * sp.log(a)),
    (sp.exp(2 * a - b), sp.exp(a) ** 2 / sp.exp(b)),
    (sp.exp(c * sp.log(a) + (1 - c) * sp.log(b)), b * (a / b) ** c),
    (sp.exp(sp.log(a) / 2), sp.sqrt(a)),
    (sp.log(sp.exp(y) + 1) - y, sp.log(1 + sp.exp(-y))),
    (sp.sin(y) ** 2, (1 - sp.cos(y)) * (1 + sp.cos(y))),
    (sp.tanh(y), 1 - 2 / (sp.exp(2 * y) + 1)),
    (sp.erfc(y), 2 - sp.erfc(-y)),
    (sp.Min(a, y), (a + y - sp.Abs(a - y)) / 2),
    (sp.Piecewise((a, y > 0), (0, True)), sp.Piecewise((0, y <= 0), (a, True))),
    (0.1 * a, a / 10),
]


CHANGES = [lambda e: e + sp.Rational(1, 10**30), lambda e: -e, lambda e: e * a]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_expressions_are_proved(left, right):
    assert prove_equal(left, right, POINTS) == len(POINTS)


@pytest.mark.parametrize(("left", "right"), EQUAL)
@pytest.mark.parametrize(
    "change", [lambda e: e + sp.Rational(1, 10**30), lambda e: -e, lambda e: e * a]
)
def test_unequal_expressions_are_refused_however_close(left, right, change):
    with pytest.raises(ProofError):
        prove_equal(left, change(right), POINTS)


def test_roots_do_not_split_over_negative_factors():
    left = sp.sqrt((a - 1) * (b - 2))
    assert prove_equal(left, sp.sqrt(1 - a) * sp.sqrt(2 - b), POINTS) == len(POINTS)
    with pytest.raises(ProofError):
        prove_equal(left, sp.sqrt(a - 1) * sp.sqrt(b - 2), POINTS)


def test_a_branch_is_proved_where_it_is_met():
    left, right = sp.Min(y, a), y
    assert prove_equal(left, right, [{y: -1, a: 1}]) == 1
    with pytest.raises(ProofError):
        prove_equal(left, right, [{y: -1, a: 1}, {y: 2, a: 1}])


def test_ends_alone_prove_nothing():
    with pytest.raises(ProofError, match="ends"):
        prove_equal(sp.log(a) - sp.log(b), sp.log(a / b), [{a: 0, b: 1}])
