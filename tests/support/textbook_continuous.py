"""The formulas of (alpha_t, sigma_t) on mpmath numbers, derived here and not taken from code.

Conversions solve the two linear equations that define the quantities,

    x_t = alpha_t x_0 + sigma_t eps,      v = alpha_t eps - sigma_t x_0,

and posteriors condition the joint normal distribution of (x_s, x_t) by its gain. Neither looks
like the closed formulas of the papers, which therefore are checked too.
"""

import mpmath as mp


def solved(rows, values):
    """Solve two equations for (x_0, eps) by Cramer's rule."""
    (a, b), (c, d) = rows
    determinant = a * d - b * c
    return (values[0] * d - b * values[1]) / determinant, (
        a * values[1] - values[0] * c
    ) / determinant


def velocity(x_0, eps, alpha_t, sigma_t):
    return alpha_t * eps - sigma_t * x_0


def x_0_from_eps(x_t, eps, *, alpha_t, sigma_t):
    return solved(((alpha_t, sigma_t), (0, 1)), (x_t, eps))[0]


def eps_from_x_0(x_t, x_0, *, alpha_t, sigma_t):
    return solved(((alpha_t, sigma_t), (1, 0)), (x_t, x_0))[1]


def v_from_eps(x_t, eps, *, alpha_t, sigma_t):
    x_0 = x_0_from_eps(x_t, eps, alpha_t=alpha_t, sigma_t=sigma_t)
    return velocity(x_0, eps, alpha_t, sigma_t)


def v_from_x_0(x_t, x_0, *, alpha_t, sigma_t):
    eps = eps_from_x_0(x_t, x_0, alpha_t=alpha_t, sigma_t=sigma_t)
    return velocity(x_0, eps, alpha_t, sigma_t)


def x_0_from_v(x_t, v, *, alpha_t, sigma_t):
    return solved(((alpha_t, sigma_t), (-sigma_t, alpha_t)), (x_t, v))[0]


def eps_from_v(x_t, v, *, alpha_t, sigma_t):
    return solved(((alpha_t, sigma_t), (-sigma_t, alpha_t)), (x_t, v))[1]


def score_from_x_0(x_t, x_0, *, alpha_t, sigma_t):
    """Return the slope at x_t of -(x_t - alpha_t x_0)^2 / (2 sigma_t^2)."""
    return -(x_t - alpha_t * x_0) / sigma_t**2


def score_from_eps(eps, *, sigma_t, alpha_t=1):
    """Return the score at alpha_t x_0 + sigma_t eps; x_0 cancels."""
    x_0 = mp.mpf(1) / 3
    return score_from_x_0(alpha_t * x_0 + sigma_t * eps, x_0, alpha_t=alpha_t, sigma_t=sigma_t)


def eps_from_score(score, *, sigma_t, alpha_t=1):
    return -sigma_t * score


def x_0_from_score(x_t, score, *, alpha_t, sigma_t):
    """Return Tweedie's formula: the posterior mean from the slope of the marginal."""
    return (x_t + sigma_t**2 * score) / alpha_t


CONVERSIONS = {
    f.__name__: f
    for f in (
        eps_from_score,
        eps_from_v,
        eps_from_x_0,
        score_from_eps,
        score_from_x_0,
        v_from_eps,
        v_from_x_0,
        x_0_from_eps,
        x_0_from_score,
        x_0_from_v,
    )
}
"""All with the keywords alpha_t and sigma_t."""


def forward_mean(x_0, *, alpha_t):
    return alpha_t * x_0


def forward_variance(*, sigma_t):
    return sigma_t**2


def forward_sample(x_0, eps, *, alpha_t, sigma_t):
    return alpha_t * x_0 + sigma_t * eps


def transition_mean(x_s, *, alpha_t, alpha_s):
    return alpha_t / alpha_s * x_s


def transition_variance(*, alpha_t, sigma_t, alpha_s, sigma_s):
    """Return what has to be added to the variance passed on from s, to make that at t."""
    return sigma_t**2 - (alpha_t / alpha_s) ** 2 * sigma_s**2


def gain(alpha_t, sigma_t, alpha_s, sigma_s):
    """Return cov(x_s, x_t) / var(x_t), given x_0."""
    return alpha_t / alpha_s * sigma_s**2 / sigma_t**2


def posterior_mean(x_0, x_t, *, alpha_t, sigma_t, alpha_s, sigma_s):
    k = gain(alpha_t, sigma_t, alpha_s, sigma_s)
    return alpha_s * x_0 + k * (x_t - alpha_t * x_0)


def posterior_variance(*, alpha_t, sigma_t, alpha_s, sigma_s):
    return sigma_s**2 - gain(alpha_t, sigma_t, alpha_s, sigma_s) ** 2 * sigma_t**2


def snr(*, alpha_t, sigma_t):
    return (alpha_t / sigma_t) ** 2 if sigma_t else mp.inf


def log_snr(*, alpha_t, sigma_t):
    if not alpha_t or not sigma_t:
        return mp.inf if alpha_t else -mp.inf
    return 2 * mp.log(alpha_t) - 2 * mp.log(sigma_t)


CONTINUOUS = CONVERSIONS | {
    f.__name__: f
    for f in (
        forward_mean,
        forward_sample,
        forward_variance,
        log_snr,
        posterior_mean,
        posterior_variance,
        snr,
        transition_mean,
        transition_variance,
    )
}
"""By the names of ``refdiff.equations.continuous``."""
