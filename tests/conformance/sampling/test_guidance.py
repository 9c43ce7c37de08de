"""Classifier-free guidance: which calls are made and how their answers are mixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from refdiff.conformance.verdicts import Outcome
from tests.conformance.sampling.judging import judged
from tests.conformance.sampling.plain import named, torch_ddim

Mix = Callable[[Any, Any, float], Any]


def guided(
    mix: Mix, *, doubled: bool = False, null: int | None = 10, always: bool = True
) -> Callable[..., Any]:
    """Return DDIM with guidance by two calls, or by one call on the batch twice."""

    def ddim_guided(
        model: Any,
        x: Any,
        num_steps: int,
        alphas_cumprod: Any,
        y: Any = None,
        guidance_scale: float = 1.0,
    ) -> Any:
        def mixed(x: Any, t: Any) -> Any:
            if y is None:
                return model(x, t)
            other = None if null is None else torch.full_like(y, null)
            if doubled:
                both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([y, other]))
                return mix(*both.chunk(2), guidance_scale)
            cond = model(x, t, y)
            return mix(cond, model(x, t, other), guidance_scale) if always else cond

        return torch_ddim()(mixed, x, num_steps, 0.0, alphas_cumprod)

    return named("ddim_guided", ddim_guided)


def judge(sampler: Callable[..., Any]) -> Outcome:
    outcomes = judged(sampler)
    assert outcomes["middle-steps"].verdict == "conforms"
    return outcomes["guidance"]


def by_weight(cond: Any, uncond: Any, w: float) -> Any:
    return (1 + w) * cond - w * uncond


def by_scale(cond: Any, uncond: Any, s: float) -> Any:
    return uncond + s * (cond - uncond)


@pytest.mark.parametrize("doubled", [False, True])
def test_the_weight_of_ho_and_salimans_conforms(*, doubled: bool) -> None:
    assert judge(guided(by_weight, doubled=doubled)).verdict == "conforms"


def test_a_null_condition_of_none_conforms() -> None:
    assert judge(guided(by_weight, null=None)).verdict == "conforms"


@pytest.mark.parametrize("doubled", [False, True])
def test_a_scale_is_a_convention(*, doubled: bool) -> None:
    outcome = judge(guided(by_scale, doubled=doubled))
    assert (outcome.verdict, outcome.variant) == ("convention", "guidance-scale")


def _three_channels(cond: Any, uncond: Any, s: float) -> Any:
    return torch.cat([by_scale(cond, uncond, s)[:, :3], cond[:, 3:]], dim=1)


MISTAKES: dict[str, Mix] = {
    "guidance-roles-swapped": lambda c, u, w: (1 + w) * u - w * c,
    "guidance-scale-roles-swapped": lambda c, u, w: c + w * (u - c),
    "guidance-adds-the-unconditional": lambda c, u, w: (1 + w) * c + w * u,
    "guidance-scale-adds-the-unconditional": lambda c, u, w: w * c + (w - 1) * u,
    "guidance-difference-alone": lambda c, u, w: w * (c - u),
    "guidance-factors-do-not-sum-to-one": lambda c, u, w: (1 + w) * c - u,
    "guidance-has-no-effect": lambda c, u, w: c,
    "guidance-of-three-channels": lambda c, u, w: torch.cat(
        [by_weight(c, u, w)[:, :3], c[:, 3:]], dim=1
    ),
}


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_wrong_mixtures_are_named(name: str) -> None:
    outcome = judge(guided(MISTAKES[name]))
    assert (outcome.verdict, outcome.variant) == ("known-deviation", name)


def test_a_mistake_beside_a_convention_is_named_with_it() -> None:
    outcome = judge(guided(_three_channels))
    assert outcome.verdict == "known-deviation"
    assert "guidance-of-three-channels" in str(outcome.variant)


def test_guidance_without_an_unconditional_call_is_named() -> None:
    outcome = judge(guided(by_weight, always=False))
    assert (outcome.verdict, outcome.variant) == ("known-deviation", "no-unconditional-call")


def test_an_unconditional_call_with_the_label_is_named() -> None:
    sampler = guided(by_weight)

    def same_label(
        model: Any,
        x: Any,
        num_steps: int,
        alphas_cumprod: Any,
        y: Any = None,
        guidance_scale: float = 1.0,
    ) -> Any:
        def labelled(x: Any, t: Any, _: Any = None) -> Any:
            return model(x, t) if y is None else model(x, t, y)

        return sampler(labelled, x, num_steps, alphas_cumprod, y, guidance_scale)

    outcome = judge(named("ddim_same", same_label))
    assert outcome.variant == "unconditional-call-gets-the-label"


def test_a_sampler_without_labels_is_not_judged() -> None:
    assert judged(torch_ddim(), eta=0.0)["guidance"].verdict == "not-provided"
