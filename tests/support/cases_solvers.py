"""Rows of `refdiff.equations.solvers`; see `tests.support.cases`."""

from tests.support import cases_solvers_edm

ROWS = [*cases_solvers_edm.ROWS]
