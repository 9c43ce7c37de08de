"""The order of convergence of the exponential integrators, measured, and that a mistake shows."""

import importlib

import numpy as np
import pytest

from refdiff._namespace import phi
from refdiff.closed_form import output_moments
from refdiff.equations import solvers
from refdiff.samplers import dpm_solver, dpm_solver_pp, unipc
from refdiff.samplers.schedule import discrete, straight, variance_exploding
from refdiff.testing import assert_close, assert_law
from tests.samplers import convergence as measured
from tests.samplers.integrators import ALL, even, graded
from tests.samplers.worlds import TABLES

every_data = pytest.mark.parametrize("data", ["gaussian", "mixture"])
every_schedule = pytest.mark.parametrize("name", list(measured.SCHEDULES))


def assert_at_least(found, order):
    """Assert P089, which says no more than that: superconvergence is no mistake."""
    assert_law("P089", min(found, order), order)


@pytest.mark.property_id("P087")
@pytest.mark.verifies(
    "lu2022/order",
    "lu2022/first-order-step",
    "lu2022/second-order-step",
    "lu2022/third-order-step",
    kind="closed-form",
)
@every_data
@every_schedule
@pytest.mark.parametrize("order", [1, 2, 3])
def test_dpm_solver_has_its_order(data, name, order):
    found = measured.order(dpm_solver, data, name, order=order, times=even)
    assert_law("P087", found, float(order))


@pytest.mark.property_id("P088")
@pytest.mark.verifies(
    "lu2023/order",
    "lu2023/first-order-step",
    "lu2023/singlestep",
    "lu2023/multistep",
    kind="closed-form",
)
@every_data
@every_schedule
@pytest.mark.parametrize(("variant", "order"), [("1", 1), ("2S", 2), ("2M", 2)])
def test_dpm_solver_pp_has_its_order(data, name, variant, order):
    # Even in t, these steps differ in the log-SNR, so that the ratio r of two of them matters.
    found = measured.order(dpm_solver_pp, data, name, variant=variant, times=measured.grid)
    assert_law("P088", found, float(order))


@pytest.mark.property_id("P089")
@pytest.mark.verifies(
    "zhao2023/order",
    "zhao2023/predictor",
    "zhao2023/corrector",
    "zhao2023/data-step",
    kind="closed-form",
)
@every_data
@every_schedule
@pytest.mark.parametrize("form", ["eps", "x_0"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_unipc_has_its_order_and_one_more_with_the_corrector(data, name, form, order):
    common = {"order": order, "form": form, "times": graded, "count": 400}
    assert_at_least(measured.order(unipc, data, name, corrector=False, **common), float(order))
    # Of order 4 the error is soon that of rounding.
    common["count"] = 320
    assert_at_least(measured.order(unipc, data, name, **common), order + 1.0)


@pytest.mark.property_id("P089")
@pytest.mark.verifies("zhao2023/b-1", "zhao2023/b-2", "zhao2023/order")
@pytest.mark.parametrize("b", ["B1", "B2"])
@pytest.mark.parametrize("order", [1, 2])
def test_either_choice_of_b_keeps_the_order(b, order):
    common = {"order": order, "b": b, "times": graded}
    found = measured.order(unipc, "mixture", "edm", corrector=False, **common)
    assert_law("P089", found, float(order))
    assert_law("P089", measured.order(unipc, "mixture", "edm", **common), order + 1.0)


@pytest.mark.property_id("P089")
@pytest.mark.verifies("zhao2023/order")
@pytest.mark.parametrize("name", ["edm", "vp_cosine"])
def test_a_first_step_of_full_length_limits_unipc(name):
    """One step of order 1 costs h^2, and one that was corrected h^3, whatever follows."""
    alone = measured.order(unipc, "mixture", name, order=3, corrector=False, times=even)
    assert_law("P089", alone, 2.0)
    assert_law("P089", measured.order(unipc, "mixture", name, order=3, times=even), 3.0)


MORE_SCHEDULES = {
    "discrete": (discrete(TABLES[40]), (30, 6)),
    "straight": (straight(), (0.8, 0.2)),
    "variance_exploding": (variance_exploding(), (0.75, 0.4)),
}


@pytest.mark.property_id("P089")
@pytest.mark.verifies("lu2022/order", "lu2023/order", "zhao2023/order")
@pytest.mark.parametrize("name", list(MORE_SCHEDULES))
@pytest.mark.parametrize(
    ("integrator", "order"),
    [("dpm-2", 2), ("dpm-3", 3), ("pp-2S", 2), ("pp-2M", 2), ("unip-2", 2), ("unipc-2", 3)],
)
def test_the_order_does_not_depend_on_the_schedule(name, integrator, order, monkeypatch):
    """The steps live in the log-SNR: a table, linear between its entries, has no kink for them."""
    schedule, span = MORE_SCHEDULES[name]
    monkeypatch.setitem(measured.SCHEDULES, name, schedule)
    monkeypatch.setitem(measured.SPANS, name, span)
    sampler, own = ALL[integrator]
    assert_law("P089", measured.order(sampler, "mixture", name, times=graded, **own), float(order))


@pytest.mark.property_id("P094")
@pytest.mark.verifies("lu2022/order", "lu2023/order", "zhao2023/order")
@pytest.mark.parametrize("name", ["dpm-2", "dpm-3", "pp-2S", "pp-2M", "unip-2", "unipc-3"])
def test_all_tend_to_the_point_of_the_probability_flow(name):
    schedule, (sampler, own) = measured.SCHEDULES["vp_cosine"], ALL[name]
    *_, step = sampler(
        measured.exact_model("mixture", schedule),
        measured.initial("mixture", "vp_cosine"),
        schedule=schedule,
        times=even("vp_cosine", 2000),
        **own,
    )
    assert_law("P094", step.x, measured.reference("mixture", "vp_cosine"))


# ---------------------------------------------------------------- fresh noise, by exact moments


def law_at(schedule, t):
    at = {"alpha_t": schedule.alpha(t), "sigma_t": schedule.sigma(t)}
    law = measured.GAUSSIAN.at_scales(**at).marginal
    return float(law.mean), law.covariance_matrix().item()


def moment_errors(variant, name, count):
    """Return by how much mean and variance of the output miss those of the reverse SDE.

    The start has the data's spread but a mean off by 0.4; along the reverse SDE such a deviation
    shrinks by the regression of x_s on x_t, which is alpha_t V_s / (alpha_s V_t).
    """
    schedule, times = measured.SCHEDULES[name], measured.grid(name, count)
    (mean_t, variance_t), (mean_s, variance_s) = (
        law_at(schedule, t) for t in times[:: len(times) - 1]
    )
    ratio = schedule.alpha(times[0]) / schedule.alpha(times[-1]) * variance_s / variance_t
    found = output_moments(
        lambda x_T, noise: dpm_solver_pp(
            measured.exact_model("gaussian", schedule),
            x_T,
            schedule=schedule,
            times=times,
            variant=variant,
            noise=noise,
        ),
        measured.GAUSSIAN,
        prior_mean=mean_t + 0.4,
        prior_covariance=variance_t,
    )
    wanted = mean_s + 0.4 * ratio
    return found.mean.item() - wanted, found.covariance.item() - variance_s


@pytest.mark.property_id("P088")
@pytest.mark.verifies("lu2023/sde-first-order-step", "lu2023/sde-multistep", kind="closed-form")
@every_schedule
@pytest.mark.parametrize(("variant", "order"), [("SDE-1", 1), ("SDE-2M", 2)])
def test_the_stochastic_variants_have_their_weak_order(name, variant, order):
    """The mean is exact: along the reverse SDE that of the predicted x_0 stays what it is."""
    errors = [moment_errors(variant, name, count) for count in (160, 320)]
    assert_close(errors[1][0], 0.0, terms=4.0 * 320)
    assert_law("P088", np.log2(errors[0][1] / errors[1][1]), float(order))


# ---------------------------------------------------------------- planted mistakes


def dpm_2_with_the_sign_turned(x_t, eps, eps_u, *, r, **levels):
    return solvers.dpm_solver_2_step(x_t, eps, 2 * eps - eps_u, r=r, **levels)


def dpm_2_with_all_of_the_difference(x_t, eps, eps_u, *, r, **levels):
    return solvers.dpm_solver_2_step(x_t, eps, eps_u, r=r / 2, **levels)


def dpm_3_with_half_of_phi_1(x_t, eps, eps_u, *, r, **levels):
    """Weigh the slope by phi_1 / 2 in place of phi_2."""
    h = np.log(levels["alpha_s"] * levels["sigma_t"] / (levels["alpha_t"] * levels["sigma_s"]))
    wrong = h * (phi(h, 1) / 2 - phi(h, 2)) * (eps_u - eps) / r
    right = solvers.dpm_solver_3_step(x_t, eps, eps_u, r=r, **levels)
    return right - levels["sigma_s"] * wrong


def dpm_3_with_one_r(x_t, eps, eps_u, *, r, **levels):
    return solvers.dpm_solver_3_step(x_t, eps, eps_u, r=1 / 2, **levels)


def two_m_with_r_1(x_t, x_0, x_0_before, *, r, **levels):
    return solvers.dpmpp_2m_step(x_t, x_0, x_0_before, r=1.0, **levels)


def two_s_with_the_other_half(x_t, x_0, x_0_u, *, r, **levels):
    return solvers.dpmpp_2s_step(x_t, x_0, (x_0 + x_0_u) / 2, r=r, **levels)


def weight_with_the_other_phi(*, h, r_1, r_2):
    return h * (phi(h, 3) - r_2 * phi(h, 2)) / (r_1 * (r_1 - r_2))


def weight_without_its_half(*, b, r_1):
    return b / r_1


# An r that is upside down is not among them: its errors (h_before^2 - h^2) x_0'/2 cancel from step
# to step, so that the order stays 2 on every grid. It is the written-out runs that show it.
PLANTED = [
    ("dpm_solver", "dpm_solver_2_step", dpm_2_with_the_sign_turned, {"order": 2}, 2),
    ("dpm_solver", "dpm_solver_2_step", dpm_2_with_all_of_the_difference, {"order": 2}, 2),
    ("dpm_solver", "dpm_solver_3_step", dpm_3_with_half_of_phi_1, {"order": 3}, 3),
    ("dpm_solver", "dpm_solver_3_step", dpm_3_with_one_r, {"order": 3}, 3),
    ("dpm_solver_pp", "dpmpp_2m_step", two_m_with_r_1, {"variant": "2M"}, 2),
    ("dpm_solver_pp", "dpmpp_2s_step", two_s_with_the_other_half, {"variant": "2S"}, 2),
    ("unipc", "unipc_weight_2", weight_with_the_other_phi, {"order": 3, "corrector": False}, 3),
    ("unipc", "unipc_weight_2", weight_with_the_other_phi, {"order": 2}, 3),
    ("unipc", "unipc_weight_1", weight_without_its_half, {"order": 1}, 2),
    ("unipc", "unipc_weight_1", weight_without_its_half, {"order": 2, "corrector": False}, 2),
]


@pytest.mark.property_id("P087")
@pytest.mark.parametrize(
    ("module", "function", "mistake", "options", "order"),
    PLANTED,
    ids=[
        f"{function}-{mistake.__name__}-{k}" for k, (_, function, mistake, *_) in enumerate(PLANTED)
    ],
)
def test_a_planted_mistake_costs_the_order(module, function, mistake, options, order, monkeypatch):
    sampler = {"dpm_solver": dpm_solver, "dpm_solver_pp": dpm_solver_pp, "unipc": unipc}[module]
    home = importlib.import_module(f"refdiff.samplers.{module}")
    # Steps that alternate in length, so that no ratio of two of them is 1 for long.
    common = {"times": alternating, **options}
    assert_at_least(measured.order(sampler, "mixture", "edm", **common), float(order))
    monkeypatch.setattr(home, function, mistake)
    with pytest.raises(AssertionError, match="P089"):
        assert_at_least(measured.order(sampler, "mixture", "edm", **common), float(order))


def alternating(name, count):
    times = np.array(graded(name, count))
    # The graded ones at the front stay; of the others every second is moved by a third of a step.
    first = len(times) - count
    times[first + 1 : -1 : 2] += (times[first:-2:2] - times[first + 1 : -1 : 2]) / 3
    return times.tolist()
