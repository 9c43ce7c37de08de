"""The list of times of a loop: from where, how many, in which order, how counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from refdiff.conformance.sampling import step_checks
from refdiff.conformance.shapes.sampler import SamplerLoop
from refdiff.conformance.verdicts import Outcome
from tests.conformance.sampling.judging import SETTINGS
from tests.conformance.sampling.plain import torch_ddim, trailing


def grid(times: Callable[[int, int], list[int]], topic: str = "grid") -> Outcome:
    """Judge a list of times, given from 0."""
    loop = SamplerLoop(torch_ddim(times=times), SETTINGS, eta=0.0)
    (check,) = (c for c in step_checks(loop) if c.id.endswith(f"/{topic}"))
    return check.judge()


def _even(total: int, steps: int) -> list[int]:
    return [int(t) for t in np.round(np.linspace(total - 1, 0, steps))]


def _quadratic(total: int, steps: int) -> list[int]:
    return [int(t) for t in np.linspace(0, np.sqrt(0.8 * total), steps) ** 2][::-1]


def _truncated(total: int, steps: int) -> list[int]:
    return [i * (total // steps) - 1 for i in range(steps, 0, -1)]


def _all_multiples(total: int, steps: int) -> list[int]:
    return list(range(0, total, total // steps))[::-1]


CASES = {
    "linspace": (_even, "grid", "convention", "linspace-times"),
    "leading": (
        lambda total, steps: [i * (total // steps) for i in range(steps - 1, -1, -1)],
        "grid",
        "approximation",
        "first-time-below-the-noisiest",
    ),
    "quadratic": (_quadratic, "grid", "approximation", "quadratic-times-up-to-0.8-T"),
    "remainder": (_truncated, "grid-7", "known-deviation", "times-without-the-remainder"),
    "too many": (_all_multiples, "grid-7", "known-deviation", "one-time-too-many"),
    "far below": (
        lambda total, steps: list(range(steps - 1, -1, -1)),
        "grid-3",
        "known-deviation",
        "time-shown-is-the-loop-index",
    ),
    "repeated": (
        lambda total, steps: [*_even(total, steps)[:-1], _even(total, steps)[-2]],
        "grid",
        "known-deviation",
        "times-do-not-fall",
    ),
    "own": (
        lambda total, steps: [total - 1, *range(2 * steps - 4, -1, -2)],
        "grid",
        "conforms",
        None,
    ),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_lists_of_times(case: str) -> None:
    times, topic, verdict, name = CASES[case]
    outcome = grid(times, topic)
    assert (outcome.verdict, outcome.variant) == (verdict, name)


def test_counting_levels_and_not_strides_is_no_finding() -> None:
    assert grid(lambda total, steps: trailing(total, steps + 1)).verdict == "conforms"


def test_a_number_of_steps_that_depends_on_what_divides_is_named() -> None:
    def odd(total: int, steps: int) -> list[int]:
        return trailing(total, steps if total % steps == 0 else steps - 1)

    assert grid(odd).verdict == "conforms"
    assert grid(odd, "grid-7").variant == "step-count-when-not-dividing"


def test_the_trailing_list_conforms_for_every_number_of_steps() -> None:
    loop = SamplerLoop(torch_ddim(), SETTINGS, eta=0.0)
    outcomes = [c.judge() for c in step_checks(loop) if "/grid" in c.id]
    assert {outcome.verdict for outcome in outcomes} == {"conforms"}
    assert len(outcomes) == 4


def test_times_told_as_fractions_are_a_convention() -> None:
    def ddim(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        def told(x: Any, t: Any) -> Any:
            return model(x, (t + 1) / len(alphas_cumprod))

        return torch_ddim()(told, x, num_steps, 0.0, alphas_cumprod)

    loop = SamplerLoop(ddim, SETTINGS)
    outcomes = {c.id.split("/")[1]: c.judge() for c in step_checks(loop)}
    assert outcomes["time-base"].variant == "time-as-a-fraction"
    assert outcomes["middle-steps"].verdict == "conforms"
    assert outcomes["grid"].verdict == "conforms"


def test_checks_are_listed_without_a_run() -> None:
    def ddim(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        raise AssertionError("it was run")

    checks = step_checks(SamplerLoop(ddim, SETTINGS))
    assert len({check.id for check in checks}) == len(checks)
    assert all(check.id.startswith("ddim/") for check in checks)
    with pytest.raises(AssertionError, match="it was run"):
        checks[0].judge()


def test_a_fixed_number_of_steps_is_judged_as_it_is() -> None:
    def ddpm(model: Any, x: Any, alphas_cumprod: Any) -> Any:
        for t in range(len(alphas_cumprod) - 1, -1, -1):
            a = alphas_cumprod[t]
            before = alphas_cumprod[t - 1] if t else torch.ones_like(a)
            eps = model(x, t)
            beta = 1 - a / before
            x = (x - beta / (1 - a).sqrt() * eps) / (1 - beta).sqrt()
            x = x + (beta * (1 - before) / (1 - a)).sqrt() * torch.randn_like(x)
        return x

    outcomes = [c.judge() for c in step_checks(SamplerLoop(ddpm, SETTINGS))]
    assert {outcome.verdict for outcome in outcomes} == {"conforms", "not-provided"}
