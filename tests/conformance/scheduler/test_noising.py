"""``add_noise`` and ``get_velocity``: what is planted in them is named."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from refdiff.conformance.parts import Parts
from refdiff.conformance.textbook.scheduler import DDIM, Euler
from tests.conformance.scheduler.judging import SmallDDIM, SmallEuler, judge

TIMES = ("add-noise/training-times", "add-noise/sampling-times")


class OfTheOtherKind(DDIM):
    """Adds noise as samplers of exploding variance do."""

    def _mix(self, data: Any, eps: Any, levels: Any) -> Any:
        return data + ((1 - levels) / levels) ** 0.5 * eps


class OfOneVariance(Euler):
    """Adds noise as samplers of preserved variance do, and samples with exploding variance."""

    def _mix(self, data: Any, eps: Any, levels: Any) -> Any:
        return levels**0.5 * data + (1 - levels) ** 0.5 * eps


@pytest.mark.parametrize("kind", [OfTheOtherKind, OfOneVariance])
@pytest.mark.parametrize("check", TIMES)
def test_noise_in_the_coordinates_of_another_sampler_is_found(kind: Any, check: str) -> None:
    outcome = judge(kind(parts=Parts()), check)
    assert outcome.verdict == "known-deviation"
    assert outcome.variant == "noise-added-in-other-coordinates"


class DrawsItsOwn(DDIM):
    def add_noise(self, original_samples: Any, noise: Any, timesteps: Any) -> Any:
        return super().add_noise(original_samples, torch.randn_like(noise), timesteps)


def test_noise_that_is_not_used_is_named() -> None:
    outcome = judge(DrawsItsOwn(parts=Parts()), "add-noise/uses-the-given-noise")
    assert (outcome.verdict, outcome.variant) == ("known-deviation", "given-noise-ignored")


class Overwrites(DDIM):
    def add_noise(self, original_samples: Any, noise: Any, timesteps: Any) -> Any:
        self.alphas_cumprod = self.alphas_cumprod.to(original_samples.dtype)
        mixed = super().add_noise(original_samples.double(), noise.double(), timesteps)
        return mixed.to(original_samples.dtype)


def test_a_table_that_a_call_leaves_in_half_precision_is_named() -> None:
    outcome = judge(Overwrites(parts=Parts()), "add-noise/keeps-the-tables")
    assert (outcome.verdict, outcome.variant) == ("known-deviation", "table-overwritten-by-cast")


class InHalf(DDIM):
    def add_noise(self, original_samples: Any, noise: Any, timesteps: Any) -> Any:
        level = self.alphas_cumprod[timesteps].to(original_samples.dtype).reshape(-1, 1, 1, 1)
        return level**0.5 * original_samples + (1 - level) ** 0.5 * noise


def test_levels_in_half_precision_are_named_where_they_lose_the_noise() -> None:
    outcome = judge(InHalf(parts=Parts()), "add-noise/half-precision")
    assert (outcome.verdict, outcome.variant) == ("known-deviation", "half-precision-tables")
    assert outcome.observed == 0.0


class OneForAll(DDIM):
    def add_noise(self, original_samples: Any, noise: Any, timesteps: Any) -> Any:
        return super().add_noise(original_samples, noise, timesteps[:1].expand(len(timesteps)))


def test_one_time_used_for_the_whole_batch_is_found() -> None:
    assert judge(OneForAll(parts=Parts()), "add-noise/sampling-times").verdict == "conforms"
    outcome = judge(OneForAll(parts=Parts()), "add-noise/one-time-for-each-sample")
    assert outcome.verdict == "deviates"


class OtherSign(DDIM):
    def get_velocity(self, sample: Any, noise: Any, timesteps: Any) -> Any:
        return -super().get_velocity(sample, noise, timesteps)


def test_a_velocity_of_the_other_sign_is_found() -> None:
    outcome = judge(OtherSign(parts=Parts()), "get-velocity/training-times")
    assert outcome.verdict in ("deviates", "known-deviation")


class Without(DDIM):
    add_noise = None
    get_velocity = None


@pytest.mark.parametrize("check", [*TIMES, "get-velocity/training-times"])
def test_what_is_missing_is_not_provided(check: str) -> None:
    assert judge(Without(parts=Parts()), check).verdict == "not-provided"


class Unready(DDIM):
    def add_noise(self, original_samples: Any, noise: Any, timesteps: Any) -> Any:
        raise NotImplementedError("train with another one")


def test_what_says_that_it_is_not_implemented_is_not_provided() -> None:
    outcome = judge(Unready(parts=Parts()), "add-noise/training-times")
    assert outcome.verdict == "not-provided"
    assert "train with another one" in outcome.message


def test_correct_ones_conform_in_both_coordinates() -> None:
    for target in (SmallDDIM(), SmallEuler()):
        for check in TIMES:
            assert judge(target, check).verdict == "conforms"
