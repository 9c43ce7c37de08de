"""Oracles for whole arrays: losses and limits of a batch, and the tables of schedules.

They work on lists of mpmath numbers, in exact fractions where the answer is a whole number.
"""

import itertools
from fractions import Fraction

import mpmath as mp

# ---------------------------------------------------------------- batches: a list of samples


def simple_loss(eps, eps_pred):
    return [
        mp.fsum((a - b) ** 2 for a, b in zip(row, other, strict=True)) / len(row)
        for row, other in zip(eps, eps_pred, strict=True)
    ]


def squared_transport_cost(x_0, eps):
    return [len(row) * value for row, value in zip(x_0, simple_loss(x_0, eps), strict=True)]


def straightness(x_0, eps, velocity):
    """Return Liu et al.'s integrand, with their displacement and velocity: ours turned round."""
    return [
        mp.fsum(((a - b) - -u) ** 2 for a, b, u in zip(*rows, strict=True))
        for rows in zip(x_0, eps, velocity, strict=True)
    ]


def standard_deviation(row):
    mean = mp.fsum(row) / len(row)
    return mp.sqrt(mp.fsum(value**2 for value in row) / len(row) - mean**2)


def rescale_guidance(guided, cond, *, phi):
    """Return Lin et al. (15) and (16)."""
    result = []
    for row, other in zip(guided, cond, strict=True):
        factor = standard_deviation(other) / standard_deviation(row)
        rescaled = [value * factor for value in row]
        result.append([phi * a + (1 - phi) * b for a, b in zip(rescaled, row, strict=True)])
    return result


def quantile(values, fraction):
    """Return the quantile by linear interpolation between the order statistics."""
    ordered = sorted(values)
    position = fraction * (len(ordered) - 1)
    below = int(mp.floor(position))
    weights = ((below, 1 - (position - below)), (below + 1, position - below))
    return mp.fsum(w * ordered[k] for k, w in weights if w)


def dynamic_threshold(x_0, *, percentile):
    """Return Imagen's rule: threshold s, at least 1, clip to [-s, s], divide by s."""
    result = []
    for row in x_0:
        s = max(mp.mpf(1), quantile([abs(value) for value in row], percentile / 100))
        result.append([min(max(value, -s), s) / s for value in row])
    return result


# ---------------------------------------------------------------- schedules: lists over t


def linear_betas(num_steps, *, beta_start, beta_end):
    start, end = mp.mpf(beta_start), mp.mpf(beta_end)
    return [start + mp.mpf(t) / max(num_steps - 1, 1) * (end - start) for t in range(num_steps)]


def scaled_linear_betas(num_steps, *, beta_start, beta_end):
    roots = linear_betas(
        num_steps, beta_start=mp.sqrt(mp.mpf(beta_start)), beta_end=mp.sqrt(mp.mpf(beta_end))
    )
    return [value**2 for value in roots]


def cosine_betas(num_steps, *, offset, max_beta):
    """Return IDDPM's betas: one minus the ratio of neighbouring f(t)/f(0), clipped."""

    def f(t):
        angle = (mp.mpf(t) / num_steps + mp.mpf(offset)) / (1 + mp.mpf(offset)) * mp.pi / 2
        return mp.cos(angle) ** 2

    levels = [f(t) / f(0) for t in range(num_steps + 1)]
    return [
        min(1 - after / before, mp.mpf(max_beta)) for before, after in itertools.pairwise(levels)
    ]


def sigmoid_alpha_bars(num_steps, *, start, end, tau):
    """Return the listing of Jabri et al.: from the value at the end, over the whole fall."""

    def g(u):
        return 1 / (1 + mp.exp(-mp.mpf(u) / mp.mpf(tau)))

    low, high = mp.mpf(start), mp.mpf(end)
    values = [g(low + mp.mpf(t) / num_steps * (high - low)) for t in range(num_steps + 1)]
    return [(values[-1] - value) / (values[-1] - values[0]) for value in values]


def alpha_bars_from_betas(betas):
    table = [mp.mpf(1)]
    for beta in betas:
        table.append(table[-1] * (1 - mp.mpf(float(beta))))
    return table


def betas_from_alpha_bars(alpha_bars):
    values = [mp.mpf(float(value)) for value in alpha_bars]
    return [1 - after / before for before, after in itertools.pairwise(values)]


def zero_terminal_snr(alpha_bars):
    """Return Lin et al., Algorithm 1, on the entries 1..T."""
    roots = [mp.sqrt(mp.mpf(float(value))) for value in alpha_bars[1:]]
    shifted = [value - roots[-1] for value in roots]
    return [mp.mpf(1)] + [(value * roots[0] / shifted[0]) ** 2 for value in shifted]


def karras_sigmas(num_steps, *, sigma_min, sigma_max, rho):
    """Return EDM (5), and the 0 at the end."""
    low, high = (mp.mpf(value) ** (1 / mp.mpf(rho)) for value in (sigma_min, sigma_max))
    grid = [
        (high + mp.mpf(i) / max(num_steps - 1, 1) * (low - high)) ** mp.mpf(rho)
        for i in range(num_steps)
    ]
    return [*grid, mp.mpf(0)]


# ---------------------------------------------------------------- times: whole numbers


def leading_timesteps(total, count):
    return [k * (total // count) + 1 for k in reversed(range(count))]


def trailing_timesteps(total, count):
    return [round(Fraction(k * total, count)) for k in range(count, 0, -1)]


def linspace_timesteps(total, count):
    if count == 1:
        return [total]
    return [round(total - k * Fraction(total - 1, count - 1)) for k in range(count)]
