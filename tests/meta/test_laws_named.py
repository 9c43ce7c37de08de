"""Every numbered law is the subject of a test."""

import pytest

from refdiff.testing import law_ids
from tests.support.sources import property_ids


@pytest.mark.parametrize("law", law_ids())
def test_a_law_has_a_test(law):
    assert law in property_ids()


def test_no_test_names_a_law_that_does_not_exist():
    assert sorted({name.partition("/")[0] for name in property_ids()} - set(law_ids())) == []
