"""Trajectories of chains with normal steps on one-dimensional data, and exact expectations.

A trajectory is an affine function of independent standard normal numbers, and a log-density of
normal distributions is quadratic in them. The mean over the 2n points +-sqrt(n) e_i has the
first and second moments of n standard normal numbers, so it is the exact expectation.
"""

import numpy as np


def sigma_points(count):
    """Return 2 n points of n dimensions with mean 0 and covariance 1."""
    return np.concatenate([np.eye(count), -np.eye(count)]) * np.sqrt(count)


def log_normal(value, mean, variance):
    return -0.5 * ((value - mean) ** 2 / variance + np.log(2 * np.pi * variance))


def forward_path(data, alpha_bars, numbers):
    """Return x_0, ..., x_T of DDPM's forward process as functions of T + 1 standard normals."""
    x = [data.mean + np.sqrt(data.covariance_matrix()[0]) * numbers[0]]
    for t in range(1, len(alpha_bars)):
        kept = alpha_bars[t] / alpha_bars[t - 1]
        x.append(np.sqrt(kept) * x[-1] + np.sqrt(1 - kept) * numbers[t])
    return np.array([float(value[0]) for value in x])


def joint_given_data(alpha_bars, x_0):
    """Return mean and covariance of x_1, ..., x_T given x_0."""
    levels = np.asarray(alpha_bars[1:])
    later, earlier = np.minimum.outer(levels, levels), np.maximum.outer(levels, levels)
    return np.sqrt(levels) * x_0, np.sqrt(later / earlier) * (1 - earlier)


def reverse_joint(kernels, last_mean, last_variance):
    """Return mean and covariance of x_0, ..., x_T of a chain that starts at x_T.

    `kernels` holds gain, offset and variance of x_{t-1} given x_t, for t = 1..T.
    """
    steps = len(kernels)
    mean, root = np.zeros(steps + 1), np.zeros((steps + 1, steps + 1))
    mean[steps], root[steps, steps] = last_mean, np.sqrt(last_variance)
    for t in range(steps, 0, -1):
        gain, offset, variance = kernels[t - 1]
        mean[t - 1] = gain * mean[t] + offset
        root[t - 1] = gain * root[t]
        root[t - 1, t - 1] += np.sqrt(variance)
    return mean, root @ root.T
