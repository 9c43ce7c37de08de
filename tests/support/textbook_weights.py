"""Oracles of `refdiff.equations.weights`; see `tests.support.textbook`.

A weight is moved from one error to another by what the errors are: two predictions of x_0 that
differ by 1 are turned into predictions of the other quantity by its definition, and the squares of
the differences are compared.
"""

import mpmath as mp

from tests.support import textbook_flow
from tests.support.textbook_continuous import CONVERSIONS


def preserving(snr_t):
    """Return the scales with this SNR of which the squares sum to 1."""
    return {"alpha_t": mp.sqrt(snr_t / (1 + snr_t)), "sigma_t": mp.sqrt(1 / (1 + snr_t))}


def error(name, snr_t):
    """Return the squared error of a quantity for a unit error of x_0."""
    at = preserving(snr_t)
    convert = CONVERSIONS[f"{name}_from_x_0"]
    return (convert(mp.mpf(2), mp.mpf(1), **at) - convert(mp.mpf(2), mp.mpf(0), **at)) ** 2


def weight_x_0_from_eps(weight, *, snr_t):
    return weight * error("eps", snr_t)


def weight_eps_from_x_0(weight, *, snr_t):
    return weight / error("eps", snr_t)


def weight_x_0_from_v(weight, *, snr_t):
    return weight * error("v", snr_t)


def weight_v_from_x_0(weight, *, snr_t):
    return weight / error("v", snr_t)


def weight_eps_from_v(weight, *, snr_t):
    return weight * error("v", snr_t) / error("eps", snr_t)


def weight_v_from_eps(weight, *, snr_t):
    return weight * error("eps", snr_t) / error("v", snr_t)


def weight_eps_from_score(weight, *, sigma_t):
    return weight * CONVERSIONS["score_from_eps"](mp.mpf(1), sigma_t=sigma_t) ** 2


def weight_score_from_eps(weight, *, sigma_t):
    return weight / CONVERSIONS["score_from_eps"](mp.mpf(1), sigma_t=sigma_t) ** 2


def velocity_error(**path):
    find = textbook_flow.ORACLES["velocity_from_x_0"]
    return (find(mp.mpf(2), mp.mpf(1), **path) - find(mp.mpf(2), mp.mpf(0), **path)) ** 2


def weight_x_0_from_velocity(weight, **path):
    return weight * velocity_error(**path)


def weight_velocity_from_x_0(weight, **path):
    return weight / velocity_error(**path)


# ---------------------------------------------------------------- kinds


def truncated_snr_weight_x_0(*, snr_t):
    """Return the larger of the errors of x_0 and eps."""
    return max(mp.mpf(1), error("eps", snr_t))


def snr_plus_one_weight_x_0(*, snr_t):
    return error("v", snr_t)


def max_snr_weight_x_0(*, snr_t, gamma):
    return snr_t if snr_t > gamma else gamma


def soft_min_snr_weight_x_0(*, snr_t, gamma):
    """Return Crowson et al.'s form, in the noise level."""
    if not snr_t:
        return mp.mpf(0)
    sigma = 1 / mp.sqrt(snr_t)
    return 1 / (sigma**2 + 1 / gamma)


def simple_loss_weight(*, snr_t, snr_rate):
    return -snr_t / snr_rate


# ---------------------------------------------------------------- levels


def log_snr_from_uniform(*, u, log_snr_min, log_snr_max):
    b = mp.atan(mp.exp(-log_snr_max / 2))
    a = mp.atan(mp.exp(-log_snr_min / 2)) - b
    return -2 * mp.log(mp.tan(a * u + b))


def pooled_snr(*, snr_t, pooling):
    """Return the SNR when the noise variance 1 / SNR is shared by s x s pixels."""
    return 1 / (1 / snr_t / pooling**2) if snr_t else mp.mpf(0)


def interpolated_log_snr(*, t, log_snr_low, log_snr_high):
    return log_snr_low + t * (log_snr_high - log_snr_low)


ORACLES = {
    function.__name__: function
    for function in (
        interpolated_log_snr,
        log_snr_from_uniform,
        max_snr_weight_x_0,
        pooled_snr,
        simple_loss_weight,
        snr_plus_one_weight_x_0,
        soft_min_snr_weight_x_0,
        truncated_snr_weight_x_0,
        weight_eps_from_score,
        weight_eps_from_v,
        weight_eps_from_x_0,
        weight_score_from_eps,
        weight_v_from_eps,
        weight_v_from_x_0,
        weight_velocity_from_x_0,
        weight_x_0_from_eps,
        weight_x_0_from_v,
        weight_x_0_from_velocity,
    )
}
"""By the names of ``refdiff.equations.weights``."""
