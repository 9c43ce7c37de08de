"""Oracles of DDIM's functions in `refdiff.equations.solvers`; see `tests.support.textbook`.

The forward process is Bayes' rule in precision form, on the kernel of the sampler as printed.
"""

import mpmath as mp


def sigma_bar(alpha_bar):
    return mp.sqrt((1 - alpha_bar) / alpha_bar)


def ddim_euler_step(x_t, eps, *, alpha_bar_t, alpha_bar_s):
    moved = x_t / mp.sqrt(alpha_bar_t) + (sigma_bar(alpha_bar_s) - sigma_bar(alpha_bar_t)) * eps
    return mp.sqrt(alpha_bar_s) * moved


def ddim_encode_step(x_s, eps, *, alpha_bar_t, alpha_bar_s):
    """Return DDIM (12) without noise, from s to t: the predicted data, and the noise again."""
    x_0 = (x_s - mp.sqrt(1 - alpha_bar_s) * eps) / mp.sqrt(alpha_bar_s)
    return mp.sqrt(alpha_bar_t) * x_0 + mp.sqrt(1 - alpha_bar_t) * eps


def ddim_probability_flow_step(x_t, eps, *, alpha_bar_t, alpha_bar_s):
    fall = (sigma_bar(alpha_bar_s) ** 2 - sigma_bar(alpha_bar_t) ** 2) / 2
    return mp.sqrt(alpha_bar_s) * (x_t / mp.sqrt(alpha_bar_t) + fall / sigma_bar(alpha_bar_t) * eps)


def forward(x_0, x_s, alpha_bar_t, alpha_bar_s, eta):
    """Return mean and variance of x_t from the prior q(x_t | x_0) and the kernel q(x_s | x_t, x_0).

    The kernel says x_s = offset + slope x_t + noise, with noise of variance sigma^2.
    """
    sigma_2 = eta**2 * (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)
    slope = mp.sqrt(1 - alpha_bar_s - sigma_2) / mp.sqrt(1 - alpha_bar_t)
    offset = mp.sqrt(alpha_bar_s) * x_0 - slope * mp.sqrt(alpha_bar_t) * x_0
    prior_mean, prior_variance = mp.sqrt(alpha_bar_t) * x_0, 1 - alpha_bar_t
    if sigma_2 == 0:
        return ((x_s - offset) / slope if slope else prior_mean), mp.mpf(0)
    precision = 1 / prior_variance + slope**2 / sigma_2
    mean = (prior_mean / prior_variance + slope * (x_s - offset) / sigma_2) / precision
    return mean, 1 / precision


def ddim_forward_mean(x_0, x_s, *, alpha_bar_t, alpha_bar_s, eta):
    return forward(x_0, x_s, alpha_bar_t, alpha_bar_s, eta)[0]


def ddim_forward_variance(*, alpha_bar_t, alpha_bar_s, eta):
    if alpha_bar_s == 1:  # x_s is the data: what is left is q(x_t | x_0), by the share eta^2
        return eta**2 * (1 - alpha_bar_t)
    return forward(mp.mpf(0), mp.mpf(0), alpha_bar_t, alpha_bar_s, eta)[1]


def ddim_larger_sigma(*, alpha_bar_t, alpha_bar_s):
    return mp.sqrt(1 - alpha_bar_t / alpha_bar_s)


ORACLES = {
    function.__name__: function
    for function in (
        ddim_encode_step,
        ddim_euler_step,
        ddim_forward_mean,
        ddim_forward_variance,
        ddim_larger_sigma,
        ddim_probability_flow_step,
    )
}
"""By the names of ``refdiff.equations.solvers``."""
