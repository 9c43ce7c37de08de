"""Runs of the exponential integrators: calls of the model, both ends, noise and refusals."""

import itertools
import math

import numpy as np
import pytest

from refdiff.samplers import at_times, dpm_solver, dpm_solver_pp, last, unipc
from refdiff.samplers.schedule import discrete, edm, straight, vp_cosine
from refdiff.samplers.times import log_snr_times, to_zero
from refdiff.testing import assert_close, assert_law
from tests.samplers.integrators import (
    ALL,
    RANDOM,
    STAGES,
    X_T,
    curved,
    every_integrator,
    fresh,
    run,
)
from tests.samplers.worlds import TABLES

TABLE = TABLES[40]


@pytest.mark.property_id("P096")
@pytest.mark.verifies("lu2022/second-order-step", "lu2023/multistep", "zhao2023/corrector")
@every_integrator
@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("end", [0.0, 0.1])
def test_the_model_is_asked_as_often_as_stated_and_never_without_noise(name, count, end):
    asked, drawn = [], []

    def model(x, t):
        asked.append(t)
        return 0.5 * x

    def noise(t, s, like):
        drawn.append((t, s))
        return fresh(t, s, like)

    times = np.linspace(3.0, end, count + 1)
    steps = run(name, model, X_T, schedule=edm(), times=times, noise=noise)
    assert (len(steps), asked) == (count, [])
    walked = list(steps)
    finite = count if end else count - 1
    assert len(asked) == finite * STAGES.get(name, 1) + (count - finite)
    assert min(asked) > end
    assert [step.s for step in walked] == times[1:].tolist()
    wanted = list(itertools.pairwise(times))[:finite] if name in RANDOM else []
    assert drawn == wanted
    assert np.all(np.isfinite(walked[-1].x))


@pytest.mark.verifies("lu2022/second-order-step", "lu2022/third-order-step", "lu2023/singlestep")
@pytest.mark.parametrize(("name", "shares"), [("dpm-2", 1 / 2), ("pp-2S", 1 / 2), ("dpm-3", 1 / 3)])
def test_between_the_times_the_model_is_asked_at_the_right_share_of_the_log_snr(name, shares):
    schedule, asked = discrete(TABLE), []
    list(run(name, lambda x, t: asked.append(t) or 0.5 * x, X_T, schedule=schedule, times=[30, 7]))
    parts = round(1 / shares)
    assert asked[0] == 30
    assert type(asked[0]) is int
    wanted = log_snr_times(schedule, parts, start=30, end=7)[1:-1]
    assert_close(asked[1:], wanted, units=64.0)


@every_integrator
@pytest.mark.parametrize("schedule", [edm(), discrete(TABLE), straight()], ids=repr)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_step_to_clean_data_returns_the_predicted_data(name, schedule, count):
    times = [30, 20, 10][:count] if schedule.counts else [0.7, 0.5, 0.2][:count]
    found = []

    def model(x, t):
        found.append(curved(x, t))
        return found[-1]

    *_, step = run(name, model, X_T, schedule=schedule, times=[*times, 0], prediction="x_0")
    np.testing.assert_array_equal(step.x, found[-1])
    np.testing.assert_array_equal(step.x_0, found[-1])


@every_integrator
@pytest.mark.parametrize("schedule", [vp_cosine(), straight(), discrete([1.0, 0.5, 0.0])], ids=repr)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_start_without_signal_forgets_the_state_and_keeps_data_in_one_point(
    name, schedule, count
):
    """With x_0 always right the state is alpha x_0 + sigma eps with one eps, that of the start."""
    times = np.linspace(schedule.t_max, 0.0, count + 1)
    if schedule.counts:
        times = [2, 1, 0.5, 0][: count + 1]
    point = np.full_like(X_T, -1.7)
    steps = list(
        run(name, lambda x, t: point, X_T, schedule=schedule, times=times, prediction="x_0")
    )
    for step in steps:
        alpha, sigma = schedule.alpha(step.s), schedule.sigma(step.s)
        if name not in RANDOM:
            assert_close(step.x, alpha * point + sigma * X_T, terms=8.0, units=64.0)
    if times[-1] == 0:
        np.testing.assert_array_equal(steps[-1].x, point)


@pytest.mark.verifies("lu2023/multistep", "zhao2023/predictor")
@pytest.mark.parametrize("name", ["pp-2M", "unip-3", "unipc-3", "unipc-3-data"])
def test_the_step_after_one_from_no_signal_is_a_first_one(name):
    schedule, times = straight(), [1.0, 0.8, 0.5, 0.1]
    common = {"schedule": schedule, "prediction": "x_0"}
    whole = list(run(name, curved, X_T, times=times, **common))
    later = list(run(name, curved, whole[0].x, times=times[1:], **common))
    for one, other in zip(whole[1:], later, strict=True):
        np.testing.assert_array_equal(one.x, other.x)


@every_integrator
def test_a_step_in_which_the_model_raised_can_be_asked_for_again(name):
    common = {"schedule": edm(), "times": [3.0, 1.7, 0.9, 0.4, 0.1]}
    expected = last(run(name, curved, X_T, **common))
    calls = itertools.count()

    def failing(x, t):
        if next(calls) % 5 == 3:
            raise RuntimeError("out of memory")
        return curved(x, t)

    steps, x, failures = run(name, failing, X_T, **common), None, 0
    while failures < 20:
        try:
            x = next(steps).x
        except RuntimeError:
            failures += 1
        except StopIteration:
            break
    assert failures > 0
    np.testing.assert_array_equal(x, expected)


@every_integrator
def test_the_first_state_is_left_alone_and_every_run_is_the_same(name):
    before, common = X_T.copy(), {"schedule": edm(), "times": [3.0, 1.7, 0.9, 0.1]}
    one, other = (last(run(name, curved, X_T, **common)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(X_T, before)


@pytest.mark.property_id("P057")
@every_integrator
def test_data_in_one_point_keep_every_marginal(name):
    """With the noise of one point predicted exactly, deterministic states stay on its line."""
    schedule, point = discrete(TABLE), 3.0

    def model(x, t):
        return (x - schedule.alpha(t) * point) / schedule.sigma(t)

    start = schedule.alpha(40) * point + schedule.sigma(40) * X_T
    times = to_zero([40, 33, 21, 5, 1])
    for step in run(name, model, start, schedule=schedule, times=times):
        if name not in RANDOM:
            wanted = schedule.alpha(step.s) * point + schedule.sigma(step.s) * X_T
            assert_law("P057", step.x, wanted, scale=10.0)
        assert_law("P057", step.x_0, np.full_like(X_T, point), scale=1e3)


def unasked(x, t):
    raise AssertionError("the model was asked before the arguments were checked")


@pytest.mark.parametrize("name", ["dpm-2", "pp-2S", "pp-SDE-2M", "unipc-3"])
@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ({"times": [1.0]}, r"times=\[1\.0\] must hold at least two times"),
        ({"times": [1.0, 2.0]}, r"times\[1\]=2 must be below times\[0\]=1: .*ascending order"),
        ({"times": [1.0, 1.0]}, r"times\[1\]=1 must be below times\[0\]=1"),
        ({"times": [1.0, -1.0]}, r"times\[1\]=-1 must be in \[0, inf\], the times of the sched"),
        ({"times": [math.inf, 1.0]}, r"times\[0\]=inf must be in \[0, inf\]"),
        ({"times": [math.nan, 1.0]}, r"times\[0\]=nan must be in \[0, inf\]"),
        ({"times": 3.0}, "times must be a list of numbers such as refdiff.samplers.times makes"),
        ({"times": ["a", "b"]}, "times must be a list of numbers such as refdiff.samplers.times"),
        ({"schedule": TABLE}, "schedule of type ndarray must be a Schedule, such as refdiff"),
        ({"prediction": "epsilon"}, r"prediction='epsilon' must be one of 'eps', 'x_0', 'v', 's"),
        (
            {"schedule": discrete(TABLE), "times": [40, 0], "prediction": "velocity"},
            "prediction='velocity' needs the rates of the scales in time, which the schedule disc",
        ),
        (
            {"schedule": straight(), "times": [1.0, 0.5]},
            r"prediction='eps' cannot start at times\[0\]=1, .* predicts 'v' or 'x_0'",
        ),
        (
            {"schedule": vp_cosine(), "times": [1.0, 0.5], "prediction": "score"},
            r"prediction='score' cannot start at times\[0\]=1",
        ),
        (
            {"schedule": discrete(TABLE), "times": [41, 0]},
            r"times\[0\]=41 must be in \[0, 40\], the times of the schedule discrete",
        ),
        (
            {"times": [1e10, math.nextafter(1e10, 0.0), 1.0]},
            r"times 1e\+10 and 1e\+10 must have different noise levels; in the schedule edm they",
        ),
        ({"noise": 3.0}, r"noise of type float must be a callable noise\(t, s, like\)"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(name, own, sentence):
    arguments = {"schedule": edm(), "times": [3.0, 1.0, 0.0], **own}
    with pytest.raises(ValueError, match=sentence) as refused:
        run(name, unasked, X_T, **arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda **c: dpm_solver(unasked, X_T, order=4, **c), r"order=4 must be an integer in 1..3"),
        (lambda **c: dpm_solver(unasked, X_T, order=2.0, **c), "order=2.0 must be an integer in"),
        (lambda **c: unipc(unasked, X_T, order=0, **c), "order=0 must be an integer in 1..3: Uni"),
        (lambda **c: unipc(unasked, X_T, b="bh1", **c), r"b='bh1' must be one of 'B1', 'B2'\."),
        (lambda **c: unipc(unasked, X_T, form="v", **c), r"form='v' must be one of 'eps', 'x_0'"),
        (
            lambda **c: dpm_solver_pp(unasked, X_T, variant="3M", **c),
            "variant='3M' must be one of '1', '2S', '2M', 'SDE-1', 'SDE-2M'",
        ),
        (
            lambda **c: dpm_solver_pp(unasked, X_T, variant="SDE-2M", **c),
            r"noise=None, but DPM-Solver\+\+ SDE-2M adds noise: pass a callable noise\(",
        ),
    ],
)
def test_bad_options_are_refused_at_the_call(call, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        call(schedule=edm(), times=[3.0, 1.0, 0.0])
    assert "\n" not in str(refused.value)


def test_a_stochastic_run_of_one_step_to_clean_data_needs_no_noise():
    for variant in ("SDE-1", "SDE-2M"):
        steps = dpm_solver_pp(curved, X_T, schedule=edm(), times=[3.0, 0.0], variant=variant)
        np.testing.assert_array_equal(last(steps), X_T - 3.0 * curved(X_T, 3.0))
    assert set(STAGES) < set(ALL)


def test_chosen_real_times_of_a_run_can_be_kept():
    times = [3.0, 1.7, 0.9, 0.4, 0.0]
    common = {"schedule": edm(), "times": times}
    kept = list(at_times(dpm_solver(curved, X_T, **common), [0.9, 0]))
    assert [step.s for step in kept] == [0.9, 0.0]
    np.testing.assert_array_equal(kept[-1].x, last(dpm_solver(curved, X_T, **common)))
    with pytest.raises(ValueError, match=r"times=\[0\.5\] are reached by no step"):
        at_times(dpm_solver(curved, X_T, **common), [0.5])
