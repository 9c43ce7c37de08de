"""The generated pages of deviations: every variant once, with what a reader of a report needs."""

import re
import sys
from pathlib import Path

import pytest

from refdiff import equations
from refdiff.catalogue import load
from refdiff.conformance.parts import reference_parts
from refdiff.conformance.variants import all_variants

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import deviation_pages  # noqa: E402

PAGES = deviation_pages.pages(ROOT)
VARIANTS = all_variants()


def entry_of(name: str) -> str:
    text = "\n".join(PAGES.values())
    return text.partition(f".. _{deviation_pages.label(name)}:\n")[2].partition("\n.. _")[0]


def test_every_variant_has_one_anchor_and_stands_in_the_list_of_names() -> None:
    anchors = re.findall(r"^\.\. _(variant-.*):$", "\n".join(PAGES.values()), re.MULTILINE)
    assert sorted(anchors) == sorted(map(deviation_pages.label, VARIANTS))
    assert len(set(anchors)) == len(anchors)
    listed = re.findall(r"^\* :ref:`(.*) <", PAGES["contents.inc"], re.MULTILINE)
    assert sorted(listed) == sorted(VARIANTS)


@pytest.mark.parametrize("name", ["eta-times-variance", "leading-too-many-times"])
def test_entry_says_what_shows_and_what_to_change(name: str) -> None:
    variant, entry = VARIANTS[name], entry_of(name)
    for fact in (variant.summary, variant.symptom, variant.cure, *variant.links):
        assert fact in entry.replace("\\", "")
    assert f":py:func:`~refdiff.equations.{next(iter(variant.replaces))}`" in entry


def test_code_is_the_function_alone() -> None:
    (function,) = VARIANTS["betas-of-square-roots"].replaces.values()
    code = deviation_pages.code_of(function)
    assert code.startswith("def betas_of_square_roots(alpha_bars):")
    assert "sqrt(alpha_bars)" in code
    assert "The betas are" not in code


def test_parts_lead_to_equations_of_the_catalogue() -> None:
    known = load().equations
    assert deviation_pages.equations_of("ddim_sigma") == equations.ddim_sigma.__equations__
    # A factor of a step, through the step that calls it.
    assert "song2021ddim/step-mean" in deviation_pages.equations_of("ddim_direction")
    for part in reference_parts():
        assert set(deviation_pages.equations_of(part)) <= known.keys()
    assert set(deviation_pages._EQUATIONS_OF_STEP) <= reference_parts().keys()


def test_a_choice_made_in_two_ways_names_its_conventions() -> None:
    entry = entry_of("mixed-guidance-weight")
    names = [v.name for v in VARIANTS.values() if v.choice == "guidance weight"]
    assert names
    assert all(deviation_pages.entry_link(name) in entry for name in names)
