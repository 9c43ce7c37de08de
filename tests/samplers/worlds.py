"""Schedules, data and ways of running a sampler that the tests of this folder share."""

import numpy as np

from refdiff import equations as eq
from refdiff.closed_form import AffineMap, Gaussian, affine_model
from refdiff.samplers import ddim, ddpm

# The usual table, and a steep one of 300 times that leaves a signal of 4e-4 at its end.
TABLES = {
    1000: eq.alpha_bars_from_betas(eq.linear_betas(1000)),
    300: eq.alpha_bars_from_betas(eq.linear_betas(300, beta_start=0.001, beta_end=0.1)),
    40: eq.alpha_bars_from_betas(eq.linear_betas(40, beta_start=0.004, beta_end=0.4)),
}
GRIDS = {
    "leading": eq.leading_timesteps,
    "trailing": eq.trailing_timesteps,
    "linspace": eq.linspace_timesteps,
}
POINT = Gaussian([3.0, -0.5], 0.0)
# Neither mean 0 nor variance 1: unit data hides whole classes of error.
WIDE = Gaussian([1.5, -0.7], [0.25, 2.0])

# name -> (function, its own arguments)
SAMPLERS = {
    "ddpm-small": (ddpm, {"variance": "fixed-small"}),
    "ddpm-large": (ddpm, {"variance": "fixed-large"}),
    "ddim-0": (ddim, {"eta": 0.0}),
    "ddim-half": (ddim, {"eta": 0.5}),
    "ddim-1": (ddim, {"eta": 1.0}),
}


def runner(name, model, table, times, **more):
    """Return `run(x_T, noise)` as the closed forms want it."""
    function, own = SAMPLERS[name]

    def run(x_T, noise):
        return function(
            model, x_T, alpha_bars=table, timesteps=times, noise=noise, **{**own, **more}
        )

    return run


def exact(data, table, prediction="eps"):
    """Return the optimal model of Gaussian data, for affine values and for arrays (..., d)."""
    affine = affine_model(data, table, prediction=prediction)

    def model(x, t):
        if isinstance(x, AffineMap):
            return affine(x, t)
        matrix, offset = data.at(alpha_bar_t=float(table[t])).predictor(prediction)
        return x @ np.asarray(matrix).T + offset if np.ndim(matrix) == 2 else matrix * x + offset

    return model


def rounding(times):
    """Return how many roundings a chain over these times is allowed: some for each of its steps."""
    return 16.0 * (len(times) + 1)


def amplification(table, times):
    """How much larger a rounding of eps comes out in x_0 at the first, noisiest time."""
    return 1.0 / np.sqrt(table[times[0]])
