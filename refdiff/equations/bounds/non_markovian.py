r"""The bound of DDIM's family of forward processes, as a weighted noise loss."""

from __future__ import annotations

from refdiff._checks import HALF_OPEN_AT_0, NON_NEGATIVE, OPEN_UNIT, check_in
from refdiff._namespace import Array
from refdiff.catalogue import implements
from refdiff.equations.bounds.noise_gain import noise_gain_per_level

__all__ = ["ddim_posterior_weight_eps", "weighted_eps_loss"]


@implements("song2021ddim/weighted-loss")
def weighted_eps_loss(eps: Array, eps_pred: Array, *, weight: Array) -> Array:
    r"""Return one time's share of the weighted noise loss.

    .. math:: w\,(\epsilon - \hat\epsilon)^2

    Parameters
    ----------
    eps, eps_pred : array_like
        True and predicted noise, same shape.
    weight : array_like
        The weight w of this time, not negative; 1 for the simple loss.

    Returns
    -------
    array_like
        Elementwise; sum over components, average over noise and data, and sum over times.

    Raises
    ------
    ValueError
        If ``weight`` is negative.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), the objective L_gamma of section 2.

    Examples
    --------
    >>> weighted_eps_loss(3.0, 1.0, weight=0.5)
    2.0
    """
    check_in(NON_NEGATIVE, "it multiplies a squared error.", weight=weight)
    return weight * (eps - eps_pred) ** 2


@implements("song2021ddim/bound-weight")
def ddim_posterior_weight_eps(*, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array) -> Array:
    r"""Return the weight of the squared error of eps in the bound of a DDIM process.

    .. math:: \frac{1}{2\lambda^2}\left(\sqrt{\frac{\bar\alpha_s(1-\bar\alpha_t)}{\bar\alpha_t}}
              - \sqrt{1-\bar\alpha_s-\lambda^2}\right)^2, \qquad
              \lambda^2 = \eta^2\,\frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1).
    eta : array_like
        In (0, 1]: without noise the bound is infinite.

    Returns
    -------
    array_like
        Nats per squared error, for the sum (not the mean) over components. At eta = 1 it is
        :func:`posterior_weight_eps`.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), Theorem 1: the bound J_sigma is a weighted noise
    loss and a constant. The weight here is that of the divergence between two normal steps with
    equal variances.

    Examples
    --------
    >>> round(ddim_posterior_weight_eps(alpha_bar_t=0.25, alpha_bar_s=0.5, eta=1.0), 12)
    1.0
    """
    check_in(HALF_OPEN_AT_0, "without noise the bound is infinite.", eta=eta)
    check_in(
        OPEN_UNIT, "the last step has no noise and an infinite bound.", alpha_bar_s=alpha_bar_s
    )
    gain = noise_gain_per_level(alpha_bar_t, alpha_bar_s, eta)
    per_level = (1 - alpha_bar_s) / ((1 - alpha_bar_t) * alpha_bar_s)
    return (gain / eta) ** 2 * (alpha_bar_s - alpha_bar_t) / (2 * per_level)
