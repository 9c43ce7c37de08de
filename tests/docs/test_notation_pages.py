"""The generated table of symbols: every argument once, with its formula and the functions."""

import inspect
import sys
from operator import attrgetter
from pathlib import Path

from refdiff import equations
from refdiff.catalogue import notation

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_ext"))

import notation_pages

TABLE = notation_pages.table()


def row_of(name: str) -> str:
    return TABLE.partition(f"* - ``{name}``\n")[2].partition("\n   * - ")[0]


def test_every_symbol_has_one_row_with_its_formula_and_meaning() -> None:
    for name, symbol in notation().items():
        assert TABLE.count(f"* - ``{name}``\n") == 1
        assert f"{symbol.meaning}; {symbol.domain}" in row_of(name)
        assert all(f":math:`{latex}`" in row_of(name) for latex in symbol.also)


def test_functions_of_a_row_take_the_argument() -> None:
    taken_by = notation_pages.users()
    assert "ddim_sigma" in taken_by["eta"]
    for name in ("eta", "sigma_data", "w"):
        for function in taken_by[name]:
            assert name in inspect.signature(attrgetter(function)(equations)).parameters
    assert "~refdiff.equations.ddim_sigma" in row_of("eta")


def test_every_argument_is_taken_by_some_function() -> None:
    assert notation().keys() <= notation_pages.users().keys()
