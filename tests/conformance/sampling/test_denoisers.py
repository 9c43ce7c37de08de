"""Samplers ``f(model, x, sigmas)``, written by hand: right ones conform, mistakes are named."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from refdiff.conformance.shapes import denoiser_sampler
from tests.conformance.sampling.judging import SETTINGS, findings, judged_denoiser, most_named


def euler(
    *, ends: Callable[[Any], Any] = lambda sigmas: sigmas, slope: Any = None
) -> Callable[..., Any]:
    def sample_euler(
        model: Any, x: Any, sigmas: Any, extra_args: Any = None, disable: Any = None
    ) -> Any:
        assert disable is True
        levels = ends(sigmas)
        for here, there in itertools.pairwise(levels):
            clean = model(x, here * x.new_ones(len(x)))
            d = (x - clean) / here if slope is None else slope(x, clean, here)
            x = x + d * (there - here)
        return x

    return sample_euler


def ancestral(*, lowered: bool = True, rooted: bool = True) -> Callable[..., Any]:
    def sample_euler_ancestral(model: Any, x: Any, sigmas: Any, *, eta: float = 1.0) -> Any:
        for here, there in itertools.pairwise(sigmas):
            clean = model(x, here.expand(len(x)))
            variance = there**2 * (here**2 - there**2) / here**2
            up = torch.minimum(there, eta * (variance.sqrt() if rooted else variance))
            down = (there**2 - up**2).sqrt() if lowered else there
            x = x + (x - clean) / here * (down - here)
            if there > 0:
                x = x + up * torch.randn_like(x)
        return x

    return sample_euler_ancestral


def heun(*, second: Callable[[Any, Any], Any] | None = None, mix: Any = None) -> Callable[..., Any]:
    def sample_heun(model: Any, x: Any, sigmas: Any) -> Any:
        for here, there in itertools.pairwise(sigmas):
            d = (x - model(x, here.expand(len(x)))) / here
            ahead = x + d * (there - here)
            if there > 0:
                divisor = there if second is None else second(here, there)
                d_ahead = (ahead - model(ahead, there.expand(len(x)))) / divisor
                d = (d + d_ahead) / 2 if mix is None else mix(d, d_ahead)
                ahead = x + d * (there - here)
            x = ahead
        return x

    return sample_heun


def dpmpp_2m(*, history: bool = True, inverted: bool = False) -> Callable[..., Any]:
    def sample_dpmpp_2m(model: Any, x: Any, sigmas: Any) -> Any:
        old = None
        for i in range(len(sigmas) - 1):
            clean = model(x, sigmas[i].expand(len(x)))
            h = torch.log(sigmas[i] / sigmas[i + 1])
            used = clean
            if history and old is not None and sigmas[i + 1] > 0:
                r = torch.log(sigmas[i - 1] / sigmas[i]) / h
                r = 1 / r if inverted else r
                used = (1 + 1 / (2 * r)) * clean - old / (2 * r)
            x = sigmas[i + 1] / sigmas[i] * x - torch.expm1(-h) * used
            old = clean
        return x

    return sample_dpmpp_2m


@pytest.mark.parametrize("sampler", [euler(), heun(), dpmpp_2m()])
def test_right_deterministic_samplers_conform(sampler: Callable[..., Any]) -> None:
    assert findings(judged_denoiser(sampler)) == {}


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_right_ancestral_samplers_conform(eta: float) -> None:
    assert findings(judged_denoiser(ancestral(), eta=eta)) == {}


MISTAKES = {
    "last-sigma-repeated": euler(ends=lambda s: torch.cat([s[:-1], s[-2:-1]])),
    "slope-without-sigma": euler(slope=lambda x, clean, sigma: x - clean),
    "slope-sign": euler(slope=lambda x, clean, sigma: (clean - x) / sigma),
    "ancestral-level-not-lowered": ancestral(lowered=False),
    "ancestral-noise-not-rooted": ancestral(rooted=False),
    "heun-second-slope-at-the-first-sigma": heun(second=lambda here, there: here),
    "heun-slopes-summed": heun(mix=lambda d, ahead: d + ahead),
    "heun-uses-the-first-slope": heun(mix=lambda d, ahead: d),
    "multistep-without-history": dpmpp_2m(history=False),
    "multistep-ratio-inverted": dpmpp_2m(inverted=True),
}


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_mistakes_are_named(name: str) -> None:
    assert most_named(judged_denoiser(MISTAKES[name])) == name


def test_a_method_without_a_name_is_not_judged_by_a_part_of_its_name() -> None:
    def sample_dpmpp_2s_ancestral(model: Any, x: Any, sigmas: Any) -> Any:
        for here, there in itertools.pairwise(sigmas):
            x = x + 0.9 * (x - model(x, here.expand(len(x)))) / here * (there - here)
            model(x, here.expand(len(x)))
        return x

    outcomes = judged_denoiser(sample_dpmpp_2s_ancestral)
    assert outcomes["middle-steps"].verdict == "inconclusive"
    assert not {"deviates", "known-deviation"} & {o.verdict for o in outcomes.values()}


def test_the_third_parameter_makes_the_shape() -> None:
    assert denoiser_sampler.recognises(euler())
    assert not denoiser_sampler.recognises(lambda model, sigmas, x: x)
    assert not denoiser_sampler.recognises("sigmas")


def test_eta_is_passed_to_samplers_that_take_it() -> None:
    ids = {check.id.split("/")[0] for check in denoiser_sampler.checks(ancestral(), SETTINGS)}
    assert ids == {
        "sample-euler-ancestral",
        "sample-euler-ancestral-eta-half",
        "sample-euler-ancestral-eta-one",
    }


def test_an_unknown_parameter_is_named() -> None:
    def sample(model: Any, x: Any, sigmas: Any, secret: Any) -> Any:
        return x

    check = denoiser_sampler.checks(sample, SETTINGS)[0]
    with pytest.raises(ValueError, match="'secret' has no default"):
        check.judge()
