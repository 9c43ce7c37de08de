"""The papers' equations as data.

One TOML file a paper in ``papers/`` says what the paper states: the printed number and how far
that number is trusted, the version, the paper's own notation, the domain, what the statement
uses, and known errata. The code says only which statements it implements, by id
(:func:`implements`); the house formula stands once, in the function's docstring. Everything else
(the list of equations, the documentation's pages, the coverage of the tests) is derived.

An id is ``paper/what-it-is``: a slug of the content and never a number, since numbers change
from version to version.
"""

from __future__ import annotations

from refdiff.catalogue.entries import (
    NUMBER_STATUSES,
    STATUSES,
    Catalogue,
    Equation,
    Paper,
    Symbol,
    load,
    notation,
)
from refdiff.catalogue.implementations import GROUPS, implementations, implements, public_name

__all__ = [
    "GROUPS",
    "NUMBER_STATUSES",
    "STATUSES",
    "Catalogue",
    "Equation",
    "Paper",
    "Symbol",
    "implementations",
    "implements",
    "load",
    "notation",
    "public_name",
]
