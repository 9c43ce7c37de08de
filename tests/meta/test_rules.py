"""Rules about the repository's own files: size, names, tolerances, skips, leftovers."""

import ast
import re

import pytest

from tests.support.sources import ROOT, called_name, calls, python_files, shown, tree

ALL = python_files("refdiff", "tests", "docs", "validation")
CODE = python_files("refdiff")
TESTS = python_files("tests")

MOST_LINES = 400
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "core"}

TOLERANCES = {"rtol", "atol", "abs", "rel", "rel_tol", "abs_tol", "delta", "places", "decimal"}
# For these the keyword sets how they compute, and not what is accepted.
COMPUTING = {"solve_ivp", "odeint", "quad", "quad_vec", "brentq", "root", "minimize"}
# These have a tolerance of their own when none is given.
LOOSE = {"approx", "allclose", "isclose", "assert_allclose", "assert_almost_equal"}


@pytest.mark.parametrize("path", ALL, ids=shown)
def test_a_file_has_one_topic(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", ALL, ids=shown)
def test_a_module_is_named_after_what_it_holds(path):
    parts = [part.removesuffix(".py") for part in path.relative_to(ROOT).parts]
    assert not FORBIDDEN_NAMES & set(parts)


@pytest.mark.parametrize("path", CODE, ids=shown)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(tree(path))


def is_number(node):
    """Say whether an expression is made of numbers alone."""
    return all(
        isinstance(inner, (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop))
        for inner in ast.walk(node)
    )


def tolerance_literals(path):
    for call in calls(path):
        name = called_name(call)
        if name in LOOSE:
            yield f"{shown(path)}:{call.lineno} {name}()"
        if name in COMPUTING:
            continue
        for keyword in call.keywords:
            if keyword.arg in TOLERANCES and is_number(keyword.value):
                yield f"{shown(path)}:{call.lineno} {keyword.arg}={ast.unparse(keyword.value)}"


@pytest.mark.parametrize("path", TESTS, ids=shown)
def test_tolerances_come_from_refdiff_testing(path):
    assert list(tolerance_literals(path)) == []


def small_limits(path):
    """Yield asserted comparisons of an absolute value with a small number."""
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Assert):
            continue
        for compare in (n for n in ast.walk(node.test) if isinstance(n, ast.Compare)):
            limit = compare.comparators[-1]
            small = isinstance(limit, ast.Constant) and isinstance(limit.value, float)
            if (
                small
                and 0 < limit.value <= 1e-3
                and isinstance(compare.ops[-1], (ast.Lt, ast.LtE))
                and "abs(" in ast.unparse(compare.left)
            ):
                yield f"{shown(path)}:{compare.lineno} {ast.unparse(compare)}"


@pytest.mark.parametrize("path", TESTS, ids=shown)
def test_no_tolerance_hides_in_a_comparison(path):
    assert list(small_limits(path)) == []


def unexplained(path):
    for call in calls(path):
        name, given = called_name(call), {keyword.arg for keyword in call.keywords}
        where = f"{shown(path)}:{call.lineno} {name}"
        if name == "skip" and not (call.args or "reason" in given):
            yield where
        if name in ("skipif", "importorskip", "xfail") and "reason" not in given:
            yield where
        if name == "xfail" and any(
            keyword.arg == "strict" and ast.unparse(keyword.value) != "True"
            for keyword in call.keywords
        ):
            yield where
    for node in ast.walk(tree(path)):
        decorators = getattr(node, "decorator_list", [])
        for decorator in decorators:
            if isinstance(decorator, ast.Attribute) and decorator.attr in ("skip", "xfail"):
                yield f"{shown(path)}:{decorator.lineno} {decorator.attr}"


@pytest.mark.parametrize("path", TESTS, ids=shown)
def test_nothing_is_skipped_or_expected_to_fail_without_a_reason(path):
    assert list(unexplained(path)) == []


LEFTOVERS = {
    "an unfinished note": r"#.*\b(TODO|FIXME|XXX|HACK)\b",
    "a stub": r"raise NotImplementedError",
    "an unexplained type: ignore": r"#\s*type:\s*ignore(?!\[)",
    "an unexplained noqa": r"#\s*noqa(?!:)",
    "code kept out of coverage": r"pragma:\s*no cover",
    "a conflict": r"^(<{7}|>{7}) ",
}


@pytest.mark.parametrize("path", ALL, ids=shown)
def test_no_leftovers(path):
    text = path.read_text(encoding="utf-8")
    if path.name == "test_rules.py":
        text = text.split("LEFTOVERS = {")[0]
    found = [what for what, pattern in LEFTOVERS.items() if re.search(pattern, text, re.M)]
    if path in TESTS and "a stub" in found:  # targets in tests raise what public code raises
        found.remove("a stub")
    assert found == []


@pytest.mark.parametrize("path", TESTS, ids=shown)
def test_names_of_tests_are_not_repeated_in_a_file(path):
    names = [
        node.name
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert sorted(names) == sorted(set(names)), "a later test hides an earlier one"


def test_the_folders_of_tests_mirror_the_package():
    folders = {p.relative_to(ROOT / "tests").parts[0] for p in TESTS if p.parent != ROOT / "tests"}
    parts = {p.name for p in (ROOT / "refdiff").iterdir() if (p / "__init__.py").is_file()}
    apart = {"meta", "support", "symbols", "docs", "validation"}
    assert folders - apart <= parts, "a folder of tests has no package"
    untested = {
        name for name in parts - folders if not list((ROOT / "tests").glob(f"test_{name}*"))
    }
    assert untested == set()


@pytest.mark.parametrize("path", TESTS, ids=shown)
def test_files_of_tests_are_collected(path):
    defines = any(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for node in tree(path).body
    )
    assert defines == path.name.startswith("test_")
