"""Flow matching and rectified flow: paths, velocities, losses."""

from __future__ import annotations

__all__: list[str] = []
