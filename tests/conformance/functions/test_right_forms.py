"""Right code conforms, in whatever form it is written: a false accusation would cost all trust."""

import pytest

from refdiff import equations
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes import functions
from refdiff.conformance.textbook.functions import build
from tests.conformance.functions.judged import alone, outcomes, settings
from tests.conformance.functions.right_forms import FORMS


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_another_right_form_conforms(form):
    found = alone(form, getattr(form, "array", "numpy"))
    assert found
    assert {check: o.message for check, o in found.items() if o.verdict != "conforms"} == {}


@pytest.mark.parametrize("array", ["numpy", "torch"])
@pytest.mark.parametrize("target", [equations, build(Parts())], ids=["reference", "textbook"])
def test_reference_and_textbook_conform_everywhere(target, array):
    found = outcomes(target, array)
    assert {check.split("/")[0].replace("-", "_") for check in found} == set(equations.__all__)
    assert {check: o.message for check, o in found.items() if o.verdict != "conforms"} == {}


def test_torch_is_asked_in_half_precision_too():
    ids = {
        array: {check.id for check in functions.checks(equations, settings(array))}
        for array in ("numpy", "torch")
    }
    more = ids["torch"] - ids["numpy"]
    assert "forward-sample/bfloat16" in more
    assert {check.split("/")[1] for check in more} == {"bfloat16"}
