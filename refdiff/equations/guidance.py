r"""Guidance: steering a sampler towards a condition.

Two scales of weight are in use for classifier-free guidance, related by scale = 1 + w:

* w (Ho and Salimans): 0 is the conditional prediction, -1 the unconditional one;
* scale (Imagen and most public code): 1 is conditional, 0 unconditional.

Both formulas are affine with weights that sum to 1, so they may be applied to eps, x_0, v or the
score alike, as long as nothing is clipped. Thresholding and rescaling act per sample: over all
axes but the first.
"""

from __future__ import annotations

from refdiff._checks import (
    CLOSED_UNIT,
    NON_NEGATIVE,
    PERCENT,
    check_in,
)
from refdiff._namespace import Array, maximum, minimum, sort_last, sqrt, where
from refdiff.catalogue import implements
from refdiff.equations.shapes import flat_per_sample, per_sample, std_per_sample

__all__ = [
    "classifier_free_guidance",
    "classifier_guided_eps",
    "classifier_guided_mean",
    "dynamic_threshold",
    "guidance_from_scale",
    "interval_scale",
    "rescale_guidance",
]


@implements("ho2022cfg/guided-eps")
def classifier_free_guidance(eps_cond: Array, eps_uncond: Array, *, w: Array) -> Array:
    r"""Return the guided prediction, in the weight w of Ho and Salimans.

    .. math:: (1 + w)\,\epsilon_c - w\,\epsilon_u

    Parameters
    ----------
    eps_cond, eps_uncond : array_like
        Predictions with and without the condition, same shape; eps, x_0, v or score alike.
    w : array_like
        Any real number: 0 gives ``eps_cond``, -1 gives ``eps_uncond``, both exactly.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Ho and Salimans 2022 (arXiv:2207.12598), equation (6).

    Examples
    --------
    >>> classifier_free_guidance(3.0, 1.0, w=0.5)
    4.0
    """
    return (1 + w) * eps_cond - w * eps_uncond


@implements("lin2024/guidance", "saharia2022/guidance", "karras2024/autoguidance")
def guidance_from_scale(cond: Array, uncond: Array, *, scale: Array) -> Array:
    r"""Return the guided prediction, in the scale that most public code uses.

    .. math:: u + s\,(c - u)

    Parameters
    ----------
    cond, uncond : array_like
        Predictions c and u with and without the condition, or of the main and the weaker model
        (autoguidance); same shape.
    scale : array_like
        Any real number: 1 gives ``cond``, 0 gives ``uncond``. Equal to 1 + w.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), equation (13); Saharia et al. 2022 (arXiv:2205.11487),
    equation (2), where the scale is called w.

    Examples
    --------
    >>> guidance_from_scale(3.0, 1.0, scale=1.5)
    4.0
    """
    return uncond + scale * (cond - uncond)


@implements("kynkaanniemi2024/interval")
def interval_scale(*, sigma: Array, scale: Array, sigma_lo: Array, sigma_hi: Array) -> Array:
    r"""Return the guidance scale at a noise level, 1 outside an interval.

    .. math:: s(\sigma) = \begin{cases} s & \sigma \in (\sigma_{lo}, \sigma_{hi}] \\
              1 & \text{otherwise} \end{cases}

    Parameters
    ----------
    sigma : array_like
        Noise level sqrt((1 - alpha_bar) / alpha_bar), not negative.
    scale : array_like
        The scale inside the interval, for :func:`guidance_from_scale`.
    sigma_lo, sigma_hi : array_like
        Ends of the interval, not negative.

    Returns
    -------
    array_like
        Shape of ``sigma``. Outside the prediction is the conditional one (scale 1), not the
        unconditional one (scale 0).

    Raises
    ------
    ValueError
        If a level or an end is negative.

    Source
    ------
    Kynkaanniemi et al. 2024 (arXiv:2404.07724), equations (5) and (6).

    Examples
    --------
    >>> interval_scale(sigma=1.0, scale=3.0, sigma_lo=0.3, sigma_hi=5.0)
    3.0
    """
    check_in(
        NON_NEGATIVE,
        "it is a noise level, the standard deviation of the noise over the scale of the data.",
        sigma=sigma,
        sigma_lo=sigma_lo,
        sigma_hi=sigma_hi,
    )
    return where((sigma_lo < sigma) & (sigma <= sigma_hi), scale, 1.0)


@implements("lin2024/rescaled-guidance")
def rescale_guidance(guided: Array, cond: Array, *, phi: Array) -> Array:
    r"""Return the guided prediction with part of its spread taken back to the conditional's.

    .. math:: \left(\phi\,\frac{\operatorname{std}(c)}{\operatorname{std}(g)} + 1 - \phi\right) g

    Parameters
    ----------
    guided, cond : array
        Guided and conditional predictions g and c, shape (B, ...).
    phi : float
        In [0, 1]: 0 changes nothing, 1 gives every sample the conditional's standard deviation;
        the paper uses 0.7.

    Returns
    -------
    array
        Shape (B, ...). Standard deviations are over all axes but the first. A sample in which
        ``guided`` is constant has none to rescale and comes out as NaN.

    Raises
    ------
    ValueError
        If ``phi`` is outside [0, 1] or the input has no batch axis.

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), equations (14) to (16).

    Examples
    --------
    >>> import numpy as np
    >>> rescale_guidance(np.array([[-4.0, 4.0]]), np.array([[-1.0, 1.0]]), phi=0.5)
    array([[-2.5,  2.5]])
    """
    check_in(CLOSED_UNIT, "0 changes nothing; the paper uses 0.7.", phi=phi)
    ratio = std_per_sample(cond) / std_per_sample(guided)
    return per_sample(phi * ratio + (1 - phi), guided) * guided


@implements("saharia2022/dynamic-threshold")
def dynamic_threshold(x_0: Array, *, percentile: float) -> Array:
    r"""Return x_0 clipped at a quantile of its own magnitude, then scaled into [-1, 1].

    .. math:: \frac{\min(\max(x_0, -s), s)}{s}, \qquad
              s = \max\!\left(1,\ \operatorname{quantile}_p |x_0|\right)

    Parameters
    ----------
    x_0 : array
        Predicted data, shape (B, ...).
    percentile : float
        p in percent, in [0, 100]; 99.5 is usual.

    Returns
    -------
    array
        Shape (B, ...), within [-1, 1]. The quantile is taken per sample over all axes but the
        first, linearly interpolated between order statistics. Where it is below 1 the result is
        plain clipping to [-1, 1].

    Raises
    ------
    ValueError
        If ``percentile`` is outside [0, 100] or ``x_0`` has no batch axis.

    Source
    ------
    Saharia et al. 2022 (arXiv:2205.11487), section 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> dynamic_threshold(np.array([[0.5, -2.0, 4.0]]), percentile=100.0)
    array([[ 0.125, -0.5  ,  1.   ]])
    """
    check_in(PERCENT, "it is in percent; 99.5 is usual.", percentile=percentile)
    ordered = sort_last(abs(flat_per_sample(x_0)))
    position = (ordered.shape[1] - 1) * percentile / 100
    below = int(position)
    above = min(below + 1, ordered.shape[1] - 1)
    # Linear interpolation between the two order statistics around the position.
    quantile = ordered[:, below] + (position - below) * (ordered[:, above] - ordered[:, below])
    s = per_sample(maximum(quantile, 1.0), x_0)
    return minimum(maximum(x_0, -s), s) / s


@implements("dhariwal2021/guided-mean")
def classifier_guided_mean(mean: Array, gradient: Array, *, variance: Array, scale: Array) -> Array:
    r"""Return the mean of an ancestral step shifted along a classifier's gradient.

    .. math:: \mu + s\,\Sigma\,\nabla_{x_t} \log p(y \mid x_t)

    Parameters
    ----------
    mean, gradient : array_like
        Mean of the unguided step, and the gradient of the classifier's log-probability, same
        shape. The paper takes the gradient at the mean; public code also takes it at x_t.
    variance : array_like
        The step's variance (not its standard deviation), not negative.
    scale : array_like
        Any real number; 0 changes nothing.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If ``variance`` is negative.

    Source
    ------
    Dhariwal and Nichol 2021 (arXiv:2105.05233), Algorithm 1.

    Examples
    --------
    >>> classifier_guided_mean(1.0, 2.0, variance=0.25, scale=4.0)
    3.0
    """
    check_in(NON_NEGATIVE, "it is a variance, not its logarithm.", variance=variance)
    return mean + scale * variance * gradient


@implements("dhariwal2021/guided-eps")
def classifier_guided_eps(
    eps: Array, gradient: Array, *, alpha_bar_t: Array, scale: Array
) -> Array:
    r"""Return the predicted noise shifted along a classifier's gradient, for DDIM.

    .. math:: \epsilon - s\,\sqrt{1-\bar\alpha_t}\;\nabla_{x_t} \log p(y \mid x_t)

    Parameters
    ----------
    eps, gradient : array_like
        Predicted noise, and the gradient at x_t of the classifier's log-probability, same shape.
    alpha_bar_t : array_like
        In [0, 1].
    scale : array_like
        Any real number; 0 changes nothing, 1 is Bayes' rule.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Dhariwal and Nichol 2021 (arXiv:2105.05233), equation (14) and Algorithm 2; the scale is an
    argument of the algorithm that its printed formula leaves out.

    Examples
    --------
    >>> classifier_guided_eps(1.0, 2.0, alpha_bar_t=0.75, scale=3.0)
    -2.0
    """
    check_in(CLOSED_UNIT, "alpha_bar is between 0 and 1.", alpha_bar_t=alpha_bar_t)
    return eps - scale * sqrt(1 - alpha_bar_t) * gradient
