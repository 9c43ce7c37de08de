"""Oracles of `refdiff.equations.solvers`; see `tests.support.textbook`."""

ORACLES = {}
"""By the names of ``refdiff.equations.solvers``."""
