"""DPM-Solver, DPM-Solver++ and UniPC: exact solutions, and what each step integrates exactly."""

import math

import mpmath as mp
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from refdiff import equations as eq
from refdiff.closed_form import Gaussian
from refdiff.equations import continuous, solvers
from refdiff.testing import assert_close, assert_law, strategies

PHI = {1: solvers.phi_1, 2: solvers.phi_2, 3: solvers.phi_3, 4: solvers.phi_4}
# A step of a variance-preserving schedule, and one of no such schedule.
STEPS = [
    {"alpha_t": 0.6, "sigma_t": 0.8, "alpha_s": 0.8, "sigma_s": 0.6},
    {"alpha_t": 1.0, "sigma_t": 5.0, "alpha_s": 0.9, "sigma_s": 0.3},
]
every_step = pytest.mark.parametrize("levels", STEPS, ids=["preserving", "any"])
DATA = Gaussian(1.5, 0.25)
START, END = 0.7, 0.2
BETA_0, BETA_1 = 0.1, 20.0


def half_log_snrs(levels):
    return tuple(math.log(levels[f"alpha_{x}"] / levels[f"sigma_{x}"]) for x in "ts")


def exact_by_eps(x_t, eps, levels):
    """Integrate a given eps(lambda) over the step: equation (3.4), by quadrature."""
    low, high = half_log_snrs(levels)
    area = mp.quad(lambda u: mp.exp(-u) * eps(u), mp.linspace(low, high, 5))
    return float(levels["alpha_s"] * (x_t / levels["alpha_t"] - area))


def exact_by_x_0(x_t, x_0, levels):
    low, high = half_log_snrs(levels)
    area = mp.quad(lambda u: mp.exp(u) * x_0(u), mp.linspace(low, high, 5))
    return float(levels["sigma_s"] * (x_t / levels["sigma_t"] + area))


# ---------------------------------------------------------------- the exact solution


def beta(t):
    return BETA_0 + (BETA_1 - BETA_0) * t


def scales(t):
    """Return (alpha, sigma) of the linear variance-preserving schedule."""
    area = BETA_0 * t + (BETA_1 - BETA_0) * t * t / 2
    return math.exp(-area / 2), math.sqrt(-math.expm1(-area))


def half_log_snr(t):
    alpha, sigma = scales(t)
    return math.log(alpha / sigma)


def noisy(t):
    alpha, sigma = scales(t)
    return DATA.at_scales(alpha_t=alpha, sigma_t=sigma)


def path(t, x_start):
    """Return the exact solution for Gaussian data, from the closed form."""
    return float(noisy(START).flow_to(x_start, noisy(t)))


def optimal(prediction, t, x_start=2.0):
    return float(noisy(t).predict(prediction, path(t, x_start)))


@pytest.mark.verifies("lu2022/probability-flow")
def test_the_flow_of_the_predicted_noise_is_the_closed_form_of_gaussian_data():
    def slope(t, x):
        eps = noisy(t).predict("eps", x)
        return -beta(t) / 2 * x + beta(t) / (2 * scales(t)[1]) * eps

    solution = solve_ivp(slope, (START, END), [2.0], method="DOP853", rtol=1e-13, atol=1e-13)
    assert_law("P093", solution.y[0, -1], path(END, 2.0), scale=10.0)


@pytest.mark.verifies("lu2022/diffusion-from-log-snr")
def test_the_squared_diffusion_is_the_fall_of_the_log_snr():
    t = sympy.Symbol("t", positive=True)
    alpha, sigma = (sympy.Function(name, positive=True)(t) for name in ("alpha", "sigma"))
    half = sympy.log(alpha / sigma)
    # What the marginal variance needs beyond the drift: d(sigma^2)/dt - 2 f sigma^2.
    needed = sympy.diff(sigma**2, t) - 2 * sympy.diff(sympy.log(alpha), t) * sigma**2
    assert sympy.simplify(-2 * sigma**2 * sympy.diff(half, t) - needed) == 0
    b0, b1 = sympy.symbols("b0 b1", positive=True)
    level = sympy.exp(-(b0 * t + (b1 - b0) * t**2 / 2))
    preserving = sympy.log(level / (1 - level)) / 2
    found = -2 * (1 - level) * sympy.diff(preserving, t)
    assert sympy.simplify(found - (b0 + (b1 - b0) * t)) == 0


@pytest.mark.verifies("lu2022/variation-of-constants", "lu2022/exact-solution")
def test_both_integrals_along_the_exact_path_lead_to_its_end():
    def drifted(t):
        """Return exp of the integral of f = -beta/2 from t to the end, and g^2/(2 sigma)."""
        factor = scales(END)[0] / scales(t)[0]
        return factor * beta(t) / (2 * scales(t)[1]) * optimal("eps", t)

    area, _ = quad(drifted, START, END, epsabs=1e-13, epsrel=1e-13)
    kept = scales(END)[0] / scales(START)[0] * 2.0
    assert_law("P093", kept + area, path(END, 2.0), scale=10.0)

    # The same in lambda, where the linear part is a bare exponential.
    def in_log_snr(t):
        rate = -beta(t) / (2 * scales(t)[1] ** 2)  # d lambda / dt, from (3.2)
        return math.exp(-half_log_snr(t)) * optimal("eps", t) * rate

    area, _ = quad(in_log_snr, START, END, epsabs=1e-13, epsrel=1e-13)
    assert_law("P093", kept - scales(END)[0] * area, path(END, 2.0), scale=10.0)


@pytest.mark.verifies("lu2023/exact-solution")
def test_the_integral_of_the_predicted_data_leads_to_the_end_of_the_path():
    def in_log_snr(t):
        rate = -beta(t) / (2 * scales(t)[1] ** 2)
        return math.exp(half_log_snr(t)) * optimal("x_0", t) * rate

    area, _ = quad(in_log_snr, START, END, epsabs=1e-13, epsrel=1e-13)
    sigma = scales(END)[1]
    assert_law("P093", sigma / scales(START)[1] * 2.0 + sigma * area, path(END, 2.0), scale=10.0)


# ---------------------------------------------------------------- phi and polynomials


@pytest.mark.verifies("lu2022/phi-1", "lu2022/phi-2", "lu2022/phi-3", "lu2022/phi-4")
@given(st.floats(-5.0, 5.0))
def test_phi_is_the_integral_that_defines_it(h):
    for k, function in PHI.items():
        weight = math.factorial(k - 1)
        area, _ = quad(
            lambda u, k=k: math.exp((1 - u) * h) * u ** (k - 1), 0, 1, epsabs=0, epsrel=1e-13
        )
        assert_close(function(h=h), area / weight, units=16.0)


@pytest.mark.property_id("P092")
@pytest.mark.verifies("lu2022/taylor-form", "lu2022/first-order-step")
@every_step
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_taylor_form_is_exact_for_polynomials_of_lower_degree(levels, k):
    low, high = half_log_snrs(levels)
    h = high - low
    derivatives = [0.7, -1.3, 2.1, 0.9][:k]

    def eps(u):
        return sum(d * (u - low) ** n / math.factorial(n) for n, d in enumerate(derivatives))

    sums = sum(d * h ** (n + 1) * PHI[n + 1](h=h) for n, d in enumerate(derivatives))
    taylor = levels["alpha_s"] / levels["alpha_t"] * 1.7 - levels["sigma_s"] * sums
    assert_law("P092", taylor, exact_by_eps(1.7, eps, levels), terms=10.0)
    if k == 1:
        assert_law("P092", solvers.dpm_solver_1_step(1.7, 0.7, **levels), taylor, terms=10.0)
        x_0 = exact_by_x_0(1.7, lambda u: 0.7, levels)
        assert_law("P092", solvers.dpmpp_1_step(1.7, 0.7, **levels), x_0, terms=10.0)


@pytest.mark.property_id("P092")
@pytest.mark.verifies("lu2022/third-order-step")
@every_step
@pytest.mark.parametrize("r", [1 / 3, 0.5, 2 / 3, 1.0])
def test_the_third_order_step_is_exact_for_noise_linear_in_the_log_snr(levels, r):
    low, high = half_log_snrs(levels)
    found = solvers.dpm_solver_3_step(1.7, 0.4, 0.4 + 3.0 * r * (high - low), r=r, **levels)
    expected = exact_by_eps(1.7, lambda u: 0.4 + 3.0 * (u - low), levels)
    assert_law("P092", found, expected, terms=50.0)


@pytest.mark.verifies("lu2022/second-order-step", "lu2023/singlestep", "lu2023/multistep")
@pytest.mark.parametrize("r", [0.5, 1.0])
@pytest.mark.parametrize("halvings", [0, 3])
def test_second_order_steps_have_the_known_error_for_linear_predictions(r, halvings):
    r"""The paper's second-order steps weigh the slope with h (e^h - 1)/2 and not with h^2 phi_2:
    not exact for linear predictions, they are off by h^2 (phi_1 / 2 - phi_2) = h^3 / 12 + ..."""
    h = 0.5**halvings
    alpha_s = math.sqrt(0.5)
    levels = {
        "alpha_t": 1.0,
        "sigma_t": math.exp(h),
        "alpha_s": alpha_s,
        "sigma_s": alpha_s,  # lambda goes from -h to 0
    }
    slope, at_t = 3.0, 0.4

    def line(u):
        return at_t + slope * (u + h)

    miss = slope * h * h * (PHI[1](h=h) / 2 - PHI[2](h=h))
    found = solvers.dpm_solver_2_step(1.7, at_t, line((r - 1) * h), r=r, **levels)
    assert_law("P092", found - exact_by_eps(1.7, line, levels), -alpha_s * miss, terms=20.0)
    missed = slope * h * h * (PHI[1](h=-h) / 2 - PHI[2](h=-h))
    expected = exact_by_x_0(1.7, line, levels) + alpha_s * missed
    single = solvers.dpmpp_2s_step(1.7, at_t, line((r - 1) * h), r=r, **levels)
    assert_law("P092", single, expected, terms=20.0)
    multi = solvers.dpmpp_2m_step(1.7, at_t, line((-r - 1) * h), r=r, **levels)
    assert_law("P092", multi, expected, terms=20.0)


PLACES = {2: [-0.8, 1.0], 3: [-0.8, 1.0, -2.1]}
WEIGHTS = {2: solvers.unipc_weight_2, 3: solvers.unipc_weight_3}


def unipc_weights(h, count):
    """Return all weights, each place taking its turn as the first."""
    places = PLACES[count]
    found = []
    for m in range(count):
        turned = [places[m], *places[:m], *places[m + 1 :]]
        named = {f"r_{k + 1}": place for k, place in enumerate(turned)}
        found.append(WEIGHTS[count](h=h, **named))
    return found


@pytest.mark.verifies(
    "zhao2023/order-conditions",
    "zhao2023/weight-of-two-points",
    "zhao2023/weight-of-three-points",
)
@pytest.mark.parametrize("h", [-2.0, -0.1, 1e-4, 0.3, 1.5])
@pytest.mark.parametrize("count", [2, 3])
def test_the_weights_solve_the_order_conditions(count, h):
    weights = unipc_weights(h, count)
    for k in range(1, count + 1):
        terms = [w * r**k for w, r in zip(weights, PLACES[count], strict=True)]
        size = sum(abs(term) for term in terms)
        moment, _ = quad(lambda u, k=k: math.exp((1 - u) * h) * u**k, 0, 1, epsabs=0, epsrel=1e-13)
        assert_close(sum(terms), h * moment, terms=size, units=32.0)


@pytest.mark.property_id("P092")
@pytest.mark.verifies("zhao2023/predictor", "zhao2023/corrector", "zhao2023/data-step")
@every_step
@pytest.mark.parametrize("count", [2, 3])
def test_unipc_steps_are_exact_for_polynomials_of_the_degree_of_their_points(levels, count):
    low, high = half_log_snrs(levels)
    h = high - low
    coefficients = [0.7, -1.3, 2.1, 0.9][: count + 1]

    def curve(u):
        return sum(c * (u - low) ** n for n, c in enumerate(coefficients))

    differences = [curve(low + r * h) - curve(low) for r in PLACES[count]]
    by_eps, by_x_0 = (
        float(sum(w * d for w, d in zip(unipc_weights(at, count), differences, strict=True)))
        for at in (h, -h)
    )
    found = solvers.unipc_noise_step(1.7, curve(low), by_eps, **levels)
    assert_law("P092", found, exact_by_eps(1.7, curve, levels), terms=1000.0)
    found = solvers.unipc_data_step(1.7, curve(low), by_x_0, **levels)
    assert_law("P092", found, exact_by_x_0(1.7, curve, levels), terms=1000.0)


@pytest.mark.verifies("zhao2023/b-1", "zhao2023/b-2", "zhao2023/weight-of-one-point")
@pytest.mark.parametrize("choice", [solvers.unipc_b1, solvers.unipc_b2])
def test_half_weights_miss_the_condition_of_one_point_by_second_order_in_h(choice):
    def miss(h):
        weight = solvers.unipc_weight_1(b=choice(h=h), r_1=-0.8)
        return weight * -0.8 - h * PHI[2](h=h)

    # Each B(h) = h + O(h^2), as Assumption of the paper: halving h leaves a quarter.
    assert_law("P088", math.log2(miss(0.02) / miss(0.01)), 2.0)
    if choice is solvers.unipc_b2:  # with B_2 the two-point rule of DPM-Solver-2 comes out
        levels = STEPS[0]
        low, high = half_log_snrs(levels)
        weight = solvers.unipc_weight_1(b=choice(h=high - low), r_1=0.5)
        found = solvers.unipc_noise_step(1.7, 0.4, weight * (0.9 - 0.4), **levels)
        assert_close(found, solvers.dpm_solver_2_step(1.7, 0.4, 0.9, r=0.5, **levels), terms=4.0)


# ---------------------------------------------------------------- the older samplers in them


@pytest.mark.property_id("P058")
@pytest.mark.verifies("lu2022/ddim-form", "lu2022/first-order-step", "lu2023/first-order-step")
@given(strategies.alpha_bar_pairs())
def test_first_order_steps_are_ddim(pair):
    alpha_bar_t, alpha_bar_s = pair
    x_t, eps = np.array([1.3, -0.4]), np.array([0.2, 0.9])
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    at = {"alpha_t": math.sqrt(alpha_bar_t), "sigma_t": math.sqrt(1 - alpha_bar_t)}
    at |= {"alpha_s": math.sqrt(alpha_bar_s), "sigma_s": math.sqrt(1 - alpha_bar_s)}
    expected = eq.ddim_step(x_t, eps, 0.0 * eps, eta=0.0, **levels)
    size = (np.abs(x_t) + np.abs(eps)) / math.sqrt(alpha_bar_t)
    assert_close(solvers.dpm_solver_1_step(x_t, eps, **at), expected, terms=size, units=8.0)
    x_0 = eq.x_0_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t)
    assert_close(solvers.dpmpp_1_step(x_t, x_0, **at), expected, terms=2 * size, units=8.0)


@pytest.mark.verifies("lu2023/sde-first-order-step", "lu2023/sde-multistep")
@every_step
def test_the_stochastic_step_draws_from_the_posterior(levels):
    x_t, x_0, noise = 1.7, 0.4, -0.6
    mean = continuous.posterior_mean(x_0, x_t, **levels)
    deviation = math.sqrt(continuous.posterior_variance(**levels))
    found = solvers.sde_dpmpp_1_step(x_t, x_0, noise, **levels)
    assert_close(found, mean + deviation * noise, terms=4.0)
    steady = solvers.sde_dpmpp_2m_step(x_t, x_0, x_0, noise, r=0.3, **levels)
    assert_close(steady, found, terms=4.0)
    # A slope moves the data as far as it changes over half the step.
    moved = solvers.sde_dpmpp_2m_step(x_t, x_0, x_0 - 0.3 * 0.8, noise, r=0.3, **levels)
    shifted = solvers.sde_dpmpp_1_step(x_t, x_0 + 0.8 / 2, noise, **levels)
    assert_close(moved, shifted, terms=4.0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: solvers.dpm_solver_2_step(
                1.0, 1.0, 1.0, alpha_t=0.5, sigma_t=0.8, alpha_s=1.0, sigma_s=0.0, r=0.5
            ),
            r"sigma_s=0 must be in \(0, inf\]: .* take a first-order step there",
        ),
        (
            lambda: solvers.dpm_solver_3_step(1.0, 1.0, 1.0, r=1.5, **STEPS[0]),
            r"r=1.5 must be in \(0, 1\]: it is the fraction",
        ),
        (
            lambda: solvers.dpmpp_2m_step(1.0, 1.0, 1.0, r=0.0, **STEPS[0]),
            r"r=0 must be in \(0, inf\]: it is the step before divided",
        ),
        (
            lambda: solvers.dpm_solver_1_step(
                1.0, 1.0, alpha_t=0.9, sigma_t=0.1, alpha_s=0.5, sigma_s=0.8
            ),
            "were the two swapped",
        ),
        (lambda: solvers.unipc_weight_1(b=0.1, r_1=0.0), "separation=0 must be in"),
        (lambda: solvers.unipc_weight_2(h=0.1, r_1=1.0, r_2=1.0), "two of the points are one"),
        (
            lambda: solvers.unipc_weight_3(h=0.1, r_1=1.0, r_2=-1.0, r_3=1.0),
            "two of the points are one",
        ),
    ],
)
def test_arguments_outside_their_domain_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        call()
    assert "\n" not in str(refused.value)
