"""Rows of `refdiff.equations.solvers`; see `tests.support.cases`."""

ROWS = []
