r"""Velocity fields of Gaussian probability paths towards one data point.

A path q_t(x | x_0) = N(mu_t, sigma_t^2) is carried by the affine flow x -> mu_t + sigma_t x, and
so by the field below. Averaged over the posterior of x_0 given x_t the field carries the marginal
path; learning it is flow matching. The optimal-transport path stands in
`refdiff.equations.flow.optimal_transport`.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._cures import NO_NOISE
from refdiff._namespace import Array, exp, expm1
from refdiff.catalogue import implements

__all__ = [
    "gaussian_path_field",
    "variance_exploding_field",
    "variance_preserving_field",
]


@implements("lipman2023/gaussian-path-field")
def gaussian_path_field(
    x_t: Array, mean: Array, mean_rate: Array, *, sigma_t: Array, sigma_rate: Array
) -> Array:
    r"""Return the velocity field of a Gaussian path with any mean and scale.

    .. math:: u_t(x \mid x_0) = \frac{\dot\sigma_t}{\sigma_t}\,(x_t - \mu) + \dot\mu

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    mean : array_like
        Mean of the path at t, given the data, same shape.
    mean_rate : array_like
        Derivative of that mean in t, same shape.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    sigma_rate : array_like
        Derivative of the noise scale in t, any number.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), equation (15) (Theorem 3). The formula keeps its form
    when time is reversed.

    Examples
    --------
    >>> gaussian_path_field(3.0, 1.0, 0.5, sigma_t=4.0, sigma_rate=2.0)
    1.5
    """
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return sigma_rate / sigma_t * (x_t - mean) + mean_rate


@implements("lipman2023/variance-exploding-field")
def variance_exploding_field(x_t: Array, x_0: Array, *, sigma_t: Array, sigma_rate: Array) -> Array:
    r"""Return the velocity field of x_0 + sigma_t eps towards one data point.

    .. math:: u_t(x \mid x_0) = \frac{\dot\sigma_t}{\sigma_t}\,(x_t - x_0)

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    x_0 : array_like
        Data, any shape.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    sigma_rate : array_like
        Derivative of the noise scale in t, any number.

    Returns
    -------
    array_like
        Same shape; infinite as ``sigma_t`` falls to 0.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), equation (17). The paper's sigma_{1-t} is sigma_t
    here, and its sign is the other.

    Examples
    --------
    >>> variance_exploding_field(3.0, 1.0, sigma_t=4.0, sigma_rate=2.0)
    1.0
    """
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return sigma_rate / sigma_t * (x_t - x_0)


@implements("lipman2023/variance-preserving-field")
def variance_preserving_field(
    x_t: Array, x_0: Array, *, beta_integral: Array, beta_t: Array
) -> Array:
    r"""Return the velocity field of a variance-preserving path towards one data point.

    .. math:: u_t(x \mid x_0) = \frac{\beta_t}{2}\;\frac{e^{-B_t}\,x_t - e^{-B_t/2}\,x_0}{1 -
              e^{-B_t}}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    x_0 : array_like
        Data, any shape.
    beta_integral : array_like
        B_t, the integral of beta from 0 to t, positive.
    beta_t : array_like
        Rate beta at t, not negative.

    Returns
    -------
    array_like
        Same shape: the velocity of alpha_t = exp(-B/2) and sigma_t = sqrt(1 - exp(-B)).

    Raises
    ------
    ValueError
        If ``beta_integral`` is not positive or ``beta_t`` negative.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), equation (19), where T stands for B; the sign is that
    of reversed time. 1 - exp(-B) is formed by expm1.

    Examples
    --------
    >>> import math
    >>> round(variance_preserving_field(1.0, 0.0, beta_integral=math.log(2.0), beta_t=4.0), 12)
    2.0
    """
    check_in(POSITIVE, "at 0 there is no noise yet.", beta_integral=beta_integral)
    check_in(NON_NEGATIVE, "it is the rate of the noise at t.", beta_t=beta_t)
    half = exp(-beta_integral / 2)
    return beta_t / 2 * half * (half * x_t - x_0) / -expm1(-beta_integral)
