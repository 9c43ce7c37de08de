"""Reading the catalogue: papers, equations and the notation table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any, TypeVar

__all__ = ["NUMBER_STATUSES", "STATUSES", "Catalogue", "Equation", "Paper", "Symbol"]

STATUSES = ("implemented", "proved", "text", "planned")
"""implemented: a function; proved: shown by a test; text: a definition; planned: not yet."""

NUMBER_STATUSES = ("SEEN", "SEEN-2", "INFER", "MEM", "NONE")
"""How far a printed number is trusted: read in the paper, read in a secondary source, inferred
from order, from memory; NONE where the paper prints no number."""


@dataclass(frozen=True)
class Paper:
    """A paper: its key, bibliographic names and the version whose numbers are quoted."""

    key: str
    title: str
    authors: str
    year: int
    arxiv: str
    version: str
    bibkey: str
    notation: str


@dataclass(frozen=True)
class Equation:
    """One statement of a paper.

    Attributes
    ----------
    id : str
        ``paper/slug``.
    number : str
        The printed number such as ``"(7)"``, or the section, theorem or algorithm; may be empty.
    number_status : str
        One of :data:`NUMBER_STATUSES`.
    latex : str
        The statement in the paper's notation (alpha_bar written out where the paper's bare alpha
        means it).
    status : str
        One of :data:`STATUSES`.
    uses : tuple of str
        Ids that this statement rests on.
    errata : str
        What is known to be wrong or ambiguous about the printed statement; may be empty.
    """

    id: str
    paper: str
    title: str
    number: str
    number_status: str
    latex: str
    meaning: str
    domain: str
    status: str
    uses: tuple[str, ...] = ()
    errata: str = ""
    deviation: str = ""

    @property
    def citation(self) -> str:
        """What may be printed of the number: "equation (7)", "Algorithm 2", or nothing sure."""
        if not self.number or (
            self.number.startswith("(") and self.number_status not in ("SEEN", "SEEN-2")
        ):
            return ""
        return f"equation {self.number}" if self.number.startswith("(") else self.number


@dataclass(frozen=True)
class Symbol:
    """One argument name of the house notation; `also` has other ways in which formulas write it."""

    name: str
    latex: str
    meaning: str
    domain: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """All papers and equations, by key and by id."""

    papers: Mapping[str, Paper]
    equations: Mapping[str, Equation]

    def of_paper(self, key: str) -> tuple[Equation, ...]:
        """Return the equations of one paper in the order of its file."""
        return tuple(e for e in self.equations.values() if e.paper == key)


_Entry = TypeVar("_Entry", Paper, Equation, Symbol)


def _build(kind: type[_Entry], data: Mapping[str, Any], where: str) -> _Entry:
    known = {f.name for f in fields(kind)}
    unknown = sorted(set(data) - known)
    if unknown:
        raise ValueError(f"{where}: unknown key {unknown[0]!r}; known keys: {sorted(known)}.")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None


def _check(equation: Equation) -> None:
    if equation.status not in STATUSES:
        raise ValueError(f"{equation.id}: status={equation.status!r} must be one of {STATUSES}.")
    if equation.number_status not in NUMBER_STATUSES:
        raise ValueError(
            f"{equation.id}: number_status={equation.number_status!r} must be one of "
            f"{NUMBER_STATUSES}."
        )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("refdiff.catalogue") / name).read_text("utf-8"))


@cache
def load() -> Catalogue:
    """Read every paper's file.

    Returns
    -------
    Catalogue
        Papers in chronological order, each with its equations in the paper's order.

    Raises
    ------
    ValueError
        If a file has an unknown key, a duplicate id, a status that is not defined, or ``uses``
        an id that does not exist.
    """
    folder = resources.files("refdiff.catalogue") / "papers"
    files = sorted(p.name for p in folder.iterdir() if p.name.endswith(".toml"))
    papers: dict[str, Paper] = {}
    equations: dict[str, Equation] = {}
    for data in sorted((_read(f"papers/{f}") for f in files), key=lambda d: d["paper"]["year"]):
        paper = _build(Paper, data["paper"], f"papers/{data['paper'].get('key')}.toml")
        papers[paper.key] = paper
        for entry in data.get("equation", []):
            given = {**entry, "id": f"{paper.key}/{entry.get('id')}", "paper": paper.key}
            equation = _build(Equation, given, given["id"])
            _check(equation)
            if equation.id in equations:
                raise ValueError(f"{equation.id} stands twice in papers/{paper.key}.toml.")
            equations[equation.id] = equation
    for equation in equations.values():
        for used in equation.uses:
            if used not in equations:
                raise ValueError(f"{equation.id} uses {used!r}, which is no equation.")
    return Catalogue(papers, equations)


@cache
def notation() -> dict[str, Symbol]:
    """Read the house notation: every argument name of the equations, with its meaning."""
    entries = _read("notation.toml")["symbol"]
    return {entry["name"]: _build(Symbol, entry, f"notation.toml: {entry}") for entry in entries}
