"""Rows of `refdiff.equations.flow`; see `tests.support.cases`."""

import math

from hypothesis import strategies as st

from refdiff.testing import strategies as own
from tests.support.case import row
from tests.support.inputs import joined, levels, magnitudes, only, scales, spread

ends = st.sampled_from([0.0, 0.5, 1.0])
times = st.one_of(ends, spread(1e-3, 0.999))
after_0 = st.one_of(st.sampled_from([0.5, 1.0]), spread(1e-3, 1.0))
before_1 = st.one_of(st.sampled_from([0.0, 0.5]), spread(0.0, 0.999))
left = st.one_of(st.sampled_from([0.0, 1e-4]), magnitudes(1e-5, 0.5))
rates = st.one_of(st.just(1.0), magnitudes(1e-2, 20.0))
angles = spread(-math.pi, math.pi).filter(lambda a: a == 0 or abs(a) > 1e-3)


def paths():
    """Draw two scales with rates that let the signal-to-noise ratio fall."""

    def build(found):
        at, fall, rise, kind = found
        fall, rise = {"both": (fall, rise), "vp": (fall, 0.0), "ve": (0.0, rise)}[kind]
        return at | {"alpha_rate": -fall, "sigma_rate": rise}

    kinds = st.sampled_from(["both", "both", "vp", "ve"])
    return st.tuples(scales(), rates, rates, kinds).map(build)


def apart():
    """Draw scales at t and at a time s that is clearly less noisy."""
    return scales(with_s=True).filter(
        lambda at: at["alpha_s"] * at["sigma_t"] > 1.1 * at["alpha_t"] * at["sigma_s"]
    )


preserving = joined(beta_integral=magnitudes(1e-3, 20.0), beta_t=magnitudes(0.1, 20.0))

ROWS = [
    row("flow.angle_step", 2, joined(step_angle=angles), "salimans2022/angle-step"),
    row("flow.angular_velocity", 2, joined(angle=angles), "salimans2022/angular-velocity"),
    row("flow.ddim_step_from_x_0", 2, scales(with_s=True), "salimans2022/ddim-step"),
    row("flow.distillation_target", 2, apart(), "salimans2022/distillation-target"),
    row("flow.eps_from_velocity", 2, paths(), "lipman2023/eps-from-velocity"),
    row("flow.euler_step", 2, joined(t=times, s=times), "liu2023/euler-step"),
    row(
        "flow.gaussian_path_field",
        3,
        only(paths(), "sigma_t", "sigma_rate"),
        "lipman2023/gaussian-path-field",
    ),
    row(
        "flow.merged_x_0",
        3,
        levels(include_low=True, include_high=True),
        "salimans2022/merged-heads",
    ),
    row("flow.optimal_transport_alpha", 0, joined(t=times), "lipman2023/ot-mean-scale"),
    row(
        "flow.optimal_transport_field",
        2,
        joined(t=times, sigma_min=magnitudes(1e-5, 0.5)),
        "lipman2023/ot-field",
    ),
    row("flow.optimal_transport_sample", 2, joined(t=times, sigma_min=left), "lipman2023/ot-flow"),
    row(
        "flow.optimal_transport_sigma",
        0,
        joined(t=times, sigma_min=left),
        "lipman2023/ot-noise-scale",
    ),
    row("flow.optimal_transport_velocity", 2, joined(sigma_min=left), "lipman2023/ot-target"),
    row("flow.score_from_velocity", 2, paths(), "lipman2023/score-from-velocity"),
    row("flow.straight_eps_from_velocity", 2, joined(t=times), "liu2023/eps-from-velocity"),
    row("flow.straight_sample", 2, joined(t=times), "liu2023/interpolation"),
    row("flow.straight_velocity", 2, joined(), "liu2023/target"),
    row("flow.straight_velocity_from_eps", 2, joined(t=before_1), "liu2023/velocity-from-eps"),
    row("flow.straight_velocity_from_x_0", 2, joined(t=after_0), "liu2023/velocity-from-x-0"),
    row("flow.straight_x_0_from_velocity", 2, joined(t=times), "liu2023/x-0-from-velocity"),
    row("flow.v_from_velocity", 2, paths(), "lipman2023/v-from-velocity"),
    row(
        "flow.variance_exploding_field",
        2,
        joined(sigma_t=own.sigmas(), sigma_rate=rates),
        "lipman2023/variance-exploding-field",
    ),
    row("flow.variance_preserving_field", 2, preserving, "lipman2023/variance-preserving-field"),
    row(
        "flow.velocity",
        2,
        only(paths(), "alpha_rate", "sigma_rate"),
        "lipman2023/conditional-velocity",
    ),
    row("flow.velocity_from_eps", 2, paths(), "lipman2023/velocity-from-eps"),
    row("flow.velocity_from_score", 2, paths(), "lipman2023/velocity-from-score"),
    row("flow.velocity_from_v", 2, paths(), "lipman2023/velocity-from-v"),
    row("flow.velocity_from_x_0", 2, paths(), "lipman2023/velocity-from-x-0"),
    row("flow.x_0_from_velocity", 2, paths(), "lipman2023/x-0-from-velocity"),
]
