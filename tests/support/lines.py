"""A one-dimensional world of flows: mixtures of normals seen along x_t = alpha x_0 + sigma eps.

Everything is written with torch and from densities, so that time and place can be differentiated.
"""

import math

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import ndtr


class Line:
    """Mixture data on the line: weights, means and standard deviations (0 for points)."""

    def __init__(self, weights, means, stds):
        self.weights, self.means, self.stds = (
            torch.tensor(values, dtype=torch.float64) for values in (weights, means, stds)
        )

    def log_joint(self, x, alpha, sigma):
        """Return log w_k q_k(x), one more axis at the end."""
        variances = (alpha * self.stds) ** 2 + sigma**2
        gap = x[..., None] - alpha * self.means
        return (
            torch.log(self.weights)
            - gap**2 / (2 * variances)
            - torch.log(2 * math.pi * variances) / 2
        )

    def density(self, x, alpha, sigma):
        return torch.exp(torch.logsumexp(self.log_joint(x, alpha, sigma), -1))

    def shares(self, x, alpha, sigma):
        """Return the probability of each component given x."""
        return torch.softmax(self.log_joint(x, alpha, sigma), -1)

    def mean_x_0(self, x, alpha, sigma):
        """Return E[x_0 | x_t = x]: shares of the components' regressions."""
        gain = alpha * self.stds**2 / ((alpha * self.stds) ** 2 + sigma**2)
        each = self.means + gain * (x[..., None] - alpha * self.means)
        return (self.shares(x, alpha, sigma) * each).sum(-1)

    def cumulative(self, x, alpha, sigma):
        """Return P(x_t <= x) for a number x."""
        stds = np.sqrt((alpha * self.stds.numpy()) ** 2 + sigma**2)
        return float(self.weights.numpy() @ ndtr((x - alpha * self.means.numpy()) / stds))

    def quantile(self, probability):
        """Return the x with P(x_0 <= x) = probability, for data with a density."""
        return brentq(
            lambda x: self.cumulative(x, 1.0, 0.0) - probability,
            -60.0,
            60.0,
            xtol=1e-14,
            rtol=1e-14,
        )
