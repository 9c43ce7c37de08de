"""Measuring the order of a solver between two noise levels, on data whose flow is known."""

from functools import cache

import numpy as np
from scipy.integrate import solve_ivp

from refdiff.closed_form import AffineMap, Gaussian
from refdiff.samplers import last
from refdiff.samplers.schedule import edm, vp_cosine, vp_linear
from refdiff.samplers.times import log_snr_times, uniform_times

# Neither mean 0 nor variance 1: unit data hides whole classes of error.
GAUSSIAN = Gaussian(1.5, 0.6)
# Weights, means and variances of the other data.
MIXTURE = (np.array([0.35, 0.65]), np.array([-1.2, 1.9]), np.array([0.3, 0.8]))
POINTS = np.array([-1.7, -0.2, 0.9, 2.4])
"""Where the runs start, in units of the standard deviation there and about the mean."""

SCHEDULES = {"edm": edm(), "vp_linear": vp_linear(), "vp_cosine": vp_cosine()}
SPANS = {"edm": (4.0, 0.2), "vp_linear": (0.7, 0.1), "vp_cosine": (0.8, 0.2)}
"""Where the runs start and end, in the times of each schedule."""


def grid(name, count):
    """Return times of a schedule: even in t where that is natural, in log-SNR for EDM."""
    start, end = SPANS[name]
    if name == "edm":
        return log_snr_times(SCHEDULES[name], count, start=start, end=end)
    return uniform_times(count, start=start, end=end)


def graded(name, count):
    """Return a grid whose first step is cut up, from one of the square of its share upwards."""
    start, *others = grid(name, count)
    first = start - others[0]
    cuts = []
    length = first / count
    while length < first / 2:
        cuts.append(start - length)
        length *= 2.0
    return [start, *cuts, *others]


def mixture_mean(y, u):
    """Return the mean of mixture data given y = x_0 + u n, from the definition."""
    weights, means, variances = MIXTURE
    total = variances + u * u
    distance = np.asarray(y)[..., None] - means
    logs = np.log(weights) - np.log(total) / 2 - distance**2 / (2 * total)
    shares = np.exp(logs - logs.max(axis=-1, keepdims=True))
    each = means + variances / total * distance
    return (shares * each).sum(axis=-1) / shares.sum(axis=-1)


def exact_model(data, schedule, prediction="eps"):
    """Return the optimal model of the data, ``model(x, t)`` for arrays and affine values."""

    def model(x, t):
        alpha, sigma = schedule.alpha(t), schedule.sigma(t)
        if data == "gaussian":
            matrix, offset = GAUSSIAN.at_scales(alpha_t=alpha, sigma_t=sigma).predictor(prediction)
            return x.apply(matrix, offset) if isinstance(x, AffineMap) else matrix * x + offset
        return (x - alpha * mixture_mean(x / alpha, sigma / alpha)) / sigma

    return model


def initial(data, name):
    """Return the first states of the runs."""
    schedule, (start, _) = SCHEDULES[name], SPANS[name]
    alpha, sigma = schedule.alpha(start), schedule.sigma(start)
    if data == "gaussian":
        law = GAUSSIAN.at_scales(alpha_t=alpha, sigma_t=sigma).marginal
        return law.mean + np.sqrt(law.covariance_matrix().item()) * POINTS
    return alpha * (0.8 + np.sqrt(2.5 + (sigma / alpha) ** 2) * POINTS)


@cache
def reference(data, name):
    """Return where the probability flow takes the first states."""
    schedule, (start, end) = SCHEDULES[name], SPANS[name]
    scales = [{"alpha_t": schedule.alpha(t), "sigma_t": schedule.sigma(t)} for t in (start, end)]
    x_T = initial(data, name)
    if data == "gaussian":
        here, there = (GAUSSIAN.at_scales(**each) for each in scales)
        return here.flow_to(x_T, there)
    (a, b), (c, d) = (tuple(each.values()) for each in scales)
    solved = solve_ivp(
        lambda u, y: (y - mixture_mean(y, u)) / u,
        (b / a, d / c),
        x_T / a,
        method="DOP853",
        rtol=1e-13,
        atol=1e-14,
    )
    return c * solved.y[:, -1]


def error(sampler, data, name, times, **options):
    """Return the root mean square of what a run is off by."""
    schedule = SCHEDULES[name]
    steps = sampler(
        exact_model(data, schedule), initial(data, name), schedule=schedule, times=times, **options
    )
    return float(np.sqrt(np.mean((last(steps) - reference(data, name)) ** 2)))


def order(sampler, data, name, *, count=160, times=grid, **options):
    """Return the order of convergence between a number of steps and its double."""
    errors = [error(sampler, data, name, times(name, n), **options) for n in (count, 2 * count)]
    return float(np.log2(errors[0] / errors[1]))
