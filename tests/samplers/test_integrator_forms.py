"""Single runs of the exponential integrators: first order is DDIM, and short runs written out."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from refdiff.closed_form import AffineMap, output_map
from refdiff.equations.solvers import (
    dpm_solver_1_step,
    dpm_solver_2_step,
    dpm_solver_3_step,
    dpmpp_1_step,
    dpmpp_2m_step,
    dpmpp_2s_step,
    sde_dpmpp_2m_step,
    unipc_noise_step,
    unipc_weight_1,
    unipc_weight_2,
    unipc_weight_3,
)
from refdiff.samplers import clipping, ddim, ddpm, dpm_solver, dpm_solver_pp, last, unipc
from refdiff.samplers.schedule import discrete, edm, straight, vp_cosine, vp_linear
from refdiff.samplers.times import to_zero
from refdiff.testing import assert_close, assert_law
from tests.samplers.integrators import ALL, RANDOM, X_T, curved, every_integrator, fresh, run
from tests.samplers.worlds import TABLES, WIDE

TABLE = TABLES[40]
FIRST_ORDER = {
    "dpm-1": (dpm_solver, {"order": 1}),
    "pp-1": (dpm_solver_pp, {"variant": "1"}),
    "unip-1": (unipc, {"order": 1, "corrector": False}),
    "unip-1-data": (unipc, {"order": 1, "corrector": False, "form": "x_0"}),
}


@pytest.mark.property_id("P058")
@pytest.mark.verifies(
    "lu2022/first-order-step", "lu2022/ddim-form", "lu2023/first-order-step", "zhao2023/predictor"
)
@given(
    times=st.sets(st.integers(1, 40), min_size=1).map(lambda chosen: sorted(chosen)[::-1]),
    name=st.sampled_from(sorted(FIRST_ORDER)),
    prediction=st.sampled_from(["eps", "x_0", "v"]),
)
def test_order_1_is_ddim(times, name, prediction):
    sampler, own = FIRST_ORDER[name]
    expected = list(
        ddim(curved, X_T, alpha_bars=TABLE, timesteps=times, eta=0.0, prediction=prediction)
    )
    found = list(
        sampler(
            curved,
            X_T,
            schedule=discrete(TABLE),
            times=to_zero(times),
            prediction=prediction,
            **own,
        )
    )
    assert len(found) == len(times)
    # Predictions of eps near the end of the table are divided by a signal of 0.02.
    for one, other in zip(found, expected, strict=True):
        assert_law("P058", one.x, other.x, scale=100.0)
        assert (one.t, one.s) == (other.t, other.s)
        assert type(one.t) is type(one.s) is int


@pytest.mark.verifies("lu2023/sde-first-order-step")
@pytest.mark.parametrize("times", [[40, 31, 8, 1], [40], list(range(40, 0, -1))])
def test_the_stochastic_first_order_is_ddpm_with_the_posterior_variance(times):
    def noise(t, s, like):
        return np.random.default_rng([int(t), int(s)]).standard_normal(like.shape)

    expected = last(ddpm(curved, X_T, alpha_bars=TABLE, timesteps=times, noise=noise))
    common = {"schedule": discrete(TABLE), "times": to_zero(times), "noise": noise}
    found = last(dpm_solver_pp(curved, X_T, variant="SDE-1", **common))
    assert_law("P058", found, expected, scale=100.0)


# ---------------------------------------------------------------- short runs, written out

TIMES = [3.0, 1.7, 0.4, 0.1]
LAMBDAS = [-math.log(t) for t in TIMES]


def scales(t, s):
    return {"alpha_t": 1.0, "sigma_t": t, "alpha_s": 1.0, "sigma_s": s}


def data(x, t):
    """Return the predicted data of a model that predicts curved noise."""
    return x - t * curved(x, t)


@pytest.mark.verifies("lu2023/multistep")
def test_three_steps_of_2m_written_out():
    """The ratio r is the step before over this one, 1 only by chance: these steps differ."""
    (a, b, c, d), (la, lb, lc, ld) = TIMES, LAMBDAS
    x_b = dpmpp_1_step(X_T, data(X_T, a), **scales(a, b))
    r = (lb - la) / (lc - lb)
    x_c = dpmpp_2m_step(x_b, data(x_b, b), data(X_T, a), r=r, **scales(b, c))
    r = (lc - lb) / (ld - lc)
    x_d = dpmpp_2m_step(x_c, data(x_c, c), data(x_b, b), r=r, **scales(c, d))
    steps = list(dpm_solver_pp(curved, X_T, schedule=edm(), times=TIMES))
    for step, wanted in zip(steps, (x_b, x_c, x_d), strict=True):
        assert_close(step.x, wanted, terms=8.0, units=16.0)
    # To clean data there is no length in the log-SNR, and the last step is of order 1.
    ended = last(dpm_solver_pp(curved, X_T, schedule=edm(), times=[a, b, c, 0.0]))
    assert_close(ended, data(x_c, c), terms=8.0, units=16.0)


@pytest.mark.verifies("lu2023/sde-multistep")
def test_two_steps_of_the_stochastic_2m_written_out():
    (a, b, c, _), (la, lb, lc, _) = TIMES, LAMBDAS
    common = {"schedule": edm(), "times": [a, b, c], "noise": fresh}
    x_b = last(dpm_solver_pp(curved, X_T, variant="SDE-1", **{**common, "times": [a, b]}))
    wanted = sde_dpmpp_2m_step(
        x_b,
        data(x_b, b),
        data(X_T, a),
        fresh(b, c, X_T),
        r=(lb - la) / (lc - lb),
        **scales(b, c),
    )
    found = last(dpm_solver_pp(curved, X_T, variant="SDE-2M", **common))
    assert_close(found, wanted, terms=8.0, units=16.0)


@pytest.mark.verifies("lu2022/second-order-step", "lu2022/third-order-step", "lu2023/singlestep")
def test_single_steps_written_out():
    a, b = 3.0, 0.4
    middle, first, second = (a ** (1 - r) * b**r for r in (1 / 2, 1 / 3, 2 / 3))
    common = {"schedule": edm(), "times": [a, b]}
    eps = curved(X_T, a)
    x_u = dpm_solver_1_step(X_T, eps, **scales(a, middle))
    wanted = dpm_solver_2_step(X_T, eps, curved(x_u, middle), r=0.5, **scales(a, b))
    found = last(dpm_solver(curved, X_T, order=2, **common))
    assert_close(found, wanted, terms=8.0, units=16.0)
    x_u = dpm_solver_1_step(X_T, eps, **scales(a, first))
    # The middle state as the paper prints it, from the first difference and r_2 / r_1 = 2.
    h = math.log(a / b)
    slope = 2 * (math.expm1(2 * h / 3) / (2 * h / 3) - 1) * (curved(x_u, first) - eps)
    x_w = X_T - second * math.expm1(2 * h / 3) * eps - second * slope
    wanted = dpm_solver_3_step(X_T, eps, curved(x_w, second), r=2 / 3, **scales(a, b))
    found = last(dpm_solver(curved, X_T, order=3, **common))
    assert_close(found, wanted, terms=20.0, units=16.0)
    x_u = dpmpp_1_step(X_T, data(X_T, a), **scales(a, middle))
    wanted = dpmpp_2s_step(X_T, data(X_T, a), data(x_u, middle), r=0.5, **scales(a, b))
    found = last(dpm_solver_pp(curved, X_T, variant="2S", **common))
    assert_close(found, wanted, terms=8.0, units=16.0)


@pytest.mark.verifies(
    "zhao2023/predictor",
    "zhao2023/corrector",
    "zhao2023/weight-of-one-point",
    "zhao2023/weight-of-two-points",
    "zhao2023/weight-of-three-points",
)
def test_three_steps_of_unipc_written_out():
    (a, b, c, d), (la, lb, lc, ld) = TIMES, LAMBDAS
    at_a = curved(X_T, a)
    x_b = dpm_solver_1_step(X_T, at_a, **scales(a, b))  # UniP-1
    at_b = curved(x_b, b)
    weight = unipc_weight_1(b=math.expm1(lb - la), r_1=1.0)  # UniC-1
    fixed_b = unipc_noise_step(X_T, at_a, weight * (at_b - at_a), **scales(a, b))

    h, r = lc - lb, (la - lb) / (lc - lb)
    weight = unipc_weight_1(b=math.expm1(h), r_1=r)  # UniP-2
    x_c = unipc_noise_step(fixed_b, at_b, weight * (at_a - at_b), **scales(b, c))
    at_c = curved(x_c, c)
    old, new = unipc_weight_2(h=h, r_1=r, r_2=1.0), unipc_weight_2(h=h, r_1=1.0, r_2=r)  # UniC-2
    correction = old * (at_a - at_b) + new * (at_c - at_b)
    fixed_c = unipc_noise_step(fixed_b, at_b, correction, **scales(b, c))

    h = ld - lc
    r_b, r_a = (lb - lc) / h, (la - lc) / h
    of_b = unipc_weight_2(h=h, r_1=r_b, r_2=r_a)  # UniP-3
    of_a = unipc_weight_2(h=h, r_1=r_a, r_2=r_b)
    correction = of_b * (at_b - at_c) + of_a * (at_a - at_c)
    x_d = unipc_noise_step(fixed_c, at_c, correction, **scales(c, d))
    steps = list(unipc(curved, X_T, schedule=edm(), times=TIMES))
    for step, wanted in zip(steps, (x_b, x_c, x_d), strict=True):
        assert_close(step.x, wanted, terms=10.0, units=64.0)

    at_d = curved(x_d, d)
    places = [1.0, r_b, r_a]
    turned = [unipc_weight_3(h=h, r_1=p, r_2=q, r_3=w) for p, q, w in permuted(places)]  # UniC-3
    differences = [at_d - at_c, at_b - at_c, at_a - at_c]
    correction = sum(w * each for w, each in zip(turned, differences, strict=True))
    fixed_d = unipc_noise_step(fixed_c, at_c, correction, **scales(c, d))
    # A last step to clean data begins with the correction, and returns the data predicted before.
    *_, end = unipc(curved, X_T, schedule=edm(), times=[*TIMES, 0.0])
    assert_close(end.x, x_d - d * at_d, terms=10.0, units=64.0)
    further = list(unipc(curved, X_T, schedule=edm(), times=[*TIMES, 0.05], order=3))
    h = math.log(d / 0.05)
    r_c, r_b = (lc - ld) / h, (lb - ld) / h
    of_c = unipc_weight_2(h=h, r_1=r_c, r_2=r_b)
    of_b = unipc_weight_2(h=h, r_1=r_b, r_2=r_c)
    correction = of_c * (at_c - at_d) + of_b * (at_b - at_d)
    wanted = unipc_noise_step(fixed_d, at_d, correction, **scales(d, 0.05))
    assert_close(further[-1].x, wanted, terms=10.0, units=64.0)


def permuted(places):
    a, b, c = places
    return [(a, b, c), (b, a, c), (c, a, b)]


# ---------------------------------------------------------------- states of all kinds


def exact(schedule, data, prediction):
    """Return the optimal model of Gaussian data over a schedule, for arrays and affine values."""

    def model(x, t):
        at = {"alpha_t": schedule.alpha(t), "sigma_t": schedule.sigma(t)}
        matrix, offset = data.at_scales(**at).predictor(prediction)
        return x.apply(matrix, offset) if isinstance(x, AffineMap) else matrix * x + offset

    return model


@pytest.mark.property_id("P112")
@every_integrator
def test_numpy_and_torch_give_one_result_and_keep_their_dtype(name):
    common = {"schedule": vp_linear(), "times": [0.9, 0.6, 0.5, 0.1, 0.0]}

    def noise(t, s, like):
        drawn = fresh(t, s, np.zeros(like.shape))
        return torch.from_numpy(drawn).to(like.dtype)

    expected = last(run(name, lambda x, t: 0.6 * x + 0.1 * t, X_T, **common))
    for dtype in (torch.float64, torch.float32):
        found = last(
            run(
                name,
                lambda x, t: 0.6 * x + 0.1 * t,
                torch.from_numpy(X_T).to(dtype),
                **{**common, "noise": noise},
            )
        )
        assert found.dtype == dtype
        if dtype == torch.float64:
            assert_law("P112", found.numpy(), expected, terms=20.0)


@every_integrator
@pytest.mark.parametrize("schedule", [vp_linear(), straight()], ids=repr)
def test_affine_states_carry_the_law_of_the_arrays(name, schedule):
    times, model = [0.9, 0.6, 0.5, 0.1, 0.0], exact(schedule, WIDE, "x_0")
    common = {"schedule": schedule, "times": times, "prediction": "x_0"}
    output = output_map(lambda x_T, noise: run(name, model, x_T, noise=noise, **common), WIDE)
    # The array run with the affine map's own noises at chosen values must land on it.
    drawn = {"x_T": np.array([0.3, -1.1])}

    def noise(t, s, like):
        drawn[f"noise {t}->{s}"] = np.array([0.2 + t, s - 0.4])
        return drawn[f"noise {t}->{s}"]

    landed = last(run(name, model, drawn["x_T"], noise=noise, **common))
    assert set(output.basis.names) == set(drawn)
    assert len(drawn) == (4 if name in RANDOM else 1)
    expected = output.offset + sum(output.coefficient(key) @ z for key, z in drawn.items())
    assert_close(landed, expected, terms=16.0, units=64.0)


@pytest.mark.property_id("P095")
@every_integrator
def test_integrators_commute_with_a_rotation_of_data_and_noise(name):
    turn, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((4, 4)))

    def turned(x, t):
        return curved(x @ turn, t) @ turn.T

    def turned_noise(t, s, like):
        return fresh(t, s, like) @ turn.T

    common = {"schedule": edm(), "times": [3.0, 1.7, 0.4, 0.1]}
    expected = last(run(name, curved, X_T, **common)) @ turn.T
    found = last(run(name, turned, X_T @ turn.T, **{**common, "noise": turned_noise}))
    assert_law("P095", found, expected, scale=10.0)


@every_integrator
@pytest.mark.parametrize("prediction", ["x_0", "v", "score", "velocity"])
@pytest.mark.parametrize("schedule", [straight(), vp_linear(), edm()], ids=repr)
def test_what_the_model_predicts_makes_no_difference(name, prediction, schedule):
    def parts(x, t):
        return (exact(schedule, WIDE, kind)(x, t) for kind in ("x_0", "eps"))

    def velocity(x, t):
        return sum(rate * part for rate, part in zip(schedule.rates(t), parts(x, t), strict=True))

    def v(x, t):  # of any family, also of one that preserves no variance
        x_0, eps = parts(x, t)
        return schedule.alpha(t) * eps - schedule.sigma(t) * x_0

    models = {"velocity": velocity, "v": v}
    model = models.get(prediction, exact(schedule, WIDE, prediction))
    x_T, common = np.array([0.4, -1.3]), {"schedule": schedule, "times": [0.9, 0.6, 0.5, 0.1, 0]}
    expected = last(run(name, exact(schedule, WIDE, "eps"), x_T, **common))
    found = last(run(name, model, x_T, prediction=prediction, **common))
    assert_law("P095", found, expected, scale=10.0)


@every_integrator
def test_a_limit_acts_on_every_prediction(name):
    steps = list(
        run(
            name,
            lambda x, t: 3.0 * np.sign(x),
            X_T,
            schedule=vp_cosine(),
            times=[0.9, 0.5, 0.2, 0.0],
            prediction="x_0",
            limit=clipping(-1.0, 1.0),
        )
    )
    for step in steps:
        assert np.abs(step.x_0).max() == 1.0
    # What comes out at the end is a prediction within the limit.
    np.testing.assert_array_equal(steps[-1].x, steps[-1].x_0)
    assert set(ALL) >= RANDOM
