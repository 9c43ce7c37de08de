r"""How an ancestral step splits the noise at its end into a kept and a fresh part, at any scales.

Of the noise sigma_s at the end, a part is fresh and the rest keeps the direction of the predicted
noise: their squares sum to sigma_s^2. In the discrete family the fresh part is DDIM's sigma; with
alpha = 1 and eta = 1 it is that of ancestral sampling in variance-exploding schedules.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, NON_NEGATIVE, POSITIVE, check_in, check_less_noisy_scales
from refdiff._cures import NO_SIGNAL, NOT_LOST_AT_S, SIGMA, TO_REMOVE
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements

__all__ = [
    "ancestral_fresh_noise",
    "ancestral_kept_noise",
]

_ETA = "0 adds no noise, 1 as much as the posterior q(x_s | x_t, x_0) has."


def _check(alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array, eta: Array) -> None:
    check_in(NON_NEGATIVE, NO_SIGNAL, alpha_t=alpha_t)
    check_in(POSITIVE, TO_REMOVE, sigma_t=sigma_t)
    check_in(POSITIVE, NOT_LOST_AT_S, alpha_s=alpha_s)
    check_in(NON_NEGATIVE, SIGMA, sigma_s=sigma_s)
    check_in(CLOSED_UNIT, _ETA, eta=eta)
    check_less_noisy_scales(alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s)


def _ratio_left(alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array) -> Array:
    """Return the ratio of the two noise-to-signal ratios, in [0, 1]."""
    return alpha_t * sigma_s / (alpha_s * sigma_t)


@implements("song2021ddim/fresh-noise-at-scales")
def ancestral_fresh_noise(
    *, alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array, eta: Array
) -> Array:
    r"""Return the standard deviation of the fresh noise of an ancestral step.

    .. math:: \eta\,\sigma_s\sqrt{1 - \frac{\alpha_t^2\,\sigma_s^2}{\alpha_s^2\,\sigma_t^2}}

    Parameters
    ----------
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale at t, positive.
    alpha_s : array_like
        Signal scale at the less noisy s, positive.
    sigma_s : array_like
        Noise scale at s, not negative.
    eta : array_like
        Share of the noise, in [0, 1].

    Returns
    -------
    array_like
        Shape of the broadcast; 0 at the data.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier of the two.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), section 4.1, for scales that need not preserve
    the variance.

    Examples
    --------
    >>> scales = {'alpha_t': 1.0, 'sigma_t': 5.0, 'alpha_s': 1.0, 'sigma_s': 4.0}
    >>> round(ancestral_fresh_noise(**scales, eta=1.0), 12)
    2.4
    """
    _check(alpha_t, sigma_t, alpha_s, sigma_s, eta)
    left = _ratio_left(alpha_t, sigma_t, alpha_s, sigma_s)
    return eta * sigma_s * sqrt((1 - left) * (1 + left))


@implements("song2021ddim/kept-noise-at-scales")
def ancestral_kept_noise(
    *, alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array, eta: Array
) -> Array:
    r"""Return the factor of the predicted noise after an ancestral step.

    .. math:: \sigma_s\sqrt{1 - \eta^2\left(
              1 - \frac{\alpha_t^2\,\sigma_s^2}{\alpha_s^2\,\sigma_t^2}\right)}

    Parameters
    ----------
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale at t, positive.
    alpha_s : array_like
        Signal scale at the less noisy s, positive.
    sigma_s : array_like
        Noise scale at s, not negative.
    eta : array_like
        Share of the noise, in [0, 1].

    Returns
    -------
    array_like
        Shape of the broadcast; its square and that of `ancestral_fresh_noise` sum to sigma_s^2.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier of the two.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), section 4.1, for scales that need not preserve
    the variance.

    Examples
    --------
    >>> scales = {'alpha_t': 1.0, 'sigma_t': 5.0, 'alpha_s': 1.0, 'sigma_s': 4.0}
    >>> round(ancestral_kept_noise(**scales, eta=1.0), 12)
    3.2
    """
    _check(alpha_t, sigma_t, alpha_s, sigma_s, eta)
    left = _ratio_left(alpha_t, sigma_t, alpha_s, sigma_s)
    # (1 - eta)(1 + eta) + (eta left)^2: a sum of terms that are not negative.
    return sigma_s * sqrt((1 - eta) * (1 + eta) + (eta * left) ** 2)
