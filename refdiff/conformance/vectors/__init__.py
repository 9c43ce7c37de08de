"""Test vectors for code in any language: exact inputs, 50-digit answers, and what they tell apart.

The folder ``data`` holds one JSON file a function of `refdiff.equations`; ``schema.json`` describes
the files, ``reader.mjs`` reads them in JavaScript. Reading needs the standard library alone.

``python -m refdiff.conformance.vectors`` writes the files, which needs ``refdiff[check]``; with
``--check`` it says whether they are what it would write.
"""

from refdiff.conformance.vectors.judging import Miss, check, units
from refdiff.conformance.vectors.reading import Vector, Vectors, iterate, load, names

__all__ = ["Miss", "Vector", "Vectors", "check", "iterate", "load", "names", "units"]
