"""Mistakes, choices and approximations in likelihoods and bits per dimension."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from refdiff._namespace import Array, exp, log, log_ndtr, maximum, where
from refdiff.conformance.variants import approximation, convention, deviation, form
from refdiff.equations import discretized_gaussian_log_likelihood as exact

__all__: list[str] = []

_PART = "discretized_gaussian_log_likelihood"
_GUIDED = "https://github.com/openai/guided-diffusion"


def _phi(z: Array) -> Array:
    """Return the normal distribution function as (1 + erf) / 2, which cancels on the left.

    On the right erf is 1 with an error of one rounding; the mass there is that of the left.
    """
    left = (1.0 + (2.0 * exp(log_ndtr(z)) - 1.0)) / 2
    return where(z > 0, 1.0 - exp(log_ndtr(-z)), left)


def _tanh_phi(z: Array) -> Array:
    """Return the usual tanh approximation of the normal distribution function."""
    y = math.sqrt(2 / math.pi) * (z + 0.044715 * (z * z * z))
    left = (1.0 + (1.0 - 2.0 / (exp(2 * y) + 1.0))) / 2
    right = exp(-2 * y)
    return where(z > 0, 1.0 - right / (right + 1.0), left)


def _naive(
    cdf: Callable[[Any], Any],
    x_0: Array,
    mean: Array,
    std: Array,
    *,
    floor: float = 0.0,
    half: float = 1 / 255,
    open_ends: bool = True,
) -> Array:
    """Return log-masses by differences of a distribution function."""
    upper = cdf((x_0 - mean + half) / std)
    lower = cdf((x_0 - mean - half) / std)

    def logarithm(mass: Array) -> Array:
        return log(maximum(mass, floor) if floor else mass)

    inner = logarithm(upper - lower)
    if not open_ends:
        return inner
    ends = where(x_0 > 0.999, logarithm(1.0 - lower), inner)
    return where(x_0 < -0.999, logarithm(upper), ends)


@form(part=_PART)
def likelihood_by_difference(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The mass of a bin is a difference of the distribution function, where that has digits."""
    upper, lower = (x_0 - mean + 1 / 255) / std, (x_0 - mean - 1 / 255) / std
    lost = _phi(upper) - _phi(lower) < 2.0**-50
    return where(lost, exact(x_0, mean=mean, std=std), _naive(_phi, x_0, mean, std))


@approximation(
    part=_PART,
    symptom="log-likelihoods wrong by up to several nats in the tails",
    cure="use the exact distribution function",
    links=(_GUIDED,),
)
def likelihood_by_tanh(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The normal distribution function is the tanh approximation, without a bound below."""
    return _naive(_tanh_phi, x_0, mean, std)


def _floored(name: str, floor: float, cdf: Callable[[Any], Any], words: str) -> None:
    def value(x_0: Array, *, mean: Array, std: Array) -> Array:
        return _naive(cdf, x_0, mean, std, floor=floor)

    value.__doc__ = words
    approximation(name, part=_PART, links=(_GUIDED,), cure="work with log-probabilities")(value)


_floored(
    "likelihood-by-tanh-at-least-1e-12",
    1e-12,
    _tanh_phi,
    "The distribution function is the tanh approximation and masses are at least 1e-12.",
)
_floored(
    "likelihood-by-tanh-at-least-1e-15",
    1e-15,
    _tanh_phi,
    "The distribution function is the tanh approximation and masses are at least 1e-15.",
)
_floored("likelihood-at-least-1e-12", 1e-12, _phi, "Masses of bins are at least 1e-12.")
_floored("likelihood-at-least-1e-15", 1e-15, _phi, "Masses of bins are at least 1e-15.")


def _underflowing(x_0: Array, mean: Array, std: Array, *, left: bool) -> Array:
    """Return log-masses by differences, minus infinity where float64 leaves no difference."""
    upper, lower = (x_0 - mean + 1 / 255) / std, (x_0 - mean - 1 / 255) / std
    mass = _phi(upper) - _phi(lower)
    lost = mass < 2.0**-53
    if not left:  # a distribution function that is accurate where it is small
        mass = exp(log_ndtr(upper)) - exp(log_ndtr(lower))
        lost = lost & (lower > 0)
    inner = where(lost, -math.inf, log(mass))
    ends = where(x_0 > 0.999, log_ndtr(-lower), inner)
    return where(x_0 < -0.999, log_ndtr(upper), ends)


@approximation(
    part=_PART, symptom="an infinite loss for outliers", cure="work with log-probabilities"
)
def likelihood_underflows(x_0: Array, *, mean: Array, std: Array) -> Array:
    """Masses are differences of a distribution function, which vanish in both tails."""
    return _underflowing(x_0, mean, std, left=True)


@approximation(
    part=_PART, symptom="an infinite loss for outliers", cure="work with log-probabilities"
)
def likelihood_underflows_on_the_right(x_0: Array, *, mean: Array, std: Array) -> Array:
    """Masses are differences of a distribution function, which vanish in the right tail."""
    return _underflowing(x_0, mean, std, left=False)


@deviation(
    part=_PART, symptom="masses do not sum to 1", cure="let the outer bins reach to infinity"
)
def likelihood_ends_closed(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The outermost bins are as narrow as the others."""
    return _naive(_phi, x_0, mean, std, open_ends=False)


@deviation(part=_PART, symptom="masses sum to 2", cure="use half-width 1/255")
def likelihood_bins_twice_as_wide(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The bins reach one whole level to each side."""
    return _naive(_phi, x_0, mean, std, half=2 / 255)


@deviation(part=_PART, symptom="masses sum to 1/2", cure="use half-width 1/255")
def likelihood_bins_half_as_wide(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The bins reach a quarter of a level to each side."""
    return _naive(_phi, x_0, mean, std, half=0.5 / 255)


@deviation(part=_PART, symptom="gaps between the bins", cure="use 255 levels spaced by 2/255")
def likelihood_bins_of_256(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The bins have half-width 1/256, while the levels are 2/255 apart."""
    return _naive(_phi, x_0, mean, std, half=1 / 256)


@deviation(part=_PART, symptom="far too narrow", cure="pass the standard deviation")
def likelihood_std_is_variance(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The standard deviation is squared before use."""
    return exact(x_0, mean=mean, std=std * std)


@deviation(part=_PART, symptom="wrong scale", cure="exponentiate where a logarithm is meant")
def likelihood_std_is_exponentiated(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The standard deviation is taken for its logarithm."""
    return exact(x_0, mean=mean, std=exp(std))


@deviation(part=_PART, symptom="can be positive", cure="integrate over the bin")
def likelihood_is_density(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The density at the level is returned, not the mass of its bin."""
    z = (x_0 - mean) / std
    return -z * z / 2 - log(std) - 0.5 * math.log(2 * math.pi)


@deviation(part=_PART, symptom="the loss falls as the fit gets worse", cure="negate it")
def likelihood_negated(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The negative log-likelihood is returned."""
    return -exact(x_0, mean=mean, std=std)


@deviation(part=_PART, symptom="between 0 and 1", cure="take the logarithm")
def likelihood_without_logarithm(x_0: Array, *, mean: Array, std: Array) -> Array:
    """The probability is returned, not its logarithm."""
    return exp(exact(x_0, mean=mean, std=std))


# ---------------------------------------------------------------- bits per dimension

_LN2 = math.log(2)


@convention(part="bits_per_dim", choice="reference measure of bits per dimension")
def bits_per_dim_of_pixels(nats: Array, *, num_dims: Array) -> Array:
    """7 bits are added: the density on [-1, 1] is counted per level of 8-bit pixels."""
    return nats / (num_dims * _LN2) + 7


@deviation(part="bits_per_dim", symptom="grows with the image", cure="divide by num_dims")
def bits_not_per_dim(nats: Array, *, num_dims: Array) -> Array:
    """The bits of the whole sample are returned."""
    return nats / _LN2 + 0 * num_dims


@deviation(part="bits_per_dim", symptom="half of the bits", cure="divide by ln 2")
def bits_multiplied_by_ln_2(nats: Array, *, num_dims: Array) -> Array:
    """Nats are multiplied by ln 2, not divided by it."""
    return nats * _LN2 / num_dims


@deviation(part="bits_per_dim", symptom="a third of the bits", cure="divide by ln 2")
def bits_to_base_10(nats: Array, *, num_dims: Array) -> Array:
    """Nats are divided by ln 10, not by ln 2."""
    return nats / (num_dims * math.log(10))


@deviation(part="bits_per_dim", symptom="negative", cure="pass the negative log-likelihood once")
def bits_negated(nats: Array, *, num_dims: Array) -> Array:
    """The sign is reversed: the argument is taken for a log-likelihood."""
    return -nats / (num_dims * _LN2)
