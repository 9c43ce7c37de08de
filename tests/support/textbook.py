"""The papers' formulas on mpmath numbers: the oracles of the discrete family.

Each function is written from the paper's statement, in the paper's own quantities (beta_t,
alpha_t = 1 - beta_t, products of them, a log where the paper has a log), and shares no code and
no rearrangement with `refdiff.equations`. With 60 digits the naive forms are exact enough: what
cancels in float64 does not matter here. Data at one end (alpha_bar_s = 1) and pure noise at the
other (alpha_bar_t = 0) are included.

``TEXTBOOK`` maps the names of `refdiff.equations`, and ``continuous.NAME`` and the like for those
of its subpackages, to these oracles.
"""

import mpmath as mp

from tests.support import (
    textbook_bounds,
    textbook_flow,
    textbook_guiding,
    textbook_sde,
    textbook_solvers,
    textbook_weights,
)
from tests.support import textbook_continuous as scales


def root(x):
    """Return the square root; the rounding of an exact 0 may have either sign."""
    return mp.sqrt(x) if x > mp.mpf(10) ** -50 else mp.mpf(0)


def step_beta(alpha_bar_t, alpha_bar_s):
    """Return beta of the step from s to t: the product of 1 - beta over it is the ratio."""
    return 1 - alpha_bar_t / alpha_bar_s


def beta_tilde(alpha_bar_t, alpha_bar_s):
    """Return DDPM (7): the posterior variance."""
    return (1 - alpha_bar_s) / (1 - alpha_bar_t) * step_beta(alpha_bar_t, alpha_bar_s)


# ---------------------------------------------------------------- DDPM (2), (4), (7), (11)


def forward_mean(x_0, *, alpha_bar_t):
    return mp.sqrt(alpha_bar_t) * x_0


def forward_variance(*, alpha_bar_t):
    return 1 - alpha_bar_t


def forward_sample(x_0, eps, *, alpha_bar_t):
    return mp.sqrt(alpha_bar_t) * x_0 + mp.sqrt(1 - alpha_bar_t) * eps


def transition_mean(x_s, *, alpha_bar_t, alpha_bar_s):
    return mp.sqrt(1 - step_beta(alpha_bar_t, alpha_bar_s)) * x_s


def transition_variance(*, alpha_bar_t, alpha_bar_s):
    return step_beta(alpha_bar_t, alpha_bar_s)


def posterior_mean(x_0, x_t, *, alpha_bar_t, alpha_bar_s):
    beta = step_beta(alpha_bar_t, alpha_bar_s)
    of_x_0 = mp.sqrt(alpha_bar_s) * beta / (1 - alpha_bar_t)
    of_x_t = mp.sqrt(1 - beta) * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return of_x_0 * x_0 + of_x_t * x_t


def posterior_variance(*, alpha_bar_t, alpha_bar_s):
    return beta_tilde(alpha_bar_t, alpha_bar_s)


def posterior_mean_from_eps(x_t, eps, *, alpha_bar_t, alpha_bar_s):
    beta = step_beta(alpha_bar_t, alpha_bar_s)
    return (x_t - beta / mp.sqrt(1 - alpha_bar_t) * eps) / mp.sqrt(1 - beta)


def learned_range_variance(v, *, alpha_bar_t, alpha_bar_s):
    """Return IDDPM's interpolation between log beta and log beta-tilde."""
    beta = step_beta(alpha_bar_t, alpha_bar_s)
    smaller = beta_tilde(alpha_bar_t, alpha_bar_s)
    if smaller == 0:  # log 0, with a weight that may be 0
        return beta if v == 1 else mp.mpf(0)
    return mp.exp(v * mp.log(beta) + (1 - v) * mp.log(smaller))


def optimal_reverse_variance(*, alpha_bar_t, alpha_bar_s, mean_squared_eps):
    """Return Analytic-DPM, Theorem 1, lambda_n^2 = beta-tilde, for eps* = -sqrt(beta_bar) score."""
    ratio, small = alpha_bar_t / alpha_bar_s, beta_tilde(alpha_bar_t, alpha_bar_s)
    mean_squared_score = mean_squared_eps / (1 - alpha_bar_t)
    spread = mp.sqrt((1 - alpha_bar_t) / ratio) - root(1 - alpha_bar_s - small)
    return small + spread**2 * (1 - (1 - alpha_bar_t) * mean_squared_score)


# ---------------------------------------------------------------- conversions: see scales


def at_scales(function):
    """Read a function of (alpha_t, sigma_t) at sqrt(alpha_bar_t), sqrt(1 - alpha_bar_t)."""

    def evaluate(*tensors, alpha_bar_t):
        return function(*tensors, alpha_t=mp.sqrt(alpha_bar_t), sigma_t=mp.sqrt(1 - alpha_bar_t))

    return evaluate


# ---------------------------------------------------------------- steps


def ddpm_step(x_t, eps, noise, *, alpha_bar_t, alpha_bar_s):
    """Return DDPM, Algorithm 2, with sigma_t^2 = beta-tilde."""
    mean = posterior_mean_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return mean + mp.sqrt(beta_tilde(alpha_bar_t, alpha_bar_s)) * noise


def ddpm_step_fixed_large(x_t, eps, noise, *, alpha_bar_t, alpha_bar_s):
    """Return DDPM, Algorithm 2, with sigma_t^2 = beta."""
    mean = posterior_mean_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return mean + mp.sqrt(step_beta(alpha_bar_t, alpha_bar_s)) * noise


def ddim_sigma(*, alpha_bar_t, alpha_bar_s, eta):
    """Return DDIM (16)."""
    return (
        eta
        * mp.sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t))
        * mp.sqrt(1 - alpha_bar_t / alpha_bar_s)
    )


def ddim_mean(x_0, eps, *, alpha_bar_t, alpha_bar_s, eta):
    """Return the mean of DDIM (7), with the x_t that x_0 and eps make up."""
    x_t = mp.sqrt(alpha_bar_t) * x_0 + mp.sqrt(1 - alpha_bar_t) * eps
    sigma = ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)
    direction = (x_t - mp.sqrt(alpha_bar_t) * x_0) / mp.sqrt(1 - alpha_bar_t)
    return mp.sqrt(alpha_bar_s) * x_0 + root(1 - alpha_bar_s - sigma**2) * direction


def ddim_step(x_t, eps, noise, *, alpha_bar_t, alpha_bar_s, eta):
    """Return DDIM (12)."""
    predicted = (x_t - mp.sqrt(1 - alpha_bar_t) * eps) / mp.sqrt(alpha_bar_t)
    sigma = ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)
    direction = root(1 - alpha_bar_s - sigma**2) * eps
    return mp.sqrt(alpha_bar_s) * predicted + direction + sigma * noise


# ---------------------------------------------------------------- guidance


def classifier_free_guidance(eps_cond, eps_uncond, *, w):
    return (1 + w) * eps_cond - w * eps_uncond


def guidance_from_scale(cond, uncond, *, scale):
    """Return Imagen's form, whose weight 1 is no guidance."""
    return scale * cond + (1 - scale) * uncond


def interval_scale(*, sigma, scale, sigma_lo, sigma_hi):
    return scale if sigma_lo < sigma <= sigma_hi else mp.mpf(1)


def classifier_guided_mean(mean, gradient, *, variance, scale):
    return mean + scale * variance * gradient


def classifier_guided_eps(eps, gradient, *, alpha_bar_t, scale):
    return eps - mp.sqrt(1 - alpha_bar_t) * scale * gradient


# ---------------------------------------------------------------- objectives


def normal_kl(mean_1, log_variance_1, mean_2, log_variance_2):
    variance_1, variance_2 = mp.exp(log_variance_1), mp.exp(log_variance_2)
    square = (mean_1 - mean_2) ** 2
    return (mp.log(variance_2 / variance_1) + (variance_1 + square) / variance_2 - 1) / 2


def prior_kl(x_0, *, alpha_bar_t):
    mean, variance = mp.sqrt(alpha_bar_t) * x_0, 1 - alpha_bar_t
    return normal_kl(mean, mp.log(variance), mp.mpf(0), mp.mpf(0))


def vlb_weight_eps(*, alpha_bar_t, alpha_bar_s, variance):
    """Return the factor of DDPM (12)."""
    beta = step_beta(alpha_bar_t, alpha_bar_s)
    return beta**2 / (2 * variance * (1 - beta) * (1 - alpha_bar_t))


def min_snr_weight_x_0(*, snr_t, gamma):
    return min(snr_t, gamma)


def min_snr_weight_eps(*, snr_t, gamma):
    return min(snr_t, gamma) / snr_t if snr_t else mp.mpf(1)


def min_snr_weight_v(*, snr_t, gamma):
    return min(snr_t, gamma) / (snr_t + 1)


def p2_weight_eps(*, snr_t, k, gamma):
    return mp.exp(-gamma * mp.log(k + snr_t))


def discretized_gaussian_log_likelihood(x_0, *, mean, std):
    """Return DDPM (13) for one pixel: delta_- is -inf at -1, and delta_+ is inf at 1."""
    half_bin = mp.mpf(1) / 255
    low = -mp.inf if x_0 < -0.999 else (x_0 - half_bin - mean) / std
    high = mp.inf if x_0 > 0.999 else (x_0 + half_bin - mean) / std
    if low > 0:  # the difference of two numbers near 1 has no digits: mirror it
        low, high = -high, -low
    at_low = mp.mpf(0) if low == -mp.inf else mp.ncdf(low)
    at_high = mp.mpf(1) if high == mp.inf else mp.ncdf(high)
    return mp.log(at_high - at_low)


def bits_per_dim(nats, *, num_dims):
    return nats / mp.log(2) / num_dims


# ---------------------------------------------------------------- signal to noise, EDM


def snr(*, alpha_bar_t):
    return alpha_bar_t / (1 - alpha_bar_t) if alpha_bar_t != 1 else mp.inf


def log_snr(*, alpha_bar_t):
    if alpha_bar_t in (0, 1):
        return mp.inf if alpha_bar_t else -mp.inf
    return mp.log(alpha_bar_t) - mp.log(1 - alpha_bar_t)


def alpha_bar_from_log_snr(*, log_snr_t):
    return mp.exp(log_snr_t) / (1 + mp.exp(log_snr_t))


def shifted_log_snr(*, log_snr_t, resolution, reference_resolution):
    return log_snr_t + 2 * (mp.log(reference_resolution) - mp.log(resolution))


def edm_c_skip(*, sigma, sigma_data):
    return sigma_data**2 / (sigma**2 + sigma_data**2)


def edm_c_out(*, sigma, sigma_data):
    return sigma * sigma_data / mp.sqrt(sigma_data**2 + sigma**2)


def edm_c_in(*, sigma, sigma_data):
    return 1 / mp.sqrt(sigma**2 + sigma_data**2)


def edm_c_noise(*, sigma):
    return mp.log(sigma) / 4


def edm_loss_weight(*, sigma, sigma_data):
    return (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2


TEXTBOOK = {
    function.__name__: function
    for function in (
        alpha_bar_from_log_snr,
        bits_per_dim,
        classifier_free_guidance,
        classifier_guided_eps,
        classifier_guided_mean,
        ddim_mean,
        ddim_sigma,
        ddim_step,
        ddpm_step,
        ddpm_step_fixed_large,
        discretized_gaussian_log_likelihood,
        edm_c_in,
        edm_c_noise,
        edm_c_out,
        edm_c_skip,
        edm_loss_weight,
        forward_mean,
        forward_sample,
        forward_variance,
        guidance_from_scale,
        interval_scale,
        learned_range_variance,
        log_snr,
        min_snr_weight_eps,
        min_snr_weight_v,
        min_snr_weight_x_0,
        normal_kl,
        optimal_reverse_variance,
        p2_weight_eps,
        posterior_mean,
        posterior_mean_from_eps,
        posterior_variance,
        prior_kl,
        shifted_log_snr,
        snr,
        transition_mean,
        transition_variance,
        vlb_weight_eps,
    )
}
TEXTBOOK |= {name: at_scales(function) for name, function in scales.CONVERSIONS.items()}
TEXTBOOK |= {f"continuous.{name}": function for name, function in scales.CONTINUOUS.items()}
TEXTBOOK |= {f"bounds.{name}": function for name, function in textbook_bounds.ORACLES.items()}
TEXTBOOK |= {f"flow.{name}": function for name, function in textbook_flow.ORACLES.items()}
TEXTBOOK |= {f"guiding.{name}": function for name, function in textbook_guiding.ORACLES.items()}
TEXTBOOK |= {f"sde.{name}": function for name, function in textbook_sde.ORACLES.items()}
TEXTBOOK |= {f"solvers.{name}": function for name, function in textbook_solvers.ORACLES.items()}
TEXTBOOK |= {f"weights.{name}": function for name, function in textbook_weights.ORACLES.items()}
