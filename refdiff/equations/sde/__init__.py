"""Stochastic and ordinary differential equations: drifts, diffusions, kernels."""

from __future__ import annotations

__all__: list[str] = []
