"""Lists of times and levels: counts, order, ends, and what a run leaves behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from refdiff.conformance.parts import Parts
from refdiff.conformance.textbook.scheduler import DDIM, Euler
from tests.conformance.scheduler.judging import SmallDDIM, judge


class Grid(DDIM):
    """A scheduler whose times a subclass chooses."""

    def times(self, total: int, count: int) -> Any:
        raise NotImplementedError

    def set_timesteps(self, num_inference_steps: int) -> None:
        self._set(self.times(int(self.config["num_train_timesteps"]), num_inference_steps))


class ByStride(Grid):
    """One time for each multiple of T // S: more than S where that does not divide T."""

    def times(self, total: int, count: int) -> Any:
        return np.arange(0, total, total // count)[::-1] + 1


def test_more_steps_than_were_asked_for_are_named() -> None:
    outcome = judge(ByStride(parts=Parts()), "set-timesteps/number-of-steps")
    assert outcome.variant == "step-count-when-not-dividing"
    assert outcome.observed > outcome.expected


class TooFar(Grid):
    """An offset pushes the first of all times beyond the last one of training."""

    def times(self, total: int, count: int) -> Any:
        return np.arange(count, 0, -1) * (total // count) + 1

    def _walk(self) -> Any:
        walk = super()._walk()
        return type(walk)(walk.alpha_bars, [min(t, len(walk.alpha_bars) - 1) for t in walk.times])

    def _set(self, times: Any) -> None:
        super()._set(times)
        self.timesteps = torch.as_tensor(np.asarray(times) - 1)


def test_a_time_beyond_the_table_is_named() -> None:
    outcome = judge(TooFar(parts=Parts()), "set-timesteps/within-the-table")
    assert outcome.variant == "time-beyond-the-table"


class Zigzag(Grid):
    def times(self, total: int, count: int) -> Any:
        times = np.linspace(total, 1, count).round()
        if count > 2:
            times[[1, 2]] = times[[2, 1]]
        return times


def test_times_out_of_order_are_found() -> None:
    assert judge(Zigzag(parts=Parts()), "set-timesteps/in-order").verdict == "deviates"


class Truncated(Grid):
    """Calls itself trailing and counts down by whole strides from T - 1."""

    def times(self, total: int, count: int) -> Any:
        return total - 50 - np.arange(count) * (total // count - 20)


def test_times_that_are_not_spaced_as_the_option_says_are_found() -> None:
    assert judge(Truncated(parts=Parts()), "set-timesteps/spacing-trailing").verdict == "deviates"


class Remembers(DDIM):
    """Shifts its times at each call."""

    calls = 0

    def set_timesteps(self, num_inference_steps: int) -> None:
        super().set_timesteps(num_inference_steps)
        self.calls = self.calls + 1
        self.timesteps = self.timesteps - self.calls


@pytest.mark.parametrize("check", ["set-timesteps/repeatable"])
def test_a_list_that_depends_on_earlier_calls_is_named(check: str) -> None:
    assert judge(Remembers(parts=Parts()), check).variant == "state-kept-between-runs"


class Accumulates(DDIM):
    """Adds the last answer of the run before to the first one of the next."""

    last = 0.0

    def step(self, model_output: Any, timestep: Any, sample: Any, **options: Any) -> Any:
        mixed = model_output + self.last
        self.last = model_output
        return super().step(mixed, timestep, sample, **options)


def test_predictions_kept_from_the_run_before_are_named() -> None:
    outcome = judge(Accumulates(parts=Parts()), "set-timesteps/after-a-run")
    assert outcome.variant == "state-kept-between-runs"


class OneMore(Euler):
    """Lists a level more than its steps reach."""

    def _set(self, times: Any) -> None:
        super()._set(times)
        self.sigmas[-1] = self.sigmas[-2] / 2
        self.sigmas = torch.cat([self.sigmas, torch.zeros(1, dtype=torch.float64)])


def test_levels_that_no_step_reaches_are_named() -> None:
    outcome = judge(OneMore(parts=Parts()), "set-timesteps/as-many-levels")
    assert outcome.variant == "levels-never-reached"


class Explodes(DDIM):
    def step(self, model_output: Any, timestep: Any, sample: Any, **options: Any) -> Any:
        if len(self.timesteps) == self.config["num_train_timesteps"]:
            sample = sample / 0.0
        return super().step(model_output, timestep, sample, **options)


def test_a_state_that_is_not_finite_with_all_steps_is_found() -> None:
    assert judge(Explodes(parts=Parts()), "set-timesteps/one-step").verdict == "conforms"
    assert judge(Explodes(parts=Parts()), "set-timesteps/all-steps").verdict == "deviates"


@pytest.mark.parametrize("total", [30, 997, 1000])
def test_correct_lists_pass_for_any_number_of_training_times(total: int) -> None:
    target = SmallDDIM(num_train_timesteps=total)
    for check in ("number-of-steps", "in-order", "within-the-table", "spacing-linspace"):
        assert judge(target, f"set-timesteps/{check}").verdict == "conforms", check
