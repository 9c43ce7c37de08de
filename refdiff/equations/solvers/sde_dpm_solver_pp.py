r"""Steps of SDE-DPM-Solver++: data prediction with the noise of the reverse SDE.

For a step from t down to s with h = lambda_s - lambda_t, lambda = ln(alpha/sigma), the reverse SDE
has the exact solution

.. math:: x_s = \frac{\sigma_s}{\sigma_t}\,e^{-h}\,x_t
          + 2\,\alpha_s \int_{\lambda_t}^{\lambda_s} e^{-2(\lambda_s - \lambda)}\,
          x_0(x_\lambda, \lambda)\,d\lambda + \sigma_s \sqrt{1 - e^{-2h}}\,z .

With :math:`e^{-h} = \alpha_t\sigma_s/(\alpha_s\sigma_t)` the first-order step is the mean and the
variance of q(x_s | x_t, x_0): DDPM with the posterior variance.
"""

from __future__ import annotations

from refdiff._checks import POSITIVE, check_in
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements
from refdiff.equations.solvers._steps import check_data_step

__all__ = ["sde_dpmpp_1_step", "sde_dpmpp_2m_step"]

_BEFORE = "it is the step before divided by this one, both in log-SNR."


@implements("lu2023/sde-first-order-step")
def sde_dpmpp_1_step(
    x_t: Array,
    x_0: Array,
    noise: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
) -> Array:
    r"""Return the state at s by the first-order stochastic step.

    .. math:: \frac{\sigma_s}{\sigma_t}\,q\,x_t + \alpha_s \left(1 - q^2\right) x_0
              + \sigma_s \sqrt{1 - q^2}\,z, \qquad
              q = \frac{\alpha_t\,\sigma_s}{\alpha_s\,\sigma_t} = e^{-h},
              \quad h = \ln\frac{\alpha_s\,\sigma_t}{\alpha_t\,\sigma_s}

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    x_0 : array_like
        Data predicted at t, same shape as ``x_t``.
    noise : array_like
        Standard normal, same shape as ``x_t``.
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
    Lu et al. 2023 (arXiv:2211.01095), the stochastic variant of the first order; unnumbered here.

    Examples
    --------
    >>> sde_dpmpp_1_step(9.0, 2.0, 1.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.0)
    2.0
    """
    check_data_step(alpha_t, sigma_t, alpha_s, sigma_s)
    q = alpha_t / alpha_s * (sigma_s / sigma_t)
    replaced = (1 - q) * (1 + q)
    mean = sigma_s / sigma_t * q * x_t + alpha_s * replaced * x_0
    return mean + sigma_s * sqrt(replaced) * noise


@implements("lu2023/sde-multistep")
def sde_dpmpp_2m_step(
    x_t: Array,
    x_0: Array,
    x_0_before: Array,
    noise: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
    r: Array,
) -> Array:
    r"""Return the state at s by the stochastic step that also uses the data predicted before.

    .. math:: \frac{\sigma_s}{\sigma_t}\,q\,x_t
              + \alpha_s \left(1 - q^2\right)
              \left(x_0 + \frac{x_0 - x_{0,\mathrm{before}}}{2r}\right)
              + \sigma_s \sqrt{1 - q^2}\,z, \qquad
              q = \frac{\alpha_t\,\sigma_s}{\alpha_s\,\sigma_t} = e^{-h},
              \quad h = \ln\frac{\alpha_s\,\sigma_t}{\alpha_t\,\sigma_s}

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    x_0 : array_like
        Data predicted at t, same shape as ``x_t``.
    x_0_before : array_like
        Data predicted at the time before t, same shape as ``x_t``.
    noise : array_like
        Standard normal, same shape as ``x_t``.
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
    Lu et al. 2023 (arXiv:2211.01095), SDE-DPM-Solver++(2M); unnumbered here.

    Examples
    --------
    >>> levels = {"alpha_t": 1.0, "sigma_t": 2.0, "alpha_s": 1.0, "sigma_s": 0.0}
    >>> sde_dpmpp_2m_step(9.0, 2.0, 2.0, 1.0, r=1.0, **levels)
    2.0
    """
    check_data_step(alpha_t, sigma_t, alpha_s, sigma_s)
    check_in(POSITIVE, _BEFORE, r=r)
    q = alpha_t / alpha_s * (sigma_s / sigma_t)
    replaced = (1 - q) * (1 + q)
    mean = sigma_s / sigma_t * q * x_t + alpha_s * replaced * (x_0 + (x_0 - x_0_before) / (2 * r))
    return mean + sigma_s * sqrt(replaced) * noise
