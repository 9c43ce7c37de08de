"""Runs of the classical solvers: the forms they equal, and what they follow exactly."""

import numpy as np
import pytest
import torch

from refdiff.closed_form import AffineMap, Basis, Gaussian
from refdiff.equations import continuous, solvers
from refdiff.samplers import (
    ancestral,
    ddim,
    edm_stochastic,
    euler,
    heun,
    last,
    lms,
    pndm,
)
from refdiff.samplers.schedule import discrete, edm, straight, variance_exploding, vp_cosine
from refdiff.samplers.times import to_zero
from refdiff.testing import assert_close, assert_law
from tests.samplers.classical import (
    RANDOM,
    TABLE,
    TIMES,
    X_T,
    curved,
    every_sampler,
    fresh,
    run,
)

SIZE = 1.0 / np.sqrt(TABLE[40])


@pytest.mark.property_id("P058")
@pytest.mark.verifies("karras2022/euler-step", "song2021ddim/step", kind="other-form")
def test_euler_and_the_multistep_of_one_slope_are_ddim():
    wanted = last(ddim(curved, X_T, alpha_bars=TABLE, timesteps=TIMES, eta=0.0))
    common = {"schedule": discrete(TABLE), "times": to_zero(TIMES)}
    assert_law("P058", last(euler(curved, X_T, **common)), wanted, scale=SIZE)
    assert_law("P058", last(lms(curved, X_T, order=1, **common)), wanted, scale=SIZE)
    assert_law("P058", last(ancestral(curved, X_T, eta=0.0, **common)), wanted, scale=SIZE)


@pytest.mark.verifies(
    "song2021ddim/fresh-noise-at-scales", "song2021ddim/kept-noise-at-scales", kind="other-form"
)
@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_ancestral_sampling_of_a_table_is_ddim_with_its_eta(eta):
    wanted = last(ddim(curved, X_T, alpha_bars=TABLE, timesteps=TIMES, eta=eta, noise=fresh))
    common = {"schedule": discrete(TABLE), "times": to_zero(TIMES), "noise": fresh}
    found = last(ancestral(curved, X_T, eta=eta, **common))
    assert_close(found, wanted, terms=SIZE * (1 + np.abs(wanted)), units=64)


@pytest.mark.verifies("song2021ddim/fresh-noise-at-scales", "song2021ddim/kept-noise-at-scales")
def test_ancestral_sampling_without_a_scale_is_that_of_variance_exploding_chains():
    """Mean x + (sigma_t^2 - sigma_s^2) score; the variance of the posterior."""
    t, s = 2.0, 1.5
    (step,) = ancestral(curved, X_T, schedule=edm(), times=[t, s], noise=fresh)
    score = -curved(X_T, t) / t
    variance = s**2 * (t**2 - s**2) / t**2
    wanted = X_T + (t**2 - s**2) * score + np.sqrt(variance) * fresh(t, s, X_T)
    assert_close(step.x, wanted, terms=np.abs(X_T) + 6.0)


@pytest.mark.verifies("karras2022/slope", "karras2022/heun-step", kind="composition")
def test_a_heun_step_is_lines_4_to_8_of_the_algorithm():
    def denoiser(x, sigma):
        return x - sigma * curved(x, sigma)

    t, s = 2.0, 1.25
    rates = {"alpha_t": 1.0, "alpha_rate": 0.0, "sigma_rate": 1.0}
    slope = solvers.edm_slope(X_T, denoiser(X_T, t), sigma=t, **rates)
    trial = solvers.euler_step(X_T, slope, step=s - t)
    other = solvers.edm_slope(trial, denoiser(trial, s), sigma=s, **rates)
    wanted = solvers.heun_step(X_T, slope, other, step=s - t)
    (step,) = heun(denoiser, X_T, schedule=edm(), times=[t, s], prediction="x_0")
    assert_close(step.x, wanted, terms=np.abs(X_T) + 4.0, units=16)


@pytest.mark.verifies("karras2022/churned-state", "karras2022/churned-sigma", kind="composition")
@pytest.mark.parametrize("schedule", [edm(), discrete(TABLE), vp_cosine()], ids=repr)
def test_a_stochastic_step_is_a_heun_step_from_the_raised_level(schedule):
    t, s = (30, 12) if schedule.counts else (0.7, 0.3)
    ratio = schedule.sigma(t) / schedule.alpha(t)
    raised = ratio * 1.25
    hat = schedule.time_at(-2 * np.log(raised))
    noise = fresh(t, s, X_T) * 1.1
    x_hat = schedule.alpha(hat) * (X_T / schedule.alpha(t) + np.sqrt(raised**2 - ratio**2) * noise)
    wanted = last(heun(curved, x_hat, schedule=schedule, times=[hat, s]))
    found = last(
        edm_stochastic(
            curved,
            X_T,
            schedule=schedule,
            times=[t, s],
            churn=0.25,
            noise_scale=1.1,
            noise=fresh,
        )
    )
    assert_close(found, wanted, terms=8.0 / schedule.alpha(hat), units=64)


@pytest.mark.verifies("liu2022/prk", "liu2022/plms", "liu2022/transfer", kind="composition")
def test_pndm_is_its_transfer_along_its_noises():
    """Four steps over a table, written with the paper's transfer in alpha_bar."""
    schedule, times = discrete(TABLE), [40, 32, 24, 16, 8]

    def transfer(x, eps, t, s):
        levels = {"alpha_bar_t": schedule.alpha(t) ** 2, "alpha_bar_s": schedule.alpha(s) ** 2}
        return solvers.pndm_transfer(x, eps, **levels)

    x, noises = X_T, []
    for t, s in ((40, 32), (32, 24), (24, 16)):
        middle = (t + s) / 2
        first = curved(x, t)
        second = curved(transfer(x, first, t, middle), middle)
        third = curved(transfer(x, second, t, middle), middle)
        fourth = curved(transfer(x, third, t, s), s)
        x = transfer(x, solvers.prk_eps(first, second, third, fourth), t, s)
        noises.append(first)
    newest, one, two = curved(x, 16), *noises[:0:-1]
    x = transfer(x, solvers.plms_eps(newest, one, two, noises[0]), 16, 8)
    found = last(pndm(curved, X_T, schedule=schedule, times=times))
    assert_close(found, x, terms=SIZE * (1 + np.abs(x)), units=64)


@pytest.mark.property_id("P092")
@pytest.mark.verifies("karras2022/euler-step", "liu2022/transfer", "liu2022/adams-bashforth")
@every_sampler
@pytest.mark.parametrize("schedule", [edm(), discrete(TABLE), variance_exploding()], ids=repr)
def test_one_noise_for_ever_is_followed_exactly(name, schedule):
    if name in RANDOM:
        name = {"ancestral": "euler", "stochastic": "heun"}[name]
    t, s = (36, 3) if schedule.counts else (0.9, 0.1)
    times = [36, 30, 21, 13, 5, 3] if schedule.counts else [0.9, 0.7, 0.55, 0.3, 0.2, 0.1]
    eps = np.linspace(-2.0, 2.0, 5)
    x_0 = np.linspace(3.0, 1.0, 5)

    def at(time):
        scales = {"alpha_t": schedule.alpha(time), "sigma_t": schedule.sigma(time)}
        return continuous.forward_sample(x_0, eps, **scales)

    found = last(run(name, lambda x, time: eps, at(t), schedule=schedule, times=times))
    assert_law("P092", found, at(s), scale=SIZE)


@pytest.mark.property_id("P095")
@pytest.mark.verifies("karras2022/heun-step", "liu2022/plms", "liu2022/adams-bashforth")
@every_sampler
def test_rotated_data_and_noise_give_rotated_samples(name):
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))
    center = np.array([1.0, -2.0, 0.5])
    x_T = np.random.default_rng(2).standard_normal((4, 3))
    common = {"schedule": edm(), "times": [4.0, 2.0, 1.5, 1.0, 0.3, 0.0]}

    def model(x, t, center=center):
        distance = x - center
        return distance / np.sqrt(t**2 + 1.0 + (distance**2).sum(-1, keepdims=True))

    def turned_noise(t, s, like):
        return fresh(t, s, like) @ turn

    plain = last(run(name, model, x_T, **common))
    turned = last(
        run(
            name,
            lambda x, t: model(x, t, center @ turn),
            x_T @ turn,
            noise=turned_noise,
            **common,
        )
    )
    assert_law("P095", turned, plain @ turn)


@every_sampler
def test_a_run_from_no_signal_begins_with_an_euler_step(name):
    """Straight paths begin at alpha = 0, where sigma / alpha is infinite."""
    times = [1.0, 0.8, 0.6, 0.4, 0.2, 0.0]
    common = {"schedule": straight(), "prediction": "velocity"}
    first, *others = run(name, curved, X_T, times=times, **common)
    if name not in RANDOM:
        assert_close(first.x, X_T - 0.2 * curved(X_T, 1.0), terms=np.abs(X_T) + 2.0)
        rest = list(run(name, curved, first.x, times=times[1:], **common))
        for step, alone in zip(others, rest, strict=True):
            np.testing.assert_array_equal(step.x, alone.x)
    assert np.all(np.isfinite(others[-1].x))


@every_sampler
def test_torch_and_affine_states_give_what_numpy_gives(name):
    data = Gaussian([1.5, -0.7], [0.25, 2.0])
    schedule = edm()
    times = [3.0, 2.2, 1.5, 0.9, 0.4, 0.0]
    x_T = np.array([0.3, -2.0])

    def model(x, t):
        matrix, offset = data.at_scales(alpha_t=1.0, sigma_t=t).predictor("eps")
        if isinstance(x, AffineMap):
            return x.apply(matrix, offset)
        if isinstance(x, torch.Tensor):
            return torch.as_tensor(matrix, dtype=x.dtype) * x + torch.as_tensor(offset).to(x.dtype)
        return matrix * x + offset

    common = {"schedule": schedule, "times": times}
    wanted = last(run(name, model, x_T, **common))
    for dtype in (torch.float64, torch.float32):

        def torch_noise(t, s, like):
            return torch.from_numpy(fresh(t, s, like)).to(like.dtype)

        found = last(run(name, model, torch.tensor(x_T, dtype=dtype), noise=torch_noise, **common))
        assert found.dtype == dtype
        assert_close(found, wanted, terms=8.0, units=32)
    basis = Basis()
    known = {}

    def affine_noise(t, s, like):
        vector = basis.vector(f"noise {t}->{s}", 2)
        known[f"noise {t}->{s}"] = fresh(t, s, x_T)
        return vector

    affine = last(run(name, model, basis.vector("x_T", 2), noise=affine_noise, **common))
    value = affine.offset + affine.coefficient("x_T") @ x_T
    for label, noise in known.items():
        value = value + affine.coefficient(label) @ noise
    assert_close(value, wanted, terms=8.0, units=32)


@every_sampler
def test_a_model_of_anything_gives_the_same_samples(name):
    """Of x_0, v and the score instead of eps."""
    schedule = discrete(TABLE)
    common = {"schedule": schedule, "times": [36, 30, 20, 11, 4, 0]}

    def convert(function, *keys):
        def model(x, t):
            scales = {"alpha_t": schedule.alpha(t), "sigma_t": schedule.sigma(t)}
            both = [x] if function is not continuous.score_from_eps else []
            return function(*both, curved(x, t), **{key: scales[key] for key in keys})

        return model

    wanted = last(run(name, curved, X_T, **common))
    others = {
        "x_0": convert(continuous.x_0_from_eps, "alpha_t", "sigma_t"),
        "v": convert(continuous.v_from_eps, "alpha_t", "sigma_t"),
        "score": convert(continuous.score_from_eps, "sigma_t"),
    }
    for prediction, model in others.items():
        found = last(run(name, model, X_T, prediction=prediction, **common))
        size = (1 + np.abs(wanted)) / TABLE[36]
        assert_close(found, wanted, terms=size, units=256)
