"""The groups of public equations: `refdiff.equations` and its subpackages."""

import importlib

from refdiff.catalogue import GROUPS

GROUPED = {g: importlib.import_module(f"refdiff.equations.{g}".rstrip(".")) for g in GROUPS}
"""The modules by the names of their groups; `refdiff.equations` itself has the empty one."""


def function_named(name):
    """Return a function by its name after ``refdiff.equations.``."""
    group, _, function = name.rpartition(".")
    return getattr(GROUPED[group], function)
