"""Terms of variational bounds, as numbers and as functions of what a network predicts."""

from __future__ import annotations

__all__: list[str] = []
