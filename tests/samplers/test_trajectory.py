"""Laziness and memory: what is computed when, and what is kept."""

import subprocess
import sys
import weakref

import numpy as np
import pytest

from refdiff.samplers import Step, at_times, ddim, ddpm, evenly_spaced, last
from tests.samplers.worlds import TABLES

TIMES = [40, 31, 22, 13, 4]
REACHED = [31, 22, 13, 4, 0]


class Recorder:
    """A model that remembers when it was called, and how many states of its chain are alive."""

    def __init__(self):
        self.times, self.states, self.alive = [], [], []

    def __call__(self, x, t):
        self.times.append(t)
        self.states.append(weakref.ref(x))
        self.alive.append(sum(state() is not None for state in self.states))
        return 0.5 * x

    def living(self):
        return sum(state() is not None for state in self.states)


def steps_of(model, name="ddim"):
    x_T = np.ones((2, 3))
    if name == "ddim":
        return ddim(model, x_T, alpha_bars=TABLES[40], timesteps=TIMES, eta=0.0)
    return ddpm(
        model, x_T, alpha_bars=TABLES[40], timesteps=TIMES, noise=lambda t, s, like: 0.0 * like
    )


@pytest.mark.parametrize("name", ["ddim", "ddpm"])
def test_a_step_is_computed_when_it_is_asked_for(name):
    model = Recorder()
    steps = steps_of(model, name)
    assert model.times == []
    for count, step in enumerate(steps, start=1):
        assert model.times == TIMES[:count]
        assert (step.index, step.t, step.s) == (count - 1, TIMES[count - 1], REACHED[count - 1])
    assert model.times == TIMES  # one call a step, with Python's own integers
    assert {type(t) for t in model.times} == {int}
    assert next(steps, None) is None


@pytest.mark.parametrize("name", ["ddim", "ddpm"])
def test_no_older_state_is_alive_while_the_model_runs(name):
    model = Recorder()
    last(steps_of(model, name))
    assert model.alive == [1] * len(TIMES)
    assert model.living() == 0


def test_no_older_prediction_is_alive_while_the_model_runs():
    seen, alive = [], []

    def model(x, t):
        alive.append(sum(reference() is not None for reference in seen))
        return 0.5 * x

    def watch(steps):
        for step in steps:
            seen.append(weakref.ref(step.x_0))
            yield step
            del step

    last(watch(steps_of(model)))
    assert alive == [0] * len(TIMES)


@pytest.mark.parametrize("pick", [at_times, lambda steps, times: evenly_spaced(steps, 2)])
def test_a_selection_keeps_what_was_asked_for_and_no_more(pick):
    model = Recorder()
    chosen = list(pick(steps_of(model), [13, 0]))
    assert [step.s for step in chosen] == ([13, 0] if pick is at_times else [22, 0])
    assert model.times == TIMES
    assert model.living() == 1  # the one chosen state that the model saw later


def test_a_selection_is_lazy_too():
    model = Recorder()
    picked = at_times(steps_of(model), [22])
    assert model.times == []
    assert next(picked).s == 22
    assert model.times == TIMES[:2]


@pytest.mark.parametrize(
    ("count", "reached"),
    [(1, [0]), (2, [22, 0]), (3, [22, 13, 0]), (5, REACHED), (9, REACHED)],
)
def test_evenly_spaced_ends_with_the_last_step(count, reached):
    assert [step.s for step in evenly_spaced(steps_of(Recorder()), count)] == reached


def test_a_trajectory_knows_its_length_and_times():
    steps = steps_of(Recorder())
    assert len(steps) == 5
    assert list(steps.times) == REACHED
    next(steps)
    assert len(steps) == 5
    assert repr(steps) == "Trajectory(step 1 of 5)"


def test_a_step_that_failed_can_be_asked_for_again():
    failing = [True]

    def model(x, t):
        if t == 22 and failing.pop():
            raise RuntimeError("out of memory")
        return 0.5 * x

    steps = steps_of(model)
    next(steps), next(steps)
    with pytest.raises(RuntimeError, match="out of memory"):
        next(steps)
    failing.append(False)
    np.testing.assert_array_equal(last(steps), last(steps_of(lambda x, t: 0.5 * x)))


def test_a_walked_trajectory_is_refused():
    steps = steps_of(Recorder())
    last(steps)
    with pytest.raises(ValueError, match="steps holds no step: a trajectory can be walked once"):
        last(steps)


def test_a_time_that_is_not_reached_is_refused_at_the_call_or_at_the_end():
    sentence = r"times=\[5, 40\] are reached by no step"
    with pytest.raises(ValueError, match=sentence):
        at_times(steps_of(Recorder()), [40, 22, 5])
    wrapped = at_times(iter(list(steps_of(Recorder()))), [40, 22, 5])
    with pytest.raises(ValueError, match=sentence):
        list(wrapped)


def test_a_bad_count_is_refused():
    with pytest.raises(ValueError, match="count=0 must be an integer >= 1"):
        evenly_spaced(steps_of(Recorder()), 0)
    with pytest.raises(ValueError, match="steps of type generator has no length"):
        evenly_spaced((step for step in steps_of(Recorder())), 2)


def test_a_step_cannot_be_written_to():
    step = Step(0, 2, 1, 1.0, 1.0)
    with pytest.raises(AttributeError):
        step.x = 2.0


def test_importing_the_samplers_does_not_import_torch():
    code = "import sys, refdiff.samplers; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
