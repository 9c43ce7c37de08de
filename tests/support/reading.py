"""How symbols read a pointwise function: its expression, its formula, and points of its domain."""

import functools
import inspect
import random
import re

import mpmath as mp
import sympy as sp
from hypothesis import HealthCheck, Phase, given, settings

from refdiff.catalogue import notation
from tests.support.latex import read_statement
from tests.support.proof import value_at

__all__ = ["Reading", "display_formulas", "reading", "relative_difference"]

POINTS = 24
_FORMULA = re.compile(r"^\.\. math::[ \t]*(.*(?:\n(?:[ \t]+.*)?)*)", re.MULTILINE)

_INLINE = re.compile(r":math:`([^`]*)`")


def display_formulas(function):
    """Return the display formulas of a docstring."""
    text = inspect.getdoc(function) or ""
    return [inspect.cleandoc(found).strip() for found in _FORMULA.findall(text)]


class Reading:
    """A function of a row, as SymPy and its docstring have it."""

    def __init__(self, case, count):
        self.case, self.function = case, case.function
        self.names = list(inspect.signature(self.function).parameters)
        self.raw_points = _draw(case, self.names, count)
        self.symbols = {}
        for name in self.names:
            positive = all(point[name] >= 0 for point in self.raw_points)
            self.symbols[name] = sp.Symbol(
                name, **({"positive": True} if positive else {"real": True})
            )

    @property
    def points(self):
        """Points of the domain, by symbol."""
        return [
            {self.symbols[n]: mp.mpf(value) for n, value in point.items()}
            for point in self.raw_points
        ]

    @property
    def branches(self):
        """Say whether the function has branches, which not every point meets."""
        return self.expression.has(sp.Min, sp.Max, sp.Piecewise, sp.Abs)

    @functools.cached_property
    def expression(self):
        """What the function makes of symbols."""
        return self.evaluated(self.function)

    def evaluated(self, function):
        """Return what a function with the same arguments makes of the symbols."""
        parameters = inspect.signature(self.function).parameters
        keyword = {n for n in self.names if parameters[n].kind is inspect.Parameter.KEYWORD_ONLY}
        args = [self.symbols[n] for n in self.names if n not in keyword]
        return sp.sympify(
            function(*args, **{n: self.symbols[n] for n in self.names if n in keyword})
        )

    @functools.cached_property
    def latex(self):
        """What stands for each argument; two written alike: the one that has no other way."""
        written = {n: [notation()[n].latex, *notation()[n].also] for n in self.names}
        found = {}
        for name in sorted(written, key=lambda n: len(written[n])):
            mine = [latex for latex in written[name] if latex and latex not in found]
            found |= dict.fromkeys(mine, self.symbols[name])
        return found

    @property
    def formula(self):
        """The display formula, with what the words below it define: with a = b and c = d."""
        formula = display_formulas(self.function)[0]
        text = inspect.getdoc(self.function).partition("Parameters\n---")[0]
        below = re.split(r"\n\n(?=with )", text)
        defined = _INLINE.findall(below[1].partition("\n\n")[0]) if len(below) == 2 else []
        return ", \\qquad ".join([formula, *(part for part in defined if "=" in part)])

    def stated(self, formula=None):
        """Return pairs that the docstring's formula, or another, says are equal."""
        found = read_statement(self.formula if formula is None else formula, self.latex)
        return [*((self.expression, member) for member in found.members), *found.claims]


def relative_difference(left, right, point):
    """Return the relative difference of two expressions at a point; NaN at a singular end."""
    one, other = (value_at(side, point) for side in (left, right))
    if one == other:
        return mp.mpf(0)
    return abs(one - other) / max(abs(one), abs(other))


def _draw(case, names, count):
    """Draw points: the row's own strategy for what has a domain, and numbers for tensors."""
    found = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case.values)
    def collect(values):
        found.append(values)

    collect()
    generator = random.Random(case.name)
    found = [found[k % len(found)] for k in range(count)]  # fewer where nothing has a domain
    return [
        {n: float(at[n]) if n in at else generator.uniform(-2, 2) for n in names} for at in found
    ]


@functools.cache
def reading(case, count=None):
    """Return the reading of a row's function, once; by itself with more points for branches."""
    found = Reading(case, count or POINTS)
    return Reading(case, 10 * POINTS) if count is None and found.branches else found
