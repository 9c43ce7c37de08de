"""`refdiff equations`: the list, one equation, JSON, and what to do about a wrong name."""

import json

import pytest

from refdiff.catalogue import implementations, load
from refdiff.cli.equation_tests import find_tests
from tests.support.groups import function_named


def test_the_list_has_every_equation_once_with_its_function(program):
    ended = program("equations")
    assert ended.status == 0
    lines = ended.out.splitlines()
    catalogue, functions = load(), implementations()
    listed = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert listed == [key.partition("/")[2] for key in catalogue.equations]
    for key in ("ho2020/posterior-mean", "song2021ddim/sigma"):
        slug = key.partition("/")[2]
        assert any(
            slug == line.split()[0] and functions[key].__name__ in line
            for line in lines
            if line.strip()
        )


def test_a_number_stands_only_where_it_was_seen(program):
    listed = json.loads(program("equations", "--json").out)["equations"]
    for entry in listed:
        unsure = entry["number"].startswith("(") and "SEEN" not in entry["number_status"]
        assert bool(entry["citation"]) == bool(entry["number"] and not unsure)
    table = program("equations", "--paper", "ho2020").out
    assert "posterior-mean " in table
    assert "equation (7)" in table


def test_one_paper(program):
    ended = program("equations", "--paper", "song2021ddim")
    assert "song2021ddim  Denoising Diffusion Implicit Models" in ended.out
    assert "ho2020  " not in ended.out


def test_one_equation_shows_formula_source_function_and_relations(program):
    ended = program("equations", "ho2020/posterior-mean")
    assert ended.status == 0
    for words in (
        r"\tilde\mu = \frac{\sqrt{\bar\alpha_s}\,\beta_{t|s}}{1-\bar\alpha_t}\,x_0",
        "Jonathan Ho, Ajay Jain, Pieter Abbeel (2020), arXiv:2006.11239, equation (7)",
        "refdiff.equations.posterior_mean(x_0, x_t, *, alpha_bar_t, alpha_bar_s)",
        "refdiff/equations/posterior.py, line ",
        "Uses       ho2020/marginal-mean",
        "Used by    ho2020/posterior-kl",
    ):
        assert words in ended.out, words
    assert "$" not in ended.out


@pytest.mark.parametrize(
    "name", ["posterior_mean_from_eps", "reverse-mean", "refdiff.equations.posterior_mean_from_eps"]
)
def test_an_equation_is_found_by_function_and_by_the_end_of_its_id(program, name):
    assert program("equations", name).out.startswith("ho2020/reverse-mean:")


def test_an_end_that_several_ids_share_is_not_guessed(program):
    shared = [key for key in load().equations if key.endswith("/posterior-mean")]
    assert len(shared) > 1
    ended = program("equations", "posterior-mean")
    assert ended.status == 2
    assert all(key in ended.sentence for key in shared)


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("ho2020/posterior-maen", "ho2020/posterior-mean"),
        ("posterior_varience", "ho2020/posterior-variance"),
        ("ho2021/simple-loss", "ho2020/simple-loss"),
    ],
)
def test_an_unknown_equation_is_answered_with_the_nearest(program, typed, nearest):
    ended = program("equations", typed)
    assert ended.status == 2
    assert nearest in ended.sentence


def test_a_paper_in_the_place_of_an_equation(program):
    assert "--paper ho2020" in program("equations", "ho2020").sentence


def test_an_unknown_paper_is_answered_with_the_nearest(program):
    ended = program("equations", "--paper", "ho2002")
    assert ended.status == 2
    assert "did you mean ho2020?" in ended.sentence


def test_json_holds_everything(program):
    record = json.loads(program("equations", "--json").out)
    assert record["schema"] == 1
    assert [entry["id"] for entry in record["equations"]] == list(load().equations)
    functions = implementations()
    for entry in record["equations"]:
        function = entry["function"]
        assert (function is not None) == (entry["id"] in functions)
        if function is not None:
            name = function["name"].removeprefix("refdiff.equations.")
            assert function_named(name) is functions[entry["id"]]
            assert function["formula"], entry["id"]
        for used in entry["uses"]:
            other = next(e for e in record["equations"] if e["id"] == used)
            assert entry["id"] in other["used_by"]


def test_json_of_one_equation(program):
    record = json.loads(program("equations", "song2021ddim/sigma", "--json").out)
    assert [entry["id"] for entry in record["equations"]] == ["song2021ddim/sigma"]
    assert [paper["key"] for paper in record["papers"]] == ["song2021ddim"]


CHECKOUT = """
import pytest

@pytest.mark.verifies("a/one", "a/two", kind="oracle")
def test_both(): ...

class TestGroup:
    @pytest.mark.verifies("a/one")
    def test_in_a_class(self): ...

def test_none(): ...
"""


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "tests" / "test_x.py").write_text(CHECKOUT)
    return tmp_path


def ledger(path, *tests):
    content = {"equations": {"a/one": {"tests": list(tests)}}}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def test_tests_are_found_in_the_source(checkout, monkeypatch):
    monkeypatch.delenv("REFDIFF_LEDGER", raising=False)
    found = find_tests(checkout)
    names = [test.nodeid for test in found.of("a/one")]
    assert names == ["tests/test_x.py::test_both", "tests/test_x.py::TestGroup::test_in_a_class"]
    assert [test.nodeid for test in found.of("a/two")] == names[:1]
    assert found.of("a/three") == ()


def test_a_recorded_run_goes_before_the_source(checkout, monkeypatch):
    monkeypatch.delenv("REFDIFF_LEDGER", raising=False)
    one = {"nodeid": "tests/t.py::test_p[1]", "kind": "property", "outcome": "passed"}
    ledger(checkout / "build" / "ledger.json", one, one | {"nodeid": "tests/t.py::test_p[2]"})
    found = find_tests(checkout)
    assert [(t.nodeid, t.kind, t.outcome) for t in found.of("a/one")] == [
        ("tests/t.py::test_p", "property", "2 passed")
    ]
    assert [t.nodeid for t in found.of("a/two")] == ["tests/test_x.py::test_both"]


def test_without_a_checkout_it_is_said_where_the_tests_are(program, tmp_path, monkeypatch):
    monkeypatch.delenv("REFDIFF_LEDGER", raising=False)
    assert find_tests(tmp_path).source is None
    monkeypatch.setattr("refdiff.cli.equation_pages.find_tests", lambda: find_tests(tmp_path))
    out = " ".join(program("equations", "ho2020/simple-loss").out.split())
    assert "in a checkout of the repository, `tox -e tests` runs them" in out


def test_a_ledger_that_is_none_is_named(program, monkeypatch, tmp_path):
    monkeypatch.setenv("REFDIFF_LEDGER", str(tmp_path / "none.json"))
    ended = program("equations", "ho2020/simple-loss")
    assert ended.status == 2
    assert "none.json is no ledger" in ended.sentence
