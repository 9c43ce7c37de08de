r"""Steps of DPM-Solver, which integrates the predicted noise over the log-SNR.

In the coordinate lambda = ln(alpha/sigma), half of the log-SNR, the probability-flow ODE has the
exact solution

.. math:: x_s = \frac{\alpha_s}{\alpha_t}\,x_t
          - \alpha_s \int_{\lambda_t}^{\lambda_s}
          e^{-\lambda}\,\epsilon(x_\lambda, \lambda)\,d\lambda

for a step from t down to s. A step of order k replaces eps in the integral by a polynomial of
degree k - 1 in lambda. In the papers the time s is the start and t the end; here t is always the
noisier time. The time u lies between the two, at the fraction r of the step in lambda.
"""

from __future__ import annotations

from refdiff._checks import HALF_OPEN_AT_0, check_in
from refdiff._namespace import Array, expm1, phi
from refdiff.catalogue import implements
from refdiff.equations.solvers._steps import check_inner_step, check_noise_step, log_snr_step

__all__ = ["dpm_solver_1_step", "dpm_solver_2_step", "dpm_solver_3_step"]

_RATIO = "it is the fraction of the step in log-SNR at which the model was asked between."


@implements("lu2022/first-order-step", "lu2022/ddim-form")
def dpm_solver_1_step(
    x_t: Array,
    eps: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
) -> Array:
    r"""Return the state at s by the first-order step: DDIM without noise.

    .. math:: \frac{\alpha_s}{\alpha_t}\,x_t
              - \left(\frac{\alpha_s}{\alpha_t}\,\sigma_t - \sigma_s\right)\epsilon

    Equation (3.7) writes the coefficient of eps as :math:`\sigma_s (e^h - 1)` with
    :math:`h = \lambda_s - \lambda_t`. The form above is finite without noise at s.

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    eps : array_like
        Noise predicted at t, same shape as ``x_t``.
    alpha_t : array_like
        Signal scale at t, positive.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.

    Returns
    -------
    array_like
        Same shape; the predicted x_0 times ``alpha_s`` at ``sigma_s`` = 0.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is the noisier time.

    Source
    ------
    Lu et al. 2022 (arXiv:2206.00927), equations (3.7) and (4.1).

    Examples
    --------
    >>> dpm_solver_1_step(3.0, 1.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.5)
    1.5
    """
    check_noise_step(alpha_t, sigma_t, alpha_s, sigma_s)
    ratio = alpha_s / alpha_t
    return ratio * x_t - (ratio * sigma_t - sigma_s) * eps


@implements("lu2022/second-order-step")
def dpm_solver_2_step(
    x_t: Array,
    eps: Array,
    eps_u: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
    r: Array,
) -> Array:
    r"""Return the state at s by the second-order step, from the noise at t and at u.

    .. math:: \frac{\alpha_s}{\alpha_t}\,x_t - \sigma_s \left(e^h - 1\right)
              \left(\epsilon + \frac{\epsilon_u - \epsilon}{2 r}\right),
              \qquad h = \ln\frac{\alpha_s\,\sigma_t}{\alpha_t\,\sigma_s}

    The state at u, at which the model was asked for the second noise, comes from
    `dpm_solver_1_step`.

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    eps : array_like
        Noise predicted at t, same shape as ``x_t``.
    eps_u : array_like
        Noise predicted at u, same shape as ``x_t``.
    alpha_t : array_like
        Signal scale at t, positive.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, positive.
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
    Lu et al. 2022 (arXiv:2206.00927), Algorithm 1 for r = 1/2, where the noise at t
    drops out; any r in the appendix.

    Examples
    --------
    >>> dpm_solver_2_step(3.0, 1.0, 1.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.5, r=0.5)
    1.5
    """
    check_inner_step(alpha_t, sigma_t, alpha_s, sigma_s)
    check_in(HALF_OPEN_AT_0, _RATIO, r=r)
    rise = expm1(log_snr_step(alpha_t, sigma_t, alpha_s, sigma_s))
    return alpha_s / alpha_t * x_t - sigma_s * rise * (eps + (eps_u - eps) / (2 * r))


@implements("lu2022/third-order-step")
def dpm_solver_3_step(
    x_t: Array,
    eps: Array,
    eps_u: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
    r: Array,
) -> Array:
    r"""Return the state at s by the step that has third order, and is its middle stage too.

    .. math:: \frac{\alpha_s}{\alpha_t}\,x_t - \sigma_s \left(e^h - 1\right) \epsilon
              - \sigma_s\,h\,\varphi_2(h)\,\frac{\epsilon_u - \epsilon}{r},
              \qquad h = \ln\frac{\alpha_s\,\sigma_t}{\alpha_t\,\sigma_s}

    In the paper :math:`h\varphi_2(h) = (e^h-1)/h - 1`. DPM-Solver-3 uses the step twice, at
    r_1 = 1/3 and r_2 = 2/3 of the whole: from t to the second time between, with the noise at the
    first and r = r_1/r_2 = 1/2; then from t to s, with the noise at the second and r = r_2.

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    eps : array_like
        Noise predicted at t, same shape as ``x_t``.
    eps_u : array_like
        Noise predicted at u, same shape as ``x_t``.
    alpha_t : array_like
        Signal scale at t, positive.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, positive.
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
    Lu et al. 2022 (arXiv:2206.00927), Algorithm 2; any r in the appendix.

    Examples
    --------
    >>> dpm_solver_3_step(3.0, 1.0, 1.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.5, r=0.5)
    1.5
    """
    check_inner_step(alpha_t, sigma_t, alpha_s, sigma_s)
    check_in(HALF_OPEN_AT_0, _RATIO, r=r)
    h = log_snr_step(alpha_t, sigma_t, alpha_s, sigma_s)
    slope = h * phi(h, 2) * (eps_u - eps) / r
    return alpha_s / alpha_t * x_t - sigma_s * (expm1(h) * eps + slope)
