"""Rows of `refdiff.equations.solvers`; see `tests.support.cases`."""

from tests.support import cases_solvers_ddim, cases_solvers_dpm, cases_solvers_edm

ROWS = [*cases_solvers_ddim.ROWS, *cases_solvers_dpm.ROWS, *cases_solvers_edm.ROWS]
