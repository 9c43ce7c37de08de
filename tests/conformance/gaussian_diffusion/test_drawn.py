"""What training draws: its noise, its times, and the labels that it drops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from refdiff.conformance.parts import Parts
from refdiff.conformance.textbook.gaussian_diffusion import GaussianDiffusion, build
from tests.conformance.gaussian_diffusion.judging import outcomes
from tests.conformance.gaussian_diffusion.renamed import Renamed

Tensor = torch.Tensor


@pytest.mark.parametrize(
    ("times", "variant"),
    [
        (lambda steps, count: torch.randint(0, steps, (count,)), None),
        (lambda steps, count: torch.randint(0, steps - 1, (count,)), "last-time-never-trained"),
        (lambda steps, count: torch.randint(1, steps, (count,)), "first-time-never-trained"),
        (
            lambda steps, count: (torch.rand(count) ** 2 * steps).long(),
            "times-not-drawn-evenly",
        ),
        (
            lambda steps, count: torch.randint(0, steps, (1,)).repeat(count),
            "one-time-for-the-batch",
        ),
    ],
)
def test_times_of_training(times: Callable[[int, int], Tensor], variant: str | None) -> None:
    found = outcomes(Renamed(times=times), "forward/times")["forward/times"]
    assert found.variant == variant
    assert variant is not None or found.verdict == "conforms"


def _dropping(rate: float) -> Callable[[Tensor], Tensor]:
    return lambda labels: torch.where(torch.rand(len(labels)) < rate, 0, labels)


def _all_or_none(labels: Tensor) -> Tensor:
    return torch.zeros_like(labels) if torch.rand(()) < 0.3 else labels


@pytest.mark.parametrize(
    ("dropped", "drop_prob", "verdict", "variant"),
    [
        (_dropping(0.1), 0.1, "conforms", None),
        (_dropping(0.1), None, "conforms", None),
        (_dropping(0.9), 0.1, "known-deviation", "label-dropout-inverted"),
        (_dropping(0.5), 0.1, "deviates", None),
        (lambda labels: labels, 0.1, "known-deviation", "labels-never-dropped"),
        (lambda labels: labels, None, "conforms", None),
        (_all_or_none, 0.3, "approximation", "labels-dropped-per-batch"),
    ],
)
def test_dropped_labels(
    dropped: Callable[[Tensor], Tensor],
    drop_prob: float | None,
    verdict: str,
    variant: str | None,
) -> None:
    target = Renamed(dropped=dropped, drop_prob=drop_prob)
    found = outcomes(target, "training-losses/labels")["training-losses/labels"]
    assert (found.verdict, found.variant) == (verdict, variant)


class _Deaf(GaussianDiffusion):
    def q_sample(self, x_start: Tensor, t: Tensor, noise: Tensor | None = None) -> Tensor:
        return super().q_sample(x_start, t, torch.randn_like(x_start))


class _Uniform(GaussianDiffusion):
    def q_sample(self, x_start: Tensor, t: Tensor, noise: Tensor | None = None) -> Tensor:
        noise = torch.rand_like(x_start) if noise is None else noise
        return super().q_sample(x_start, t, noise)


@pytest.mark.parametrize(
    ("kind", "check", "variant"),
    [
        (_Deaf, "q-sample/values", "given-noise-ignored"),
        (_Deaf, "training-losses/model-input", "given-noise-ignored"),
        (_Uniform, "q-sample/own-noise", "uniform-noise"),
    ],
)
def test_noise_of_the_wrong_kind(kind: type, check: str, variant: str) -> None:
    target = kind(Parts(), betas=build(Parts()).betas)
    assert outcomes(target, check)[check].variant == variant


class Summing(Renamed):
    """Adds the losses of the samples up, where the mean over the batch is meant."""

    def p_losses(self, x_start: Tensor, t: Tensor, noise: Tensor | None = None) -> Tensor:
        return super().p_losses(x_start, t, noise) * len(x_start)


def test_a_sum_over_the_batch_is_a_convention_with_a_name() -> None:
    found = outcomes(Summing(dtype=torch.float64), "training-losses/values")
    outcome = found["training-losses/values"]
    assert (outcome.verdict, outcome.variant) == ("convention", "loss-summed-over-the-batch")
