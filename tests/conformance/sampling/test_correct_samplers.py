"""Correct samplers, written by hand in torch and NumPy, are left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from refdiff.conformance.parts import Parts
from refdiff.conformance.sampling import step_checks
from refdiff.conformance.shapes.sampler import SamplerLoop
from refdiff.conformance.textbook import denoiser_sampler as denoisers
from refdiff.conformance.textbook import sampler as samplers
from refdiff.samplers import NumpySampleNoise, ddim, ddpm, last
from tests.conformance.sampling.judging import (
    SCHEDULE,
    SETTINGS,
    findings,
    judged,
    judged_denoiser,
)
from tests.conformance.sampling.plain import named, numpy_ddim, torch_ddim, torch_ddpm

ETAS = (0.0, 0.5, 1.0)


@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_ddim_in_torch_conforms(eta: float, dtype: str) -> None:
    assert findings(judged(torch_ddim(), eta=eta, dtype=dtype)) == {}


@pytest.mark.parametrize("eta", ETAS)
def test_ddim_in_numpy_conforms(eta: float) -> None:
    assert findings(judged(numpy_ddim, eta=eta)) == {}


@pytest.mark.parametrize("early", [False, True])
def test_ddpm_with_beta_tilde_conforms_whenever_its_noise_is_drawn(*, early: bool) -> None:
    assert findings(judged(torch_ddpm(early=early))) == {}


def test_ddpm_with_beta_follows_a_convention_and_nothing_else() -> None:
    found = findings(judged(torch_ddpm(larger=True)))
    assert set(found.values()) == {("convention", "fixed-large-variance")}
    # The last step adds no noise, whatever the variance is.
    assert "middle-steps" in found
    assert "last-step" not in found


def test_one_rule_without_a_name_is_not_accused_by_its_neighbours_name() -> None:
    def blend(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        for t in range(num_steps - 1, -1, -1):
            x = 0.9 * x - 0.1 * model(
                x, torch.full((len(x),), t * len(alphas_cumprod) // num_steps)
            )
        return x

    outcomes = judged(blend)
    found = findings(outcomes)
    assert {verdict for topic, (verdict, _) in found.items() if "grid" not in topic} == {
        "inconclusive"
    }
    assert "none that refdiff knows by name" in outcomes["middle-steps"].message


@pytest.mark.parametrize("eta", ETAS)
def test_own_ddim_conforms(eta: float) -> None:
    def own(model: Any, x_T: Any, timesteps: Any) -> Any:
        times = [t + 1 for t in timesteps]
        noise = _torch_noise if eta else None
        steps = ddim(
            lambda x, t: model(x, t - 1),
            x_T,
            alpha_bars=SCHEDULE,
            timesteps=times,
            eta=eta,
            noise=noise,
        )
        return last(steps)

    loop = SamplerLoop(named("own_ddim", own), SETTINGS)
    loop.eta = eta
    outcomes = {c.id.split("/")[1]: c.judge() for c in step_checks(loop)}
    assert findings(outcomes) == {}


@pytest.mark.parametrize("variance", ["fixed-small", "fixed-large"])
def test_own_ddpm_conforms(variance: str) -> None:
    def own(model: Any, x_T: Any, timesteps: Any) -> Any:
        times = [t + 1 for t in timesteps]
        steps = ddpm(
            lambda x, t: model(x, t - 1),
            x_T,
            alpha_bars=SCHEDULE,
            timesteps=times,
            variance=variance,
            noise=_torch_noise,
        )
        return last(steps)

    found = findings(judged(named("own_ddpm", own)))
    allowed = {("convention", "fixed-large-variance")} if variance == "fixed-large" else set()
    assert set(found.values()) == allowed


def _torch_noise(t: int, s: int, like: Any) -> Any:
    return torch.randn_like(like)


@pytest.mark.parametrize("name", sorted(samplers.BUILDS))
def test_textbook_samplers_conform(name: str) -> None:
    target = samplers.BUILDS[name](Parts())
    eta = 0.5 if name == "ddim" else None
    found = findings(judged(target, eta=eta))
    allowed = {("convention", "fixed-large-variance")} if name == "ddpm-beta" else set()
    assert set(found.values()) == allowed


@pytest.mark.parametrize("name", sorted(denoisers.BUILDS))
def test_textbook_denoiser_samplers_conform(name: str) -> None:
    target = denoisers.BUILDS[name](Parts())
    eta = 0.5 if name == "euler-ancestral" else None
    assert findings(judged_denoiser(target, eta=eta)) == {}


def test_noise_that_cannot_be_seen_accuses_nobody() -> None:
    source = NumpySampleNoise(3, [0, 1], (3, 2, 2), np.float64)

    def private(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        hidden = torch_ddpm(draw=lambda x: torch.from_numpy(source(1, 0, x)))
        return hidden(model, x, num_steps, alphas_cumprod)

    outcomes = judged(named("ddpm_sample", private))
    assert {o.verdict for o in outcomes.values()} <= {"conforms", "inconclusive", "not-provided"}
    assert outcomes["middle-steps"].verdict == "inconclusive"
    assert "cannot be observed" in outcomes["middle-steps"].message
