"""Variants of training losses: target, reduction, weights, and the terms of the bound."""

from __future__ import annotations

from typing import Any

from refdiff.conformance.variants import convention, deviation, observed

__all__ = ["BOUND", "MIN_SNR", "NO_WEIGHT", "P2", "SNR"]

# ---------------------------------------------------------------------- target


@deviation(
    part="loss_target",
    symptom="a network that is trained to say something else than sampling takes it for",
    cure="take the target that the model's prediction type names",
)
def loss_target_always_eps(*, x_0: Any, eps: Any, v: Any, prediction: str) -> Any:
    """The loss compares with eps whatever the model predicts."""
    return eps


@deviation(
    part="loss_target",
    symptom="a network that is trained to say something else than sampling takes it for",
    cure="take the target that the model's prediction type names",
)
def loss_target_always_x_0(*, x_0: Any, eps: Any, v: Any, prediction: str) -> Any:
    """The loss compares with x_0 whatever the model predicts."""
    return x_0


@deviation(
    part="velocity_of_pair",
    symptom="sampling with this v diverges",
    cure="v = alpha eps - sigma x_0",
    links=("https://github.com/huggingface/diffusers/pull/1421",),
)
def velocity_with_a_plus(x_0: Any, eps: Any, *, signal: Any, noise: Any) -> Any:
    """The velocity is the sum alpha eps + sigma x_0, not the difference."""
    return signal * eps + noise * x_0


@deviation(
    part="velocity_of_pair",
    symptom="sampling with this v diverges, unless it turns the sign too",
    cure="v = alpha eps - sigma x_0",
)
def velocity_from_noise_to_data(x_0: Any, eps: Any, *, signal: Any, noise: Any) -> Any:
    """The velocity has the opposite sign, sigma x_0 - alpha eps."""
    return noise * x_0 - signal * eps


@deviation(
    part="velocity_of_pair",
    symptom="v is neither data nor noise at the ends of the chain",
    cure="v = alpha eps - sigma x_0",
)
def velocity_with_factors_swapped(x_0: Any, eps: Any, *, signal: Any, noise: Any) -> Any:
    """The velocity is alpha x_0 - sigma eps: data and noise have each other's factor."""
    return signal * x_0 - noise * eps


# ---------------------------------------------------------------------- reduction


@convention(part="batch_loss", choice="reduction over the batch")
def loss_summed_over_the_batch(losses: Any) -> Any:
    """The loss of a batch is the sum over its samples, not the mean."""
    return losses.sum(0)


# ---------------------------------------------------------------------- the bound


@convention(part="bound_unit", choice="unit of the bound")
def bound_in_nats(nats: Any) -> Any:
    """Terms of the bound are in nats, not in bits."""
    return nats


@convention(part="bound_loss_factor", choice="weight of the bound in the loss")
def bound_not_weighted(count: int) -> Any:
    """The bound is added to the loss with weight 1, not T / 1000."""
    return 1.0


@convention(part="bound_loss_factor", choice="weight of the bound in the loss")
def bound_times_steps(count: int) -> Any:
    """The bound is added to the loss with weight T, not T / 1000."""
    return float(count)


@convention(part="bound_loss_factor", choice="weight of the bound in the loss")
def bound_weighted_by_a_thousandth(count: int) -> Any:
    """The bound is added to the loss with weight 1 / 1000, without the number of steps."""
    return 0.001


# ---------------------------------------------------------------------- weights

NO_WEIGHT = observed(
    "convention",
    "loss-not-weighted",
    "The squared error of this prediction has weight 1, unlike that of eps.",
)
MIN_SNR = observed("convention", "min-snr-weight", "The loss has the Min-SNR weight.")
P2 = observed("convention", "p2-weight", "The loss has the P2 weight.")
SNR = observed("convention", "v-weight", "The loss has the weight SNR + 1, that of v.")
BOUND = observed("convention", "bound-weight", "The loss has the weights of the bound.")
