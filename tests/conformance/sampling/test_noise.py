"""The random numbers of a loop: of which law, for whom, and in which arithmetic they are used."""

from __future__ import annotations

from typing import Any

import torch

from tests.conformance.sampling.judging import findings, judged
from tests.conformance.sampling.plain import named, torch_ddim, torch_ddpm


def test_uniform_noise_is_named() -> None:
    outcomes = judged(torch_ddpm(draw=torch.rand_like))
    assert outcomes["noise"].variant == "noise-is-uniform"


def test_noise_for_the_whole_batch_is_named() -> None:
    outcomes = judged(torch_ddpm(draw=lambda x: torch.randn_like(x[:1])))
    assert outcomes["noise"].variant == "noise-shared-by-the-batch"


def test_unused_draws_are_no_finding() -> None:
    assert findings(judged(torch_ddim(sigma=lambda a, s, eta, v: 0 * v), eta=0.0)) == {}
    drawn = torch_ddim()

    def ddim(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        torch.randn_like(x)
        return drawn(model, x, num_steps, 0.0, alphas_cumprod)

    assert findings(judged(ddim)) == {}


def test_noise_of_the_clamped_variance_is_no_finding() -> None:
    def clamped(variance: Any) -> Any:
        return torch.exp(0.5 * torch.log(variance.clamp(min=1e-20)))

    assert findings(judged(torch_ddpm(std=clamped, last_noise=True))) == {}


def test_arithmetic_in_single_precision_is_an_approximation() -> None:
    exact = torch_ddim()

    def ddim(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        def single(x: Any, t: Any) -> Any:
            return model(x, t).float()

        return exact(single, x.float(), num_steps, 0.0, alphas_cumprod.float())

    found = findings(judged(named("ddim", ddim)))
    assert set(found.values()) == {("approximation", "float32-arithmetic")}
