"""Training losses in parts: the target, what is done with its error, and the bound's terms."""

from __future__ import annotations

from typing import Any

from refdiff._namespace import exp, minimum, to_bits
from refdiff.conformance.parts import Parts, part

__all__ = [
    "absolute_error",
    "batch_loss",
    "bound_loss_factor",
    "bound_unit",
    "decoder_nll",
    "huber_error",
    "loss_target",
    "sample_loss",
    "velocity_of_pair",
]


@part
def velocity_of_pair(x_0: Any, eps: Any, *, signal: Any, noise: Any) -> Any:
    """Return v of data and noise, where x_t is signal x_0 + noise eps."""
    return signal * eps - noise * x_0


@part
def loss_target(*, x_0: Any, eps: Any, v: Any, prediction: str) -> Any:
    """Return what the model is trained to say."""
    return {"eps": eps, "x_0": x_0, "v": v}[prediction]


@part
def sample_loss(parts: Parts, target: Any, output: Any) -> Any:
    """Return the loss of each sample: the mean over its components."""
    return parts.simple_loss(target, output)


@part
def absolute_error(target: Any, output: Any) -> Any:
    """Return the loss of each sample of a target that says it takes absolute errors."""
    error = abs(target - output)
    return error.reshape((error.shape[0], -1)).mean(1)


@part
def huber_error(target: Any, output: Any) -> Any:
    """Return the loss of each sample of a target that says it takes Huber's, with width 1."""
    error = abs(target - output)
    inner = minimum(error, 1.0)
    values = inner * inner * 0.5 + (error - inner)
    return values.reshape((values.shape[0], -1)).mean(1)


@part
def batch_loss(losses: Any) -> Any:
    """Return the loss of a batch: the mean over its samples."""
    return losses.mean(0)


@part
def bound_unit(nats: Any) -> Any:
    """Return a term of the bound in the unit of such classes: bits."""
    return to_bits(nats)


@part
def decoder_nll(parts: Parts, x_0: Any, *, mean: Any, log_variance: Any) -> Any:
    """Return the negative log-likelihood of levels of grey, in nats, elementwise."""
    std = exp(log_variance * 0.5)
    return -parts.discretized_gaussian_log_likelihood(x_0, mean=mean, std=std)


@part
def bound_loss_factor(count: int) -> Any:
    """Return the weight of the bound beside the squared error of eps: T / 1000."""
    return count / 1000.0
