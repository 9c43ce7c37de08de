"""Predictor-corrector sampling: exact Gaussian moments, limits, calls, noise and refusals."""

import itertools

import numpy as np
import pytest
import torch

from refdiff.closed_form import AffineMap, Gaussian, chain_moments, output_moments
from refdiff.equations import sde
from refdiff.samplers import ancestral, ddpm, last
from refdiff.samplers import schedule as schedules
from refdiff.samplers.noise import NumpySampleNoise
from refdiff.samplers.predictor_corrector import (
    PREDICTORS,
    matched_step_size,
    predictor_corrector,
    proportional_step_size,
)
from refdiff.samplers.times import log_snr_times, to_zero, uniform_times
from refdiff.testing import assert_close, assert_law
from tests.samplers.worlds import TABLES

DATA = Gaussian([1.5, -0.7], [0.25, 2.0])
TABLE = TABLES[40]
# name -> (schedule, times): coarse, uneven, to clean data and to a positive level.
RUNS = {
    "vp": (schedules.vp_linear(), [1.0, 0.6, 0.5, 0.1, 0.0]),
    "ve": (schedules.variance_exploding(), [0.9, 0.4, 0.1]),
    "edm": (schedules.edm(), [3.0, 1.0, 0.3, 0.0]),
    "straight": (schedules.straight(), [0.95, 0.5, 0.05]),
    "table": (schedules.discrete(TABLE), [40, 30, 3, 1, 0]),
}
every_run = pytest.mark.parametrize("name", RUNS)
every_predictor = pytest.mark.parametrize("predictor", PREDICTORS)


def exact(data, schedule, prediction="eps"):
    """Return the optimal model for affine values and for arrays with one row a sample."""

    def model(x, t):
        at_t = data.at_scales(alpha_t=schedule.alpha(t), sigma_t=schedule.sigma(t))
        matrix, offset = at_t.predictor(prediction)
        return x.apply(matrix, offset) if isinstance(x, AffineMap) else matrix * x + offset

    return model


def zeros(t, s, like):
    return np.zeros(like.shape)


def recursion(name, predictor, corrector_steps, share):
    """Follow mean and variance of each component by hand, from N(0, 1) to the end."""
    schedule, times = RUNS[name]
    mean, variance = np.zeros(2), np.ones(2)
    for t, s in itertools.pairwise(times):
        a_t, d_t, a_s, d_s = (f(u) for u in (t, s) for f in (schedule.alpha, schedule.sigma))
        spread = a_t**2 * DATA.covariance + d_t**2  # variance of the true x_t
        added = d_t**2 - (a_t / a_s) ** 2 * d_s**2
        if predictor == "reverse-diffusion":
            gain = 2.0 - a_t / a_s - added / spread
            offset, kick = added * a_t * DATA.mean / spread, added
        else:
            # x_s given x_t and the best guess of x_0, which is affine in x_t.
            guess = a_t * DATA.covariance / spread
            weight = a_s * added / d_t**2
            gain = a_t / a_s * d_s**2 / d_t**2 + weight * guess
            offset = weight * (1.0 - guess * a_t) * DATA.mean
            kick = added * d_s**2 / d_t**2
        mean, variance = gain * mean + offset, gain**2 * variance + (kick if d_s else 0.0)
        if d_s:
            spread = a_s**2 * DATA.covariance + d_s**2
            step = share * d_s**2
            for _ in range(corrector_steps):
                mean = mean - step * (mean - a_s * DATA.mean) / spread
                variance = (1.0 - step / spread) ** 2 * variance + 2.0 * step
        yield mean, variance


@pytest.mark.verifies(
    "song2021sde/reverse-diffusion-step",
    "song2021sde/langevin-step",
    "song2021sde/ve-ancestral-step",
    kind="closed-form",
)
@every_run
@every_predictor
@pytest.mark.parametrize("corrector_steps", [0, 1, 3])
@pytest.mark.parametrize("prediction", ["eps", "score"])
def test_moments_of_every_state_follow_the_recursion(name, predictor, corrector_steps, prediction):
    schedule, times = RUNS[name]
    model = exact(DATA, schedule, prediction)

    def run(x_T, noise):
        return predictor_corrector(
            model,
            x_T,
            schedule=schedule,
            times=times,
            predictor=predictor,
            corrector_steps=corrector_steps,
            step_size=proportional_step_size(0.3),
            prediction=prediction,
            noise=noise,
        )

    chain = chain_moments(run, DATA)[1:]
    wanted = list(recursion(name, predictor, corrector_steps, 0.3))
    assert len(chain) == len(wanted) == len(times) - 1
    for (mean, covariance), (wanted_mean, wanted_variance) in zip(chain, wanted, strict=True):
        size = 1.0 + np.abs(wanted_mean).max() + wanted_variance.max()
        # The first steps divide by the little signal that is left.
        size /= schedule.alpha(times[0])
        assert_close(mean, wanted_mean, terms=size, units=256)
        assert_close(covariance, np.diag(wanted_variance), terms=size * size, units=256)


def output(name, count, **options):
    """Return the moments at the end, from the true law at the start, over `count` steps."""
    schedule, start, end = {
        "vp": (schedules.vp_linear(), 0.9, 0.1),
        "ve": (schedules.variance_exploding(0.01, 5.0), 1.0, 0.5),
    }[name]
    times = (
        uniform_times(count, start=start, end=end)
        if name == "vp"
        else log_snr_times(schedule, count, start=start, end=end)
    )
    laws = [
        DATA.at_scales(alpha_t=schedule.alpha(t), sigma_t=schedule.sigma(t)).marginal
        for t in (start, end)
    ]
    found = output_moments(
        lambda x_T, noise: predictor_corrector(
            exact(DATA, schedule), x_T, schedule=schedule, times=times, noise=noise, **options
        ),
        DATA,
        prior_mean=laws[0].mean,
        prior_covariance=laws[0].covariance,
    )
    errors = [found.mean - laws[1].mean, np.diag(found.covariance) - laws[1].covariance]
    return np.abs(np.concatenate(errors))


@pytest.mark.property_id("P079")
@pytest.mark.verifies("song2021sde/reverse-diffusion-step", "song2021sde/reverse-sde")
@every_predictor
@pytest.mark.parametrize("name", ["vp", "ve"])
def test_both_predictors_have_weak_order_1(name, predictor):
    coarse, fine = (
        output(name, count, predictor=predictor, corrector_steps=0) for count in (200, 400)
    )
    assert_law("P079", coarse[2:] / fine[2:], np.full(2, 2.0))
    if predictor == "reverse-diffusion" and name == "vp":
        assert_law("P079", coarse[:2] / fine[:2], np.full(2, 2.0))
    else:  # these steps average to the true mean, whatever their length
        assert_close(fine[:2], np.zeros(2), terms=4.0, units=256)


@pytest.mark.verifies("song2021sde/langevin-step", kind="closed-form")
def test_many_correctors_settle_at_the_known_biased_law_whatever_the_predictor_did():
    schedule, share = schedules.variance_exploding(0.01, 5.0), 1.9
    found = output("ve", 1, corrector_steps=450, step_size=proportional_step_size(share))
    variance = DATA.covariance + schedule.sigma(0.5) ** 2
    step = share * schedule.sigma(0.5) ** 2
    bias = variance / (1.0 - step / (2.0 * variance)) - variance
    assert_close(found[:2], np.zeros(2), terms=4.0, units=256)
    assert_close(found[2:], bias, terms=4.0, units=256)


@pytest.mark.verifies("song2021sde/ve-ancestral-step")
@every_run
def test_without_correctors_the_ancestral_predictor_is_ancestral_sampling(name):
    schedule, times = RUNS[name]
    x_T = np.random.default_rng(0).normal(size=(3, 2))
    noise = {key: NumpySampleNoise(5, range(3), (2,), np.float64) for key in ("ours", "other")}
    model = exact(DATA, schedule)
    ours = predictor_corrector(
        model,
        x_T,
        schedule=schedule,
        times=times,
        predictor="ancestral",
        corrector_steps=0,
        noise=noise["ours"],
    )
    other = ancestral(model, x_T, schedule=schedule, times=times, noise=noise["other"])
    for one, two in zip(ours, other, strict=True):
        assert_close(one.x, two.x, terms=16.0 / schedule.alpha(times[0]), units=64)
    assert noise["ours"].draws == noise["other"].draws


@pytest.mark.verifies("song2021sde/ve-ancestral-step", "song2021sde/vp-reverse-diffusion-step")
@pytest.mark.parametrize("name", ["ve", "edm"])
def test_where_data_are_not_scaled_a_step_is_the_papers_ve_step(name):
    schedule, times = RUNS[name]
    x_t = np.random.default_rng(1).normal(size=(4, 2))
    z = np.random.default_rng(2).normal(size=(4, 2))
    scales = {"sigma_t": schedule.sigma(times[0]), "sigma_s": schedule.sigma(times[1])}
    score = exact(DATA, schedule, "score")(x_t, times[0])
    added = sde.ve_transition_variance(**scales)
    wanted = {
        "ancestral": sde.ve_ancestral_step(x_t, score, z, **scales),
        "reverse-diffusion": x_t + added * score + np.sqrt(added) * z,
    }
    for predictor in PREDICTORS:
        steps = predictor_corrector(
            exact(DATA, schedule),
            x_t,
            schedule=schedule,
            times=times[:2],
            predictor=predictor,
            corrector_steps=0,
            noise=lambda t, s, like: z,
        )
        assert_close(last(steps), wanted[predictor], terms=32.0, units=64)


@pytest.mark.verifies("song2021sde/vp-reverse-diffusion-step")
def test_over_a_table_a_reverse_diffusion_step_is_the_papers_vp_step():
    schedule = schedules.discrete(TABLE)
    x_t, z = np.random.default_rng(3).normal(size=(2, 4, 2))
    beta = 1.0 - TABLE[30] / TABLE[29]
    score = exact(DATA, schedule, "score")(x_t, 30)
    steps = predictor_corrector(
        exact(DATA, schedule),
        x_t,
        schedule=schedule,
        times=[30, 29],
        corrector_steps=0,
        noise=lambda t, s, like: z,
    )
    wanted = sde.vp_reverse_diffusion_step(x_t, score, z, beta=beta)
    assert_close(last(steps), wanted, terms=8.0, units=64)


@pytest.mark.verifies("song2021sde/ve-ancestral-step", "ho2020/ancestral-step")
def test_over_a_table_the_ancestral_predictor_is_ddpm():
    schedule, times = schedules.discrete(TABLE), [40, 25, 7, 1]
    x_T = np.random.default_rng(0).normal(size=(3, 2))
    model = exact(DATA, schedule)
    ours = predictor_corrector(
        model,
        x_T,
        schedule=schedule,
        times=to_zero(times),
        predictor="ancestral",
        corrector_steps=0,
        noise=NumpySampleNoise(5, range(3), (2,), np.float64),
    )
    other = ddpm(
        model,
        x_T,
        alpha_bars=TABLE,
        timesteps=times,
        noise=NumpySampleNoise(5, range(3), (2,), np.float64),
    )
    assert_close(last(ours), last(other), terms=16.0 / np.sqrt(TABLE[40]), units=64)


@pytest.mark.verifies("song2021sde/corrector-step-size")
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_matched_steps_are_those_of_each_sample_alone(library):
    score, noise = np.random.default_rng(4).normal(size=(2, 3, 1, 2, 2))
    if library == "torch":
        score, noise = torch.as_tensor(score), torch.as_tensor(noise)
    found = matched_step_size(0.16)(score, noise, 0.7)
    assert tuple(found.shape) == (3, 1, 1, 1)
    for i in range(3):
        norms = [float((part[i] ** 2).sum()) ** 0.5 for part in (score, noise)]
        wanted = 2 * (0.16 * norms[1] / norms[0]) ** 2
        assert_close(float(found[i, 0, 0, 0]), wanted, units=16)


@pytest.mark.verifies("song2021sde/corrector-step-size", "song2021sde/langevin-step")
def test_the_default_corrector_moves_by_the_papers_rule():
    """One VP step: the state after the predictor alone, then a Langevin step of that length."""
    schedule, times = RUNS["vp"][0], [0.6, 0.5]
    x_t = np.random.default_rng(5).normal(size=(3, 2))
    draws = np.random.default_rng(6).normal(size=(2, 3, 2))
    given = {"schedule": schedule, "times": times}
    model = exact(DATA, schedule)

    def run(**options):
        left = iter(draws)
        return last(
            predictor_corrector(model, x_t, **given, noise=lambda t, s, like: next(left), **options)
        )

    before, after = run(corrector_steps=0), run()
    score = exact(DATA, schedule, "score")(before, 0.5)
    norms = [np.sqrt((part**2).sum(1, keepdims=True)) for part in (score, draws[1])]
    step = 2 * (0.16 * norms[1] / norms[0]) ** 2
    assert_close(after, before + step * score + np.sqrt(2 * step) * draws[1], terms=8.0, units=64)


@every_predictor
@pytest.mark.parametrize("corrector_steps", [0, 2])
def test_calls_and_noises_are_as_stated(predictor, corrector_steps):
    asked, drawn = [], []

    def model(x, t):
        asked.append(t)
        return 0.5 * x

    def noise(t, s, like):
        drawn.append((t, s))
        return np.ones(like.shape)

    steps = predictor_corrector(
        model,
        np.ones((1, 2)),
        schedule=schedules.discrete(TABLE),
        times=[40, 10, 0],
        predictor=predictor,
        corrector_steps=corrector_steps,
        noise=noise,
    )
    assert [(step.index, step.t, step.s) for step in steps] == [(0, 40, 10), (1, 10, 0)]
    assert asked == [40] + [10] * corrector_steps + [10]
    assert all(isinstance(t, int) for t in asked)
    assert drawn == [(40, 10)] + [(10, 10)] * corrector_steps


def test_limits_reach_the_predictor_and_the_corrector():
    levels = []

    def limit(x_0, eps, x_t, alpha_bar_t):
        levels.append(alpha_bar_t)
        return 0 * x_0, x_t / np.sqrt(1.0 - alpha_bar_t)

    schedule = schedules.discrete(TABLE)
    (step,) = predictor_corrector(
        lambda x, t: x,
        np.ones((1, 2)),
        schedule=schedule,
        times=[20, 10],
        predictor="ancestral",
        step_size=proportional_step_size(0.5),
        limit=limit,
        noise=zeros,
    )
    assert_close(np.array(levels), TABLE[[20, 10]])
    at = {"alpha_bar_t": TABLE[20], "alpha_bar_s": TABLE[10]}
    shrink = np.sqrt(at["alpha_bar_t"] / at["alpha_bar_s"]) * (1 - TABLE[10]) / (1 - TABLE[20])
    # Data at 0: the score is -x/sigma^2, and a Langevin step of half sigma^2 halves the state.
    assert_close(step.x, np.full((1, 2), shrink / 2), units=32)
    assert step.x_0.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("prediction", ["x_0", "v"])
@every_predictor
def test_a_start_without_signal_is_defined(prediction, predictor):
    schedule = schedules.straight()
    steps = predictor_corrector(
        exact(DATA, schedule, prediction),
        np.array([[0.3, -0.4]]),
        schedule=schedule,
        times=[1.0, 0.5, 0.0],
        predictor=predictor,
        prediction=prediction,
        noise=lambda t, s, like: np.ones(like.shape),
    )
    first = next(steps)
    assert_close(first.x_0, DATA.mean[None], units=16)
    assert np.all(np.isfinite(last(steps)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": None}, "predictor-corrector sampling adds noise"),
        ({"predictor": "euler"}, "predictor='euler' must be one of"),
        ({"corrector_steps": -1}, "corrector_steps=-1 must be an integer >= 0"),
        ({"prediction": "noise"}, "prediction='noise' must be one of"),
        ({"times": [0.1, 0.5]}, "strictly decreasing"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(options, message):
    given = {"schedule": schedules.vp_linear(), "times": [0.5, 0.1], "noise": zeros} | options
    with pytest.raises(ValueError, match=message):
        predictor_corrector(lambda x, t: x, np.ones((1, 2)), **given)


def test_bad_step_sizes_are_refused():
    with pytest.raises(ValueError, match="share=0 must be in"):
        proportional_step_size(0.0)
    with pytest.raises(ValueError, match="corrector_snr=-1 must be in"):
        matched_step_size(-1.0)
