"""Rows of `refdiff.equations.sde`; see `tests.support.cases`."""

ROWS = []
