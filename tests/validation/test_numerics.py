"""The table of measured errors: complete, within its aim, and true when measured again."""

import json

import pytest

from refdiff._namespace import exp
from tests.support.cases import ROWS
from validation.numerics.__main__ import DTYPES, MOST, TABLE, functions
from validation.numerics.measuring import measure
from validation.numerics.page import KNOWN_LOSSES, LIMIT, page
from validation.numerics.points import draw_points

ENTRIES = json.loads(TABLE.read_text("utf-8"))["functions"]
FEW = 12  # new points of each function; the table has seen twenty times as many
LIBRARIES = 1.0  # ulp by which exp and log of another machine may differ
NAMES = [row.values[0].name for row in ROWS]


def test_each_pointwise_function_has_an_entry():
    assert sorted(set(NAMES) - set(ENTRIES)) == [], "run python -m validation.numerics --missing"
    assert sorted(set(ENTRIES) - set(NAMES)) == [], "run python -m validation.numerics"


def test_what_is_beyond_the_aim_has_a_reason():
    beyond = {n for n, e in ENTRIES.items() if max(e[d]["beyond"] for d in DTYPES) > LIMIT}
    assert beyond == set(KNOWN_LOSSES)


def test_the_page_shows_the_table():
    table = json.loads(TABLE.read_text("utf-8"))
    assert TABLE.with_suffix(".rst").read_text("utf-8") == page(table).rstrip() + "\n"


def read_back(point):
    return {name: float.fromhex(value) for name, value in point.items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n in NAMES if n in ENTRIES])
def test_no_error_exceeds_its_entry(name, dtype):
    function, entry = functions()[name], ENTRIES[name][dtype]
    points = [read_back(entry[at]) for at in ("ulp_at", "beyond_at")]
    points += draw_points(name, function, dtype, FEW)
    found = measure(function, points, dtype)
    assert found
    # An entry has three digits; a last place of exp counts for as much as it is magnified.
    magnified = max(LIBRARIES, LIBRARIES * entry["ulp"] / max(entry["beyond"], 1.0))
    for unit, more in (("ulp", magnified), ("beyond", LIBRARIES)):
        worst = min(max(getattr(error, unit) for error in found), MOST)
        assert worst <= entry[unit] * 1.01 + more


def test_a_form_that_loses_digits_is_seen():
    def vp_variance(*, beta_integral):
        return 1 - exp(-beta_integral)

    careful = functions()["sde.vp_variance"]
    points = draw_points("sde.vp_variance", careful, "float64", 60)
    worst, best = (
        max(error.beyond for error in measure(function, points, "float64"))
        for function in (vp_variance, careful)
    )
    assert best <= LIMIT < worst
