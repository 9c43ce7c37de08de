"""Oracles of `refdiff.equations.weights`; see `tests.support.textbook`."""

ORACLES = {}
"""By the names of ``refdiff.equations.weights``."""
