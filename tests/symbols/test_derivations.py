"""Derivations from definitions: Bayes' rule, the chain rule, elimination; no formula is quoted."""

import pytest
import sympy as sp

import refdiff.equations as eq
from refdiff.equations import continuous, flow, sde
from tests.support.proof import ProofError, prove_equal

real = {"real": True}
positive = {"positive": True}
x_0, x_s, x_t, eps, noise, v, score, w = sp.symbols("x_0 x_s x_t eps noise v score w", **real)
t, s = sp.symbols("alpha_bar_t alpha_bar_s", **positive)
a_t, d_t, a_s, d_s = sp.symbols("alpha_t sigma_t alpha_s sigma_s", **positive)
LEVELS, SCALES = {"alpha_bar_t": t, "alpha_bar_s": s}, {"alpha_t": a_t, "sigma_t": d_t}
AT_S = {"alpha_s": a_s, "sigma_s": d_s}
NUMBERS = (0.37, -1.21, 0.83, 0.52, -0.44, 1.3, -0.9, 0.7)
POINTS = [
    {
        **dict(zip((x_0, x_s, x_t, eps, noise, v, score, w), NUMBERS, strict=True)),
        t: level_t,
        s: level_s,
        a_t: 0.5,
        d_t: 0.75,
        a_s: 0.8,
        d_s: 0.3,
    }
    for level_t, level_s in ((0.25, 0.5), (0.01, 0.9), (0.6, 0.61))
]


def prove(left, right, more=None):
    prove_equal(left, right, [{**point, **(more or {})} for point in POINTS])


def normal_log_density(x, mean, variance):
    return -((x - mean) ** 2) / (2 * variance) - sp.log(2 * sp.pi * variance) / 2


def mean_and_variance(log_density, x):
    """Read a normal distribution off the square that its exponent is."""
    slope = sp.diff(log_density, x)
    variance = -1 / sp.diff(slope, x)
    return slope.subs(x, 0) * variance, variance


def noisy(alpha, sigma):
    return alpha * x_0 + sigma * eps


@pytest.mark.verifies("ho2020/posterior-mean", "ho2020/posterior-variance", kind="symbols")
def test_the_posterior_is_bayes_rule():
    joint = normal_log_density(x_s, sp.sqrt(s) * x_0, 1 - s) + normal_log_density(
        x_t, sp.sqrt(t / s) * x_s, 1 - t / s
    )
    mean, variance = mean_and_variance(joint, x_s)
    prove(mean, eq.posterior_mean(x_0, x_t, **LEVELS))
    prove(variance, eq.posterior_variance(**LEVELS))


@pytest.mark.verifies("kingma2021/posterior-mean", "kingma2021/posterior-variance", kind="symbols")
def test_the_posterior_of_any_scales_is_bayes_rule():
    ratio = a_t / a_s
    joint = normal_log_density(x_s, a_s * x_0, d_s**2) + normal_log_density(
        x_t, ratio * x_s, d_t**2 - ratio**2 * d_s**2
    )
    mean, variance = mean_and_variance(joint, x_s)
    prove(mean, continuous.posterior_mean(x_0, x_t, **SCALES, **AT_S))
    prove(variance, continuous.posterior_variance(**SCALES, **AT_S))


@pytest.mark.verifies(
    "ho2020/marginal-variance",
    "ho2020/transition-variance",
    "ho2020/transition-mean",
    kind="symbols",
)
def test_two_transitions_make_the_marginal():
    # x_t = c (sqrt(s) x_0 + sqrt(1-s) e) + sqrt(b) e': means and variances of independent sums.
    scale = eq.transition_mean(1, **LEVELS)
    prove(scale * eq.forward_mean(x_0, alpha_bar_t=s), eq.forward_mean(x_0, alpha_bar_t=t))
    gathered = scale**2 * eq.forward_variance(alpha_bar_t=s) + eq.transition_variance(**LEVELS)
    prove(gathered, eq.forward_variance(alpha_bar_t=t))


@pytest.mark.verifies("ho2020/reverse-mean", kind="symbols")
def test_the_reverse_mean_is_the_posterior_mean_with_x_0_eliminated():
    (solved,) = sp.solve(sp.Eq(x_t, noisy(sp.sqrt(t), sp.sqrt(1 - t))), x_0)
    posterior = eq.posterior_mean(solved, x_t, **LEVELS)
    prove(posterior, eq.posterior_mean_from_eps(x_t, eps, **LEVELS))


@pytest.mark.verifies("ho2020/posterior-kl", kind="symbols")
def test_the_divergence_is_the_expected_log_ratio():
    m_1, m_2 = sp.symbols("m_1 m_2", **real)
    l_1, l_2 = sp.symbols("l_1 l_2", **real)
    z = sp.Symbol("z", **real)
    x = m_1 + sp.exp(l_1 / 2) * z
    ratio = normal_log_density(x, m_1, sp.exp(l_1)) - normal_log_density(x, m_2, sp.exp(l_2))
    moments = sp.Poly(sp.expand(sp.expand_log(ratio, force=True)), z)
    expected = sum(
        coefficient * {0: 1, 1: 0, 2: 1}[power] for (power,), coefficient in moments.terms()
    )
    numbers = {m_1: 0.3, m_2: -0.8, l_1: -1.2, l_2: 0.4}
    prove_equal(expected, eq.normal_kl(m_1, l_1, m_2, l_2), [numbers])


@pytest.mark.verifies("ho2020/prior-kl", kind="symbols")
def test_the_prior_divergence_is_that_of_the_last_marginal():
    mean, variance = eq.forward_mean(x_0, alpha_bar_t=t), eq.forward_variance(alpha_bar_t=t)
    prove(eq.normal_kl(mean, sp.log(variance), 0, 0), eq.prior_kl(x_0, alpha_bar_t=t))


@pytest.mark.verifies("song2021ddim/sigma", "ho2020/posterior-variance", kind="symbols")
def test_eta_1_is_the_variance_of_the_posterior():
    prove(eq.ddim_sigma(**LEVELS, eta=sp.Integer(1)) ** 2, eq.posterior_variance(**LEVELS))


@pytest.mark.verifies("song2021ddim/step", "ho2020/ancestral-step", kind="symbols")
def test_eta_1_makes_ddim_ancestral_sampling():
    step = eq.ddim_step(x_t, eps, noise, **LEVELS, eta=sp.Integer(1))
    prove(step, eq.ddpm_step(x_t, eps, noise, **LEVELS))


@pytest.mark.verifies("song2021ddim/step-mean", "song2021ddim/sigma", kind="symbols")
def test_ddim_steps_keep_the_marginal_for_every_eta():
    eta = sp.Symbol("eta", **positive)
    of_eps = eq.ddim_mean(0, 1, **LEVELS, eta=eta)
    sigma = eq.ddim_sigma(**LEVELS, eta=eta)
    prove(of_eps**2 + sigma**2, eq.forward_variance(alpha_bar_t=s), {eta: 0.6})


@pytest.mark.verifies("kingma2021/score-from-eps", "kingma2021/score-from-x-0", kind="symbols")
def test_the_score_is_the_gradient_of_the_log_density():
    slope = sp.diff(normal_log_density(x_t, a_t * x_0, d_t**2), x_t)
    prove(slope, continuous.score_from_x_0(x_t, x_0, **SCALES))
    prove(slope.subs(x_t, noisy(a_t, d_t)), continuous.score_from_eps(eps, sigma_t=d_t))


@pytest.mark.verifies("salimans2022/x-0-from-v", "salimans2022/eps-from-v", kind="symbols")
def test_v_is_alpha_eps_minus_sigma_x_0():
    found = sp.solve([sp.Eq(x_t, noisy(a_t, d_t)), sp.Eq(v, a_t * eps - d_t * x_0)], [x_0, eps])
    prove(found[x_0], continuous.x_0_from_v(x_t, v, **SCALES))
    prove(found[eps], continuous.eps_from_v(x_t, v, **SCALES))


@pytest.mark.verifies(
    "lin2024/x-0-from-v", "lin2024/v-from-eps", "lin2024/v-from-x-0", kind="symbols"
)
def test_v_is_the_angular_velocity_of_the_variance_preserving_circle():
    # alpha_bar = cos(angle)^2, so d alpha_bar / d angle = -2 cos sin.
    x = eq.forward_sample(x_0, eps, alpha_bar_t=t)
    velocity = sp.diff(x, t) * -2 * sp.sqrt(t * (1 - t))
    prove(velocity, eq.v_from_eps(x, eps, alpha_bar_t=t))
    prove(velocity, eq.v_from_x_0(x, x_0, alpha_bar_t=t))
    prove(x_0, eq.x_0_from_v(x, velocity, alpha_bar_t=t))


@pytest.mark.verifies("ho2022cfg/guided-eps", "dhariwal2021/guided-eps", kind="symbols")
def test_guidance_is_the_score_of_a_tilted_density():
    # log p(x) + (1 + w) log p(c | x), and log p(c | x) = log p(x | c) - log p(x) + constant.
    eps_c, eps_u = sp.symbols("eps_c eps_u", **real)
    with_c, without = (eq.score_from_eps(e, alpha_bar_t=t) for e in (eps_c, eps_u))
    classifier = with_c - without
    tilted = eq.eps_from_score(without + (1 + w) * classifier, alpha_bar_t=t)
    point = {eps_c: 0.4, eps_u: -0.7}
    prove(tilted, eq.classifier_free_guidance(eps_c, eps_u, w=w), point)
    guided = eq.classifier_guided_eps(eps_u, classifier, alpha_bar_t=t, scale=1 + w)
    prove(tilted, guided, point)


@pytest.mark.verifies("kingma2021/log-snr", "kingma2021/alpha-bar-from-log-snr", kind="symbols")
def test_log_snr_changes_by_the_chain_rule():
    slope = sp.diff(eq.log_snr(alpha_bar_t=t), t)
    prove(slope, 1 / (t * (1 - t)))
    number = sp.Symbol("number", **real)
    back = sp.diff(eq.alpha_bar_from_log_snr(log_snr_t=number), number)
    level = eq.alpha_bar_from_log_snr(log_snr_t=number)
    prove(back, level * (1 - level), {number: 0.7})


@pytest.mark.verifies("ho2020/vlb-weight-eps", kind="symbols")
def test_the_bounds_weight_is_the_divergence_of_two_steps():
    variance, other = sp.Symbol("variance", **positive), sp.Symbol("other", **real)
    means = [eq.posterior_mean_from_eps(x_t, e, **LEVELS) for e in (eps, other)]
    divergence = eq.normal_kl(means[0], sp.log(variance), means[1], sp.log(variance))
    weight = eq.vlb_weight_eps(**LEVELS, variance=variance)
    prove(divergence, weight * (eps - other) ** 2, {variance: 0.2, other: -1.4})


@pytest.mark.verifies("karras2022/c-in", "karras2022/c-out", "karras2022/c-skip", kind="symbols")
def test_edm_keeps_unit_variances_with_the_least_amplification():
    sigma, data = sp.symbols("sigma data", **positive)
    values = {"sigma": sigma, "sigma_data": data}
    c_in, c_out, c_skip = (f(**values) for f in (eq.edm_c_in, eq.edm_c_out, eq.edm_c_skip))
    skip = sp.Symbol("skip", **real)
    target = (1 - skip) ** 2 * data**2 + skip**2 * sigma**2  # c_out^2, for targets of variance 1
    (best,) = sp.solve(sp.diff(target, skip), skip)
    point = [{sigma: 0.7, data: 0.5}]
    prove_equal(c_in**2 * (sigma**2 + data**2), 1, point)
    prove_equal(best, c_skip, point)
    prove_equal(target.subs(skip, best), c_out**2, point)
    prove_equal(eq.edm_loss_weight(**values) * c_out**2, 1, point)


@pytest.mark.verifies("song2021sde/vp-mean-scale", "song2021sde/vp-kernel-variance", kind="symbols")
def test_the_kernels_moments_solve_the_equations_of_ito():
    # d m/dt = -beta m / 2 and d V/dt = -beta V + beta, from m = 1 and V = 0.
    time = sp.Symbol("time", **positive)
    rate, integral = 1 + 2 * time, time + time**2
    mean, variance = (
        sde.vp_mean_scale(beta_integral=integral),
        sde.vp_variance(beta_integral=integral),
    )
    drift = sde.vp_drift(mean, beta_t=rate)
    point = [{time: 0.4}]
    prove_equal(sp.diff(mean, time), drift, point)
    spread = -rate * variance + sde.vp_diffusion(beta_t=rate) ** 2
    prove_equal(sp.diff(variance, time), spread, point)
    assert mean.subs(time, 0) == 1
    assert variance.subs(time, 0) == 0


@pytest.mark.verifies(
    "lipman2023/conditional-velocity", "lipman2023/x-0-from-velocity", kind="symbols"
)
def test_flow_velocities_are_derivatives_of_the_path():
    time = sp.Symbol("time", **positive)
    alpha, sigma = sp.cos(time), sp.sin(time)
    path = alpha * x_0 + sigma * eps
    rates = {"alpha_rate": sp.diff(alpha, time), "sigma_rate": sp.diff(sigma, time)}
    prove(sp.diff(path, time), flow.velocity(x_0, eps, **rates), {time: 0.6})
    scales = {"alpha_t": alpha, "sigma_t": sigma, **rates}
    prove(x_0, flow.x_0_from_velocity(path, sp.diff(path, time), **scales), {time: 0.6})
    prove(eps, flow.eps_from_velocity(path, sp.diff(path, time), **scales), {time: 0.6})


def test_a_derivation_with_a_slip_proves_nothing():
    wrong = normal_log_density(x_s, sp.sqrt(s) * x_0, 1 - s) + normal_log_density(
        x_t, sp.sqrt(t / s) * x_s, t / s
    )
    mean, variance = mean_and_variance(wrong, x_s)
    with pytest.raises(ProofError):
        prove(mean, eq.posterior_mean(x_0, x_t, **LEVELS))
    with pytest.raises(ProofError):
        prove(variance, eq.posterior_variance(**LEVELS))
