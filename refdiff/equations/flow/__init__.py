"""Flows between data and noise: velocities, flow matching, rectified flow, distillation.

House time runs from data at t = 0 to noise at t = 1, as everywhere in this package. Flow matching
and rectified flow run it the other way: their t is 1 - t here, their x_0 and x_1 (noise and data)
are eps and x_0, and their velocity is minus this one.
"""

from __future__ import annotations

from refdiff.equations.flow.distillation import (
    angle_step,
    angular_velocity,
    ddim_step_from_x_0,
    distillation_target,
    merged_x_0,
)
from refdiff.equations.flow.gaussian_paths import (
    gaussian_path_field,
    variance_exploding_field,
    variance_preserving_field,
)
from refdiff.equations.flow.objectives import (
    flow_matching_loss,
    squared_transport_cost,
    straightness,
)
from refdiff.equations.flow.optimal_transport import (
    optimal_transport_alpha,
    optimal_transport_field,
    optimal_transport_sample,
    optimal_transport_sigma,
    optimal_transport_velocity,
)
from refdiff.equations.flow.predictions import (
    eps_from_velocity,
    score_from_velocity,
    v_from_velocity,
    x_0_from_velocity,
)
from refdiff.equations.flow.straight import (
    euler_step,
    straight_eps_from_velocity,
    straight_sample,
    straight_velocity,
    straight_velocity_from_eps,
    straight_velocity_from_x_0,
    straight_x_0_from_velocity,
)
from refdiff.equations.flow.velocity import (
    velocity,
    velocity_from_eps,
    velocity_from_score,
    velocity_from_v,
    velocity_from_x_0,
)

__all__ = [
    "angle_step",
    "angular_velocity",
    "ddim_step_from_x_0",
    "distillation_target",
    "eps_from_velocity",
    "euler_step",
    "flow_matching_loss",
    "gaussian_path_field",
    "merged_x_0",
    "optimal_transport_alpha",
    "optimal_transport_field",
    "optimal_transport_sample",
    "optimal_transport_sigma",
    "optimal_transport_velocity",
    "score_from_velocity",
    "squared_transport_cost",
    "straight_eps_from_velocity",
    "straight_sample",
    "straight_velocity",
    "straight_velocity_from_eps",
    "straight_velocity_from_x_0",
    "straight_x_0_from_velocity",
    "straightness",
    "v_from_velocity",
    "variance_exploding_field",
    "variance_preserving_field",
    "velocity",
    "velocity_from_eps",
    "velocity_from_score",
    "velocity_from_v",
    "velocity_from_x_0",
    "x_0_from_velocity",
]
