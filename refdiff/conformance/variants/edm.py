"""Mistakes and choices in EDM's preconditioning."""

from __future__ import annotations

import math

from refdiff._namespace import Array, log, sqrt
from refdiff.conformance.variants import convention, deviation

__all__: list[str] = []


def _total(sigma: Array, sigma_data: Array) -> Array:
    return sigma * sigma + sigma_data * sigma_data


@deviation(
    part="edm_c_skip", symptom="noise is passed on and data are not", cure="use sigma_data**2"
)
def c_skip_roles_swapped(*, sigma: Array, sigma_data: Array) -> Array:
    """c_skip has sigma**2 in its numerator."""
    return sigma * sigma / _total(sigma, sigma_data)


@deviation(part="edm_c_skip", symptom="too much of the input is passed on", cure="square")
def c_skip_without_squares(*, sigma: Array, sigma_data: Array) -> Array:
    """c_skip is a ratio of standard deviations, not of variances."""
    return sigma_data / (sigma + sigma_data)


@deviation(part="edm_c_skip", symptom="too much of the input is passed on", cure="drop the root")
def c_skip_root(*, sigma: Array, sigma_data: Array) -> Array:
    """The square root of c_skip is returned."""
    return sigma_data / sqrt(_total(sigma, sigma_data))


@deviation(part="edm_c_skip", symptom="right only for unit data", cure="use sigma_data")
def c_skip_of_unit_data(*, sigma: Array, sigma_data: Array) -> Array:
    """sigma_data is taken to be 1."""
    return 1 / (sigma * sigma + 1) + 0 * sigma_data


@convention(
    part="edm_c_out",
    choice="sign of the network's output",
    links=("https://github.com/huggingface/diffusers/issues/1481",),
)
def c_out_negative(*, sigma: Array, sigma_data: Array) -> Array:
    """c_out is negative, as for a network that predicts v."""
    return -sigma * sigma_data / sqrt(_total(sigma, sigma_data))


@convention(
    part="edm_c_out",
    choice="scale of the network's output",
    links=("https://github.com/huggingface/diffusers/issues/8547",),
)
def c_out_without_sigma_data(*, sigma: Array, sigma_data: Array) -> Array:
    """c_out lacks the factor sigma_data, as in latent consistency models."""
    return sigma / sqrt(_total(sigma, sigma_data))


@deviation(part="edm_c_out", symptom="the output is too weak", cure="take the root")
def c_out_without_root(*, sigma: Array, sigma_data: Array) -> Array:
    """The denominator of c_out lacks its square root."""
    return sigma * sigma_data / _total(sigma, sigma_data)


@deviation(part="edm_c_out", symptom="right only for unit data", cure="use sigma_data")
def c_out_of_unit_data(*, sigma: Array, sigma_data: Array) -> Array:
    """sigma_data is taken to be 1."""
    return sigma / sqrt(sigma * sigma + 1) + 0 * sigma_data


@deviation(part="edm_c_in", symptom="the input is too weak", cure="take the root")
def c_in_without_root(*, sigma: Array, sigma_data: Array) -> Array:
    """c_in is divided by the input's variance, not by its standard deviation."""
    return 1 / _total(sigma, sigma_data)


@deviation(part="edm_c_in", symptom="right only for unit data", cure="use sigma_data")
def c_in_of_unit_data(*, sigma: Array, sigma_data: Array) -> Array:
    """sigma_data is taken to be 1: the input is scaled as for eps-prediction."""
    return 1 / sqrt(sigma * sigma + 1) + 0 * sigma_data


@deviation(part="edm_c_in", symptom="the input is too weak", cure="add variances")
def c_in_sum_of_scales(*, sigma: Array, sigma_data: Array) -> Array:
    """Standard deviations are added, not variances."""
    return 1 / (sigma + sigma_data)


@convention(part="edm_c_noise", choice="what the network is told of the noise")
def c_noise_not_quartered(*, sigma: Array) -> Array:
    """c_noise is ln(sigma), without the factor 1/4."""
    return log(sigma)


@convention(part="edm_c_noise", choice="what the network is told of the noise")
def c_noise_is_sigma(*, sigma: Array) -> Array:
    """c_noise is sigma itself."""
    return sigma + 0.0


@deviation(part="edm_c_noise", symptom="a network that was trained otherwise fails", cure="use ln")
def c_noise_to_base_10(*, sigma: Array) -> Array:
    """c_noise uses the logarithm to base 10."""
    return log(sigma) / (4 * math.log(10))


@deviation(part="edm_c_noise", symptom="a network that was trained otherwise fails", cure="use ln")
def c_noise_to_base_2(*, sigma: Array) -> Array:
    """c_noise uses the logarithm to base 2."""
    return log(sigma) / (4 * math.log(2))


@deviation(
    part="edm_c_noise", symptom="a network that was trained otherwise fails", cure="use sigma"
)
def c_noise_of_variance(*, sigma: Array) -> Array:
    """c_noise is a quarter of the logarithm of sigma squared."""
    return log(sigma) / 2


@convention(
    part="edm_loss_weight",
    choice="denominator of EDM's weight",
    links=("https://github.com/lucidrains/alphafold3-pytorch/issues/68",),
)
def edm_weight_of_sum(*, sigma: Array, sigma_data: Array) -> Array:
    """The weight is divided by (sigma + sigma_data)**2, not by (sigma sigma_data)**2."""
    return _total(sigma, sigma_data) / (sigma + sigma_data) ** 2


@deviation(part="edm_loss_weight", symptom="noisy times count most", cure="invert it")
def edm_weight_inverted(*, sigma: Array, sigma_data: Array) -> Array:
    """The weight is c_out**2, not its inverse."""
    return (sigma * sigma_data) ** 2 / _total(sigma, sigma_data)


@deviation(part="edm_loss_weight", symptom="clean times count too much", cure="square")
def edm_weight_not_squared(*, sigma: Array, sigma_data: Array) -> Array:
    """The denominator is sigma sigma_data, without the square."""
    return _total(sigma, sigma_data) / (sigma * sigma_data)


@deviation(
    part="edm_loss_weight", symptom="noisy times count too little", cure="add sigma_data's term"
)
def edm_weight_is_snr(*, sigma: Array, sigma_data: Array) -> Array:
    """The weight is 1/sigma**2, the SNR."""
    return 1 / (sigma * sigma) + 0 * sigma_data


@deviation(part="edm_loss_weight", symptom="right only for unit data", cure="use sigma_data")
def edm_weight_of_unit_data(*, sigma: Array, sigma_data: Array) -> Array:
    """sigma_data is taken to be 1."""
    return (sigma * sigma + 1) / (sigma * sigma) + 0 * sigma_data
