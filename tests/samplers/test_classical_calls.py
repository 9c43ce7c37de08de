"""Runs of the classical solvers: calls of the model, ends, noise and refusals."""

import numpy as np
import pytest

from refdiff.samplers import (
    ancestral,
    clipping,
    edm_stochastic,
    euler,
    heun,
    last,
    lms,
    pndm,
    s_pndm,
)
from refdiff.samplers.schedule import discrete, edm, straight, vp_cosine
from refdiff.samplers.times import to_zero
from refdiff.testing import assert_law
from tests.samplers.classical import (
    TABLE,
    TIMES,
    X_T,
    curved,
    every_sampler,
    fresh,
    run,
)

CALLS = {
    # name: (calls for S = 1, 2, 3, 7 to clean data; and the same to a positive level)
    "euler": ((1, 2, 3, 7), (1, 2, 3, 7)),
    "ancestral": ((1, 2, 3, 7), (1, 2, 3, 7)),
    "heun": ((1, 3, 5, 13), (2, 4, 6, 14)),
    "stochastic": ((1, 3, 5, 13), (2, 4, 6, 14)),
    "lms": ((1, 2, 3, 7), (1, 2, 3, 7)),
    "lms-2": ((1, 2, 3, 7), (1, 2, 3, 7)),
    "pndm": ((1, 5, 9, 16), (4, 8, 12, 16)),
    "pndm-euler": ((1, 3, 4, 8), (2, 3, 4, 8)),
    "s_pndm": ((1, 3, 4, 8), (2, 3, 4, 8)),
}


@pytest.mark.property_id("P096")
@pytest.mark.verifies("karras2022/heun-step", "liu2022/plms", "liu2022/s-pndm")
@every_sampler
@pytest.mark.parametrize("end", [0.0, 0.1])
def test_the_model_is_asked_as_often_as_stated_and_never_without_noise(name, end):
    for count, calls in zip((1, 2, 3, 7), CALLS[name][end > 0], strict=True):
        asked = []

        def model(x, t, asked=asked):
            asked.append(t)
            return 0.5 * x

        times = np.linspace(3.0, end, count + 1)
        steps = list(run(name, model, X_T, schedule=edm(), times=times))
        assert len(asked) == calls
        assert min(asked) > 0.0
        assert [step.index for step in steps] == list(range(count))
        assert [step.s for step in steps] == times[1:].tolist()
        assert np.all(np.isfinite(steps[-1].x))


@pytest.mark.property_id("P084")
@pytest.mark.verifies("karras2022/euler-step", "karras2022/heun-step")
@pytest.mark.parametrize("name", ["euler", "ancestral", "heun", "stochastic"])
@pytest.mark.parametrize("schedule", [edm(), discrete(TABLE), straight()], ids=repr)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_step_to_clean_data_returns_the_predicted_data(name, schedule, count):
    times = [30, 20, 10][:count] if schedule.counts else [0.7, 0.5, 0.2][:count]
    found = []

    def model(x, t):
        found.append(curved(x, t))
        return found[-1]

    steps = run(name, model, X_T, schedule=schedule, times=[*times, 0], prediction="x_0")
    *_, step = steps
    assert_law("P084", step.x, found[-1])
    assert_law("P084", step.x_0, found[-1])


@pytest.mark.property_id("P084")
@pytest.mark.verifies("liu2022/adams-bashforth", "liu2022/s-pndm")
def test_one_multistep_to_clean_data_returns_the_predicted_data():
    for name in ("lms", "pndm", "s_pndm"):
        (step,) = run(name, curved, X_T, schedule=edm(), times=[0.7, 0.0], prediction="x_0")
        assert_law("P084", step.x, curved(X_T, 0.7))


@every_sampler
def test_a_limit_keeps_the_predicted_data_in_range(name):
    steps = run(name, curved, 3 * X_T, schedule=edm(), times=[2.0, 1.0, 0.5, 0.0],
                limit=clipping(-0.5, 0.5))  # fmt: skip
    for step in steps:
        assert np.all(np.abs(step.x_0) <= 0.5)


def test_noise_is_asked_for_where_stated_and_only_there():
    asked = []

    def noise(t, s, like):
        asked.append((t, s))
        return fresh(t, s, like)

    times = [4.0, 2.0, 1.0, 0.0]
    common = {"schedule": edm(), "times": times, "noise": noise}
    last(ancestral(curved, X_T, **common))
    assert asked == [(4.0, 2.0), (2.0, 1.0)]
    asked.clear()
    last(edm_stochastic(curved, X_T, churn=1.0, churn_lo=1.0, churn_hi=2.0, **common))
    assert asked == [(2.0, 1.0), (1.0, 0.0)]
    asked.clear()
    last(edm_stochastic(curved, X_T, churn=0.0, **common))
    last(ancestral(curved, X_T, eta=0.0, **common))
    assert asked == []
    # Where none is needed, none has to be given.
    last(ancestral(curved, X_T, schedule=edm(), times=[1.0, 0.0]))
    last(edm_stochastic(curved, X_T, schedule=edm(), times=times, churn=1.0, churn_lo=9.0))


@pytest.mark.parametrize(
    ("sampler", "options", "message"),
    [
        (ancestral, {}, "noise=None, but ancestral sampling with eta=1 adds noise"),
        (ancestral, {"eta": 1.5}, r"eta=1.5 must be in \[0, 1\]"),
        (edm_stochastic, {"churn": 1.0}, "noise=None, but churn=1 adds noise"),
        (edm_stochastic, {"churn": -1.0}, r"churn=-1 must be in \[0, inf\]"),
        (edm_stochastic, {"churn": 1.0, "noise_scale": -1.0}, "noise_scale=-1 must be in"),
        (edm_stochastic, {"churn": 1.0, "churn_lo": float("nan")}, "churn_lo=nan must be in"),
        (lms, {"order": 5}, r"order=5 must be an integer in 1\.\.4"),
        (lms, {"order": 0}, r"order=0 must be an integer in 1\.\.4"),
        (euler, {"times": [1.0]}, "must hold at least two times"),
        (heun, {"times": [1.0, 2.0]}, r"times\[1\]=2 must be below"),
        (pndm, {"prediction": "noise"}, "prediction='noise' must be one of"),
        (pndm, {"start": "euler"}, "start='euler' must be one of 'runge-kutta', 'improved"),
        (s_pndm, {"noise": X_T}, "noise of type ndarray must be a callable"),
        (s_pndm, {"schedule": TABLE}, "schedule of type ndarray must be a Schedule"),
        (heun, {"schedule": straight()}, "prediction='eps' cannot start at"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(sampler, options, message):
    def unasked(x, t):
        raise AssertionError("the model was asked")

    arguments = {"schedule": edm(), "times": [1.0, 0.5, 0.0]} | options
    with pytest.raises(ValueError, match=message) as refusal:
        sampler(unasked, X_T, **arguments)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("schedule", [discrete(TABLE), vp_cosine()], ids=repr)
def test_churn_beyond_the_schedule_is_refused_with_the_cure(schedule):
    times = [40, 20, 0] if schedule.counts else [0.999, 0.5, 0.0]
    common = {"schedule": schedule, "times": times, "churn": 0.8, "noise": fresh}
    if not schedule.counts:  # its end has no signal, so every level is reached
        last(edm_stochastic(curved, X_T, **common))
        return
    with pytest.raises(ValueError, match=r"churn raises the noise level at time 40 .* churn_hi"):
        edm_stochastic(curved, X_T, **common)
    last(edm_stochastic(curved, X_T, churn_hi=2.0, **common))


@every_sampler
def test_the_first_state_is_not_written_to_and_a_failed_step_can_be_asked_again(name):
    x_T, tries = X_T.copy(), []

    def fragile(x, t):
        tries.append(t)
        if len(tries) in (2, 4):
            raise RuntimeError("out of memory")
        return curved(x, t)

    common = {"schedule": discrete(TABLE), "times": to_zero(TIMES)}
    common["times"] = common["times"][2:]  # churn needs room above
    steps = run(name, fragile, x_T, **common)
    states = []
    while len(states) < len(steps):
        try:
            states.append(next(steps).x)
        except RuntimeError:
            continue
    np.testing.assert_array_equal(x_T, X_T)
    np.testing.assert_array_equal(states[-1], last(run(name, curved, X_T, **common)))


def test_numbers_of_levels_of_a_table_are_asked_as_integers():
    asked = []

    def model(x, t):
        asked.append(t)
        return 0.5 * x

    last(pndm(model, X_T, schedule=discrete(TABLE), times=[7, 4, 2]))
    assert asked == [7, 5.5, 5.5, 4, 4, 3, 3, 2]
    assert [type(t) for t in asked] == [int, float, float, int, int, int, int, int]
