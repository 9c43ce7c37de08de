"""Gaussian data x_0 ~ N(m, S): exact answers to every question about its diffusion.

Points x have shape ``(..., *event_shape)``, where the event shape is that of the mean m. The
covariance S is a number (all elements independent, 0 for a point mass), a vector (d,) or a matrix
(d, d). With a scalar mean and a scalar variance the event shape is () and every method works
element by element on an array of any shape, each element being its own one-dimensional problem.
With a mean of shape (C, H, W) and a number for S, x is a batch of images.

Noise levels are named by alpha_bar_t (x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps), or
by the pair of scales through `Gaussian.at_scales`. Time s is less noisy than time t. See
`refdiff.closed_form.noisy` for the derivations and for what happens at alpha_bar_t of 0 and 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from refdiff.closed_form import _arguments
from refdiff.closed_form._arguments import Array
from refdiff.closed_form.gaussian_law import GaussianLaw
from refdiff.closed_form.moments import Moments, ReverseKernel
from refdiff.closed_form.noisy import NoisyGaussian

__all__ = ["Gaussian"]


class Gaussian(GaussianLaw):
    """Data with the law N(mean, covariance), seen at any noise level.

    Parameters
    ----------
    mean : array_like
        The mean; its shape is the event shape. A number is repeated to fit a vector or matrix
        `covariance`.
    covariance : array_like
        A variance >= 0, a (d,) vector of them, or a (d, d) positive semi-definite matrix.

    Raises
    ------
    ValueError
        If the shapes do not fit or the covariance is not one.

    Examples
    --------
    At alpha_bar_t = 0 nothing is known but the mean:

    >>> data = Gaussian(mean=1.5, covariance=0.25)
    >>> float(data.optimal_x_0(7.0, alpha_bar_t=0.0))
    1.5
    """

    def at(self, *, alpha_bar_t: float) -> NoisyGaussian:
        """Return this data at the noise level alpha_bar_t in [0, 1]."""
        level = _arguments.alpha_bar("alpha_bar_t", alpha_bar_t)
        return NoisyGaussian(self, math.sqrt(level), math.sqrt(1.0 - level), level, 1.0 - level)

    def at_scales(self, *, alpha_t: float, sigma_t: float) -> NoisyGaussian:
        """Return this data as x_t = alpha_t x_0 + sigma_t eps (any scales >= 0, not both 0)."""
        alpha, sigma = _arguments.scales(alpha_t, sigma_t)
        return NoisyGaussian(self, alpha, sigma, alpha**2, sigma**2)

    def marginal(self, *, alpha_bar_t: float) -> Gaussian:
        """Return the law of x_t."""
        return self.at(alpha_bar_t=alpha_bar_t).marginal

    def optimal_eps(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return E[eps | x_t], shape of x_t; 0 at alpha_bar_t = 1."""
        return self.at(alpha_bar_t=alpha_bar_t).predict("eps", x_t)

    def optimal_x_0(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return E[x_0 | x_t], shape of x_t; the mean at alpha_bar_t = 0."""
        return self.at(alpha_bar_t=alpha_bar_t).predict("x_0", x_t)

    def optimal_v(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return E[sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x_0 | x_t], shape of x_t."""
        return self.at(alpha_bar_t=alpha_bar_t).predict("v", x_t)

    def score(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return the gradient of log q(x_t), shape of x_t; an error where q has no density."""
        return self.at(alpha_bar_t=alpha_bar_t).predict("score", x_t)

    def x_0_posterior(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Moments:
        """Return mean (at each x_t) and covariance (common) of x_0 given x_t."""
        return self.at(alpha_bar_t=alpha_bar_t).x_0_posterior(x_t)

    def reverse_gain_offset_covariance(
        self, *, alpha_bar_t: float, alpha_bar_s: float
    ) -> ReverseKernel:
        """Return gain, offset and covariance of the exact q(x_s | x_t), alpha_bar_s >= alpha_bar_t.

        Raises
        ------
        ValueError
            If s is noisier than t, or alpha_bar_s is 0.
        """
        later, earlier = self.at(alpha_bar_t=alpha_bar_t), self.at(alpha_bar_t=alpha_bar_s)
        _arguments.ordered(later.alpha_squared, earlier.alpha_squared)
        return later.reverse_to(earlier)

    def reverse_kernel(self, x_t: ArrayLike, *, alpha_bar_t: float, alpha_bar_s: float) -> Moments:
        """Return mean (at each x_t) and covariance (common) of the exact q(x_s | x_t).

        Parameters
        ----------
        x_t : array_like, shape (..., *event_shape)
            The noisier values.
        alpha_bar_t, alpha_bar_s : float
            In [0, 1] with alpha_bar_s >= alpha_bar_t and alpha_bar_s > 0.

        Returns
        -------
        Moments
            E[x_s | x_t] and Cov[x_s | x_t].

        Raises
        ------
        ValueError
            If s is noisier than t, or alpha_bar_s is 0.
        """
        gain, offset, covariance = self.reverse_gain_offset_covariance(
            alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s
        )
        points = _arguments.points("x_t", x_t, self.event_shape)
        moved = points @ gain.T if gain.ndim == 2 else gain * points
        return Moments(moved + offset, covariance)

    def probability_flow(self, x_t: ArrayLike, *, alpha_bar_t: float, alpha_bar_s: float) -> Array:
        """Return where the probability-flow ODE takes x_t at alpha_bar_s (either direction)."""
        return self.at(alpha_bar_t=alpha_bar_t).flow_to(x_t, self.at(alpha_bar_t=alpha_bar_s))

    def minimal_eps_loss(self, *, alpha_bar_t: float) -> float:
        """Return the Bayes-optimal simple loss at one level: the mean of Var[eps | x_t].

        The mean is over dimensions. It is tr(alpha_bar_t S V_t^-1) / d, which is the same as
        1 - (1 - alpha_bar_t) tr(V_t^-1) / d; the first form is evaluated, for it does not cancel.
        """
        return self.at(alpha_bar_t=alpha_bar_t).minimal_loss("eps")

    def mutual_information(self, *, snr: float) -> float:
        """Return I(x_0; x_t) in nats at a signal-to-noise ratio: sum of log(1 + snr S) / 2.

        Differences of it are the infinite-step diffusion loss of the variational bound, since
        dI/dsnr is half the minimal squared error of x_0.

        Parameters
        ----------
        snr : float
            alpha_t^2 / sigma_t^2, >= 0 and finite.

        Returns
        -------
        float
            The mutual information.
        """
        ratio = _arguments.scalar("snr", snr)
        if ratio < 0.0:
            raise ValueError(f"snr={ratio!r} must be >= 0; was its logarithm passed?")
        return 0.5 * self.total(np.log1p(ratio * self.eigenvalues))
