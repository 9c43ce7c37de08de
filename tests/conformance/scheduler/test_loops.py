"""A driven scheduler records what it was asked, what it drew, and where it went."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refdiff.conformance.parts import Parts
from refdiff.conformance.probe.data import WORLDS
from refdiff.conformance.probe.model import ProbeModel, scripted
from refdiff.conformance.shapes.scheduler import claims, recognises
from refdiff.conformance.shapes.scheduler.loops import SchedulerLoop
from refdiff.conformance.shapes.scheduler.target import CannotBuild, Scheduler
from refdiff.conformance.textbook.scheduler import DDIM, Euler, build
from refdiff.testing import assert_close
from tests.conformance.scheduler.judging import SmallDDIM, SmallDDPM, SmallEuler


def run(target: Any, *, steps: int = 5, prediction: str = "eps", **options: Any) -> Any:
    loop = SchedulerLoop(Scheduler(target), **options)
    model = ProbeModel(scripted(3), alpha_bars=loop.alpha_bars, tells=loop.tells)
    x_T = np.random.default_rng(0).standard_normal((2, 1, 2, 2)) * loop.initial_scale(steps)
    return loop, loop.run(model, x_T, steps=steps, prediction=prediction), x_T


def test_states_and_calls_follow_each_other() -> None:
    _, recording, x_T = run(SmallDDIM())
    assert len(recording.calls) == 5
    assert len(recording.states) == 6
    np.testing.assert_array_equal(recording.states[0], x_T)
    np.testing.assert_array_equal(recording.states[-1], recording.result)
    for call, state in zip(recording.calls, recording.states, strict=False):
        np.testing.assert_array_equal(call.state, state)
    assert [call.t[0] for call in recording.calls] == [999, 799, 599, 399, 199]


def test_draws_are_recorded_with_the_call_that_follows() -> None:
    _, recording, _ = run(SmallDDPM())
    assert recording.tagged
    assert [draw.before_call for draw in recording.draws] == [1, 2, 3, 4]
    assert {draw.kind for draw in recording.draws} == {"normal"}


def test_a_model_of_exploding_states_is_shown_them_scaled() -> None:
    loop, recording, x_T = run(SmallEuler())
    assert loop.coordinates == "ve"
    sigma = loop.initial_scale(5)
    assert_close(recording.calls[0].x, x_T / np.hypot(1, sigma))
    np.testing.assert_array_equal(recording.calls[0].state, x_T)


class Between(Euler):
    """Has times between those of the table: its sigmas are not the table's."""

    def _set(self, times: Any) -> None:
        super()._set(times)
        self.timesteps = self.timesteps.double() + 0.25
        self.sigmas = self.sigmas * 1.01
        self.init_noise_sigma = float(self.sigmas[0])

    def _index(self, timestep: Any) -> int:
        return int((self.timesteps == float(timestep)).nonzero()[0])


@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
def test_where_times_are_fractions_the_model_is_told_sigma(prediction: str) -> None:
    loop = SchedulerLoop(Scheduler(Between(parts=Parts())))
    assert loop.tells == "sigma"
    world = WORLDS["point"]
    model = ProbeModel(world.prediction(prediction), tells="sigma")
    x_T = np.full((1, 1, 2, 2), 3.0) * loop.initial_scale(5)
    recording = loop.run(model, x_T, steps=5, prediction=prediction)
    assert_close(recording.calls[0].t[0], loop.initial_scale(5), dtype="float32")
    (mean,) = world.means((1, 2, 2))
    assert_close(recording.result[0], mean, terms=loop.initial_scale(5) * 9)


def test_clipping_is_switched_off_for_runs() -> None:
    loop = SchedulerLoop(Scheduler(SmallDDIM(clip_sample=True)))
    assert loop.target.option("clip_sample") is False


class Unscripted(DDIM):
    def step(self, model_output: Any, timestep: Any, sample: Any, mask: Any) -> Any:
        return super().step(model_output, timestep, sample)


def test_a_scheduler_that_needs_more_arguments_is_not_driven() -> None:
    why = claims.why_no_loop(Scheduler(Unscripted(parts=Parts())))
    assert why is not None
    assert "mask" in why


@pytest.mark.parametrize(
    ("method", "word", "order", "random"),
    [
        ("ddim", "ddim", 1, False),
        ("ddpm", "ddpm", None, True),
        ("euler", "euler", None, False),
        ("euler-ancestral", "euler-ancestral", None, True),
    ],
)
def test_what_a_scheduler_claims(method: str, word: str, order: Any, *, random: bool) -> None:
    target = Scheduler(build(Parts(), method))
    assert claims.method(target) == word
    assert claims.claimed_order(target) == order
    assert claims.predictions(target) == ("eps", "x_0", "v")
    if random:
        assert not claims.claims_determinism(target)


def test_the_target_is_never_changed() -> None:
    target = SmallDDIM()
    before = target.timesteps.clone()
    run(target)
    assert target.timesteps.equal(before)


def test_configurations_are_built_anew_or_refused() -> None:
    target = Scheduler(SmallDDIM())
    assert target.with_options(timestep_spacing="leading").option("timestep_spacing") == "leading"
    assert target.option("timestep_spacing") == "trailing"
    with pytest.raises(CannotBuild, match="no option karras"):
        target.with_options(karras=True)
    with pytest.raises(CannotBuild, match="cannot be built with prediction_type='score'"):
        target.with_options(prediction_type="score")


def test_recognition_asks_for_both_methods_of_an_object() -> None:
    assert recognises(SmallDDIM())
    assert not recognises(DDIM)
    assert not recognises(object())
