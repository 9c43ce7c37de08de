"""Moments of DDIM and DDPM chains on Gaussian data, by hand-derived scalar recursions.

The chain starts at x_T ~ N(0, I) (or another given Gaussian) and uses the optimal prediction for
x_0 ~ N(m, S). Write lambda for an eigenvalue of S, a_t = sqrt(alpha_bar_t), b_t = sqrt(1 -
alpha_bar_t), V_t = alpha_bar_t lambda + 1 - alpha_bar_t, and u_t = x_t - a_t m for the deviation
from the true mean, in that eigen-direction.

DDIM. The optimal predictions are x_0* = m + (a_t lambda / V_t) u_t and eps* = (b_t / V_t) u_t. One
step sets x_s = a_s x_0* + c eps* + sigma z with c^2 = 1 - alpha_bar_s - sigma^2 and sigma^2 = eta^2
(1 - alpha_bar_s) / (1 - alpha_bar_t) (1 - alpha_bar_t / alpha_bar_s). The m terms are a_s m, so

    u_s = k u_t + sigma z,     k = (a_s a_t lambda + c b_t) / V_t.

DDPM. The mean of p(x_s | x_t) is the average of E[x_s | x_t, x_0] over x_0 given x_t, which is
E[x_s | x_t]. Its regression coefficient is Cov(x_s, x_t) / V_t = (a_t / a_s) V_s / V_t, hence

    u_s = k u_t + sigma z,     k = (a_t / a_s) V_s / V_t.

In both, mean(u_s) = k mean(u_t) and var(u_s) = k^2 var(u_t) + sigma^2; no step to s = 0 adds noise
unless asked for. These are independent of `AffineMap`, with which they are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from refdiff.closed_form import _arguments
from refdiff.closed_form._arguments import Array
from refdiff.closed_form.gaussian import Gaussian
from refdiff.closed_form.moments import Moments

__all__ = ["ddim_moments", "ddpm_moments"]

DDPM_VARIANCES = ("fixed-small", "fixed-large", "exact")

# (eigenvalues, alpha_bar_t, alpha_bar_s) -> gain and noise variance, one for each eigenvalue
_Rule = Callable[[Array, float, float], tuple[Array, Array]]


def ddim_moments(
    data: Gaussian,
    alpha_bars: ArrayLike,
    timesteps: Sequence[int],
    eta: float,
    *,
    prior: Gaussian | None = None,
) -> list[Moments]:
    """Return mean (d,) and covariance (d, d) of every state of a DDIM(eta) chain.

    Parameters
    ----------
    data : Gaussian
        The law of x_0, for which the predictions are optimal.
    alpha_bars : array_like, shape (T+1,)
        Noise levels by time.
    timesteps : sequence of int
        Strictly decreasing in 1..T; the last step goes to 0.
    eta : float
        0 for deterministic DDIM, 1 for the DDPM variance, or between.
    prior : Gaussian, optional
        The law of the first state; N(0, I) by default. It must commute with the data: a covariance
        that is a number, the data's marginal, or a vector where the data's is no matrix.

    Returns
    -------
    list of Moments
        For the first state and after every step: len(timesteps) + 1 of them.

    Raises
    ------
    ValueError
        If an argument is outside its domain.
    """
    weight = _arguments.fraction("eta", eta)

    def rule(spread: Array, level_t: float, level_s: float) -> tuple[Array, Array]:
        share = (level_s - level_t) / level_s / (1.0 - level_t)
        noise = weight**2 * (1.0 - level_s) * share
        # 1 - share = alpha_bar_t (1 - alpha_bar_s) / (alpha_bar_s (1 - alpha_bar_t)): written so,
        # the radicand is a sum of terms >= 0.
        kept = level_t * (1.0 - level_s) / (level_s * (1.0 - level_t))
        radicand = (1.0 - level_s) * (1.0 - weight**2 + weight**2 * kept)
        direction = np.sqrt(radicand * (1.0 - level_t))
        variances = level_t * spread + (1.0 - level_t)
        gain = (np.sqrt(level_s * level_t) * spread + direction) / variances
        return gain, np.full_like(spread, noise)

    return _chain(data, alpha_bars, timesteps, rule, prior)


def ddpm_moments(
    data: Gaussian,
    alpha_bars: ArrayLike,
    timesteps: Sequence[int],
    variance: str | ArrayLike,
    *,
    prior: Gaussian | None = None,
    last_noise: bool = False,
) -> list[Moments]:
    """Return mean (d,) and covariance (d, d) of every state of a DDPM chain.

    Parameters
    ----------
    data : Gaussian
        The law of x_0, for which the predictions are optimal.
    alpha_bars : array_like, shape (T+1,)
        Noise levels by time.
    timesteps : sequence of int
        Strictly decreasing in 1..T; the last step goes to 0.
    variance : str or array_like of shape (len(timesteps),)
        "fixed-small": of q(x_s | x_t, x_0). "fixed-large": of q(x_t | x_s). "exact": of
        q(x_s | x_t). Numbers: one variance for each step.
    prior : Gaussian, optional
        The law of the first state, as in `ddim_moments`.
    last_noise : bool
        Whether the step to s = 0 adds its noise too; samplers leave it out.

    Returns
    -------
    list of Moments
        For the first state and after every step: len(timesteps) + 1 of them.

    Raises
    ------
    ValueError
        If an argument is outside its domain.
    """
    given: list[float] | None = None
    if isinstance(variance, str):
        _arguments.choice("variance", variance, DDPM_VARIANCES)
    else:
        numbers = _arguments.real_array("variance", variance)
        if numbers.shape != (len(timesteps),) or np.any(numbers < 0.0):
            raise ValueError(
                f"variance={variance!r} must be one of {', '.join(map(repr, DDPM_VARIANCES))}, or "
                f"one number >= 0 for each of the {len(timesteps)} steps"
            )
        given = numbers.tolist()

    def rule(spread: Array, level_t: float, level_s: float) -> tuple[Array, Array]:
        variances_t = level_t * spread + (1.0 - level_t)
        variances_s = level_s * spread + (1.0 - level_s)
        gain = np.sqrt(level_t / level_s) * variances_s / variances_t
        added = (level_s - level_t) / level_s
        if given is not None:
            noise = np.full_like(spread, given.pop(0))
        elif variance == "fixed-small":
            noise = np.full_like(spread, added * (1.0 - level_s) / (1.0 - level_t))
        elif variance == "fixed-large":
            noise = np.full_like(spread, added)
        else:
            noise = added * variances_s / variances_t
        return gain, noise if level_s < 1.0 or last_noise else np.zeros_like(spread)

    return _chain(data, alpha_bars, timesteps, rule, prior)


def _chain(
    data: Gaussian,
    alpha_bars: ArrayLike,
    timesteps: Sequence[int],
    rule: _Rule,
    prior: Gaussian | None,
) -> list[Moments]:
    """Run the recursion on the deviation from the true mean, eigenvalue by eigenvalue."""
    table = _arguments.alpha_bar_table(alpha_bars)
    times = _arguments.timestep_list(timesteps, table.size - 1)
    start = Gaussian(np.zeros_like(data.mean), 1.0) if prior is None else prior
    spread = np.broadcast_to(data.eigenvalues, data.event_shape).ravel().copy()
    center, variances = data.mean.ravel(), _commuting_spectrum(start, data)
    axes = data.eigenvectors

    def moments(time: int) -> Moments:
        mean = np.sqrt(table[time]) * center + _from_axes(deviation, axes)
        dense = np.diag(variances) if axes is None else (axes * variances) @ axes.T
        return Moments(mean, dense)

    deviation = _to_axes(start.mean.ravel() - np.sqrt(table[times[0]]) * center, axes)
    states = [moments(times[0])]
    for t, s in zip(times, [*times[1:], 0], strict=True):
        gain, noise = rule(spread, float(table[t]), float(table[s]))
        deviation, variances = gain * deviation, gain**2 * variances + noise
        states.append(moments(s))
    return states


def _commuting_spectrum(prior: Gaussian, data: Gaussian) -> Array:
    """Eigenvalues of the prior's covariance along the data's eigenvectors."""
    if prior.event_shape != data.event_shape:
        raise ValueError(
            f"prior of event shape {prior.event_shape} must have the data's {data.event_shape}"
        )
    if data.eigenvectors is None and prior.eigenvectors is None:
        return np.broadcast_to(prior.eigenvalues, data.event_shape).ravel().copy()
    axes = np.eye(data.dimension) if data.eigenvectors is None else data.eigenvectors
    rotated = axes.T @ prior.covariance_matrix() @ axes
    off_diagonal = rotated - np.diag(np.diag(rotated))
    rounding = 16 * data.dimension * np.finfo(np.float64).eps * np.max(np.abs(rotated))
    if np.max(np.abs(off_diagonal)) > rounding:
        raise ValueError(
            "prior must have the data's eigenvectors: the recursion is scalar in each of them; "
            "use output_moments for any other prior"
        )
    return np.asarray(np.diag(rotated))


def _to_axes(vector: Array, axes: Array | None) -> Array:
    return vector if axes is None else np.asarray(axes.T @ vector)


def _from_axes(vector: Array, axes: Array | None) -> Array:
    return vector if axes is None else np.asarray(axes @ vector)
