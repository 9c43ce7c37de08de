"""The order of convergence of the classical solvers, measured, and that a mistake would show."""

import importlib
import itertools

import numpy as np
import pytest

from refdiff.closed_form import GaussianMixture, output_moments
from refdiff.equations import solvers
from refdiff.samplers import _slopes
from refdiff.samplers.euler import ancestral, euler
from refdiff.samplers.heun import edm_stochastic, heun
from refdiff.samplers.lms import lms
from refdiff.samplers.pndm import pndm, s_pndm
from refdiff.samplers.times import uniform_times
from refdiff.samplers.trajectory import last
from refdiff.testing import assert_close, assert_law
from tests.samplers import convergence as measured

# The package gives the functions the names of their modules.
heun_module, pndm_module = (
    importlib.import_module(f"refdiff.samplers.{name}") for name in ("heun", "pndm")
)
every_data = pytest.mark.parametrize("data", ["gaussian", "mixture"])
every_schedule = pytest.mark.parametrize("name", list(measured.SCHEDULES))


def test_the_model_of_the_mixture_is_the_closed_form():
    weights, means, variances = measured.MIXTURE
    data = GaussianMixture(weights, means[:, None], variances)
    y, u = np.linspace(-4.0, 4.0, 9), 0.8
    wanted = data.optimal_x_0(y[:, None] / np.hypot(1.0, u), alpha_bar_t=1 / (1 + u * u))
    assert_law("P085", measured.mixture_mean(y, u), wanted[:, 0])


@pytest.mark.property_id("P090")
@pytest.mark.verifies("karras2022/euler-step", "karras2022/heun-step", kind="closed-form")
@every_data
@every_schedule
def test_euler_has_order_1_and_heun_order_2(data, name):
    assert_law("P090", measured.order(euler, data, name), 1.0)
    assert_law("P090", measured.order(heun, data, name), 2.0)
    assert_law("P090", measured.order(edm_stochastic, data, name, churn=0.0), 2.0)


@pytest.mark.property_id("P090")
@pytest.mark.verifies("liu2022/adams-bashforth", kind="closed-form")
@every_data
@every_schedule
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_adams_bashforth_has_the_order_of_its_slopes(data, name, order):
    found = measured.order(lms, data, name, order=order, times=measured.graded)
    assert_law("P090/multistep", found, float(order))


@pytest.mark.property_id("P090")
@pytest.mark.verifies("liu2022/adams-bashforth")
@pytest.mark.parametrize("name", ["edm", "vp_cosine"])
def test_a_first_euler_step_of_full_length_keeps_all_orders_at_2(name):
    found = measured.order(lms, "mixture", name, order=4)
    assert_law("P090/multistep", found, 2.0)


@pytest.mark.property_id("P091")
@pytest.mark.verifies("liu2022/plms", "liu2022/prk", "liu2022/s-pndm", "liu2022/s-pndm-start")
@every_data
@every_schedule
@pytest.mark.parametrize("sampler", [pndm, s_pndm])
def test_pndm_has_order_2(data, name, sampler):
    assert_law("P091", measured.order(sampler, data, name), 2.0)


@pytest.mark.property_id("P091")
@pytest.mark.verifies("liu2022/plms", "liu2022/s-pndm-start")
@every_data
@every_schedule
def test_pndm_has_order_2_from_a_cheaper_start_too(data, name):
    found = measured.order(pndm, data, name, start="improved-euler")
    assert_law("P091", found, 2.0)


def even(name, count):
    """Return a grid even in t, whatever the schedule."""
    start, end = measured.SPANS[name]
    return uniform_times(count, start=start, end=end)


@pytest.mark.property_id("P091")
@pytest.mark.verifies("liu2022/plms", "liu2022/prk", "liu2022/s-pndm")
@every_data
def test_where_the_transfer_is_straight_pndm_is_the_classical_method_of_order_4(data):
    """With alpha = 1 and sigma = t the transfer is addition."""
    assert_law("P090/multistep", measured.order(pndm, data, "edm", times=even, count=400), 4.0)
    assert_law("P090/multistep", measured.order(s_pndm, data, "edm", times=even), 2.0)


@pytest.mark.property_id("P090")
@pytest.mark.verifies("karras2022/euler-step", "karras2022/heun-step", "liu2022/adams-bashforth")
@pytest.mark.parametrize(
    ("sampler", "options", "order"),
    [(euler, {}, 1), (heun, {}, 2), (lms, {"order": 2}, 2), (pndm, {}, 4)],
)
def test_the_order_is_kept_to_clean_data(sampler, options, order):
    """Steps even in sigma: Heun's last one is an Euler step, whose error is of its local order."""
    schedule, errors = measured.SCHEDULES["edm"], []
    x_T = measured.initial("gaussian", "edm")
    here = measured.GAUSSIAN.at_scales(alpha_t=1.0, sigma_t=4.0)
    wanted = here.flow_to(x_T, measured.GAUSSIAN.at_scales(alpha_t=1.0, sigma_t=0.0))
    for count in (160, 320):
        times = uniform_times(count, start=4.0)
        model = measured.exact_model("gaussian", schedule)
        found = last(sampler(model, x_T, schedule=schedule, times=times, **options))
        errors.append(np.sqrt(np.mean((found - wanted) ** 2)))
    assert_law("P090/multistep", np.log2(errors[0] / errors[1]), float(order))


def alternating(name, count):
    """Return an even grid in which every second time is moved by a third of a step."""
    times = np.array(measured.grid(name, count))
    times[1:-1:2] += (times[0:-2:2] - times[1:-1:2]) / 3
    return times.tolist()


@pytest.mark.property_id("P091")
@pytest.mark.verifies("liu2022/plms", "liu2022/s-pndm", "liu2022/adams-bashforth")
def test_steps_that_alternate_cost_pndm_an_order_and_not_lms():
    for sampler in (pndm, s_pndm):
        found = measured.order(sampler, "mixture", "vp_linear", times=alternating)
        assert_law("P091", found, 1.0)
    kept = measured.order(lms, "mixture", "vp_linear", times=alternating, order=2)
    assert_law("P091", kept, 2.0)


@pytest.mark.property_id("P094")
@pytest.mark.verifies(
    "karras2022/heun-step", "liu2022/plms", "liu2022/s-pndm", "liu2022/adams-bashforth"
)
def test_all_tend_to_the_point_of_the_probability_flow():
    schedule = measured.SCHEDULES["vp_cosine"]
    common = {"schedule": schedule, "times": measured.grid("vp_cosine", 2000)}
    model = measured.exact_model("mixture", schedule)
    x_T, wanted = (
        measured.initial("mixture", "vp_cosine"),
        measured.reference("mixture", "vp_cosine"),
    )
    ends = [wanted]
    for sampler in (heun, lms, pndm, s_pndm):
        *_, step = sampler(model, x_T, **common)
        ends.append(step.x)
    for one, other in itertools.combinations(ends, 2):
        assert_law("P094", one, other)


# Stochastic samplers, by exact moments: on Gaussian data each is an affine map of its noises.


def moments(sampler, name, times, **options):
    """Return mean and variance of the output for a start with the data's spread, off its mean."""
    schedule = measured.SCHEDULES[name]
    here = law_at(schedule, times[0])
    found = output_moments(
        lambda x_T, noise: sampler(
            measured.exact_model("gaussian", schedule),
            x_T,
            schedule=schedule,
            times=times,
            noise=noise,
            **options,
        ),
        measured.GAUSSIAN,
        prior_mean=here.mean + 0.4,
        prior_covariance=here.covariance_matrix(),
    )
    return np.array([found.mean.item(), found.covariance.item()])


def law_at(schedule, t):
    at = {"alpha_t": schedule.alpha(t), "sigma_t": schedule.sigma(t)}
    return measured.GAUSSIAN.at_scales(**at).marginal


def variance_at(schedule, t):
    return law_at(schedule, t).covariance_matrix().item()


def weak_orders(sampler, name, limit, counts=(160, 320), **options):
    """Return the orders of the errors of mean and variance; `limit` gives the exact mean."""
    errors = []
    for count in counts:
        times = measured.grid(name, count)
        schedule = measured.SCHEDULES[name]
        end = law_at(schedule, times[-1])
        wanted = np.array(
            [float(end.mean) + limit(schedule, times), end.covariance_matrix().item()]
        )
        errors.append(np.abs(moments(sampler, name, times, **options) - wanted))
    return np.log2(errors[0] / errors[1])


@pytest.mark.property_id("P090")
@pytest.mark.verifies(
    "song2021ddim/fresh-noise-at-scales", "song2021ddim/kept-noise-at-scales", kind="closed-form"
)
@every_schedule
@pytest.mark.parametrize("eta", [0.5, 0.8])
def test_ancestral_sampling_has_weak_order_1(name, eta):
    """Deviations shrink with the root of the variance along the ODE, with V / alpha along the SDE.

    The latter is the regression of x_s on x_t; eta^2 is the share of the SDE.
    """

    def limit(schedule, times):
        t, s = times[0], times[-1]
        ratio = variance_at(schedule, s) / variance_at(schedule, t)
        by_sde = schedule.alpha(t) / schedule.alpha(s) * ratio
        return 0.4 * ratio ** ((1 - eta**2) / 2) * by_sde ** (eta**2)

    assert_law("P090/weak", weak_orders(ancestral, name, limit, eta=eta), np.ones(2))


@pytest.mark.verifies("song2021ddim/fresh-noise-at-scales", kind="closed-form")
@every_schedule
def test_with_all_noise_fresh_the_mean_is_exact_and_the_variance_of_order_1(name):
    """The step's mean is then E[x_s | x_t], whatever the length of the step."""
    schedule, variances = measured.SCHEDULES[name], []
    for count in (160, 320):
        times = measured.grid(name, count)
        t, s = times[0], times[-1]
        ratio = variance_at(schedule, s) / variance_at(schedule, t)
        wanted = float(law_at(schedule, s).mean)
        wanted += 0.4 * schedule.alpha(t) / schedule.alpha(s) * ratio
        mean, variance = moments(ancestral, name, times, eta=1.0)
        assert_close(mean, wanted, terms=4.0 * count)
        variances.append(variance - variance_at(schedule, s))
    assert_law("P090/weak", np.log2(variances[0] / variances[1]), 1.0)


def churned_flow(churn, low=0.0, high=np.inf):
    """Return the mean's deviation under the same churn, with exact flows for the Heun steps."""

    def limit(schedule, times):
        deviation = 0.4
        for t, s in itertools.pairwise(times):
            u = schedule.sigma(t) / schedule.alpha(t)
            rise = min(churn / (len(times) - 1), np.sqrt(2) - 1) if low <= u <= high else 0.0
            raised = schedule.alpha(t) ** 2 * (0.6 + (u * (1 + rise)) ** 2)
            deviation *= np.sqrt(variance_at(schedule, s) / raised)
        return deviation

    return limit


@pytest.mark.property_id("P090")
@pytest.mark.verifies(
    "karras2022/churn-rise",
    "karras2022/churned-sigma",
    "karras2022/churned-state",
    kind="closed-form",
)
@every_schedule
@pytest.mark.parametrize("span", [(0.0, np.inf), (0.4, 1.5)])
def test_the_stochastic_sampler_of_edm_has_weak_order_2(name, span):
    low, high = span
    options = {"churn": 3.0, "churn_lo": low, "churn_hi": high}
    found = weak_orders(edm_stochastic, name, churned_flow(3.0, low, high), **options)
    assert_law("P090/weak", found, np.full(2, 2.0))


# The measurement must tell: with one number wrong, the order is lost.


def uncorrected(x_t, slope_t, slope_s, *, step):
    return x_t + step * (0.55 * slope_t + 0.45 * slope_s)


def one_weight_wrong(nodes, end):
    first, *others = solvers.adams_bashforth_weights(nodes, end)
    return (first * 1.01, *others)


def variance_added_twice(x_t, noise, *, sigma, rise, noise_scale):
    return x_t + noise_scale * sigma * (2 * rise * (2 + rise)) ** 0.5 * noise


def wrong_plms(eps_t, eps_1, eps_2, eps_3):
    return (55 * eps_t - 59 * eps_1 + 36 * eps_2 - 8 * eps_3) / 24


@pytest.mark.verifies(
    "karras2022/heun-step", "liu2022/adams-bashforth", "liu2022/plms", kind="planted"
)
@pytest.mark.parametrize(
    ("module", "name", "wrong", "sampler", "options", "right"),
    [
        (heun_module, "heun_step", uncorrected, heun, {}, 2),
        (_slopes, "adams_bashforth_weights", one_weight_wrong, lms, {"order": 2}, 2),
        (pndm_module, "plms_eps", wrong_plms, pndm, {}, 2),
    ],
)
def test_a_planted_mistake_loses_the_order(
    monkeypatch, module, name, wrong, sampler, options, right
):
    monkeypatch.setattr(module, name, wrong)
    with pytest.raises(AssertionError):
        assert_law("P090/multistep", measured.order(sampler, "gaussian", "edm", **options), right)


@pytest.mark.verifies("karras2022/churned-state", kind="planted")
def test_a_planted_variance_of_churn_loses_the_weak_order(monkeypatch):
    monkeypatch.setattr(heun_module, "churned_state", variance_added_twice)
    _, of_variance = weak_orders(edm_stochastic, "edm", churned_flow(3.0), churn=3.0)
    with pytest.raises(AssertionError):
        assert_law("P090/weak", of_variance, 2.0)
