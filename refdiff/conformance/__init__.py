"""Conformance: judge other people's diffusion code against the reference, by name.

>>> from refdiff import conformance
>>> import refdiff.equations
>>> report = conformance.run(refdiff.equations, only="ddim-sigma/*")
>>> report.exit_status
0

`run` judges an object in this process, `conformance_tests` gives its checks to pytest, and
``refdiff check TARGET`` on the command line judges a target in a process of its own.
"""

from __future__ import annotations

from refdiff.conformance.pytest_tests import conformance_tests
from refdiff.conformance.report import Report
from refdiff.conformance.results import Result
from refdiff.conformance.runner import run
from refdiff.conformance.shapes import SHAPES
from refdiff.conformance.variants import Variant, all_variants

__all__ = [
    "SHAPES",
    "Report",
    "Result",
    "Variant",
    "all_variants",
    "conformance_tests",
    "run",
]
