"""Samplers with a schedule inside are judged by the one that the user named, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from refdiff.conformance.sampling import step_checks
from refdiff.conformance.sampling.own_schedule import recovered_levels
from refdiff.conformance.sampling.session import Session
from refdiff.conformance.shapes.sampler import SamplerLoop
from refdiff.equations import alpha_bars_from_betas, cosine_betas
from refdiff.testing import assert_close
from tests.conformance.sampling.judging import SCHEDULE, SETTINGS, judged
from tests.conformance.sampling.plain import named, torch_ddim, torch_ddpm

COSINE = alpha_bars_from_betas(cosine_betas(100))


def with_schedule(table: np.ndarray, inner: Callable[..., Any], eta: float) -> Callable[..., Any]:
    levels = torch.as_tensor(table[1:])

    def ddim_sample(model: Any, x: Any, num_steps: int) -> Any:
        if inner is INNER["ddim"]:
            return inner(model, x, num_steps, eta, levels)
        return inner(model, x, num_steps, levels)

    return named("ddim_sample" if inner is INNER["ddim"] else "ddpm_sample", ddim_sample)


INNER = {"ddim": torch_ddim(), "ddpm": torch_ddpm(), "ddpm-beta": torch_ddpm(larger=True)}
CASES = [("ddim", 0.0), ("ddim", 0.5), ("ddpm", 1.0), ("ddpm-beta", 1.0)]


@pytest.mark.parametrize(("name", "eta"), CASES)
def test_another_schedule_is_told_and_not_accused(name: str, eta: float) -> None:
    outcomes = judged(with_schedule(COSINE, INNER[name], eta))
    assert not {"deviates", "known-deviation"} & {o.verdict for o in outcomes.values()}
    assert outcomes["middle-steps"].verdict == "inconclusive"
    assert "--schedule cosine:100" in outcomes["middle-steps"].message


@pytest.mark.parametrize(("name", "eta"), CASES[:3])
def test_the_named_schedule_inside_is_judged(name: str, eta: float) -> None:
    outcomes = judged(with_schedule(SCHEDULE, INNER[name], eta))
    assert {o.verdict for o in outcomes.values()} <= {"conforms", "not-provided"}


def test_a_mistake_with_the_named_schedule_inside_is_named() -> None:
    wrong = torch_ddim(direction=lambda a, s, std: 0.0)
    sampler = named("ddim", lambda model, x, num_steps: wrong(model, x, num_steps, 0.5, LEVELS))
    outcomes = {c.id.split("/")[1]: c.judge() for c in step_checks(SamplerLoop(sampler, SETTINGS))}
    assert outcomes["middle-steps"].verdict in ("known-deviation", "deviates")


LEVELS = torch.as_tensor(SCHEDULE[1:])


@pytest.mark.parametrize(("name", "eta"), CASES)
def test_levels_are_recovered_from_the_steps(name: str, eta: float) -> None:
    run = Session(SamplerLoop(with_schedule(COSINE, INNER[name], eta), SETTINGS)).run()
    levels = recovered_levels(run)
    assert levels is not None
    # Least squares loses digits where x and the answer are nearly parallel, near T.
    late = slice(5, None)
    expected = COSINE[[int(t) for t in run.times]]
    assert_close(np.array(levels)[late], expected[late], terms=np.full(5, 1e4))
