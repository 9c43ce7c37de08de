"""Moment checks: exact by hand, and calm about right samples but not about wrong ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refdiff.evaluation import check_moments, compare_moments
from refdiff.testing import assert_close


def test_known_by_hand():
    # Four times -1 and four times 1: mean 0, unbiased variance 8/7, fourth central moment 1.
    samples = np.array([-1.0, 1.0] * 4)
    check = check_moments(samples, mean=0.5, variance=1.0)
    assert_close(check.mean_difference, -0.5)
    assert_close(check.mean_error, np.sqrt(8 / 7 / 8))
    assert_close(check.mean_z, -0.5 * np.sqrt(7))
    assert_close(check.variance_difference, 1 / 7)
    spread = (1 - (8 / 7) ** 2 * 5 / 7) / 8
    assert_close(check.variance_error, np.sqrt(spread), units=20)
    assert_close(check.variance_z, 1 / 7 / np.sqrt(spread), units=20)
    assert_close(check.largest, 1 / 7 / np.sqrt(spread), units=20)
    far = check_moments(samples, mean=1.0, variance=1.0)
    assert_close(far.largest, np.sqrt(7))
    assert_close(far.p_value, 4 * stats.norm.sf(np.sqrt(7)), units=20)


@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-100, 100), scale=st.floats(0.01, 100))
def test_z_scores_do_not_depend_on_unit_or_origin(seed, shift, scale):
    generator = np.random.default_rng(seed)
    first, second = generator.normal(size=(20, 3)), generator.normal(size=(30, 3))
    before = compare_moments(first, second)
    after = compare_moments(scale * first + shift, scale * second + shift)
    terms = 1 + abs(shift) / scale  # digits that the shift costs
    assert_close(after.mean_z, before.mean_z, terms=terms * 100, units=20)
    assert_close(after.variance_z, before.variance_z, terms=terms * 100, units=20)


def test_z_scores_of_right_samples_are_standard_normal():
    generator = np.random.default_rng(3)
    samples = generator.normal(2.0, 3.0, size=(400, 2000))  # 2000 independent checks in one
    check = check_moments(samples, mean=2.0, variance=9.0)
    others = compare_moments(samples, generator.normal(2.0, 3.0, size=(300, 2000)))
    for scores in (check.mean_z, check.variance_z, others.mean_z, others.variance_z):
        assert stats.kstest(scores, "norm").pvalue > 1e-4
    assert check.p_value > 0.01
    assert others.p_value > 0.01


@pytest.mark.parametrize(("shift", "stretch"), [(0.3, 1.0), (-0.3, 1.0), (0.0, 1.3), (0.0, 0.75)])
def test_one_wrong_coordinate_of_many_is_found(shift, stretch):
    generator = np.random.default_rng(4)
    samples = generator.normal(size=(2000, 8, 8))
    samples[:, 2, 5] = samples[:, 2, 5] * stretch + shift
    for check in (
        check_moments(samples, mean=np.zeros((8, 8)), variance=1.0),
        compare_moments(samples, generator.normal(size=(3000, 8, 8))),
    ):
        scores = check.mean_z if shift else check.variance_z
        assert np.unravel_index(np.argmax(np.abs(scores)), (8, 8)) == (2, 5)
        assert np.sign(scores[2, 5]) == np.sign(shift or stretch - 1)
        assert check.p_value < 1e-6


def test_constant_coordinates():
    # As the corners of the digits: no spread, so any difference is infinitely many errors.
    same = compare_moments(np.zeros((9, 2)), np.zeros((8, 2)))
    assert (same.largest, same.p_value) == (0.0, 1.0)
    other = compare_moments(np.zeros((9, 2)), np.ones((8, 2)))
    assert (other.largest, other.p_value) == (np.inf, 0.0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: check_moments(np.zeros((7, 2)), mean=0, variance=1), "at least 8 samples"),
        (lambda: check_moments(np.zeros((8, 2)), mean=[0, 0, 0], variance=1), "mean has shape"),
        (lambda: check_moments(np.full(8, np.nan), mean=0, variance=1), "samples holds a value"),
        (lambda: compare_moments(np.zeros((8, 2)), np.zeros((8, 3))), "others"),
    ],
)
def test_bad_arguments_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
