"""Data laws, schedules and literal sampler loops for the tests of the closed forms.

The loops are written out from the papers on purpose, in terms of numbers only: neither the
samplers nor the equations of the package are what is under test here.
"""

import numpy as np

from refdiff.closed_form import Gaussian, GaussianMixture

FULL = np.array([[0.9, 0.5, -0.2], [0.5, 1.7, 0.3], [-0.2, 0.3, 0.4]])
MEAN = np.array([0.6, -1.3, 2.1])

GAUSSIANS = {
    "scalar": Gaussian([0.7], 0.25),
    "isotropic": Gaussian(MEAN, 2.5),
    "diagonal": Gaussian(MEAN, [0.04, 1.0, 3.0]),
    "full": Gaussian(MEAN, FULL),
    "large-mean": Gaussian([40.0, -25.0], [[0.3, 0.1], [0.1, 0.2]]),
}

SINGULAR = {
    "point": Gaussian([1.5, -0.5], 0.0),
    "half-point": Gaussian([1.5, -0.5], [0.0, 0.8]),
    "plane": Gaussian(MEAN, np.outer([1.0, 2.0, -1.0], [1.0, 2.0, -1.0]) / 3.0),
}

ALL = {**GAUSSIANS, **SINGULAR}

LEVELS = (0.9999, 0.97, 0.6, 0.5, 0.08, 4e-5)


def mixture():
    """Four overlapping components in the plane, two of them of class 1."""
    return GaussianMixture(
        [0.2, 0.35, 0.15, 0.3],
        [[-1.0, 0.5], [0.8, 1.2], [0.3, -1.5], [1.4, -0.2]],
        [
            [[0.30, 0.10], [0.10, 0.20]],
            [[0.15, -0.05], [-0.05, 0.40]],
            [[0.50, 0.0], [0.0, 0.05]],
            [[0.25, 0.12], [0.12, 0.30]],
        ],
        labels=[0, 1, 1, 2],
    )


def linear_alpha_bars(num_steps=1000, first=1e-4, last=0.02):
    betas = np.linspace(first, last, num_steps)
    return np.concatenate([[1.0], np.cumprod(1.0 - betas)])


LINEAR = linear_alpha_bars()

GRIDS = {
    "ten": list(range(1000, 0, -100)),
    "uneven": [950, 613, 612, 70, 3],
    "one": [1000],
    "hundred": list(range(991, 0, -10)),
}


def size_of(data):
    """Errors of eps at the noisy end of LINEAR are magnified by 1/sqrt(alpha_bar_T) in x_0."""
    return (1.0 + np.abs(data.mean).max()) / np.sqrt(LINEAR[-1])


def short_alpha_bars():
    """Six levels that fall fast, with nothing left at the end."""
    return np.array([1.0, 0.97, 0.8, 0.45, 0.12, 0.01, 0.0])


def ddim_loop(model, x, noise, *, alpha_bars, timesteps, eta):
    """DDIM with an eps model: equation (12), written with predicted x_0; yields every state."""
    for t, s in zip(timesteps, [*timesteps[1:], 0], strict=True):
        later, earlier = alpha_bars[t], alpha_bars[s]
        eps = model(x, t)
        x_0 = (x - np.sqrt(1.0 - later) * eps) / np.sqrt(later)
        sigma = eta * np.sqrt((1.0 - earlier) / (1.0 - later) * (1.0 - later / earlier))
        x_next = np.sqrt(earlier) * x_0 + np.sqrt(1.0 - earlier - sigma**2) * eps
        x = x_next + sigma * noise(t, s, x) if sigma > 0.0 else x_next
        yield x


def ddpm_loop(model, x, noise, *, alpha_bars, timesteps, variance):
    """DDPM's algorithm 2 with an eps model; the last step adds no noise; yields every state."""
    for t, s in zip(timesteps, [*timesteps[1:], 0], strict=True):
        later, earlier = alpha_bars[t], alpha_bars[s]
        beta = 1.0 - later / earlier
        mean = (x - beta / np.sqrt(1.0 - later) * model(x, t)) / np.sqrt(1.0 - beta)
        small = (1.0 - earlier) / (1.0 - later) * beta
        std = np.sqrt({"fixed-small": small, "fixed-large": beta}[variance])
        x = mean + std * noise(t, s, x) if s > 0 else mean
        yield x


def joint_gaussian(data, alpha, sigma):
    """Mean and covariance of (x_0, eps, x_t), stacked, from the definition of x_t alone."""
    d = data.dimension
    one, nothing = np.eye(d), np.zeros((d, d))
    build = np.block([[one, nothing], [nothing, one], [alpha * one, sigma * one]])
    mean = build @ np.concatenate([data.mean.ravel(), np.zeros(d)])
    source = np.block([[data.covariance_matrix(), nothing], [nothing, one]])
    return mean, build @ source @ build.T


def conditioned(mean, covariance, wanted, given, value):
    """Mean and covariance of one part of a Gaussian vector given another, by linear algebra."""
    cross = covariance[np.ix_(wanted, given)]
    regression = np.linalg.solve(covariance[np.ix_(given, given)], cross.T).T
    left = covariance[np.ix_(wanted, wanted)] - regression @ cross.T
    return mean[wanted] + regression @ (value - mean[given]), left


def central_difference(function, x, step=1e-5):
    """Jacobian (..., d) of a function of a point x (d,), the derivative axis last."""
    columns = [
        (function(x + step * axis) - function(x - step * axis)) / (2.0 * step)
        for axis in np.eye(x.size)
    ]
    return np.stack(columns, axis=-1)


def cubature(law):
    """Points whose average is the exact expectation of every quadratic under a Gaussian law."""
    root = np.linalg.cholesky(law.covariance_matrix()) * np.sqrt(law.dimension)
    return np.concatenate([law.mean + root.T, law.mean - root.T])
