"""What the steps of the exponential integrators share: their checks, and the step in log-SNR."""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in, check_less_noisy_scales
from refdiff._cures import ALPHA, NO_SIGNAL, NOT_LOST_AT_S, SIGMA, TO_REMOVE
from refdiff._namespace import Array, log

__all__ = ["check_data_step", "check_inner_step", "check_noise_step", "log_snr_step"]

_CLEAN = "at sigma_s=0 the step in log-SNR is infinite; take a first-order step there."
_LOST = "at alpha_t=0 the step in log-SNR is infinite; take a first-order step there."


def check_noise_step(alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array) -> None:
    """Check the scales of a step that starts from a predicted eps."""
    check_in(POSITIVE, NO_SIGNAL, alpha_t=alpha_t)
    _check_others(alpha_t, sigma_t, alpha_s, sigma_s)


def check_data_step(alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array) -> None:
    """Check the scales of a step that starts from a predicted x_0."""
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    _check_others(alpha_t, sigma_t, alpha_s, sigma_s)


def _check_others(alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array) -> None:
    check_in(POSITIVE, TO_REMOVE, sigma_t=sigma_t)
    check_in(POSITIVE, NOT_LOST_AT_S, alpha_s=alpha_s)
    check_in(NON_NEGATIVE, SIGMA, sigma_s=sigma_s)
    check_less_noisy_scales(alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s)


def check_inner_step(alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array) -> None:
    """Check the scales of a step of higher order, whose ends both have signal and noise."""
    check_in(POSITIVE, _LOST, alpha_t=alpha_t)
    check_in(POSITIVE, _CLEAN, sigma_s=sigma_s)
    _check_others(alpha_t, sigma_t, alpha_s, sigma_s)


def log_snr_step(alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array) -> Array:
    """Return h, the growth of ln(alpha/sigma) from t to s."""
    return log(alpha_s / alpha_t * (sigma_t / sigma_s))
