"""Loss weights, and how one parameterization's weight becomes another's."""

from __future__ import annotations

__all__: list[str] = []
