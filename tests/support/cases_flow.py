"""Rows of `refdiff.equations.flow`; see `tests.support.cases`."""

ROWS = []
