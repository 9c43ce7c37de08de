"""Ancestral sampling with a variance that the network chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from refdiff.conformance.sampling import step_checks
from refdiff.conformance.shapes.sampler import SamplerLoop
from tests.conformance.sampling.judging import SETTINGS, findings, most_named
from tests.conformance.sampling.plain import trailing


def _logarithmic(v: Any, small: Any, large: Any, one: Any) -> Any:
    return torch.exp(v * torch.log(large) + (1 - v) * torch.log(small))


def ddpm(variance: Callable[..., Any]) -> Callable[..., Any]:
    """Return ancestral sampling whose model answers with twice the channels."""

    def ddpm_learned(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        visited = trailing(len(alphas_cumprod), num_steps)
        for t, s in zip(visited, [*visited[1:], -1], strict=True):
            a = alphas_cumprod[t]
            a_next = alphas_cumprod[s] if s >= 0 else torch.ones_like(a)
            eps, raw = model(x, torch.full((len(x),), t)).chunk(2, dim=1)
            beta = 1 - a / a_next
            mean = (x - beta / (1 - a).sqrt() * eps) / (1 - beta).sqrt()
            x = mean
            if s >= 0:
                small = beta * (1 - a_next) / (1 - a)
                one = 1 - a / alphas_cumprod[t - 1]
                x = x + variance((raw + 1) / 2, small, beta, one).sqrt() * torch.randn_like(x)
        return x

    return ddpm_learned


def judged(variance: Callable[..., Any]) -> dict[str, Any]:
    loop = SamplerLoop(ddpm(variance), SETTINGS)
    loop.learned = True  # what a shape says of a model with twice the channels
    return {c.id.split("/")[1]: c.judge() for c in step_checks(loop)}


def test_the_learned_range_conforms() -> None:
    assert findings(judged(_logarithmic)) == {}


@pytest.mark.parametrize(
    ("variance", "name"),
    [
        (
            lambda v, small, large, one: _logarithmic(v, small, one, one),
            "learned-range-with-the-training-beta",
        ),
        (
            lambda v, small, large, one: v * large + (1 - v) * small,
            "learned-range-not-in-logarithm",
        ),
    ],
)
def test_mistakes_in_the_learned_range_are_named(variance: Any, name: str) -> None:
    outcomes = judged(variance)
    assert most_named(outcomes) == name
    assert outcomes["middle-steps"].verdict == "known-deviation"
