"""Loss weights, their transport between parameterizations, and distributions of noise levels."""

from __future__ import annotations

from refdiff.equations.weights.kinds import (
    max_snr_weight_x_0,
    simple_loss_weight,
    snr_plus_one_weight_x_0,
    soft_min_snr_weight_x_0,
    truncated_snr_weight_x_0,
)
from refdiff.equations.weights.levels import (
    interpolated_log_snr,
    log_snr_from_uniform,
    pooled_snr,
)
from refdiff.equations.weights.transport import (
    weight_eps_from_v,
    weight_eps_from_x_0,
    weight_v_from_eps,
    weight_v_from_x_0,
    weight_x_0_from_eps,
    weight_x_0_from_v,
)
from refdiff.equations.weights.transport_along_paths import (
    weight_eps_from_score,
    weight_score_from_eps,
    weight_velocity_from_x_0,
    weight_x_0_from_velocity,
)

__all__ = [
    "interpolated_log_snr",
    "log_snr_from_uniform",
    "max_snr_weight_x_0",
    "pooled_snr",
    "simple_loss_weight",
    "snr_plus_one_weight_x_0",
    "soft_min_snr_weight_x_0",
    "truncated_snr_weight_x_0",
    "weight_eps_from_score",
    "weight_eps_from_v",
    "weight_eps_from_x_0",
    "weight_score_from_eps",
    "weight_v_from_eps",
    "weight_v_from_x_0",
    "weight_velocity_from_x_0",
    "weight_x_0_from_eps",
    "weight_x_0_from_v",
    "weight_x_0_from_velocity",
]
