"""Strategies for the keyword arguments of the equations, several points at a time."""

import math

import numpy as np
from hypothesis import strategies as st

from refdiff.testing import strategies as own

POINTS = 3
"""How many points one example holds: arrays of this length."""


def levels(**bounds):
    return st.fixed_dictionaries({"alpha_bar_t": own.alpha_bar(**bounds)})


def pairs(**options):
    return own.alpha_bar_pairs(**options).map(
        lambda pair: {"alpha_bar_t": pair[0], "alpha_bar_s": pair[1]}
    )


def joined(*dictionaries, **more):
    parts = [*dictionaries, st.fixed_dictionaries(more)]
    return st.tuples(*parts).map(lambda found: {k: v for part in found for k, v in part.items()})


def spread(low, high):
    """Draw numbers spread evenly: floats of Hypothesis would be 0 or 1 half of the time."""
    return st.integers(0, 10**6).map(lambda k: low + (high - low) * k / 10**6)


def magnitudes(low, high):
    """Draw positive numbers spread evenly in the logarithm."""
    return spread(math.log(low), math.log(high)).map(lambda e: min(max(math.exp(e), low), high))


def snrs():
    return st.one_of(st.just(0.0), magnitudes(1e-6, 1e6), st.sampled_from([1.0, 5.0]))


def edm():
    return joined(sigma=own.sigmas(), sigma_data=st.one_of(st.just(0.5), magnitudes(0.05, 2.0)))


def scales(*, with_s=False):
    """Draw (alpha_t, sigma_t), and (alpha_s, sigma_s) of a less noisy time: any two scales."""

    def build(found):
        alpha_t, sigma_t, alpha_s, passed_on = found
        at_t = {"alpha_t": alpha_t, "sigma_t": sigma_t}
        # What is passed on of the noise at s makes up less than all of the noise at t.
        at_s = {"alpha_s": alpha_s, "sigma_s": passed_on * sigma_t * alpha_s / alpha_t}
        return at_t | at_s if with_s else at_t

    unit = st.one_of(st.just(1.0), magnitudes(1e-3, 1.0), magnitudes(0.2, 5.0))
    passed_on = st.one_of(st.sampled_from([0.0, 0.5, 0.999]), st.floats(1e-3, 0.99))
    return st.tuples(unit, unit, unit, passed_on).map(build)


def pixels():
    """Draw a pixel level with a decoder that is narrow or wide, near to it or far away."""
    return joined(x_0=own.pixel_levels(), mean=spread(-1.5, 1.5), std=magnitudes(3e-3, 10.0))


def only(strategy, *names):
    return strategy.map(lambda found: {name: found[name] for name in names})


def tensors(count, dtype, shape=(POINTS,)):
    return st.tuples(*[own.images(shape, dtype=dtype) for _ in range(count)])


def stacked(values):
    """Draw `POINTS` points, as one array for each name."""
    return st.lists(values, min_size=POINTS, max_size=POINTS).map(
        lambda found: {name: np.array([point[name] for point in found]) for name in found[0]}
    )
