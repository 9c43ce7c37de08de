"""Gaussian mixtures: data whose optimal prediction is not affine, but still exact.

x_0 comes from component k with probability w_k and is then N(m_k, S_k), a vector of d elements. A
noisy value x_t is a mixture of the components' own marginals with the same weights, and given x_t
the components have the probabilities (responsibilities)

    r_k(x_t) = w_k q_k(x_t) / sum_j w_j q_j(x_t).

Conditional expectations are the components' answers weighted by r_k; the conditional covariance of
x_0 also has the spread of the components' means. Densities are added as logarithms.

Classes. Each component has a class label 0..C-1 (its own number by default), so a mixture is also a
class-conditional world: `conditional(label)` is the data of one class, the null label (None or C)
stands for all of them together, and the Bayes classifier p(label | x_t) is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from refdiff.closed_form import _arguments
from refdiff.closed_form._arguments import Array
from refdiff.closed_form.gaussian import Gaussian
from refdiff.closed_form.moments import Moments

__all__ = ["GaussianMixture"]


class GaussianMixture:
    """A mixture of K Gaussian components in d dimensions.

    Parameters
    ----------
    weights : array_like, shape (K,)
        Probabilities: positive, summing to 1.
    means : array_like, shape (K, d)
        Means of the components.
    covariances : array_like, shape (), (K,), (K, d) or (K, d, d)
        One variance for all; one for each component; variances of each element; or matrices.
    labels : sequence of int, optional
        Class of each component, using every number 0..C-1; by default component k is class k.

    Raises
    ------
    ValueError
        If shapes do not fit, or weights, covariances or labels are not valid.
    """

    def __init__(
        self,
        weights: ArrayLike,
        means: ArrayLike,
        covariances: ArrayLike,
        *,
        labels: Sequence[int] | None = None,
    ) -> None:
        shares = _arguments.real_array("weights", weights)
        centers = _arguments.real_array("means", means)
        spreads = _arguments.real_array("covariances", covariances)
        if shares.ndim != 1 or shares.size == 0 or np.any(shares <= 0.0):
            raise ValueError(f"weights={weights!r} must be positive numbers of shape (K,)")
        if abs(float(np.sum(shares)) - 1.0) > 8 * shares.size * np.finfo(np.float64).eps:
            raise ValueError(f"weights={weights!r} must sum to 1; divide them by their sum")
        count = shares.size
        if centers.ndim != 2 or centers.shape[0] != count:
            raise ValueError(f"means of shape {centers.shape} must have shape ({count}, d)")
        width = centers.shape[1]
        if spreads.shape not in ((), (count,), (count, width), (count, width, width)):
            raise ValueError(
                f"covariances of shape {spreads.shape} must have shape (), ({count},), "
                f"({count}, {width}) or ({count}, {width}, {width})"
            )
        each = np.broadcast_to(spreads, (count,)) if spreads.ndim == 0 else spreads
        self._set(
            shares / np.sum(shares),
            [Gaussian(center, spread) for center, spread in zip(centers, each, strict=True)],
            _checked_labels(labels, count),
        )

    def _set(self, weights: Array, components: list[Gaussian], labels: NDArray[np.int64]) -> None:
        self._weights, self._components, self._labels = weights, tuple(components), labels
        for array in (self._weights, self._labels):
            array.flags.writeable = False

    def __repr__(self) -> str:
        return f"GaussianMixture({len(self._components)} components, dimension={self.dimension})"

    @property
    def weights(self) -> Array:
        """Probabilities of the components, shape (K,) (read-only)."""
        return self._weights

    @property
    def components(self) -> tuple[Gaussian, ...]:
        """The K components."""
        return self._components

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each component, shape (K,) (read-only)."""
        return self._labels

    @property
    def num_classes(self) -> int:
        """Number of classes; also the integer that names the null class."""
        return int(self._labels.max()) + 1

    @property
    def dimension(self) -> int:
        """Number of elements of one value."""
        return self._components[0].dimension

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape (d,) of one value."""
        return self._components[0].event_shape

    def moments(self) -> Moments:
        """Return mean (d,) and covariance (d, d) of x_0."""
        means = np.stack([component.mean for component in self._components])
        spreads = np.stack([component.covariance_matrix() for component in self._components])
        return _mixed_moments(self._weights, means, spreads)

    def conditional(self, label: int | None) -> GaussianMixture:
        """Return the data of one class, or all data for the null class.

        Parameters
        ----------
        label : int or None
            0..C-1; None or C is the null class.

        Returns
        -------
        GaussianMixture
            Its components, with their labels renumbered from 0; the mixture itself for the null
            class.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        if label is None or label == self.num_classes:
            return self
        chosen = np.flatnonzero(self._labels == self._class(label))
        part = object.__new__(GaussianMixture)
        weights = self._weights[chosen] / np.sum(self._weights[chosen])
        components = [self._components[index] for index in chosen]
        part._set(weights, components, np.zeros(chosen.size, dtype=np.int64))
        return part

    def _class(self, label: int) -> int:
        if not 0 <= label < self.num_classes:
            raise ValueError(
                f"label={label!r} must be a class in 0..{self.num_classes - 1} "
                f"({self.num_classes} or None is the null class, which only `conditional` takes)"
            )
        return label

    # Laws and densities.

    def marginal(self, *, alpha_bar_t: float) -> GaussianMixture:
        """Return the law of x_t: the same weights and labels, each component made noisy."""
        other = object.__new__(GaussianMixture)
        noisy = [component.marginal(alpha_bar_t=alpha_bar_t) for component in self._components]
        other._set(self._weights.copy(), noisy, self._labels.copy())
        return other

    def _log_joint(self, x: ArrayLike) -> Array:
        """Logarithm of w_k q_k(x), shape (..., K)."""
        densities = [component.log_density(x) for component in self._components]
        return np.stack(densities, axis=-1) + np.log(self._weights)

    def log_density(self, x: ArrayLike) -> Array:
        """Return the log density at points x of shape (..., d), in nats, shape (...)."""
        return np.asarray(logsumexp(self._log_joint(x), axis=-1))

    def responsibilities(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return the probability of each component given x_t (..., d), shape (..., K)."""
        joint = self.marginal(alpha_bar_t=alpha_bar_t)._log_joint(x_t)
        return np.asarray(np.exp(joint - logsumexp(joint, axis=-1, keepdims=True)))

    def _expected(self, prediction: str, x_t: ArrayLike, alpha_bar_t: float) -> Array:
        shares = self.responsibilities(x_t, alpha_bar_t=alpha_bar_t)
        answers = self._answers(prediction, x_t, alpha_bar_t)
        return np.asarray(np.sum(shares[..., None] * answers, axis=-2))

    def _answers(self, prediction: str, x_t: ArrayLike, alpha_bar_t: float) -> Array:
        """Every component's own prediction, shape (..., K, d)."""
        each = [
            component.at(alpha_bar_t=alpha_bar_t).predict(prediction, x_t)
            for component in self._components
        ]
        return np.stack(each, axis=-2)

    def score(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return the gradient of log q(x_t), shape (..., d)."""
        return self._expected("score", x_t, alpha_bar_t)

    def optimal_eps(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return E[eps | x_t], shape (..., d)."""
        return self._expected("eps", x_t, alpha_bar_t)

    def optimal_x_0(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return E[x_0 | x_t], shape (..., d)."""
        return self._expected("x_0", x_t, alpha_bar_t)

    def optimal_v(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return E[sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x_0 | x_t], shape (..., d)."""
        return self._expected("v", x_t, alpha_bar_t)

    def x_0_posterior(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Moments:
        """Return mean (..., d) and covariance (..., d, d) of x_0 given x_t."""
        shares = self.responsibilities(x_t, alpha_bar_t=alpha_bar_t)
        means = self._answers("x_0", x_t, alpha_bar_t)
        return _mixed_moments(shares, means, self._posterior_spreads(alpha_bar_t))

    def _posterior_spreads(self, alpha_bar_t: float) -> Array:
        """Covariance of x_0 given x_t and the component, shape (K, d, d)."""
        spreads = []
        for component in self._components:
            posterior = component.x_0_posterior(component.mean, alpha_bar_t=alpha_bar_t)
            law = Gaussian(component.mean, posterior.covariance)
            spreads.append(law.covariance_matrix())
        return np.stack(spreads)

    # Classes.

    def class_log_probabilities(self, x_t: ArrayLike, *, alpha_bar_t: float) -> Array:
        """Return the Bayes classifier log p(label | x_t), shape (..., C)."""
        joint = self.marginal(alpha_bar_t=alpha_bar_t)._log_joint(x_t)
        by_class = [
            logsumexp(joint[..., self._labels == label], axis=-1)
            for label in range(self.num_classes)
        ]
        return np.asarray(np.stack(by_class, axis=-1) - logsumexp(joint, axis=-1, keepdims=True))

    def classifier_gradient(self, x_t: ArrayLike, *, label: int, alpha_bar_t: float) -> Array:
        """Return the gradient in x_t of log p(label | x_t), shape (..., d).

        It is the difference between two averages of the components' scores: over the components
        of the class, and over all.
        """
        members = self._labels == self._class(label)
        shares = self.responsibilities(x_t, alpha_bar_t=alpha_bar_t)
        joint = self.marginal(alpha_bar_t=alpha_bar_t)._log_joint(x_t)[..., members]
        inside = np.zeros_like(shares)
        inside[..., members] = np.exp(joint - logsumexp(joint, axis=-1, keepdims=True))
        scores = self._answers("score", x_t, alpha_bar_t)
        return np.asarray(np.sum((inside - shares)[..., None] * scores, axis=-2))

    # Sampling.

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Return `count` independent draws of x_0, shape (count, d)."""
        return self.sample_with_labels(count, rng)[0]

    def sample_with_labels(
        self, count: int, rng: np.random.Generator
    ) -> tuple[Array, NDArray[np.int64]]:
        """Return draws of x_0 (count, d) and the class of each (count,)."""
        chosen = rng.choice(len(self._components), size=count, p=self._weights)
        normal = rng.standard_normal((count, self.dimension))
        values = np.empty_like(normal)
        for index, component in enumerate(self._components):
            mine = chosen == index
            values[mine] = component.mean + component.scaled(
                np.sqrt(component.eigenvalues), normal[mine]
            )
        return values, self._labels[chosen]

    def sample_x_0_posterior(
        self, x_t: ArrayLike, rng: np.random.Generator, *, alpha_bar_t: float
    ) -> Array:
        """Return one draw of x_0 given each x_t, shape (..., d)."""
        shares = self.responsibilities(x_t, alpha_bar_t=alpha_bar_t)
        means = self._answers("x_0", x_t, alpha_bar_t)
        uniform = rng.random(shares.shape[:-1])
        # Rounding can leave the last cumulative share just below 1; a draw above it is the last.
        chosen = np.minimum(
            np.sum(np.cumsum(shares, axis=-1) < uniform[..., None], axis=-1), shares.shape[-1] - 1
        )
        values = np.take_along_axis(means, chosen[..., None, None], axis=-2)[..., 0, :]
        normal = rng.standard_normal(values.shape)
        for index, spread in enumerate(self._posterior_spreads(alpha_bar_t)):
            mine = chosen == index
            law = Gaussian(0.0, spread)
            values[mine] += law.scaled(np.sqrt(law.eigenvalues), normal[mine])
        return np.asarray(values)


def _checked_labels(labels: Sequence[int] | None, count: int) -> NDArray[np.int64]:
    if labels is None:
        return np.arange(count, dtype=np.int64)
    values = np.array(labels)
    classes = np.unique(values)
    if values.shape != (count,) or not np.array_equal(classes, np.arange(classes.size)):
        raise ValueError(
            f"labels={labels!r} must name a class for each of the {count} components, using every "
            "number from 0 up"
        )
    return values.astype(np.int64)


def _mixed_moments(shares: Array, means: Array, spreads: Array) -> Moments:
    """Law of total variance: shares (..., K), means (..., K, d), spreads (K, d, d)."""
    mean = np.sum(shares[..., None] * means, axis=-2)
    deviation = means - mean[..., None, :]
    between = np.einsum("...k,...ki,...kj->...ij", shares, deviation, deviation)
    return Moments(mean, np.einsum("...k,kij->...ij", shares, spreads) + between)
