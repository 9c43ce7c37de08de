"""Rows of `refdiff.equations.bounds`; see `tests.support.cases`."""

ROWS = []
