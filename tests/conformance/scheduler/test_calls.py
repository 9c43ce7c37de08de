"""How steps are called, and the smaller families: consistency, inversion, straight flows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from refdiff.conformance.parts import Parts
from refdiff.conformance.textbook.scheduler import DDIM, DDPM
from tests.conformance.scheduler.judging import SmallDDIM, SmallDDPM, judge


class OwnNoise(DDPM):
    def step(self, *arguments: Any, generator: Any = None, **options: Any) -> Any:
        return super().step(*arguments, **options)


def test_a_generator_that_is_not_used_is_named() -> None:
    assert judge(OwnNoise(parts=Parts()), "step/generator").variant == "generator-ignored"
    assert judge(SmallDDPM(), "step/generator").verdict == "conforms"


class OtherTuple(DDIM):
    def step(self, *arguments: Any, return_dict: bool = True, **options: Any) -> Any:
        prev, x_0 = super().step(*arguments, return_dict=False, **options)
        if not return_dict:
            return x_0, prev
        return SimpleNamespace(prev_sample=prev, pred_original_sample=x_0)


def test_a_tuple_that_begins_with_something_else_is_found() -> None:
    assert judge(OtherTuple(parts=Parts()), "step/return-dict").verdict == "deviates"


class Writes(DDIM):
    def step(self, model_output: Any, timestep: Any, sample: Any, **options: Any) -> Any:
        model_output.mul_(0.5)
        return super().step(model_output, timestep, sample, **options)


def test_writing_into_an_argument_is_named() -> None:
    assert judge(Writes(parts=Parts()), "step/keeps-its-inputs").variant == "mutates-its-inputs"


class Seeds(DDIM):
    def step(self, *arguments: Any, **options: Any) -> Any:
        torch.manual_seed(0)
        return super().step(*arguments, **options)


def test_seeding_the_global_generator_is_named() -> None:
    outcome = judge(Seeds(parts=Parts()), "step/keeps-global-state")
    assert outcome.variant == "seeds-global-random-state"


class NoClip(DDIM):
    def _pair(self, output: Any, sample: Any, level: Any) -> Any:
        config, self.config = self.config, self.config | {"clip_sample": False}
        try:
            return super()._pair(output, sample, level)
        finally:
            self.config = config


@pytest.mark.parametrize("check", ["step/clip-sample", "step/clip-sample-range"])
def test_an_option_without_effect_is_named(check: str) -> None:
    assert judge(NoClip(parts=Parts()), check).variant == "option-without-effect"
    assert judge(SmallDDIM(), check).verdict == "conforms"


class NoEta(DDIM):
    def step(self, *arguments: Any, eta: float = 0.0, **options: Any) -> Any:
        return super().step(*arguments, **options)


def test_an_eta_without_effect_is_named() -> None:
    assert judge(NoEta(parts=Parts()), "ddim-loop/eta").variant == "eta-has-no-effect"


class WrongPrediction(DDIM):
    """Returns a predicted x_0 that is not the one of its step."""

    def step(self, *arguments: Any, **options: Any) -> Any:
        result = super().step(*arguments, **options)
        result.pred_original_sample = result.pred_original_sample * 1.5
        return result


@pytest.mark.parametrize("prediction", ["eps", "x-0", "v"])
def test_a_predicted_x_0_that_is_not_the_right_one_is_found(prediction: str) -> None:
    outcome = judge(WrongPrediction(parts=Parts()), f"step/predicted-x-0-from-{prediction}")
    assert outcome.verdict == "deviates"


class Inverse(DDIM):
    """DDIM backwards: from the level of the time before to that of the time told."""

    shift = 0

    def _set(self, times: Any) -> None:
        super()._set(times)
        self._times = self._times[::-1]
        self.timesteps = self.timesteps.flip(0)

    def step(self, model_output: Any, timestep: Any, sample: Any, return_dict: bool = True) -> Any:  # noqa: FBT001, FBT002
        k = self._index(timestep)
        table = self._walk().alpha_bars
        here = table[int(self._times[k - 1]) - self.shift] if k else table[0]
        there = table[int(self._times[k]) - self.shift]
        x_0, eps = self._pair(model_output, sample, here)
        return SimpleNamespace(prev_sample=there**0.5 * x_0 + (1 - there) ** 0.5 * eps)


class ShiftedInverse(Inverse):
    shift = 1


@pytest.mark.parametrize("prediction", ["eps", "v"])
def test_an_inversion_goes_up_from_the_time_before(prediction: str) -> None:
    check = f"inverse-step/{prediction}"
    assert judge(Inverse(parts=Parts()), check).verdict == "conforms"
    assert judge(ShiftedInverse(parts=Parts()), check).verdict in ("deviates", "known-deviation")
    assert judge(SmallDDIM(), check).verdict == "not-provided"


class Consistency(DDPM):
    """A consistency model's step; `noisy_end` adds noise after the last one too."""

    noisy_end = False
    factor = 0.5

    def __init__(self, *, timestep_scaling: float = 10.0, **rest: Any) -> None:
        super().__init__(timestep_scaling=timestep_scaling, **rest)

    def get_scalings_for_boundary_condition_discrete(self, timestep: Any) -> Any:
        t = float(timestep) * self.config["timestep_scaling"]
        return 0.25 / (t * t + 0.25), self.factor * t / (t * t + 0.25) ** 0.5

    def step(self, model_output: Any, timestep: Any, sample: Any, generator: Any = None) -> Any:
        k, walk = self._index(timestep), self._walk()
        x_0, _ = self._pair(model_output, sample, self.parts.level_at(walk, k))
        skip, out = self.get_scalings_for_boundary_condition_discrete(timestep)
        prev = skip * sample + out * x_0
        last = k + 1 == walk.steps
        if not last or self.noisy_end:
            level = self.parts.level_after(walk, k) if not last else walk.alpha_bars[1]
            noise = torch.randn(sample.shape, generator=generator, dtype=sample.dtype)
            prev = level**0.5 * prev + (1 - level) ** 0.5 * noise
        return SimpleNamespace(prev_sample=prev, pred_original_sample=x_0)


class NoisyEnd(Consistency):
    noisy_end = True


class OtherFactor(Consistency):
    factor = 1.0


def test_a_consistency_model_is_judged_by_its_own_rule() -> None:
    target = Consistency(parts=Parts())
    assert judge(target, "consistency-step/values").verdict == "conforms"
    assert judge(target, "consistency-boundary/values").verdict == "conforms"
    assert judge(target, "consistency-step/last-step").verdict == "conforms"
    assert judge(target, "sampling-loop/runs").verdict == "not-provided"
    outcome = judge(OtherFactor(parts=Parts()), "consistency-step/values")
    assert outcome.variant == "consistency-factor-without-sigma-data"


def test_noise_after_the_last_step_of_a_consistency_model_is_named() -> None:
    outcome = judge(NoisyEnd(parts=Parts()), "consistency-step/last-step")
    assert outcome.variant == "noise-at-the-last-step"


class FlowMatchEuler:
    """Euler along the velocity of straight paths; `sign` of the velocity."""

    sign = 1.0

    def __init__(self, *, num_train_timesteps: int = 1000, shift: float = 1.0) -> None:
        self.config = {"num_train_timesteps": num_train_timesteps, "shift": shift}
        self.set_timesteps(num_train_timesteps)

    def set_timesteps(self, num_inference_steps: int) -> None:
        shift = self.config["shift"]
        s = torch.linspace(1.0, 1.0 / num_inference_steps, num_inference_steps).double()
        s = shift * s / (1 + (shift - 1) * s)
        self.timesteps = s * self.config["num_train_timesteps"]
        self.sigmas = torch.cat([s, torch.zeros(1, dtype=torch.float64)])

    def _index(self, timestep: Any) -> int:
        return int((self.timesteps == float(timestep)).nonzero()[0])

    def scale_noise(self, sample: Any, timestep: Any, noise: Any) -> Any:
        s = self.sigmas[self._index(timestep)]
        return (1 - s) * sample + s * noise

    def step(self, model_output: Any, timestep: Any, sample: Any) -> Any:
        k = self._index(timestep)
        change = self.sign * (self.sigmas[k + 1] - self.sigmas[k])
        return SimpleNamespace(prev_sample=sample + change * model_output)


class OtherWay(FlowMatchEuler):
    sign = -1.0


@pytest.mark.parametrize("check", ["flow-step/values", "flow-scale-noise/values"])
def test_a_straight_flow_is_judged_by_its_own_rule(check: str) -> None:
    assert judge(FlowMatchEuler(), check).verdict == "conforms"


def test_a_flow_that_goes_the_other_way_is_found() -> None:
    outcome = judge(OtherWayFlowMatchEuler(), "flow-step/values")
    assert outcome.verdict in ("deviates", "known-deviation")


class OtherWayFlowMatchEuler(OtherWay):
    """Named so that its rule is known."""
