"""How a sampler ends: the level of its last step, the noise in it, and what it returns."""

from __future__ import annotations

from typing import Any

from refdiff.conformance.parts import Parts, part
from refdiff.conformance.parts.grids import Walk

__all__ = [
    "added_at_end",
    "fresh_noise",
    "last_noise_weight",
    "level_at_end",
    "noise_weight",
    "returned",
]


@part
def level_at_end(walk: Walk) -> Any:
    """Return alpha_bar that the last step goes to: 1, the data."""
    return walk.alpha_bars[0]


@part
def noise_weight(parts: Parts, walk: Walk, k: int) -> Any:
    """Return the factor of the fresh noise of ancestral step k: 1, and none at the last step."""
    return 1.0 if k + 1 < walk.steps else parts.last_noise_weight()


@part
def last_noise_weight() -> Any:
    """Return the factor of the fresh noise of the last ancestral step: 0."""
    return 0.0


@part
def added_at_end(walk: Walk) -> Any:
    """Return what an ancestral sampler adds to its last mean besides noise: nothing."""
    return 0.0


@part
def returned(x: Any) -> Any:
    """Return what the sampler hands out of its last state: the state itself."""
    return x


@part
def fresh_noise(noises: Any, k: int, *, last: bool) -> Any:
    """Return the noise that step k adds: the one drawn for it; the last step needs none."""
    if last and k not in noises:
        return 0.0
    return noises[k]
