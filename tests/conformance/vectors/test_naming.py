"""Code with a known mistake fails its vectors and is named; code in another right form passes."""

import numpy as np
import pytest

from refdiff import checks
from refdiff.conformance import vectors
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import all_variants
from refdiff.conformance.vectors import calling

TERM_BY_TERM = "term-by-term"  # the form in which the parts spell out a function
NAMED = [
    (function, name, about["kind"])
    for function in vectors.names()
    for name, about in vectors.load(function).header["variants"].items()
]
MISTAKES = [(function, name) for function, name, kind in NAMED if kind != "form"]
FORMS = sorted(
    {(f, v.name) for v in all_variants().values() if v.kind == "form" for f in v.replaces}
    & {(f, v.name) for f in vectors.names() for v in all_variants().values()}
    | {(function, name) for function, name, kind in NAMED if kind == "form"}
)


def misses(function, name, dtype="float64"):
    """Check a function with a variant planted, computing in a dtype as code that has it does."""
    planted = [] if name == TERM_BY_TERM else [all_variants()[name]]
    target = calling.in_order(getattr(Parts(planted), function), function)
    with checks("off"), np.errstate(all="ignore"):
        return vectors.check(
            {function: target}, dtype=dtype, array=lambda value: np.array(value, dtype)[()]
        )


@pytest.mark.parametrize(("function", "name"), MISTAKES)
def test_a_variant_does_not_pass(function, name):
    assert misses(function, name), "run: python -m refdiff.conformance.vectors"


def test_nearly_all_variants_are_named():
    """All but some whose own rounding in float64 adds to what was measured with 60 digits."""
    found = [all(name in miss.named for miss in misses(f, name)) for f, name in MISTAKES]
    assert sum(found) > 0.97 * len(found)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("function", "name"), FORMS)
def test_a_right_form_passes_but_where_a_vector_says_that_it_cannot(function, name, dtype):
    found = misses(function, name, dtype)
    assert [str(m) for m in found if name not in m.vector.beyond.get(dtype, ())] == []
    assert all(name in miss.named for miss in found)
