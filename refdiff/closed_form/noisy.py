"""Gaussian data at one noise level.

Data x_0 ~ N(m, S) and independent noise eps ~ N(0, I) make x_t = alpha_t x_0 + sigma_t eps, in the
discrete family with alpha_t^2 = alpha_bar_t and sigma_t^2 = 1 - alpha_bar_t. The triple
(x_0, eps, x_t) is jointly Gaussian with

    Cov(x_0, x_t) = alpha_t S,   Cov(eps, x_t) = sigma_t I,
    V_t = Cov(x_t) = alpha_t^2 S + sigma_t^2 I,

and everything here is the conditional E[y | x_t] = E[y] + Cov(y, x_t) V_t^-1 (x_t - E[x_t]) for
one y or another. S and V_t have the same eigenvectors, so each operator is a function of the
eigenvalues of S, called `spread` here.

Ends. At sigma_t = 0 the value x_t is the data and tells nothing about the noise: eps* = 0, and
x_0* = x_t where the data has spread. Where it has none, x_0* = m (all that can be observed is
x_t = m). At alpha_t = 0 nothing is known of the data: x_0* = m, eps* = x_t / sigma_t. The score
does not exist where V_t is singular, which is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from refdiff.closed_form import _arguments
from refdiff.closed_form._arguments import Array
from refdiff.closed_form.moments import AffineFunction, Moments, ReverseKernel

if TYPE_CHECKING:
    from refdiff.closed_form.gaussian import Gaussian

__all__ = ["PREDICTIONS", "NoisyGaussian"]

PREDICTIONS = ("eps", "x_0", "v", "score")
"""What can be predicted from x_t: the noise, the data, v = alpha_t eps - sigma_t x_0, the score."""


def _ratio(numerator: Array, denominator: Array, *, at_zero: float) -> Array:
    """Divide where the denominator is not zero, and put `at_zero` elsewhere."""
    safe = np.where(denominator == 0.0, 1.0, denominator)
    return np.where(denominator == 0.0, at_zero, numerator / safe)


@dataclass(frozen=True)
class NoisyGaussian:
    """x_t = alpha_t x_0 + sigma_t eps for x_0 from `data`; made by `Gaussian.at`.

    Attributes
    ----------
    data : Gaussian
        The law of x_0.
    alpha, sigma : float
        Scales of data and noise.
    alpha_squared, sigma_squared : float
        Their squares, kept apart so that alpha_bar_t and 1 - alpha_bar_t enter unrounded.
    """

    data: Gaussian
    alpha: float
    sigma: float
    alpha_squared: float
    sigma_squared: float

    @property
    def variances(self) -> Array:
        """Eigenvalues of V_t = alpha_t^2 S + sigma_t^2 I, in the order of the data's."""
        return np.asarray(self.alpha_squared * self.data.eigenvalues + self.sigma_squared)

    @property
    def marginal(self) -> Gaussian:
        """The law of x_t."""
        return self.data.with_spectrum(self.alpha * self.data.mean, self.variances)

    def _gain_and_center(self, prediction: str) -> tuple[Array, Array]:
        """Eigenvalues of Cov(y, x_t) V_t^-1, and E[y], for the predicted quantity y."""
        spread, variances, mean = self.data.eigenvalues, self.variances, self.data.mean
        none = np.zeros_like(mean)
        if prediction == "eps":
            # Zero noise variance and zero spread together leave 0/0; E[eps | x_t] is 0 there.
            return _ratio(self.sigma + 0.0 * spread, variances, at_zero=0.0), none
        if prediction == "x_0":
            return _ratio(self.alpha * spread, variances, at_zero=0.0), mean
        if prediction == "v":
            # Cov(v, x_t) = alpha Cov(eps, x_t) - sigma Cov(x_0, x_t) = alpha sigma (1 - S).
            covariance = self.alpha * self.sigma * (1.0 - spread)
            return _ratio(covariance, variances, at_zero=0.0), -self.sigma * mean
        if np.any(variances == 0.0):
            raise ValueError(
                f"the score at alpha_t={self.alpha!r}, sigma_t={self.sigma!r} does not exist: the "
                "data has a direction without spread; choose a noisier time (alpha_bar_t < 1)"
            )
        return -1.0 / variances, none

    def predict(self, prediction: str, x_t: ArrayLike) -> Array:
        """Return the least-squares optimal prediction, E[y | x_t], at points x_t.

        Parameters
        ----------
        prediction : {"eps", "x_0", "v", "score"}
            The quantity y; "score" is the gradient of log q(x_t).
        x_t : array_like, shape (..., *event_shape)
            Where to evaluate it.

        Returns
        -------
        ndarray, shape of x_t
            The prediction.

        Raises
        ------
        ValueError
            If the shape does not fit, or the score does not exist.
        """
        _arguments.choice("prediction", prediction, PREDICTIONS)
        points = _arguments.points("x_t", x_t, self.data.event_shape)
        gain, center = self._gain_and_center(prediction)
        return center + self.data.scaled(gain, points - self.alpha * self.data.mean)

    def predictor(self, prediction: str) -> AffineFunction:
        """Return the same optimal prediction as a matrix and an offset.

        Parameters
        ----------
        prediction : {"eps", "x_0", "v", "score"}
            The quantity predicted.

        Returns
        -------
        AffineFunction
            Such that E[y | x_t] = matrix x_t + offset.
        """
        _arguments.choice("prediction", prediction, PREDICTIONS)
        gain, center = self._gain_and_center(prediction)
        offset = center - self.data.scaled(gain, self.alpha * self.data.mean)
        return AffineFunction(self.data.operator(gain), offset)

    def x_0_posterior(self, x_t: ArrayLike) -> Moments:
        """Return mean and covariance of x_0 given x_t.

        Parameters
        ----------
        x_t : array_like, shape (..., *event_shape)
            The noisy values.

        Returns
        -------
        Moments
            Mean at each x_t; the covariance is the same for all of them.
        """
        residual = _ratio(self.sigma_squared * self.data.eigenvalues, self.variances, at_zero=0.0)
        return Moments(self.predict("x_0", x_t), self.data.operator(residual))

    def minimal_loss(self, prediction: str) -> float:
        """Return the smallest mean squared error that any model can reach, per dimension.

        Parameters
        ----------
        prediction : {"eps", "x_0", "v"}
            The regression target.

        Returns
        -------
        float
            The average over dimensions of Var[y | x_t].
        """
        _arguments.choice("prediction", prediction, PREDICTIONS[:3])
        spread, variances = self.data.eigenvalues, self.variances
        if prediction == "eps":
            # With no noise in x_t nothing is learnt about eps, so all its variance is left.
            left = _ratio(self.alpha_squared * spread, variances, at_zero=1.0)
        elif prediction == "x_0":
            left = _ratio(self.sigma_squared * spread, variances, at_zero=0.0)
        else:
            # v = alpha eps - sigma x_0 and x_t fixed: an error r in x_0 moves eps by -alpha r/sigma
            # and v by -(alpha^2 + sigma^2) r / sigma.
            total = (self.alpha_squared + self.sigma_squared) ** 2
            left = _ratio(total * spread, variances, at_zero=self.alpha_squared)
        return self.data.total(left) / self.data.dimension

    def reverse_to(self, less_noisy: NoisyGaussian) -> ReverseKernel:
        """Return the exact law of x_s given x_t, where s is `less_noisy` and t is this level.

        The forward process makes x_t = r x_s + q z with r = alpha_t / alpha_s and
        q^2 = sigma_t^2 - r^2 sigma_s^2, so Cov(x_s, x_t) = r V_s and V_t = r^2 V_s + q^2 I.
        Conditioning x_s on x_t gives gain r V_s V_t^-1 and covariance
        V_s - r^2 V_s^2 V_t^-1 = q^2 V_s V_t^-1, which is what is returned, free of cancellation.

        Parameters
        ----------
        less_noisy : NoisyGaussian
            The same data at time s.

        Returns
        -------
        ReverseKernel
            Gain, offset and covariance, in the form of the data's covariance.

        Raises
        ------
        ValueError
            If s has no signal, or is noisier than t.
        """
        if less_noisy.alpha == 0.0:
            raise ValueError(
                "alpha_s=0.0 must be > 0: at zero signal the transition from s to t is not "
                "determined by the two levels; choose an earlier s"
            )
        ratio = self.alpha / less_noisy.alpha
        # q^2 = (alpha_s^2 sigma_t^2 - alpha_t^2 sigma_s^2) / alpha_s^2; alpha_bar_s - alpha_bar_t
        # on top in the discrete family, where the subtraction below is exact up to one rounding.
        if (
            self.alpha_squared + self.sigma_squared
            == 1.0
            == (less_noisy.alpha_squared + less_noisy.sigma_squared)
        ):
            added = (less_noisy.alpha_squared - self.alpha_squared) / less_noisy.alpha_squared
        else:
            added = self.sigma_squared - ratio**2 * less_noisy.sigma_squared
        if added < 0.0:
            raise ValueError(
                f"the level s (alpha={less_noisy.alpha!r}, sigma={less_noisy.sigma!r}) must be "
                f"less noisy than t (alpha={self.alpha!r}, sigma={self.sigma!r}); were the two "
                "swapped?"
            )
        variances_s = less_noisy.variances
        gain = _ratio(ratio * variances_s, self.variances, at_zero=1.0)
        covariance = _ratio(added * variances_s, self.variances, at_zero=0.0)
        mean = self.data.mean
        offset = less_noisy.alpha * mean - self.data.scaled(gain, self.alpha * mean)
        return ReverseKernel(self.data.operator(gain), offset, self.data.operator(covariance))

    def flow_to(self, x_t: ArrayLike, other: NoisyGaussian) -> Array:
        """Return the point of the probability-flow ODE through x_t at another level.

        Along the flow the deviation x - E[x_t] in each eigen-direction obeys the same linear
        equation as the standard deviation of the marginal, so their ratio is constant; that
        holds for every noise schedule, and in both directions of time.

        Parameters
        ----------
        x_t : array_like, shape (..., *event_shape)
            Points at this level.
        other : NoisyGaussian
            The same data at the level to go to.

        Returns
        -------
        ndarray, shape of x_t
            The points at the other level.

        Raises
        ------
        ValueError
            If this level has a direction without spread and the other has not.
        """
        here, there = self.variances, other.variances
        if np.any((here == 0.0) & (there > 0.0)):
            raise ValueError(
                "the probability flow from a level without spread is not unique: the data has a "
                "direction without spread; start from alpha_bar_t < 1"
            )
        ratio = np.sqrt(_ratio(there, here, at_zero=0.0))
        points = _arguments.points("x_t", x_t, self.data.event_shape)
        mean = self.data.mean
        return other.alpha * mean + self.data.scaled(ratio, points - self.alpha * mean)
