"""From a target's text to the object: what is meant, and one sentence for whatever goes wrong."""

import functools
import sys
from types import ModuleType

import pytest

from refdiff._errors import UserError
from refdiff.conformance.loading import construct, load, parse_kwargs, parse_target


@pytest.fixture(autouse=True)
def untouched_imports(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def write(tmp_path):
    def write(name, text=""):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def refused(text, kwargs=None):
    with pytest.raises(UserError) as caught:
        load(str(text), kwargs)
    return str(caught.value)


def test_a_file_and_its_attribute(write):
    path = write("code.py", "class A:\n    inner = 3\n    def __init__(self, n=1): self.n = n\n")
    assert load(f"{path}:A").n == 1
    assert load(f"{path}:A", {"n": 5}).n == 5
    assert load(f"{path}:A.inner") == 3
    assert isinstance(load(str(path)), ModuleType)


def test_the_attribute_follows_the_last_colon(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "C:").mkdir()
    (tmp_path / "C:" / "code.py").write_text("")
    found = parse_target("C:/code.py:Some.thing")
    assert (str(found.file), found.attribute) == ("C:/code.py", "Some.thing")
    assert parse_target("C:/code.py").attribute == ""


def test_a_backslash_path_is_a_path():
    with pytest.raises(UserError, match="there is no"):
        parse_target(r"C:\code\sampler.py:ddim")


def test_an_installed_module():
    assert load("fractions:Fraction", {"numerator": 3}) == 3
    assert load("os.path").__name__ in ("posixpath", "ntpath")


def test_siblings_of_a_file_are_found(write):
    write("sibling_of_target.py", "value = 4")
    path = write("code.py", "from sibling_of_target import value\ndef make(): return [value]\n")
    assert load(f"{path}:make") == [4]


def test_a_file_in_a_package_keeps_its_relative_imports(write):
    write("pack/__init__.py", "")
    write("pack/sub/__init__.py", "")
    write("pack/nn.py", "value = 5")
    path = write("pack/sub/code.py", "from ..nn import value\ndef make(): return [value]\n")
    assert load(f"{path}:make") == [5]


def test_a_package_whose_init_fails_does_not_stop_its_files(write):
    write("broken/__init__.py", "import a_module_that_is_missing")
    write("broken/nn.py", "value = 6")
    path = write("broken/code.py", "from .nn import value\ndef make(): return [value]\n")
    assert load(f"{path}:make") == [6]


def test_a_file_named_like_a_standard_module_hides_nothing(write):
    path = write("random.py", "def make(): return ['mine']")
    assert load(f"{path}:make") == ["mine"]
    import random

    assert hasattr(random, "gauss")


def test_functions_with_arguments_of_their_own_are_the_target():
    def sampler(model, x_T, *, steps=10):
        return steps

    assert construct(sampler) is sampler
    kept = construct(sampler, {"steps": 3})
    assert isinstance(kept, functools.partial)
    assert kept(None, None) == 3
    assert construct(lambda: [1]) == [1]

    def anything(*args, **kwargs):
        raise AssertionError("must not be called")

    assert construct(anything) is anything


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing here.py:A", "there is no file"),
        ("missing/folder/x.py:A", "there is no folder"),
        ("some/path", "is a path, but not to a .py file"),
        ("1abc:A", "names no module"),
        (":A", "names no module"),
        ("a_module_that_is_missing:A", "no module 'a_module_that_is_missing' is installed"),
        ("json.nothing:A", "json has no module 'nothing'"),
        ("json.JSONDecoder", "write json:JSONDecoder"),
        ("json:JSONDecodr", "did you mean JSONDecoder"),
        (
            "json:JSONDecoder.decod",
            "json.JSONDecoder has no attribute 'decod'; did you mean decode",
        ),
        ("json:JSONDecoder(1)", "arguments go into --kwargs"),
    ],
)
def test_what_cannot_be_found_is_said_with_the_cure(text, words):
    assert words in refused(text)


def test_a_mistyped_file_is_answered_with_the_nearest(write):
    path = write("sampler.py")
    assert "did you mean sampler.py?" in refused(path.with_name("smapler.py"))
    assert "is a folder" in refused(write("folder.py/x.txt").parent)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import a_missing_dependency", "it needs a_missing_dependency, which is not installed"),
        ("import sys; sys.exit(3)", "SystemExit(3), which would end the program"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError"),
        ("raise RuntimeError('Torch not compiled with CUDA enabled')", "it needs a GPU"),
    ],
)
def test_what_the_import_raises_is_shown_with_its_place(write, code, words):
    path = write("code.py", f"\n{code}\n")
    said = refused(f"{path}:A")
    assert words in said
    assert "cannot be imported" in said
    if "SyntaxError" not in words:
        assert f"{path}, line 2" in said
    assert not [m for m in sys.modules.values() if getattr(m, "__file__", None) == str(path)]


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({}, 'without betas: give it by --kwargs \'{"betas": "..."}\''),
        ({"beta": 1}, "unexpected keyword argument 'beta'"),
        ({"betas": 0}, "cannot be constructed: ZeroDivisionError"),
    ],
)
def test_a_constructor_that_fails(write, kwargs, words):
    path = write("code.py", "class A:\n    def __init__(self, betas): 1 / betas\n")
    assert words in refused(f"{path}:A", kwargs)


def test_all_missing_arguments_are_named(write):
    path = write("code.py", "class A:\n    def __init__(self, a, b, *, c, d=1): pass\n")
    assert "cannot be constructed without a, b and c: give them by" in refused(f"{path}:A")
    assert "cannot be constructed without a and b: give them" in refused(f"{path}:A", {"c": 1})


def test_what_is_made_must_be_something(write):
    path = write("code.py", "def make(): pass\nready = 3\ndef f(model): pass\n")
    assert "returned None" in refused(f"{path}:make")
    assert "leave --kwargs out" in refused(f"{path}:ready", {"a": 1})
    assert "does not take these --kwargs" in refused(f"{path}:f", {"steps": 1})


def test_arguments_are_a_json_object():
    assert parse_kwargs(None) == {}
    assert parse_kwargs('{"a": [1, null]}') == {"a": [1, None]}
    with pytest.raises(UserError, match="is no JSON"):
        parse_kwargs("{'a': 1}")
    with pytest.raises(UserError, match="a JSON list, and arguments need names"):
        parse_kwargs("[1]")
