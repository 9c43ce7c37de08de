"""The table of pointwise equations: how to draw their arguments, and what they implement.

One row serves every reading of a function: NumPy and torch in two precisions, mpmath, SymPy, JAX,
compiled, broadcast. The ids stand here by hand, so that a function cannot verify its own claim.
"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from refdiff.testing import strategies as own
from tests.support import (
    cases_bounds,
    cases_flow,
    cases_guiding,
    cases_sde,
    cases_solvers,
    cases_weights,
)
from tests.support.case import POSITIONAL, drawn, row, within
from tests.support.inputs import edm, joined, levels, magnitudes, only, pairs, pixels, scales, snrs

__all__ = ["POSITIONAL", "ROWS", "drawn", "every_dtype", "every_function", "fewer", "within"]

# Where the smaller variance is 0, the result jumps at v = 1: one unit in the last place decides.
END = {0.0, 0.5, 1.0}
number = st.floats(-4.0, 4.0).filter(lambda x: x == 0 or abs(x) > 1e-6)
to_0, to_1 = {"include_low": True}, {"include_high": True}
both = {"include_low": True, "include_high": True}
zero = {"include_zero": True}
minimum = joined(snr_t=snrs(), gamma=magnitudes(0.1, 20.0))
interval = joined(
    sigma=own.sigmas(),
    scale=own.guidance_weights(),
    sigma_lo=own.sigmas(high=1.0),
    sigma_hi=own.sigmas(low=0.4),
)
sides = {"resolution": magnitudes(8, 1024), "reference_resolution": magnitudes(8, 1024)}
power = joined(snr_t=snrs(), k=magnitudes(0.1, 10.0), gamma=st.floats(0.0, 3.0))

ROWS = [
    row(
        "alpha_bar_from_log_snr",
        0,
        joined(log_snr_t=own.log_snrs()),
        "kingma2021/alpha-bar-from-log-snr",
    ),
    row(
        "bits_per_dim",
        1,
        joined(num_dims=st.sampled_from([1.0, 64.0, 3072.0])),
        "nichol2021/bits-per-dim",
    ),
    row("classifier_free_guidance", 2, joined(w=own.guidance_weights()), "ho2022cfg/guided-eps"),
    row(
        "classifier_guided_eps", 2, joined(levels(**both), scale=number), "dhariwal2021/guided-eps"
    ),
    row(
        "classifier_guided_mean",
        2,
        joined(variance=st.floats(0.0, 2.0, width=32), scale=number),
        "dhariwal2021/guided-mean",
    ),
    row("ddim_mean", 2, joined(pairs(**zero), eta=own.etas()), "song2021ddim/step-mean"),
    row("ddim_sigma", 0, joined(pairs(**zero), eta=own.etas()), "song2021ddim/sigma"),
    row("ddim_step", 3, joined(pairs(), eta=own.etas()), "song2021ddim/step"),
    row("ddpm_step", 3, pairs(), "ho2020/ancestral-step"),
    row("ddpm_step_fixed_large", 3, pairs(), "ho2020/ancestral-step-fixed-large"),
    row("discretized_gaussian_log_likelihood", 0, pixels(), "ho2020/discretized-decoder"),
    row("edm_c_in", 0, edm(), "karras2022/c-in"),
    row("edm_c_noise", 0, only(edm(), "sigma"), "karras2022/c-noise"),
    row("edm_c_out", 0, edm(), "karras2022/c-out"),
    row("edm_c_skip", 0, edm(), "karras2022/c-skip"),
    row("edm_loss_weight", 0, edm(), "karras2022/loss-weight"),
    row("eps_from_score", 1, levels(**both), "dhariwal2021/eps-from-score"),
    row("eps_from_v", 2, levels(**both), "lin2024/eps-from-v"),
    row("eps_from_x_0", 2, levels(**to_0), "song2021ddim/eps-from-x-0"),
    row("forward_mean", 1, levels(**both), "ho2020/marginal-mean", "nichol2021/marginal-mean"),
    row(
        "forward_sample",
        2,
        levels(**both),
        "ho2020/marginal-sample",
        "song2021ddim/marginal-sample",
    ),
    row(
        "forward_variance",
        0,
        levels(**both),
        "ho2020/marginal-variance",
        "nichol2021/marginal-variance",
    ),
    row(
        "guidance_from_scale",
        2,
        joined(scale=own.guidance_weights()),
        "lin2024/guidance",
        "saharia2022/guidance",
        "karras2024/autoguidance",
    ),
    row("interval_scale", 0, interval, "kynkaanniemi2024/interval"),
    row(
        "learned_range_variance",
        0,
        joined(pairs(**zero), v=own.etas()).filter(
            lambda at: at["alpha_bar_s"] < 1 or at["v"] in END
        ),
        "nichol2021/learned-range-variance",
    ),
    row("log_snr", 0, levels(**both), "kingma2021/log-snr"),
    row("min_snr_weight_eps", 0, minimum, "hang2023/weight-eps"),
    row("min_snr_weight_v", 0, minimum, "hang2023/weight-v"),
    row("min_snr_weight_x_0", 0, minimum, "hang2023/weight-x-0"),
    row("normal_kl", 4, joined(), "ho2020/posterior-kl"),
    row(
        "optimal_reverse_variance",
        0,
        joined(pairs(), mean_squared_eps=own.etas()),
        "bao2022/optimal-variance",
    ),
    row("p2_weight_eps", 0, power, "choi2022/weight-eps"),
    row("posterior_mean", 2, pairs(**zero), "ho2020/posterior-mean", "nichol2021/posterior-mean"),
    row("posterior_mean_from_eps", 2, pairs(), "ho2020/reverse-mean"),
    row(
        "posterior_variance",
        0,
        pairs(**zero),
        "ho2020/posterior-variance",
        "nichol2021/posterior-variance",
    ),
    row("prior_kl", 1, levels(**to_0), "ho2020/prior-kl"),
    row("score_from_eps", 1, levels(**to_0), "dhariwal2021/score-from-eps"),
    row("score_from_x_0", 2, levels(**to_0), "dhariwal2021/score-from-x-0"),
    row(
        "shifted_log_snr",
        0,
        joined(log_snr_t=own.log_snrs(), **sides),
        "hoogeboom2023/shifted-schedule",
    ),
    row("snr", 0, levels(**both), "lin2024/snr"),
    row(
        "transition_mean",
        1,
        pairs(**zero),
        "ho2020/transition-mean",
        "song2021ddim/transition-mean",
    ),
    row(
        "transition_variance",
        0,
        pairs(**zero),
        "ho2020/transition-variance",
        "song2021ddim/transition-variance",
    ),
    row("v_from_eps", 2, levels(**to_1), "lin2024/v-from-eps"),
    row("v_from_x_0", 2, levels(**to_0), "lin2024/v-from-x-0"),
    row(
        "vlb_weight_eps",
        0,
        joined(pairs(), variance=magnitudes(0.0001, 1.0)),
        "ho2020/vlb-weight-eps",
    ),
    row("x_0_from_eps", 2, levels(**to_1), "ho2020/x-0-from-eps", "song2021ddim/predicted-x-0"),
    row("x_0_from_score", 2, levels(**to_1), "bao2022/x-0-from-score"),
    row("x_0_from_v", 2, levels(**both), "lin2024/x-0-from-v"),
    row("continuous.eps_from_score", 1, only(scales(), "sigma_t"), "kingma2021/eps-from-score"),
    row("continuous.eps_from_v", 2, scales(), "salimans2022/eps-from-v"),
    row("continuous.eps_from_x_0", 2, scales(), "kingma2021/eps-from-x-0"),
    row("continuous.forward_mean", 1, only(scales(), "alpha_t"), "kingma2021/marginal-mean"),
    row("continuous.forward_sample", 2, scales(), "kingma2021/marginal-sample"),
    row(
        "continuous.forward_variance", 0, only(scales(), "sigma_t"), "kingma2021/marginal-variance"
    ),
    row("continuous.log_snr", 0, scales(), "salimans2022/log-snr"),
    row("continuous.posterior_mean", 2, scales(with_s=True), "kingma2021/posterior-mean"),
    row("continuous.posterior_variance", 0, scales(with_s=True), "kingma2021/posterior-variance"),
    row("continuous.score_from_eps", 1, only(scales(), "sigma_t"), "kingma2021/score-from-eps"),
    row("continuous.score_from_x_0", 2, scales(), "kingma2021/score-from-x-0"),
    row("continuous.snr", 0, scales(), "kingma2021/snr"),
    row(
        "continuous.transition_mean",
        1,
        only(scales(with_s=True), "alpha_t", "alpha_s"),
        "kingma2021/transition-mean",
    ),
    row("continuous.transition_variance", 0, scales(with_s=True), "kingma2021/transition-variance"),
    row("continuous.v_from_eps", 2, scales(), "salimans2022/v-from-eps"),
    row("continuous.v_from_x_0", 2, scales(), "salimans2022/v-from-x-0"),
    row("continuous.x_0_from_eps", 2, scales(), "kingma2021/x-0-from-eps"),
    row("continuous.x_0_from_score", 2, scales(), "kingma2021/x-0-from-score"),
    row("continuous.x_0_from_v", 2, scales(), "salimans2022/x-0-from-v"),
]
for group in (cases_bounds, cases_flow, cases_guiding, cases_sde, cases_solvers, cases_weights):
    ROWS += group.ROWS

every_function = pytest.mark.parametrize("case", ROWS)
every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])

# The full number of examples for the oracle; fewer where another reading is compared with it.
fewer = settings(max_examples=max(settings.default.max_examples // 5, 5))
