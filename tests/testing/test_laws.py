"""The table of numbered laws, and assertions by law."""

import math
import re

import numpy as np
import pytest

from refdiff.testing import assert_law, law_ids, tolerance
from refdiff.testing.laws import KINDS, _table


def test_all_laws_are_there_in_order():
    assert law_ids() == tuple(f"P{number:03d}" for number in range(1, 114))


@pytest.mark.parametrize("identifier", list(_table()))
def test_each_entry_is_complete(identifier):
    law = tolerance(identifier)
    assert law.identifier == identifier
    assert re.fullmatch(r"P\d{3}(/[a-z0-9-]+)?", identifier)
    assert law.kind in KINDS
    assert (law.value == 0) == (law.kind == "exact")
    assert 0 <= law.value <= 5
    assert law.group.isalpha()
    for sentence in (law.statement, law.reason):
        assert sentence.endswith(".")
        assert len(sentence) >= len("A count.")
        assert sentence.isascii()


def test_second_ways_belong_to_a_law_and_say_something_else():
    table = _table()
    for identifier in table:
        first = identifier.partition("/")[0]
        assert first in table
        if identifier != first:
            assert table[identifier].group == table[first].group
            assert table[identifier].statement != table[first].statement


@pytest.mark.parametrize("identifier", ["P000", "P114", "p012", "P012/exp1", ""])
def test_an_unknown_law_is_refused_by_name(identifier):
    with pytest.raises(ValueError, match=re.escape(f"identifier={identifier!r}")):
        tolerance(identifier)


def limit_cases():
    """Yield (law, the value it allows at expected = 100)."""
    yield "P011", 1e-15 * 1
    yield "P012", 1e-12 * 100
    yield "P060", 0.1


@pytest.mark.parametrize(("identifier", "allowed"), list(limit_cases()))
def test_the_tolerance_is_that_of_the_kind(identifier, allowed):
    expected = 100.0 if tolerance(identifier).kind == "relative" else 0.0
    assert_law(identifier, expected + 0.9 * allowed, expected)
    with pytest.raises(AssertionError, match=identifier):
        assert_law(identifier, expected + 1.2 * allowed, expected)


def test_scale_widens_element_by_element():
    wrong = np.array([3e-12, 3e-12])
    assert_law("P021", wrong, np.zeros(2), scale=np.array([4.0, 4.0]))
    with pytest.raises(AssertionError, match=r"at \(1,\)"):
        assert_law("P021", wrong, np.zeros(2), scale=np.array([4.0, 1.0]))


def test_terms_take_the_place_of_the_sides_of_a_relative_law():
    assert_law("P012", 1e-9 + 5e-13, 1e-9, terms=1.0)
    with pytest.raises(AssertionError):
        assert_law("P012", 1e-9 + 5e-13, 1e-9)
    with pytest.raises(AssertionError):
        assert_law("P012", 1e-9 + 5e-12, 1e-9, terms=1.0)
    with pytest.raises(ValueError, match="P011 is absolute"):
        assert_law("P011", 1.0, 1.0, terms=1.0)


def test_exact_is_exact():
    assert_law("P061", np.array([0.1, math.inf]), np.array([0.1, math.inf]))
    with pytest.raises(AssertionError):
        assert_law("P061", 0.1 + 0.2, 0.3)


def test_standard_errors_compare_a_sample_with_its_mean():
    draws = np.random.default_rng(1).normal(size=10_000)
    assert_law("P038", draws, 0.0)
    with pytest.raises(AssertionError):
        assert_law("P038", draws, 0.1)
    assert_law("P038", draws, 0.1, scale=3.0)


def test_nan_and_other_shapes_fail_under_every_kind():
    for identifier in ("P011", "P012", "P060", "P061"):
        with pytest.raises(AssertionError):
            assert_law(identifier, math.nan, math.nan)
        with pytest.raises(AssertionError, match="shape"):
            assert_law(identifier, np.ones(2), np.ones(3))
        with pytest.raises(AssertionError, match="shape"):
            assert_law(identifier, np.ones((2, 1)), np.ones(2))
