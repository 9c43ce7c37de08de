"""Steps and coefficients of numerical solvers for the reverse equations."""

from __future__ import annotations

__all__: list[str] = []
