"""Oracles of `refdiff.equations.flow`; see `tests.support.textbook`."""

ORACLES = {}
"""By the names of ``refdiff.equations.flow``."""
