r"""What EDM's stochastic sampler adds: noise put in before each step, and where.

Algorithm 2 raises the noise level from sigma to sigma (1 + gamma) by fresh noise, and takes the
step of Algorithm 1 from there. In a schedule with a signal scale, states are divided by it first.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._namespace import Array, exp, minimum, sqrt, where
from refdiff.catalogue import implements
from refdiff.equations.solvers.edm import LEVEL

__all__ = [
    "churn_rise",
    "churned_sigma",
    "churned_state",
    "training_sigma",
]

_CHURN = "it is S_churn, the rise asked for in all steps together; 0 adds no noise."
_STEPS = "it counts the steps of the sampler."
_RANGE = "it is an end of the range of noise levels that churn."
_RISE = "it is the relative rise of the noise level; 0 adds no noise."
_SCALE = "it is the standard deviation of the fresh noise; 1 is the unbiased one."
_SPREAD = "it is the standard deviation of ln sigma; the paper uses 1.2."


@implements("karras2022/churn-rise")
def churn_rise(
    *, sigma: Array, churn: Array, num_steps: Array, churn_lo: Array, churn_hi: Array
) -> Array:
    r"""Return by which fraction a step raises the noise level before it removes noise.

    .. math:: \gamma = \begin{cases} \min\left(S_{churn}/N,\ \sqrt2-1\right)
              & S_{tmin} \le \sigma \le S_{tmax} \\ 0 & \text{otherwise} \end{cases}

    Parameters
    ----------
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    churn : array_like
        S_churn, the rise asked for, summed over the steps; not negative.
    num_steps : array_like
        Number N of steps, positive.
    churn_lo : array_like
        S_tmin, the lowest level that churns, not negative.
    churn_hi : array_like
        S_tmax, the highest level that churns, not negative; may be infinite.

    Returns
    -------
    array_like
        Shape of the broadcast, in [0, sqrt(2) - 1]: at most as much noise is added as there is.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Algorithm 2.

    Examples
    --------
    >>> churn_rise(sigma=1.0, churn=2.0, num_steps=10.0, churn_lo=0.5, churn_hi=50.0)
    0.2
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    check_in(NON_NEGATIVE, _CHURN, churn=churn)
    check_in(POSITIVE, _STEPS, num_steps=num_steps)
    check_in(NON_NEGATIVE, _RANGE, churn_lo=churn_lo, churn_hi=churn_hi)
    wanted = minimum(churn / num_steps, sqrt(2 + 0 * sigma) - 1)
    return where((churn_lo <= sigma) & (sigma <= churn_hi), wanted, 0 * wanted)


@implements("karras2022/churned-sigma")
def churned_sigma(*, sigma: Array, rise: Array) -> Array:
    r"""Return the raised noise level.

    .. math:: \hat\sigma = \sigma + \gamma\,\sigma

    Parameters
    ----------
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    rise : array_like
        Relative rise gamma of the noise level, not negative.

    Returns
    -------
    array_like
        Shape of the broadcast.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Algorithm 2.

    Examples
    --------
    >>> churned_sigma(sigma=2.0, rise=0.25)
    2.5
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    check_in(NON_NEGATIVE, _RISE, rise=rise)
    return sigma + rise * sigma


@implements("karras2022/churned-state")
def churned_state(
    x_t: Array, noise: Array, *, sigma: Array, rise: Array, noise_scale: Array
) -> Array:
    r"""Return the state with the noise that brings it to the raised level.

    .. math:: x_t + S_{noise}\,\sigma\sqrt{\gamma\,(2+\gamma)}\;z

    The paper writes the root of the difference of the squares of the two levels, which cancels for
    a small rise; this is the same number.

    Parameters
    ----------
    x_t : array_like
        State at the noise level, any shape.
    noise : array_like
        Standard normal noise, any shape.
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    rise : array_like
        Relative rise gamma of the noise level, not negative.
    noise_scale : array_like
        S_noise, standard deviation of the fresh noise; the paper's range is 1 to 1.01.

    Returns
    -------
    array_like
        Same shape. For noise_scale = 1 its variance given the data is the square of
        `churned_sigma`.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Algorithm 2.

    Examples
    --------
    >>> churned_state(1.0, 2.0, sigma=4.0, rise=0.25, noise_scale=1.0)
    7.0
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    check_in(NON_NEGATIVE, _RISE, rise=rise)
    check_in(NON_NEGATIVE, _SCALE, noise_scale=noise_scale)
    return x_t + noise_scale * sigma * sqrt(rise * (2 + rise)) * noise


@implements("karras2022/sigma-distribution")
def training_sigma(noise: Array, *, log_mean: Array, log_std: Array) -> Array:
    r"""Return a noise level of the log-normal distribution that EDM trains on.

    .. math:: \sigma = \exp\left(P_{mean} + P_{std}\,z\right)

    Parameters
    ----------
    noise : array_like
        Standard normal noise, any shape.
    log_mean : array_like
        P_mean, the mean of ln sigma; -1.2 in the paper.
    log_std : array_like
        P_std, the standard deviation of ln sigma, not negative; 1.2 in the paper.

    Returns
    -------
    array_like
        Noise levels, same shape, positive.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "Ours", and section 5.

    Examples
    --------
    >>> training_sigma(0.5, log_mean=-1.0, log_std=2.0)
    1.0
    """
    check_in(NON_NEGATIVE, _SPREAD, log_std=log_std)
    return exp(log_mean + log_std * noise)
