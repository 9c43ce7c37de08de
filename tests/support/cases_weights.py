"""Rows of `refdiff.equations.weights`; see `tests.support.cases`."""

ROWS = []
