"""Oracles of `refdiff.equations.bounds`; see `tests.support.textbook`."""

ORACLES = {}
"""By the names of ``refdiff.equations.bounds``."""
