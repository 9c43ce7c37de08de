"""Worlds: data whose law is known, so that every prediction at every noise level is exact.

The elements of x_0 are Gaussian, or mixtures of Gaussians, with a mean and a variance of their own
for each element. A noisy value is x = alpha x_0 + sigma eps with any scales: alpha^2 + sigma^2 = 1
in variance-preserving coordinates, alpha = 1 in variance-exploding ones.

In a mixture the component is drawn for each element by itself (`shared=False`), so that elements
are independent and the flow is a map of quantiles, or once for the whole image (`shared=True`):
then it is the class of the image, and the probability of a class depends on all elements.

Nothing here comes from `refdiff.equations`: what follows is the conditional mean of jointly
Gaussian quantities, as in `refdiff.closed_form`, for arrays of any shape and with scales that may
differ between the samples of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PREDICTIONS", "WORLDS", "World", "gaussian_world", "point_world"]

Array = NDArray[np.float64]

PREDICTIONS = ("eps", "x_0", "v")
"""What a world predicts; a denoiser of k-diffusion predicts x_0."""


@dataclass(frozen=True)
class World:
    """Known data.

    Parameters
    ----------
    name : str
        Shown in reports.
    mean, variance : tuple of float or of numpy.ndarray
        One for each component: a number, or an array of the shape of one sample.
    weights : tuple of float
        Probabilities of the components.
    ripple : float
        How much mean and variance vary over the elements of a sample, relatively: a target that
        mixes elements up, or is right only for data that are alike everywhere, shows.
    shared : bool
        Whether all elements of a sample come from the same component, its class.

    Examples
    --------
    >>> world = gaussian_world("one", mean=1.5, variance=0.25)
    >>> world.x_0(np.array([[7.0]]), 0.0, 1.0)  # pure noise tells nothing
    array([[1.5]])
    """

    name: str
    mean: tuple[Any, ...]
    variance: tuple[Any, ...]
    weights: tuple[float, ...] = (1.0,)
    ripple: float = 0.0
    shared: bool = False
    _made: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def affine(self) -> bool:
        """Whether its predictions are affine in x, so that samplers are affine maps."""
        return len(self.weights) == 1

    @property
    def num_classes(self) -> int:
        """Number of classes; also the label of the null class. 0 without classes."""
        return len(self.weights) if self.shared else 0

    def means(self, shape: tuple[int, ...]) -> list[Array]:
        """Return each component's mean of every element of a sample of this shape."""
        return self._elements(shape)[0]

    def variances(self, shape: tuple[int, ...]) -> list[Array]:
        """Return each component's variance of every element of a sample of this shape."""
        return self._elements(shape)[1]

    def _elements(self, shape: tuple[int, ...]) -> tuple[list[Array], list[Array]]:
        if shape not in self._made:
            means = [_spread(value, self.ripple, shape, 0.0) for value in self.mean]
            variances = [_spread(value, self.ripple, shape, 0.5) for value in self.variance]
            self._made[shape] = means, variances
        return self._made[shape]

    # ------------------------------------------------------------------ predictions

    def eps(self, x: Any, alpha: Any, sigma: Any, condition: Any = None) -> Any:
        """Return E[eps | x]; 0 where there is no noise.

        Parameters
        ----------
        x : array_like
            Shape (B, ...), noisy values.
        alpha, sigma : array_like
            Scales of data and noise, a number or (B,).
        condition : array_like, optional
            Labels (B,); None or `num_classes` is the null class, all data.

        Returns
        -------
        array
            Of the shape of x.
        """
        return self._expected("eps", x, alpha, sigma, condition)

    def x_0(self, x: Any, alpha: Any, sigma: Any, condition: Any = None) -> Any:
        """Return E[x_0 | x]; arguments as `eps`."""
        return self._expected("x_0", x, alpha, sigma, condition)

    def v(self, x: Any, alpha: Any, sigma: Any, condition: Any = None) -> Any:
        """Return E[alpha eps - sigma x_0 | x]; arguments as `eps`."""
        return self._expected("v", x, alpha, sigma, condition)

    def prediction(self, name: str) -> Any:
        """Return the method that makes this prediction: an `answer` for `ProbeModel`."""
        if name not in PREDICTIONS:
            raise ValueError(f"prediction={name!r} must be one of {', '.join(PREDICTIONS)}")
        return getattr(self, name)

    def score(self, x: Any, alpha: Any, sigma: Any, condition: Any = None) -> Any:
        """Return the gradient of the log density of x, which is -E[eps | x] / sigma."""
        return -self.eps(x, alpha, sigma, condition) / _column(sigma, x)

    def _expected(self, what: str, x: Any, alpha: Any, sigma: Any, condition: Any) -> Any:
        shape = tuple(x.shape[1:])
        a, s = _column(alpha, x), _column(sigma, x)
        answers = [
            _component(what, x, a, s, mean, variance)
            for mean, variance in zip(self.means(shape), self.variances(shape), strict=True)
        ]
        if self.affine:
            return answers[0]
        shares = self.responsibilities(x, alpha, sigma, condition)
        return sum(share * answer for share, answer in zip(shares, answers, strict=True))

    def responsibilities(
        self, x: Any, alpha: Any, sigma: Any, condition: Any = None
    ) -> list[Array]:
        """Return the probability of each component given x (and the label, where given)."""
        shape = tuple(x.shape[1:])
        a, s = _column(alpha, x), _column(sigma, x)
        logs = []
        for weight, mean, variance in zip(
            self.weights, self.means(shape), self.variances(shape), strict=True
        ):
            total = a * a * variance + s * s
            log = -0.5 * ((x - a * mean) ** 2 / total + np.log(total))
            if self.shared:
                log = log.sum(axis=tuple(range(1, x.ndim)), keepdims=True)
            logs.append(log + np.log(weight))
        if self.shared and condition is not None:
            labels = _column(np.asarray(condition), x)
            for index, log in enumerate(logs):
                logs[index] = np.where(
                    (labels == index) | (labels == self.num_classes), log, -np.inf
                )
        top = np.max(logs, axis=0)
        shares = [np.exp(log - top) for log in logs]
        total = np.sum(shares, axis=0)
        return [share / total for share in shares]

    # ------------------------------------------------------------------ laws

    def law(
        self, shape: tuple[int, ...], alpha: float = 1.0, sigma: float = 0.0
    ) -> tuple[Array, Array]:
        """Return mean and variance of every element of alpha x_0 + sigma eps."""
        means, variances = self.means(shape), self.variances(shape)
        mean = sum(w * m for w, m in zip(self.weights, means, strict=True))
        second = sum(
            w * (s + (m - mean) ** 2)
            for w, m, s in zip(self.weights, means, variances, strict=True)
        )
        return np.asarray(alpha * mean), np.asarray(alpha**2 * second + sigma**2)

    def flow(
        self,
        x: Any,
        alpha: float,
        sigma: float,
        to_alpha: float = 1.0,
        to_sigma: float = 0.0,
    ) -> Array:
        """Return where the probability-flow ODE takes x: the end point of exact sampling.

        Parameters
        ----------
        x : array_like
            Shape (B, ...), values at the level (alpha, sigma).
        alpha, sigma : float
            Where it starts.
        to_alpha, to_sigma : float
            Where it ends; the data by default.

        Returns
        -------
        numpy.ndarray
            Shape of x.

        Raises
        ------
        ValueError
            For a mixture with a shared component, whose flow has no closed form.
        """
        x = np.asarray(x, np.float64)
        shape = x.shape[1:]
        if self.affine:
            (mean,), (variance,) = self.means(shape), self.variances(shape)
            here, there = alpha**2 * variance + sigma**2, to_alpha**2 * variance + to_sigma**2
            # x is at the mean where there is no spread: so is the end point.
            ratio = np.sqrt(there / np.where(here == 0, 1.0, here))
            return np.asarray(to_alpha * mean + ratio * (x - alpha * mean))
        if self.shared:
            raise ValueError("a mixture with a shared component has no closed form for its flow")
        from refdiff.conformance.probe.quantiles import moved_quantiles

        return moved_quantiles(self, x, (alpha, sigma), (to_alpha, to_sigma))


def gaussian_world(name: str, *, mean: Any, variance: Any, ripple: float = 0.0) -> World:
    """Return Gaussian data; `variance` 0 is a point mass."""
    return World(name, (mean,), (variance,), ripple=ripple)


def point_world(value: Any, name: str = "point") -> World:
    """Return data that is always `value`, a number or an array of the shape of one sample."""
    return gaussian_world(name, mean=value, variance=0.0)


WORLDS: Mapping[str, World] = MappingProxyType(
    {
        world.name: world
        for world in (
            # Within [-1, 1], for targets that clip; unlike N(0, 1) in mean and in variance.
            gaussian_world("gaussian", mean=0.3, variance=0.0625, ripple=0.25),
            gaussian_world("wide", mean=-0.5, variance=4.0, ripple=0.25),
            gaussian_world("point", mean=0.6, variance=0.0, ripple=0.25),
            gaussian_world("large-mean", mean=30.0, variance=0.25, ripple=0.25),
            World("mixture", (-0.6, 0.4), (0.02, 0.05), (0.375, 0.625), ripple=0.25),
            World(
                "classes",
                (-0.6, 0.1, 0.7),
                (0.03, 0.05, 0.02),
                (0.25, 0.5, 0.25),
                0.25,
                shared=True,
            ),
        )
    }
)
"""The worlds by name."""


def _component(what: str, x: Any, alpha: Any, sigma: Any, mean: Array, variance: Array) -> Any:
    """Return a component's own prediction: E[y] + Cov(y, x) / Var(x) (x - E[x])."""
    total = alpha * alpha * variance + sigma * sigma
    if what == "eps":
        return _over(sigma, total) * (x - alpha * mean)
    if what == "x_0":
        return _over(alpha * variance, total) * (x - alpha * mean) + mean
    # Cov(v, x) = alpha Cov(eps, x) - sigma Cov(x_0, x) = alpha sigma (1 - variance).
    return _over(alpha * sigma * (1.0 - variance), total) * (x - alpha * mean) - sigma * mean


def _over(numerator: Any, total: Any) -> Any:
    """Divide; where the variance is 0 there is nothing to correlate with."""
    return np.where(total == 0, 0.0, numerator / np.where(total == 0, 1.0, total))


def _column(values: Any, x: Any) -> Any:
    """Shape a number or (B,) to broadcast over the samples of x."""
    array = np.asarray(values)
    return array.reshape(array.shape + (1,) * (x.ndim - 1)) if array.ndim == 1 else array


def _spread(value: Any, ripple: float, shape: tuple[int, ...], phase: float) -> Array:
    array = np.asarray(value, np.float64)
    if array.ndim or not ripple:
        return np.broadcast_to(array, shape)
    # Multiples of the golden ratio modulo 1 are spread evenly, and never repeat.
    count = int(np.prod(shape, dtype=np.int64))
    even = (np.arange(1, count + 1) * 0.6180339887498949 + phase) % 1.0
    return np.asarray(array * (1.0 + ripple * (2.0 * even - 1.0))).reshape(shape)
