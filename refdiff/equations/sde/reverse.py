r"""Running an SDE backwards: the reverse SDE and the probability-flow ODE.

For the forward process :math:`dx = f(x, t)\,dt + g(t)\,dw` with marginal densities p_t, all drifts
below are in the forward direction of time: a sampler integrates them with dt < 0.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, check_in
from refdiff._namespace import Array
from refdiff.catalogue import implements
from refdiff.equations.sde._cures import DIFFUSION

__all__ = [
    "conditional_reverse_drift",
    "general_probability_flow_drift",
    "probability_flow_drift",
    "reverse_drift",
]


@implements("song2021sde/reverse-sde")
def reverse_drift(drift: Array, score: Array, *, diffusion: Array) -> Array:
    r"""Return the drift of the reverse-time SDE.

    .. math:: f(x, t) - g(t)^2\,\nabla_x \ln p_t(x)

    Parameters
    ----------
    drift : array_like
        The forward drift f(x_t, t), same shape as the state.
    score : array_like
        Gradient of the log-density at x_t, same shape as the state.
    diffusion : array_like
        The coefficient g(t) in front of dw, not negative.

    Returns
    -------
    array_like
        Same shape; the reverse SDE has the forward one's diffusion coefficient.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (6).

    Examples
    --------
    >>> reverse_drift(-1.0, -0.5, diffusion=2.0)
    1.0
    """
    check_in(NON_NEGATIVE, DIFFUSION, diffusion=diffusion)
    return drift - diffusion * diffusion * score


@implements("song2021sde/probability-flow")
def probability_flow_drift(drift: Array, score: Array, *, diffusion: Array) -> Array:
    r"""Return the velocity of the probability-flow ODE.

    .. math:: f(x, t) - \tfrac12 g(t)^2\,\nabla_x \ln p_t(x)

    Parameters
    ----------
    drift : array_like
        The forward drift f(x_t, t), same shape as the state.
    score : array_like
        Gradient of the log-density at x_t, same shape as the state.
    diffusion : array_like
        The coefficient g(t) in front of dw, not negative.

    Returns
    -------
    array_like
        Same shape. The ODE moves p_0 through the same marginals p_t as the SDE.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (13).

    Examples
    --------
    >>> probability_flow_drift(-1.0, -0.5, diffusion=2.0)
    0.0
    """
    check_in(NON_NEGATIVE, DIFFUSION, diffusion=diffusion)
    return drift - diffusion * diffusion * score / 2


@implements("song2021sde/general-probability-flow")
def general_probability_flow_drift(drift: Array, divergence: Array, diffused_score: Array) -> Array:
    r"""Return the velocity of the probability-flow ODE where G depends on the state.

    .. math:: f(x, t) - \tfrac12 \nabla\cdot\left[G G^\top\right] - \tfrac12 G G^\top\,\nabla_x
              \ln p_t(x)

    The forward process is dx = f(x, t) dt + G(x, t) dw; the matrix products are the caller's, so
    that G may be of any structure.

    Parameters
    ----------
    drift : array_like
        The forward drift f(x_t, t), same shape as the state.
    divergence : array_like
        The divergence of G G^T: component i is the sum over j of its derivative by x_j.
    diffused_score : array_like
        The score times the matrix G G^T, same shape as the state.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), appendix A. With G = g(t) I the divergence is 0 and the
    rest is `probability_flow_drift`.

    Examples
    --------
    >>> general_probability_flow_drift(-1.0, 0.5, -2.0)
    -0.25
    """
    return drift - divergence / 2 - diffused_score / 2


@implements("song2021sde/conditional-reverse-sde")
def conditional_reverse_drift(
    drift: Array, score: Array, gradient: Array, *, diffusion: Array
) -> Array:
    r"""Return the drift of the reverse-time SDE of data given an observation y.

    .. math:: f(x, t) - g(t)^2 \left(\nabla_x \ln p_t(x) + \nabla_x \ln p_t(y \mid x)\right)

    By Bayes' rule the sum of the two gradients is the score of p_t(x | y).

    Parameters
    ----------
    drift : array_like
        The forward drift f(x_t, t), same shape as the state.
    score : array_like
        Gradient of the log-density at x_t, same shape as the state.
    gradient : array_like
        Gradient of log p_t(y | x_t), same shape as the state.
    diffusion : array_like
        The coefficient g(t) in front of dw, not negative.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (14).

    Examples
    --------
    >>> conditional_reverse_drift(-1.0, -0.5, 0.25, diffusion=2.0)
    0.0
    """
    check_in(NON_NEGATIVE, DIFFUSION, diffusion=diffusion)
    return drift - diffusion * diffusion * (score + gradient)
