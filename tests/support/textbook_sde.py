"""Oracles of `refdiff.equations.sde`; see `tests.support.textbook`."""

ORACLES = {}
"""By the names of ``refdiff.equations.sde``."""
