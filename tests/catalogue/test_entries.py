"""The catalogue: what may be printed of a number, and what a wrong file is told."""

import re
import sys
import tomllib
from dataclasses import replace
from importlib import resources

import pytest

from refdiff.catalogue import entries, implementations, implements, load, notation


def test_every_paper_has_equations_and_a_bibliography_entry():
    catalogue = load()
    bib = (resources.files("refdiff.catalogue") / "papers.bib").read_text("utf-8")
    keys = set(re.findall(r"@\w+\{([^,]+),", bib))
    for key, paper in catalogue.papers.items():
        assert catalogue.of_paper(key)
        assert paper.bibkey in keys
        # What refdiff derives itself stands in no paper.
        assert re.fullmatch(r"\d{4}\.\d{4,5}" if key != "refdiff2026" else "", paper.arxiv)
    years = [paper.year for paper in catalogue.papers.values()]
    assert years == sorted(years)


def test_ids_are_slugs_of_the_content_and_never_numbers():
    for identifier in load().equations:
        assert re.fullmatch(r"[a-z]+\d{4}[a-z]*/[a-z][a-z0-9-]*", identifier)
        assert not re.search(r"/(eq|equation|formula)?-?\d+$", identifier)


def test_uses_form_no_circle():
    equations = load().equations
    done = set()

    def visit(identifier, path):
        assert identifier not in path, " -> ".join([*path, identifier])
        if identifier not in done:
            for used in equations[identifier].uses:
                visit(used, (*path, identifier))
            done.add(identifier)

    for identifier in equations:
        visit(identifier, ())


@pytest.mark.parametrize(
    ("number", "status", "citation"),
    [
        ("(7)", "SEEN", "equation (7)"),
        ("(7)", "SEEN-2", "equation (7)"),
        ("(7)", "INFER", ""),
        ("(7)", "MEM", ""),
        ("Algorithm 2", "SEEN", "Algorithm 2"),
        ("Theorem 1", "MEM", "Theorem 1"),
        ("", "NONE", ""),
    ],
)
def test_only_numbers_that_were_read_are_printed(number, status, citation):
    entry = replace(load().equations["ho2020/posterior-mean"], number=number, number_status=status)
    assert entry.citation == citation


def test_docstrings_cite_no_number_that_was_not_read():
    """A "(n)" after the word equation must belong to an entry whose number may be printed."""
    for identifier, function in implementations().items():
        entry = load().equations[identifier]
        if entry.number.startswith("(") and not entry.citation:
            arxiv = load().papers[entry.paper].arxiv
            for sentence in re.findall(rf"arXiv:{arxiv}[^.;]*equation[^.;]*", function.__doc__):
                assert entry.number not in sentence


def test_the_posterior_mean_as_readers_find_it():
    entry = load().equations["ho2020/posterior-mean"]
    assert entry.citation == "equation (7)"
    assert implementations()[entry.id].__name__ == "posterior_mean"
    assert "ho2020/transition-variance" in entry.uses


def written(tmp_path, monkeypatch, text, name="papers/doe2031.toml"):
    (tmp_path / "papers").mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    monkeypatch.setattr(entries.resources, "files", lambda package: tmp_path)
    entries.load.cache_clear()
    try:
        return entries.load()
    finally:
        entries.load.cache_clear()


PAPER = """
[paper]
key = "doe2031"
title = "t"
authors = "a"
year = 2031
arxiv = "3101.00001"
version = "v1"
bibkey = "doe2031"
notation = "n"
"""
ENTRY = """
[[equation]]
id = "phase"
title = "Phase"
number = "(4)"
number_status = "SEEN"
latex = "x"
meaning = "m"
domain = "d"
status = "implemented"
"""


def test_a_right_file_is_read(tmp_path, monkeypatch):
    catalogue = written(tmp_path, monkeypatch, PAPER + ENTRY)
    assert list(catalogue.equations) == ["doe2031/phase"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (PAPER + ENTRY + ENTRY, "stands twice"),
        (PAPER + ENTRY + 'colour = "red"\n', "unknown key 'colour'"),
        (PAPER + ENTRY.replace('"implemented"', '"done"'), "status='done' must be one of"),
        (PAPER + ENTRY.replace('"SEEN"', '"READ"'), "number_status='READ' must be one of"),
        (PAPER + ENTRY + 'uses = ["doe2031/amplitude"]\n', "'doe2031/amplitude', which is no"),
        (PAPER + ENTRY.replace('title = "Phase"\n', ""), "title"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path, monkeypatch, text, sentence):
    with pytest.raises(ValueError, match=r"doe2031") as refusal:
        written(tmp_path, monkeypatch, text)
    assert sentence in str(refusal.value)


def test_notation_names_every_symbol_once():
    text = (resources.files("refdiff.catalogue") / "notation.toml").read_text("utf-8")
    names = [symbol["name"] for symbol in tomllib.loads(text)["symbol"]]
    assert len(names) == len(set(names)) == len(notation())
    assert "alpha" not in names  # it means three things in three papers
    assert notation()["alpha_bar_t"].latex == r"\bar\alpha_t"


def test_the_decorator_returns_the_function_itself():
    def phase():
        return 1

    assert implements("doe2031/phase", "doe2031/angle")(phase) is phase
    assert phase.__equations__ == ("doe2031/phase", "doe2031/angle")


def test_two_functions_for_one_equation_are_refused(monkeypatch):
    module = sys.modules[implementations.__module__]

    def first():
        return 1

    def second():
        return 2

    for function in (first, second):
        implements("doe2031/phase")(function)
    monkeypatch.setattr(module, "_functions", lambda: iter([first, second]))
    implementations.cache_clear()
    try:
        with pytest.raises(ValueError, match="one equation, one function"):
            implementations()
    finally:
        implementations.cache_clear()
