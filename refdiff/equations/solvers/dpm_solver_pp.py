r"""Steps of DPM-Solver++, which integrates the predicted data over the log-SNR.

In the coordinate lambda = ln(alpha/sigma) the probability-flow ODE has the exact solution

.. math:: x_s = \frac{\sigma_s}{\sigma_t}\,x_t
          + \sigma_s \int_{\lambda_t}^{\lambda_s} e^{\lambda}\,x_0(x_\lambda, \lambda)\,d\lambda

for a step from t down to s. A step of order k replaces x_0 in the integral by a polynomial of
degree k - 1 in lambda. In the papers the time s is the start and t the end; here t is always the
noisier time.
"""

from __future__ import annotations

from refdiff._checks import HALF_OPEN_AT_0, POSITIVE, check_in
from refdiff._namespace import Array
from refdiff.catalogue import implements
from refdiff.equations.solvers._steps import check_data_step

__all__ = ["dpmpp_1_step", "dpmpp_2m_step", "dpmpp_2s_step"]

_RATIO = "it is the fraction of the step in log-SNR at which the model was asked between."
_BEFORE = "it is the step before divided by this one, both in log-SNR."


@implements("lu2023/first-order-step")
def dpmpp_1_step(
    x_t: Array,
    x_0: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
) -> Array:
    r"""Return the state at s by the first-order step: DDIM without noise.

    .. math:: \frac{\sigma_s}{\sigma_t}\,x_t
              + \left(\alpha_s - \frac{\sigma_s}{\sigma_t}\,\alpha_t\right) x_0

    The paper writes the coefficient of x_0 as :math:`-\alpha_s (e^{-h} - 1)` with
    :math:`h = \lambda_s - \lambda_t`. The form above is finite without noise at s and without
    signal at t.

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    x_0 : array_like
        Data predicted at t, same shape as ``x_t``.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.

    Returns
    -------
    array_like
        Same shape; ``x_0`` times ``alpha_s`` at ``sigma_s`` = 0.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is the noisier time.

    Source
    ------
    Lu et al. 2023 (arXiv:2211.01095), equation (9).

    Examples
    --------
    >>> dpmpp_1_step(3.0, 1.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.5)
    1.5
    """
    check_data_step(alpha_t, sigma_t, alpha_s, sigma_s)
    ratio = sigma_s / sigma_t
    return ratio * x_t + (alpha_s - ratio * alpha_t) * x_0


@implements("lu2023/singlestep")
def dpmpp_2s_step(
    x_t: Array,
    x_0: Array,
    x_0_u: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
    r: Array,
) -> Array:
    r"""Return the state at s by the second-order step, from the data predicted at t and at u.

    .. math:: \frac{\sigma_s}{\sigma_t}\,x_t
              + \left(\alpha_s - \frac{\sigma_s}{\sigma_t}\,\alpha_t\right)
              \left(\left(1 - \frac{1}{2r}\right) x_0 + \frac{1}{2r}\,x_{0,u}\right)

    The state at u, at which the model was asked for the second time, comes from `dpmpp_1_step`;
    r is the fraction of the step in the log-SNR at which u lies, 1/2 by default in the paper.

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    x_0 : array_like
        Data predicted at t, same shape as ``x_t``.
    x_0_u : array_like
        Data predicted at u, same shape as ``x_t``.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.
    r : array_like
        Fraction of the step in the log-SNR at which u lies, in (0, 1].

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a scale or ratio is outside its domain, or s is the noisier time.

    Source
    ------
    Lu et al. 2023 (arXiv:2211.01095), Algorithm 1.

    Examples
    --------
    >>> dpmpp_2s_step(3.0, 1.0, 1.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.5, r=0.5)
    1.5
    """
    check_data_step(alpha_t, sigma_t, alpha_s, sigma_s)
    check_in(HALF_OPEN_AT_0, _RATIO, r=r)
    ratio = sigma_s / sigma_t
    return ratio * x_t + (alpha_s - ratio * alpha_t) * (x_0 + (x_0_u - x_0) / (2 * r))


@implements("lu2023/multistep")
def dpmpp_2m_step(
    x_t: Array,
    x_0: Array,
    x_0_before: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
    r: Array,
) -> Array:
    r"""Return the state at s by the second-order step, from the data predicted at t and before.

    .. math:: \frac{\sigma_s}{\sigma_t}\,x_t
              + \left(\alpha_s - \frac{\sigma_s}{\sigma_t}\,\alpha_t\right)
              \left(\left(1 + \frac{1}{2r}\right) x_0 - \frac{1}{2r}\,x_{0,\mathrm{before}}\right)

    Where a step has no finite length in the log-SNR (to clean data, or from no signal) there is no
    ratio r, and the first-order step is taken.

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    x_0 : array_like
        Data predicted at t, same shape as ``x_t``.
    x_0_before : array_like
        Data predicted at the time before t, same shape as ``x_t``.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.
    r : array_like
        The step before, divided by this one, both in the log-SNR; positive.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a scale or ratio is outside its domain, or s is the noisier time.

    Source
    ------
    Lu et al. 2023 (arXiv:2211.01095), Algorithm 2.

    Examples
    --------
    >>> dpmpp_2m_step(3.0, 1.0, 1.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.5, r=1.0)
    1.5
    """
    check_data_step(alpha_t, sigma_t, alpha_s, sigma_s)
    check_in(POSITIVE, _BEFORE, r=r)
    ratio = sigma_s / sigma_t
    return ratio * x_t + (alpha_s - ratio * alpha_t) * (x_0 + (x_0 - x_0_before) / (2 * r))
