"""`refdiff equations`: the catalogue, as a list or one equation at a time."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from refdiff._errors import UserError
from refdiff.cli.options import Flag, OptionalText, default_hint

if TYPE_CHECKING:
    from refdiff.catalogue import Catalogue, Equation

__all__ = ["Equations", "find_equation"]


@dataclass(frozen=True)
class Equations:
    """List the papers' equations, or show one: formula, source, function and tests.

    $ refdiff equations
    $ refdiff equations --paper song2021ddim
    $ refdiff equations ho2020/posterior-mean
    $ refdiff equations posterior_mean
    """

    id: Annotated[
        OptionalText, tyro.conf.Positional, default_hint("all are listed", metavar="[ID]")
    ] = None
    """An equation such as ho2020/posterior-mean, or the function that implements it."""
    paper: Annotated[OptionalText, default_hint("all papers", metavar="KEY")] = None
    """List this paper's equations only, such as ho2020."""
    json: Flag = False
    """Print everything known as JSON, for programs."""

    def run(self) -> int:
        """Print the list, or the one equation."""
        from refdiff.catalogue import load
        from refdiff.cli.equation_pages import page, table
        from refdiff.cli.equation_records import catalogue_record

        catalogue = load()
        if self.paper is not None and self.paper not in catalogue.papers:
            raise UserError(_unknown_paper(self.paper, catalogue))
        if self.id is None:
            chosen = (
                tuple(catalogue.equations.values())
                if self.paper is None
                else catalogue.of_paper(self.paper)
            )
        else:
            chosen = (find_equation(self.id, catalogue),)
        if self.json:
            print(json.dumps(catalogue_record(catalogue, chosen), indent=1, ensure_ascii=False))
        elif self.id is None:
            print(table(catalogue, chosen))
        else:
            print(page(catalogue, chosen[0]))
        return 0


def find_equation(name: str, catalogue: Catalogue) -> Equation:
    """Find an equation by its id, by the part of it after the slash, or by its function.

    Parameters
    ----------
    name : str
        What was typed.
    catalogue : Catalogue
        Where to look.

    Returns
    -------
    Equation
        The one that is meant.

    Raises
    ------
    UserError
        If there is none, with the nearest ids, or there are several, with all of them.
    """
    from refdiff.catalogue import implementations

    if name in catalogue.equations:
        return catalogue.equations[name]
    if name in catalogue.papers:
        raise UserError(
            f"{name!r} is a paper: `refdiff equations --paper {name}` lists its equations."
        )
    same_slug = [key for key in catalogue.equations if key.partition("/")[2] == name]
    if len(same_slug) == 1:
        return catalogue.equations[same_slug[0]]
    if same_slug:
        raise UserError(f"{name!r} may be {' or '.join(same_slug)}: give the whole id.")
    bare = name.removeprefix("refdiff.equations.")
    of_function = [
        function.__equations__[0]  # type: ignore[attr-defined]
        for function in implementations().values()
        if function.__name__ == bare
    ]
    if of_function:
        return catalogue.equations[of_function[0]]
    raise UserError(_unknown_id(name, catalogue))


def _unknown_id(name: str, catalogue: Catalogue) -> str:
    # Slugs and functions are compared too, as a reader may remember only the last part.
    by_slug = {key.partition("/")[2]: key for key in catalogue.equations}
    wanted = name.partition("/")[2] or name
    close = difflib.get_close_matches(name, catalogue.equations, n=3, cutoff=0.5)
    close += [
        by_slug[slug]
        for slug in difflib.get_close_matches(wanted.replace("_", "-"), by_slug, n=3, cutoff=0.5)
    ]
    nearest = list(dict.fromkeys(close))[:3]
    meant = f"; did you mean {' or '.join(nearest)}?" if nearest else "."
    return f"no equation is called {name!r}{meant} `refdiff equations` lists them all."


def _unknown_paper(key: str, catalogue: Catalogue) -> str:
    close = difflib.get_close_matches(key, catalogue.papers, n=1, cutoff=0.4)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return f"--paper {key} is no paper{meant}: the papers are {', '.join(catalogue.papers)}."
