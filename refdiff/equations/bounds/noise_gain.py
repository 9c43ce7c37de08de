r"""How strongly the noise in x_t reaches the mean of x_s in a DDIM step, without cancellation."""

from __future__ import annotations

from refdiff._checks import HALF_OPEN_AT_0, check_in
from refdiff._cures import NO_SIGNAL_AT_0
from refdiff._namespace import Array, sqrt
from refdiff.equations.steps import ddim_mean

__all__ = ["noise_gain", "noise_gain_per_level"]


def noise_gain_per_level(alpha_bar_t: Array, alpha_bar_s: Array, eta: Array) -> Array:
    """Return b / (alpha_bar_s - alpha_bar_t), see :func:`noise_gain`; finite where both are equal.

    b is a difference of the roots of A = alpha_bar_s (1 - alpha_bar_t) / alpha_bar_t and of
    B = 1 - alpha_bar_s - lambda^2, where A - B = (alpha_bar_s - alpha_bar_t) / alpha_bar_t +
    lambda^2 and lambda^2 has the factor alpha_bar_s - alpha_bar_t too.
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    kept = ddim_mean(0, 1, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)
    whole = sqrt(alpha_bar_s * ((1 - alpha_bar_t) / alpha_bar_t))
    fresh = eta * eta * ((1 - alpha_bar_s) / ((1 - alpha_bar_t) * alpha_bar_s))
    return (1 / alpha_bar_t + fresh) / (whole + kept)


def noise_gain(alpha_bar_t: Array, alpha_bar_s: Array, eta: Array) -> Array:
    """Return b = sqrt(alpha_bar_s (1/alpha_bar_t - 1)) - sqrt(1 - alpha_bar_s - lambda^2)."""
    return (alpha_bar_s - alpha_bar_t) * noise_gain_per_level(alpha_bar_t, alpha_bar_s, eta)
