"""Every public name of the package exists and is documented."""

import importlib
import inspect
import re

import pytest

from tests.support.sources import ROOT, python_files

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in python_files("refdiff")
    if path.name != "__main__.py"
)


def load(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "refdiff" or not missing:
            raise
        return pytest.skip(f"{name} needs the extra with {missing}")


@pytest.mark.parametrize("name", MODULES)
def test_public_names_exist_once_and_are_documented(name):
    module = load(name)
    names = list(getattr(module, "__all__", []))
    assert len(names) == len(set(names))
    for public in names:
        thing = getattr(module, public)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert inspect.getdoc(thing), f"{name}.{public} has no docstring"


def documented(text):
    """Return the names of the Parameters section of a numpydoc docstring."""
    found = re.search(r"^Parameters\n-{3,}\n(.*?)(?=^\w[\w ]*\n-{3,}$|\Z)", text, re.M | re.S)
    if not found:
        return []
    heads = re.findall(r"^(\*{0,2}\w[\w, *]*)(?: : |$)", found[1], re.M)
    return [part.strip(" *") for head in heads for part in head.split(",")]


@pytest.mark.parametrize("name", MODULES)
def test_documented_parameters_are_those_of_the_signature(name):
    module = load(name)
    for public in getattr(module, "__all__", []):
        thing = getattr(module, public)
        if not inspect.isfunction(thing) or thing.__module__ != name:
            continue
        parameters = [p for p in inspect.signature(thing).parameters if not p.startswith("_")]
        stated = documented(inspect.getdoc(thing) or "")
        if stated:
            assert sorted(stated) == sorted(parameters), f"{name}.{public}"
