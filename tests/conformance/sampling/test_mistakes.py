"""Mistakes of public code, planted in hand-written samplers, are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.conformance.sampling.judging import findings, judged, most_named
from tests.conformance.sampling.plain import named, torch_ddim, torch_ddpm


def _stride(visited: list[int], i: int, total: int, steps: int) -> int:
    return visited[i] - total // steps


def _leading(total: int, steps: int) -> list[int]:
    return [i * (total // steps) for i in range(steps - 1, -1, -1)]


def _after_leading(total: int, steps: int) -> list[int]:
    return [t + 1 for t in _leading(total, steps)]


def _linspace(total: int, steps: int) -> list[int]:
    return [int(t) for t in np.round(np.linspace(total - 1, 0, steps))]


def _first(alphas_cumprod: Any) -> Any:
    return alphas_cumprod


DDIM: dict[str, tuple[Callable[..., Any], float]] = {
    "eta-times-variance": (torch_ddim(sigma=lambda a, s, eta, v: eta * v), 0.5),
    "eta-not-squared": (torch_ddim(sigma=lambda a, s, eta, v: torch.sqrt(eta * v)), 0.5),
    "eta-has-no-effect": (torch_ddim(sigma=lambda a, s, eta, v: 0 * v), 0.5),
    "ddim-sigma-sqrt-one-minus-alpha-bar": (
        torch_ddim(sigma=lambda a, s, eta, v: eta * torch.sqrt(1 - s)),
        0.5,
    ),
    "direction-without-sigma": (torch_ddim(direction=lambda a, s, std: torch.sqrt(1 - s)), 0.5),
    "direction-is-sigma": (torch_ddim(direction=lambda a, s, std: std), 0.5),
    "direction-missing": (torch_ddim(direction=lambda a, s, std: 0.0), 0.5),
    "previous-time-by-uniform-stride": (torch_ddim(times=_linspace, following=_stride), 0.0),
    "ends-at-the-level-shown-last": (torch_ddim(times=_leading, end=_first), 0.0),
    "time-shown-is-the-loop-index": (
        torch_ddim(told=lambda visited, i: len(visited) - 1 - i),
        0.0,
    ),
    "time-shown-is-that-of-the-step-end": (
        torch_ddim(told=lambda visited, i: [*visited[1:], 0][i]),
        0.0,
    ),
}


@pytest.mark.parametrize("name", sorted(DDIM))
def test_mistakes_in_ddim_are_named(name: str) -> None:
    sampler, eta = DDIM[name]
    outcomes = judged(sampler, eta=eta)
    assert most_named(outcomes) == name
    assert "deviates" not in {outcome.verdict for outcome in outcomes.values()}


DDPM: dict[str, Callable[..., Any]] = {
    "noise-at-the-last-step": torch_ddpm(larger=True, last_noise=True),
    "noise-times-variance": torch_ddpm(std=lambda v: v),
    "beta-of-the-training-step": torch_ddpm(larger=True, stride_one=True),
    "posterior-factor-with-the-training-beta": torch_ddpm(stride_one=True),
    "noise-missing": torch_ddpm(draw=torch.zeros_like),
}


@pytest.mark.parametrize("name", sorted(DDPM))
def test_mistakes_in_ddpm_are_named(name: str) -> None:
    assert most_named(judged(DDPM[name])) == name


def test_noise_drawn_once_is_named() -> None:
    def ddpm(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        noise = torch.randn_like(x)
        return torch_ddpm(draw=lambda x: noise)(model, x, num_steps, alphas_cumprod)

    outcomes = judged(ddpm)
    assert most_named(outcomes) == "noise-drawn-once"
    assert outcomes["noise"].variant == "noise-drawn-once"


def test_ending_at_the_first_noise_level_is_a_convention_after_a_normal_stride() -> None:
    # A list that begins one time later goes on from its last entry to the first noisy level.
    outcomes = judged_without_full(torch_ddim(times=_after_leading, end=_first))
    assert outcomes["last-step"].verdict == "convention"
    assert outcomes["last-step"].variant == "ends-at-the-first-noise-level"
    assert outcomes["grid"].variant == "first-time-below-the-noisiest"
    assert outcomes["middle-steps"].verdict == "conforms"


def judged_without_full(sampler: Callable[..., Any]) -> dict[str, Any]:
    from refdiff.conformance.sampling import step_checks
    from refdiff.conformance.shapes.sampler import SamplerLoop
    from tests.conformance.sampling.judging import SETTINGS

    checks = step_checks(SamplerLoop(sampler, SETTINGS, eta=0.0))
    return {c.id.split("/")[1]: c.judge() for c in checks if not c.id.endswith("full")}


def test_a_list_that_leaves_out_the_noisiest_times_is_named() -> None:
    # T // S loses so much that the list begins far below T: 64 steps of 1 in 100.
    def ddim(model: Any, x: Any, eta: float, alphas_cumprod: Any) -> Any:
        short = torch_ddim(times=lambda total, steps: list(range(63, -1, -1)))
        return short(model, x, 64, eta, alphas_cumprod)

    outcomes = judged(ddim, eta=0.0)
    assert outcomes["grid"].variant == "starts-more-than-a-stride-below-the-last-time"
    assert outcomes["middle-steps"].verdict == "conforms"


def test_two_mistakes_are_both_named() -> None:
    outcomes = judged(torch_ddim(times=_linspace, following=_stride, end=_first), eta=0.0)
    assert outcomes["middle-steps"].variant == "previous-time-by-uniform-stride"
    assert outcomes["last-step"].variant == "ends-at-the-level-shown-last"


@pytest.mark.parametrize(
    ("rederive", "expected"), [(True, "x-0-clipped"), (False, "eps-not-recomputed+x-0-clipped")]
)
def test_clipping_is_a_convention(*, rederive: bool, expected: str) -> None:
    found = findings(judged(torch_ddim(clip=True, rederive=rederive), eta=0.0))
    assert found == {"clipping": ("convention", expected)}


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (lambda x: x.clamp(-1, 1), {"clipping": ("convention", "result-clipped")}),
        (lambda x: (x + 1) / 2, "result-mapped-to-unit-interval"),
        (lambda x: (x.clamp(-1, 1) + 1) / 2, "result-clipped-and-mapped"),
    ],
)
def test_what_is_done_to_the_result_is_a_convention(returned: Any, expected: Any) -> None:
    found = findings(judged(torch_ddim(returned=returned), eta=0.0))
    if isinstance(expected, str):
        assert found["last-step"] == ("convention", expected)
        assert {verdict for verdict, _ in found.values()} == {"convention"}
    else:
        assert found == expected


def test_times_counted_from_one_are_a_convention() -> None:
    found = findings(judged(torch_ddim(told=lambda visited, i: visited[i] + 1), eta=0.0))
    assert found == {"time-base": ("convention", "time-base-1")}


def test_an_unexplained_step_of_a_claimed_method_shows_its_coefficients() -> None:
    outcomes = judged(torch_ddim(direction=lambda a, s, std: 0.9 * torch.sqrt(1 - s)), eta=0.0)
    middle = outcomes["middle-steps"]
    assert middle.verdict == "deviates"
    assert middle.variant is None
    assert " x + " in middle.message
    assert " eps" in middle.message


def test_the_same_step_under_a_name_that_claims_nothing_is_inconclusive() -> None:
    sampler = torch_ddim(direction=lambda a, s, std: 0.9 * torch.sqrt(1 - s))
    outcomes = judged(named("sample", sampler), eta=0.0)
    assert outcomes["middle-steps"].verdict == "inconclusive"


def test_a_claimed_name_does_not_make_another_known_method_wrong() -> None:
    outcomes = judged(named("ddpm_sample", torch_ddim()), eta=0.5)
    assert findings(outcomes) == {}
