"""The variational bound of a DDPM chain on Gaussian data, exactly.

The data are x_0 ~ N(m, S). The forward chain has alpha_bar_0 = 1 > alpha_bar_1 > ... > alpha_bar_T.
The model runs p(x_T) and p(x_{t-1} | x_t) = N(mu_t(x_t), P_t), where mu_t is the exact E[x_s | x_t]
of `model`: a Gaussian that is the data itself (the Bayes-optimal network) or another one (a
misspecified network; it need not share eigenvectors with the data). The expectation of the bound

    E_q[ -log p(x_T) - sum_t log p(x_{t-1} | x_t) + log q(x_1, ..., x_T | x_0) ]

over data and noise can be arranged in two ways, and both are computed, from different conditionals:

* against q(x_{t-1} | x_t, x_0): L_T + sum_{t>=2} L_{t-1} + L_0. The posterior of x_{t-1} comes from
  the two Gaussian factors q(x_{t-1} | x_0) and q(x_t | x_{t-1}), multiplied in precision form;
* against q(x_{t-1} | x_t): KL of the marginals at T, plus the T divergences of the reverse kernels
  (t = 1 included), plus the entropy H(x_0). The kernels come from the joint law of (x_{t-1}, x_t).

Everything is a sum over blocks: one block per eigen-direction where all matrices commute, else one
block of size d. All numbers are nats, summed over dimensions and averaged over x_0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refdiff.closed_form import _arguments
from refdiff.closed_form._arguments import Array
from refdiff.closed_form.gaussian import Gaussian

__all__ = ["ExactBound", "exact_bound"]

VARIANCES = ("beta", "beta-tilde", "exact")
PRIORS = ("standard-normal", "marginal")


@dataclass(frozen=True)
class ExactBound:
    """The expected bound in both arrangements, in nats.

    Attributes
    ----------
    L_T : float
        E KL(q(x_T | x_0) || p(x_T)).
    L_between : ndarray, shape (T-1,)
        L_{t-1} = E KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) for t = 2..T, in that order.
    L_0 : float
        E[-log p(x_0 | x_1)], with the Gaussian density of the last step.
    marginal_prior : float
        KL(q(x_T) || p(x_T)).
    marginal_steps : ndarray, shape (T,)
        E KL(q(x_{t-1} | x_t) || p(x_{t-1} | x_t)) for t = 1..T, in that order.
    entropy : float
        H(x_0), the smallest value that any bound can take.
    """

    L_T: float
    L_between: Array
    L_0: float
    marginal_prior: float
    marginal_steps: Array
    entropy: float

    @property
    def total(self) -> float:
        """The bound as L_T + sum of L_{t-1} + L_0."""
        return math.fsum([self.L_T, *self.L_between.tolist(), self.L_0])

    @property
    def total_from_marginals(self) -> float:
        """The bound as marginal_prior + sum of marginal_steps + entropy."""
        return math.fsum([self.marginal_prior, *self.marginal_steps.tolist(), self.entropy])


class _Blocks(NamedTuple):
    """Mean (n, k) and covariance (n, k, k) of n independent blocks of size k."""

    mean: Array
    covariance: Array


def _split(data: Gaussian, model: Gaussian) -> tuple[_Blocks, _Blocks]:
    """Write data and model in coordinates in which as much as possible is diagonal."""
    if data.event_shape != model.event_shape:
        raise ValueError(
            f"model of event shape {model.event_shape} must have the data's {data.event_shape}"
        )
    axes = data.eigenvectors
    if model is data or (axes is None and model.eigenvectors is None):

        def diagonal(law: Gaussian) -> _Blocks:
            mean = law.mean.reshape(-1, 1) if axes is None else (law.mean @ axes)[:, None]
            spread = np.broadcast_to(law.eigenvalues, law.event_shape).reshape(-1, 1, 1)
            return _Blocks(mean, spread)

        return diagonal(data), diagonal(model)
    whole = [_Blocks(law.mean[None], law.covariance_matrix()[None]) for law in (data, model)]
    return whole[0], whole[1]


def _transposed(matrix: Array) -> Array:
    return np.swapaxes(matrix, -1, -2)


def _half_gaussian_terms(covariance: Array, inside: Array, mean: Array) -> float:
    """(log det P + tr P^-1 (inside + mean mean^T)) / 2, summed over blocks."""
    second = inside + mean[..., :, None] * mean[..., None, :]
    quadratic = np.trace(np.linalg.solve(covariance, second), axis1=-2, axis2=-1)
    return 0.5 * float(np.sum(np.linalg.slogdet(covariance)[1] + quadratic))


def _divergence(q_covariance: Array, p_covariance: Array, spread: Array, shift: Array) -> float:
    """E KL(N(a, Q) || N(b, P)) where a - b has mean `shift` and covariance `spread`."""
    size = q_covariance.shape[0] * q_covariance.shape[-1]
    own = 0.5 * float(np.sum(np.linalg.slogdet(q_covariance)[1]))
    cross = _half_gaussian_terms(p_covariance, q_covariance + spread, shift)
    return cross - own - 0.5 * float(size)


@dataclass(frozen=True)
class _Step:
    """All Gaussians of one step t -> s = t-1, by conditioning joint laws."""

    data: _Blocks
    model: _Blocks
    alpha_bar_t: float
    alpha_bar_s: float

    @property
    def ratio(self) -> float:
        return math.sqrt(self.alpha_bar_t / self.alpha_bar_s)

    @property
    def beta(self) -> float:
        return (self.alpha_bar_s - self.alpha_bar_t) / self.alpha_bar_s

    def reverse(self, law: _Blocks) -> tuple[Array, Array, Array]:
        """Gain, offset and covariance of x_s given x_t when x_0 follows `law`."""
        one = np.eye(law.mean.shape[-1])
        variances_s = self.alpha_bar_s * law.covariance + (1.0 - self.alpha_bar_s) * one
        variances_t = self.alpha_bar_t * law.covariance + (1.0 - self.alpha_bar_t) * one
        # V_s and V_t commute, so either order of the product is the symmetric answer.
        quotient = np.asarray(np.linalg.solve(variances_t, variances_s), dtype=np.float64)
        gain = self.ratio * quotient
        mean_t = math.sqrt(self.alpha_bar_t) * law.mean
        offset = math.sqrt(self.alpha_bar_s) * law.mean - (gain @ mean_t[..., None])[..., 0]
        return gain, offset, self.beta * quotient

    def posterior(self) -> tuple[float, float, float]:
        """Coefficients of x_0 and x_t in E[x_s | x_t, x_0], and its variance (t >= 2).

        Precisions add: 1 / (1 - alpha_bar_s) from q(x_s | x_0), ratio^2 / beta from q(x_t | x_s).
        """
        precision = 1.0 / (1.0 - self.alpha_bar_s) + self.ratio**2 / self.beta
        from_data = math.sqrt(self.alpha_bar_s) / (1.0 - self.alpha_bar_s) / precision
        return from_data, self.ratio / self.beta / precision, 1.0 / precision

    def difference(self, from_data: float, from_noisy: float) -> tuple[Array, Array]:
        """Covariance and mean of from_data x_0 + from_noisy x_t - mu_t(x_t).

        x_0 is split into E[x_0 | x_t] and a residual independent of x_t, and the variances of
        the two parts are added: the direct sum of the four terms would cancel.
        """
        mean, spread = self.data
        one = np.eye(mean.shape[-1])
        signal = math.sqrt(self.alpha_bar_t)
        variances_t = self.alpha_bar_t * spread + (1.0 - self.alpha_bar_t) * one
        regression = np.linalg.solve(variances_t, spread)
        gain, offset, _ = self.reverse(self.model)
        noisy = from_data * signal * regression + from_noisy * one - gain
        residual = from_data**2 * (1.0 - self.alpha_bar_t) * regression
        moved = (gain @ (signal * mean)[..., None])[..., 0]
        shift = (from_data + from_noisy * signal) * mean - moved - offset
        return residual + noisy @ variances_t @ _transposed(noisy), shift

    def conditional_term(self, reverse_covariance: Array) -> float:
        """L_{t-1} for t >= 2."""
        from_data, from_noisy, variance = self.posterior()
        spread, shift = self.difference(from_data, from_noisy)
        inside = np.broadcast_to(variance * np.eye(shift.shape[-1]), spread.shape)
        return _divergence(inside, reverse_covariance, spread, shift)

    def reconstruction_term(self, reverse_covariance: Array) -> float:
        """L_0, for the step from t = 1 to s = 0."""
        spread, shift = self.difference(1.0, 0.0)
        size = shift.size
        terms = _half_gaussian_terms(reverse_covariance, spread, shift)
        return terms + 0.5 * size * math.log(2.0 * math.pi)

    def marginal_term(self, reverse_covariance: Array) -> float:
        """E KL(q(x_s | x_t) || p(x_s | x_t)), by the joint law of (x_s, x_t)."""
        gain, offset, covariance = self.reverse(self.data)
        model_gain, model_offset, _ = self.reverse(self.model)
        extra = gain - model_gain
        one = np.eye(gain.shape[-1])
        variances_t = self.alpha_bar_t * self.data.covariance + (1.0 - self.alpha_bar_t) * one
        mean_t = math.sqrt(self.alpha_bar_t) * self.data.mean
        shift = (extra @ mean_t[..., None])[..., 0] + offset - model_offset
        spread = extra @ variances_t @ _transposed(extra)
        return _divergence(covariance, reverse_covariance, spread, shift)


def _prior_terms(data: _Blocks, alpha_bar: float, prior: str) -> tuple[float, float]:
    """L_T and KL(q(x_T) || p(x_T))."""
    mean, spread = math.sqrt(alpha_bar) * data.mean, alpha_bar * data.covariance
    noise = np.broadcast_to((1.0 - alpha_bar) * np.eye(mean.shape[-1]), spread.shape)
    whole = spread + noise
    if prior == "marginal":
        return _divergence(noise, whole, spread, np.zeros_like(mean)), 0.0
    standard = np.broadcast_to(np.eye(mean.shape[-1]), spread.shape)
    still = np.zeros_like(spread)
    return _divergence(noise, standard, spread, mean), _divergence(whole, standard, still, mean)


def _given_variances(variance: ArrayLike, num_steps: int) -> Array:
    values = _arguments.real_array("variance", variance)
    if values.shape not in ((), (num_steps,)) or np.any(values <= 0.0):
        raise ValueError(
            f"variance={variance!r} must be one of {', '.join(map(repr, VARIANCES))}, or positive "
            f"numbers of shape ({num_steps},) with entry t-1 for the step from t"
        )
    return np.broadcast_to(values, (num_steps,))


def exact_bound(
    data: Gaussian,
    alpha_bars: ArrayLike,
    *,
    variance: str | ArrayLike,
    model: Gaussian | None = None,
    prior: str = "standard-normal",
) -> ExactBound:
    """Return the expected variational bound of a DDPM chain, term by term, in nats.

    Parameters
    ----------
    data : Gaussian
        The law of x_0; every direction needs a positive variance.
    alpha_bars : array_like, shape (T+1,)
        Starts at 1 and falls strictly.
    variance : str or array_like of shape (T,)
        Reverse variances P_t. "beta": that of q(x_t | x_s). "beta-tilde": that of
        q(x_s | x_t, x_0), with the value of t = 2 in place of the 0 at t = 1 (T >= 2), without
        which L_0 is infinite. "exact": the covariance of x_s given x_t under `model`. Numbers:
        taken as they are, entry t-1 for the step from t.
    model : Gaussian, optional
        The law for which the reverse means are optimal; the data's own by default.
    prior : {"standard-normal", "marginal"}
        p(x_T): N(0, I), or exactly q(x_T).

    Returns
    -------
    ExactBound
        All terms of both decompositions.

    Raises
    ------
    ValueError
        If the data are singular, or an argument is outside its domain.

    Examples
    --------
    With exact reverse kernels and the right prior the bound is the entropy of the data:

    >>> bound = exact_bound(Gaussian(3.0, 0.5), [1, 0.5, 0.1], variance="exact", prior="marginal")
    >>> bool(abs(bound.total - Gaussian(3.0, 0.5).entropy()) < 1e-14)
    True
    """
    table = _arguments.alpha_bar_table(alpha_bars)
    _arguments.choice("prior", prior, PRIORS)
    entropy = data.entropy()
    blocks, model_blocks = _split(data, data if model is None else model)
    num_steps = table.size - 1
    steps = [
        _Step(blocks, model_blocks, float(table[t]), float(table[t - 1]))
        for t in range(1, num_steps + 1)
    ]
    covariances = _reverse_covariances(steps, variance)
    pairs = list(zip(steps, covariances, strict=True))
    conditional_prior, marginal_prior = _prior_terms(blocks, float(table[-1]), prior)
    return ExactBound(
        L_T=conditional_prior,
        L_between=np.array([step.conditional_term(covariance) for step, covariance in pairs[1:]]),
        L_0=steps[0].reconstruction_term(covariances[0]),
        marginal_prior=marginal_prior,
        marginal_steps=np.array([step.marginal_term(covariance) for step, covariance in pairs]),
        entropy=entropy,
    )


def _reverse_covariances(steps: list[_Step], variance: str | ArrayLike) -> list[Array]:
    """Return P_t of shape (n, k, k) for t = 1..T."""
    if isinstance(variance, str):
        _arguments.choice("variance", variance, VARIANCES)
        if variance == "exact":
            return [step.reverse(step.model)[2] for step in steps]
        if variance == "beta":
            numbers = [step.beta for step in steps]
        elif len(steps) < 2:
            raise ValueError(
                "variance='beta-tilde' needs T >= 2: at t=1 it is 0 and the bound infinite; pass "
                "the variance as a number"
            )
        else:
            numbers = [step.posterior()[2] for step in steps[1:]]
            numbers = numbers[:1] + numbers
    else:
        numbers = _given_variances(variance, len(steps)).tolist()
    shape = steps[0].data.covariance.shape
    return [np.broadcast_to(number * np.eye(shape[-1]), shape) for number in numbers]
