"""Oracles of `refdiff.equations.flow`; see `tests.support.textbook`.

Velocities are derivatives: each path is written as a function of time and differentiated by
reading the slope of its line x(t + h) = x(t) + h u.
Where the papers' time runs the other way, their printed formula is evaluated at 1 - t and its sign
turned.
"""

import mpmath as mp

from tests.support.textbook_continuous import CONVERSIONS, solved


def slope(path):
    """Return the derivative at 0 of a path that is a polynomial of degree 1 in h."""
    return path(mp.mpf(1)) - path(mp.mpf(0))


def velocity(x_0, eps, *, alpha_rate, sigma_rate, alpha_t=2, sigma_t=3):
    return slope(lambda h: (alpha_t + h * alpha_rate) * x_0 + (sigma_t + h * sigma_rate) * eps)


def through(name):
    """Return the velocity from a prediction, by way of the pair (data, noise)."""

    def find(x_t, given, *, alpha_t, sigma_t, alpha_rate, sigma_rate):
        at = {"alpha_t": alpha_t, "sigma_t": sigma_t}
        if name == "x_0":
            x_0, eps = given, CONVERSIONS["eps_from_x_0"](x_t, given, **at)
        elif name == "v":
            x_0 = CONVERSIONS["x_0_from_v"](x_t, given, **at)
            eps = CONVERSIONS["eps_from_v"](x_t, given, **at)
        else:
            eps = given if name == "eps" else -sigma_t * given
            x_0 = CONVERSIONS["x_0_from_eps"](x_t, eps, **at)
        return velocity(x_0, eps, alpha_rate=alpha_rate, sigma_rate=sigma_rate, **at)

    return find


def ends_of_line(x_t, velocity, *, alpha_t, sigma_t, alpha_rate, sigma_rate):
    """Return (x_0, eps) by Cramer's rule."""
    return solved(((alpha_t, sigma_t), (alpha_rate, sigma_rate)), (x_t, velocity))


def x_0_from_velocity(x_t, velocity, **path):
    return ends_of_line(x_t, velocity, **path)[0]


def eps_from_velocity(x_t, velocity, **path):
    return ends_of_line(x_t, velocity, **path)[1]


def v_from_velocity(x_t, velocity, **path):
    x_0, eps = ends_of_line(x_t, velocity, **path)
    return path["alpha_t"] * eps - path["sigma_t"] * x_0


def score_from_velocity(x_t, velocity, **path):
    x_0, _ = ends_of_line(x_t, velocity, **path)
    return -(x_t - path["alpha_t"] * x_0) / path["sigma_t"] ** 2


# ---------------------------------------------------------------- Lipman et al., in their time


def gaussian_path_field(x_t, mean, mean_rate, *, sigma_t, sigma_rate):
    """Return the slope of psi = sigma x + mu at the noise that lies at x_t."""
    noise = (x_t - mean) / sigma_t
    return slope(lambda h: (sigma_t + h * sigma_rate) * noise + mean + h * mean_rate)


def variance_exploding_field(x_t, x_0, *, sigma_t, sigma_rate):
    """Return minus (17): sigma_{1-t} and its derivative are those at our time."""
    return -(-(sigma_rate / sigma_t) * (x_t - x_0))


def variance_preserving_field(x_t, x_0, *, beta_integral, beta_t):
    """Return minus (19)."""
    decay = mp.exp(-beta_integral)
    bracket = (decay * x_t - mp.exp(-beta_integral / 2) * x_0) / (1 - decay)
    return -(-(beta_t / 2) * bracket)


def optimal_transport_alpha(*, t):
    return 1 - t


def optimal_transport_sigma(*, t, sigma_min):
    theirs = 1 - t
    return 1 - (1 - sigma_min) * theirs


def optimal_transport_sample(x_0, eps, *, t, sigma_min):
    theirs = 1 - t
    return (1 - (1 - sigma_min) * theirs) * eps + theirs * x_0


def optimal_transport_velocity(x_0, eps, *, sigma_min):
    return -(x_0 - (1 - sigma_min) * eps)


def optimal_transport_field(x_t, x_0, *, t, sigma_min):
    theirs = 1 - t
    return -(x_0 - (1 - sigma_min) * x_t) / (1 - (1 - sigma_min) * theirs)


# ---------------------------------------------------------------- Liu et al., in their time


def straight_sample(x_0, eps, *, t):
    theirs = 1 - t
    return theirs * x_0 + (1 - theirs) * eps


def straight_velocity(x_0, eps):
    return -(x_0 - eps)


def straight_velocity_from_x_0(x_t, x_0, *, t):
    eps = (x_t - (1 - t) * x_0) / t
    return -(x_0 - eps)


def straight_velocity_from_eps(x_t, eps, *, t):
    x_0 = (x_t - t * eps) / (1 - t)
    return -(x_0 - eps)


def straight_x_0_from_velocity(x_t, velocity, *, t):
    return x_t + (1 - (1 - t)) * -velocity


def straight_eps_from_velocity(x_t, velocity, *, t):
    return x_t - (1 - t) * -velocity


def euler_step(x_t, velocity, *, t, s):
    theirs_now, theirs_next = 1 - t, 1 - s
    return x_t + (theirs_next - theirs_now) * -velocity


# ---------------------------------------------------------------- Salimans and Ho


def ddim_step_from_x_0(x_t, x_0, *, alpha_t, sigma_t, alpha_s, sigma_s):
    """Return (8), in log-SNRs; without noise at s its limit."""
    if not sigma_s:
        return alpha_s * x_0
    half_t, half_s = mp.log(alpha_t / sigma_t), mp.log(alpha_s / sigma_s)
    factor = mp.exp(half_t - half_s)
    return factor * alpha_s / alpha_t * x_t + (1 - factor) * alpha_s * x_0


def angular_velocity(x_0, eps, *, angle):
    """Return the derivative of cos x_0 + sin eps, as the same a quarter turn on."""
    ahead = angle + mp.pi / 2
    return mp.cos(ahead) * x_0 + mp.sin(ahead) * eps


def angle_step(x_t, v, *, step_angle):
    """Return the real part of (x_t + i v) turned by the angle."""
    return mp.re(mp.mpc(x_t, v) * mp.expj(step_angle))


def distillation_target(x_t, x_s, *, alpha_t, sigma_t, alpha_s, sigma_s):
    ratio = sigma_s / sigma_t
    return (x_s - ratio * x_t) / (alpha_s - ratio * alpha_t)


def merged_x_0(x_t, x_0, eps, *, alpha_bar_t):
    alpha, sigma = mp.sqrt(alpha_bar_t), mp.sqrt(1 - alpha_bar_t)
    return sigma**2 * x_0 + alpha * (x_t - sigma * eps)


ORACLES = {
    function.__name__: function
    for function in (
        angle_step,
        angular_velocity,
        ddim_step_from_x_0,
        distillation_target,
        eps_from_velocity,
        euler_step,
        gaussian_path_field,
        merged_x_0,
        optimal_transport_alpha,
        optimal_transport_field,
        optimal_transport_sample,
        optimal_transport_sigma,
        optimal_transport_velocity,
        score_from_velocity,
        straight_eps_from_velocity,
        straight_sample,
        straight_velocity,
        straight_velocity_from_eps,
        straight_velocity_from_x_0,
        straight_x_0_from_velocity,
        v_from_velocity,
        variance_exploding_field,
        variance_preserving_field,
        velocity,
        x_0_from_velocity,
    )
}
ORACLES |= {f"velocity_from_{name}": through(name) for name in ("x_0", "eps", "v", "score")}
"""By the names of ``refdiff.equations.flow``."""
