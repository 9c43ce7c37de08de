"""What the box of an equation says, seen in the text that the pages are made of."""

import re

import pytest

pytest.importorskip("sphinx", reason="Sphinx comes with the extra docs, and not with test")

import equation_facts as facts
from equation_box import listed_by_kind, section, short
from equation_status import EquationTest, Evidence

from refdiff.catalogue import implementations, load, notation
from refdiff.conformance.variants import all_variants
from tests.support.sources import ROOT

CATALOGUE = load()


@pytest.fixture
def evidence():
    return Evidence(ROOT, CATALOGUE, implementations())


def box(equation_id, evidence):
    equation = CATALOGUE.equations[equation_id]
    return section(equation, CATALOGUE.papers[equation.paper], evidence)


def field(text, name):
    """Return what stands in a field, its further lines included."""
    found = re.search(rf"^ *:{name}: (.*(?:\n {{6,}}\S.*)*)", text, re.MULTILINE)
    return found[1] if found else None


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("ho2020", "Ho et al. 2020"),
        ("dhariwal2021", "Dhariwal and Nichol 2021"),
        ("saharia2022", "Saharia et al. 2022"),
        ("song2021ddim", "Song et al. 2021 (DDIM)"),
        ("song2021sde", "Song et al. 2021 (SDE)"),
    ],
)
def test_papers_are_cited_as_in_speech(key, shown):
    assert short(CATALOGUE.papers[key]) == shown


def test_short_names_tell_papers_apart():
    names = [short(paper) for paper in CATALOGUE.papers.values()]
    assert sorted(names) == sorted(set(names))


def test_every_argument_of_the_function_is_explained(evidence):
    text = field(box("ho2020/posterior-mean", evidence), "Symbols")
    for name in ("x_0", "x_t", "alpha_bar_t", "alpha_bar_s"):
        assert f":math:`{notation()[name].latex}` ``{name}``" in text


def test_uses_and_used_by_are_each_others_reverse(evidence):
    for equation in CATALOGUE.equations.values():
        for used in equation.uses:
            assert equation.id in evidence.used_by(used)
    text = box("ho2020/posterior-variance", evidence)
    assert ":eqn:ref:`song2021ddim/sigma`" in field(text, "Used by")
    assert ":eqn:ref:`ho2020/marginal-variance`" in field(text, "Uses")


def test_a_number_that_is_not_known_is_not_printed(evidence):
    for equation in CATALOGUE.equations.values():
        text = section(equation, CATALOGUE.papers[equation.paper], evidence)
        assert equation.citation == "" or equation.citation in text
        if not equation.citation and equation.number:
            assert f":citation: {equation.number}" not in text


def test_the_mistakes_of_a_function_are_named_with_their_places():
    lines = "\n".join(facts.deviations(implementations()["ho2020/posterior-variance"]))
    known = [
        variant
        for variant in all_variants().values()
        if variant.kind == "deviation" and "posterior_variance" in variant.replaces
    ]
    assert len(known) > 3
    for variant in known:
        assert variant.name in lines
        assert all(f"<{address}>" in lines for address in variant.links)


def test_conforming_peers_have_no_other_verdict(tmp_path):
    folder = tmp_path / "validation" / "targets" / "reports"
    folder.mkdir(parents=True)
    results = {
        "good": '{"conforms": ["posterior-variance/values"], "not-provided": ["snr/values"]}',
        "bad": '{"conforms": ["posterior-variance/last"], '
        '"known-deviation": ["posterior-variance/values = x"]}',
        "silent": '{"not-provided": ["posterior-variance/values"]}',
    }
    for name, found in results.items():
        text = f'{{"peer": "{name}", "targets": {{"t": {{"results": {found}}}}}}}'
        (folder / f"{name}.json").write_text(text, "utf-8")
    function = implementations()["ho2020/posterior-variance"]
    assert facts.peers(function, tmp_path).split(" (")[0] == "good"
    assert facts.peers(implementations()["kingma2021/snr"], tmp_path) == ""


def test_tests_are_listed_by_kind_and_one_that_is_gone_is_no_link():
    lines = listed_by_kind(
        [
            EquationTest("tests/a/test_b.py::test_c", "property", "2 passed"),
            EquationTest("tests/a/test_b.py::test_d", "proof", "passed"),
            EquationTest("tests/a/test_b.py::test_e", "property", "gone since"),
        ]
    )
    assert lines.index("proof") < lines.index("property")
    assert "<_tests/tests/a/test_b#test_c>`: 2 passed" in lines
    assert "<_tests/tests/a/test_b#test_e>" not in lines
    assert "test_e in a/test_b.py: gone since" in lines
