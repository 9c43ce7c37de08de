r"""Coefficients of UniPC, which corrects a first-order step by differences of predictions.

A step from t down to s has the length h in lambda = ln(alpha/sigma). Beside the prediction at t
there are those at p points at the places lambda_t + r_m h: before t (r_m < 0), and for the
corrector also the predictor's state at s (r_p = 1). With the differences D_m from the prediction
at t, the step of `dpm_solver_1_step` becomes

.. math:: x_s = \text{first order} - \sigma_s \sum_m w_m D_m, \qquad
          w_m = \frac{a_m B(h)}{r_m}, \qquad
          \sum_m r_m^{k} w_m = h\,k!\,\varphi_{k+1}(h), \quad k = 1 \dots p,

so that polynomials of degree p in lambda are integrated exactly. Where the whole system is solved
B(h) drops out; with one point the paper takes a_1 = 1/2, and B(h) matters. The same weights at -h
serve data prediction, where -alpha_s takes the place of -sigma_s and the first-order step is
`dpmpp_1_step`.
"""

from __future__ import annotations

from refdiff._checks import POSITIVE, check_in
from refdiff._namespace import Array, expm1, phi
from refdiff.catalogue import implements
from refdiff.equations.solvers._steps import check_data_step, check_noise_step

__all__ = [
    "unipc_b1",
    "unipc_b2",
    "unipc_data_step",
    "unipc_noise_step",
    "unipc_weight_1",
    "unipc_weight_2",
    "unipc_weight_3",
]

_APART = "two of the points are one, so no difference between them is known; leave one out."


def _check_apart(separation: Array) -> None:
    check_in(POSITIVE, _APART, separation=separation)


@implements("zhao2023/b-1")
def unipc_b1(*, h: Array) -> Array:
    r"""Return the first of the paper's two choices of B(h).

    .. math:: B_1(h) = h

    Parameters
    ----------
    h : array_like
        Length of the step in half the log-SNR, any real number; negative for data prediction.

    Returns
    -------
    array_like
        ``h`` itself.

    Source
    ------
    Zhao et al. 2023 (arXiv:2302.04867), the choice B_1(h) = h;
    its number is not established.

    Examples
    --------
    >>> unipc_b1(h=0.5)
    0.5
    """
    return h


@implements("zhao2023/b-2")
def unipc_b2(*, h: Array) -> Array:
    r"""Return the second of the paper's two choices of B(h).

    .. math:: B_2(h) = e^h - 1

    Parameters
    ----------
    h : array_like
        Length of the step in half the log-SNR, any real number; negative for data prediction.

    Returns
    -------
    array_like
        Same shape as ``h``.

    Source
    ------
    Zhao et al. 2023 (arXiv:2302.04867), the choice B_2(h) = e^h - 1;
    its number is not established.

    Examples
    --------
    >>> unipc_b2(h=0.0)
    0.0
    """
    return expm1(h)


@implements("zhao2023/weight-of-one-point")
def unipc_weight_1(*, b: Array, r_1: Array) -> Array:
    r"""Return the weight of the only difference, with the paper's a_1 = 1/2.

    .. math:: w_1 = \frac{B(h)}{2\,r_1}

    Parameters
    ----------
    b : array_like
        B(h), from `unipc_b1` or `unipc_b2`, any real number.
    r_1 : array_like
        Place of the point, as a fraction of the step from t; not 0.

    Returns
    -------
    array_like
        The broadcast shape.

    Raises
    ------
    ValueError
        If ``r_1`` is 0.

    Source
    ------
    Zhao et al. 2023 (arXiv:2302.04867), with a_1 = 1/2 for UniP-2 and UniC-1;
    its number is not established.

    Examples
    --------
    >>> unipc_weight_1(b=0.5, r_1=-1.0)
    -0.25
    """
    _check_apart(r_1 * r_1)
    return b / (2 * r_1)


@implements("zhao2023/weight-of-two-points")
def unipc_weight_2(*, h: Array, r_1: Array, r_2: Array) -> Array:
    r"""Return the weight of the first of two differences; the other one by exchanging them.

    .. math:: w_1 = \frac{h \left(2\,\varphi_3(h) - r_2\,\varphi_2(h)\right)}{r_1 (r_1 - r_2)}

    Parameters
    ----------
    h : array_like
        Length of the step in half the log-SNR, any real number; negative for data prediction.
    r_1 : array_like
        Place of the point, as a fraction of the step from t; not 0.
    r_2 : array_like
        Place of the other point.

    Returns
    -------
    array_like
        The broadcast shape.

    Raises
    ------
    ValueError
        If ``r_1`` is 0 or the points are one.

    Source
    ------
    Zhao et al. 2023 (arXiv:2302.04867), the system R(h) a B(h) = phi(h) for two points, solved;
    its number is not established.

    Examples
    --------
    >>> round(unipc_weight_2(h=0.5, r_1=1.0, r_2=-1.0), 12)
    0.243606353501
    """
    place = r_1 * (r_1 - r_2)
    _check_apart(place * place)
    return h * (2 * phi(h, 3) - r_2 * phi(h, 2)) / place


@implements("zhao2023/weight-of-three-points")
def unipc_weight_3(*, h: Array, r_1: Array, r_2: Array, r_3: Array) -> Array:
    r"""Return the weight of the first of three differences; the others by exchanging them.

    .. math:: w_1 = \frac{h \left(6\,\varphi_4(h) - 2 (r_2 + r_3)\,\varphi_3(h)
              + r_2 r_3\,\varphi_2(h)\right)}{r_1 (r_1 - r_2)(r_1 - r_3)}

    Parameters
    ----------
    h : array_like
        Length of the step in half the log-SNR, any real number; negative for data prediction.
    r_1 : array_like
        Place of the point, as a fraction of the step from t; not 0.
    r_2 : array_like
        Place of the other point.
    r_3 : array_like
        Place of the third point.

    Returns
    -------
    array_like
        The broadcast shape.

    Raises
    ------
    ValueError
        If ``r_1`` is 0 or two points are one.

    Source
    ------
    Zhao et al. 2023 (arXiv:2302.04867), the system R(h) a B(h) = phi(h) for three points, solved;
    its number is not established.

    Examples
    --------
    >>> round(unipc_weight_3(h=0.5, r_1=1.0, r_2=-1.0, r_3=-2.0), 12)
    0.217136095535
    """
    place = r_1 * (r_1 - r_2) * (r_1 - r_3)
    _check_apart(place * place)
    quadratic = 6 * phi(h, 4) - 2 * (r_2 + r_3) * phi(h, 3) + r_2 * r_3 * phi(h, 2)
    return h * quadratic / place


@implements("zhao2023/predictor", "zhao2023/corrector")
def unipc_noise_step(
    x_t: Array,
    eps: Array,
    correction: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
) -> Array:
    r"""Return the state at s of the predictor or the corrector, from predicted noise.

    .. math:: \frac{\alpha_s}{\alpha_t}\,x_t
              - \left(\frac{\alpha_s}{\alpha_t}\,\sigma_t - \sigma_s\right)\epsilon - \sigma_s\,C

    The predictor of order p has p - 1 differences, the corrector of order p one more: that of the
    prediction at the predictor's x_s.

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    eps : array_like
        Noise predicted at t, same shape as ``x_t``.
    correction : array_like
        C, the differences of the predicted noise from that at t, each times its weight, added up.
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
        Same shape.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is the noisier time.

    Source
    ------
    Zhao et al. 2023 (arXiv:2302.04867), UniP-p and UniC-p;
    its number is not established.

    Examples
    --------
    >>> unipc_noise_step(3.0, 1.0, 0.5, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.5)
    1.25
    """
    check_noise_step(alpha_t, sigma_t, alpha_s, sigma_s)
    ratio = alpha_s / alpha_t
    return ratio * x_t - (ratio * sigma_t - sigma_s) * eps - sigma_s * correction


@implements("zhao2023/data-step")
def unipc_data_step(
    x_t: Array,
    x_0: Array,
    correction: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_s: Array,
    sigma_s: Array,
) -> Array:
    r"""Return the state at s of the predictor or the corrector, from predicted data.

    .. math:: \frac{\sigma_s}{\sigma_t}\,x_t
              + \left(\alpha_s - \frac{\sigma_s}{\sigma_t}\,\alpha_t\right) x_0 - \alpha_s\,C

    Parameters
    ----------
    x_t : array_like
        State at t, any shape.
    x_0 : array_like
        Data predicted at t, same shape as ``x_t``.
    correction : array_like
        C, the differences of the predicted data from those at t, each times its weight at -h,
        added up.
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
        Same shape.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is the noisier time.

    Source
    ------
    Zhao et al. 2023 (arXiv:2302.04867), the variant for data prediction;
    its number is not established.

    Examples
    --------
    >>> unipc_data_step(3.0, 1.0, 0.5, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.5)
    1.0
    """
    check_data_step(alpha_t, sigma_t, alpha_s, sigma_s)
    ratio = sigma_s / sigma_t
    return ratio * x_t + (alpha_s - ratio * alpha_t) * x_0 - alpha_s * correction
