r"""Progressive coding, the hybrid loss, and times drawn by importance.

A receiver of a picture that is sent step by step holds x_t at time t. The bits received until
then are the rate, the error of the prediction of x_0 from x_t is the distortion
(`progressive_distortion`, `progressive_rates`).
"""

from __future__ import annotations

from refdiff._checks import HALF_OPEN_AT_0, NON_NEGATIVE, check_in
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements
from refdiff.equations.shapes import mean_per_sample

__all__ = ["hybrid_loss", "importance_weighted_loss", "progressive_distortion"]


@implements("ho2020/progressive-distortion")
def progressive_distortion(x_0: Array, x_0_pred: Array) -> Array:
    r"""Return the root mean squared error of each sample's prediction.

    .. math:: \sqrt{\frac{1}{D} \sum_{n=1}^{D} (x_{0,n} - \hat x_{0,n})^2}

    Parameters
    ----------
    x_0, x_0_pred : array
        Data and its prediction from x_t, shape (B, ...).

    Returns
    -------
    array
        Shape (B,), in the units of the data; times 127.5 it is on the scale 0..255.

    Raises
    ------
    ValueError
        If the input has no batch axis.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), section 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> progressive_distortion(np.array([[1.0, 3.0]]), np.array([[1.0, 3.0]]))
    array([0.])
    """
    return sqrt(mean_per_sample((x_0 - x_0_pred) ** 2))


@implements("nichol2021/hybrid-loss")
def hybrid_loss(loss: Array, nats: Array, *, weight: Array) -> Array:
    r"""Return the simple loss plus a multiple of the bound.

    .. math:: L + w\,N

    Parameters
    ----------
    loss : array_like
        The simple loss L.
    nats : array_like
        The bound's term N in which the reverse mean is held fixed: its gradient must reach the
        variance only.
    weight : array_like
        The multiple w, not negative; the paper uses 0.001.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If ``weight`` is negative.

    Source
    ------
    Nichol and Dhariwal 2021 (arXiv:2102.09672v1), section 3.1, L_hybrid.

    Examples
    --------
    >>> hybrid_loss(1.0, 4.0, weight=0.25)
    2.0
    """
    check_in(NON_NEGATIVE, "the paper uses 0.001.", weight=weight)
    return loss + weight * nats


@implements("nichol2021/importance-weighted-loss")
def importance_weighted_loss(loss: Array, *, probability: Array) -> Array:
    r"""Return the loss of a drawn time, over the probability with which it was drawn.

    .. math:: \frac{L}{p}

    Parameters
    ----------
    loss : array_like
        The loss L of the drawn time.
    probability : array_like
        The probability p of drawing this time, in (0, 1].

    Returns
    -------
    array_like
        Same shape; its expectation over the drawn times is the sum of their losses, for any p.

    Raises
    ------
    ValueError
        If ``probability`` is outside its domain.

    Source
    ------
    Nichol and Dhariwal 2021 (arXiv:2102.09672v1), section 3.3: the bound is the expectation of
    L_t / p_t.

    Examples
    --------
    >>> importance_weighted_loss(1.5, probability=0.5)
    3.0
    """
    check_in(HALF_OPEN_AT_0, "a time that is never drawn has no loss.", probability=probability)
    return loss / probability
