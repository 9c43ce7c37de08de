"""Rows of `refdiff.equations.weights`; see `tests.support.cases`."""

from hypothesis import strategies as st

from tests.support.case import row
from tests.support.cases_flow import paths, times
from tests.support.inputs import joined, magnitudes, only, scales, snrs, spread

ratios = joined(snr_t=snrs())
positive = joined(snr_t=magnitudes(1e-6, 1e6))
clipped = joined(snr_t=snrs(), gamma=magnitudes(0.1, 20.0))
falling = joined(snr_t=snrs(), snr_rate=magnitudes(1e-3, 1e3).map(lambda rate: -rate))
log_snrs = spread(-20.0, 20.0).filter(lambda value: value == 0 or abs(value) > 1e-3)
# Kept where the angle's cosine and sine have digits in float32.
ranges = joined(log_snr_min=spread(-12.0, -1.0), log_snr_max=spread(1.0, 12.0))

ROWS = [
    row(
        "weights.interpolated_log_snr",
        0,
        joined(t=times, log_snr_low=log_snrs, log_snr_high=log_snrs),
        "hoogeboom2023/interpolated-schedule",
    ),
    row(
        "weights.log_snr_from_uniform",
        0,
        joined(ranges, u=st.one_of(st.sampled_from([0.0, 0.5, 1.0]), spread(0.01, 1.0))),
        "ho2022cfg/log-snr-sampling",
    ),
    row("weights.max_snr_weight_x_0", 0, clipped, "hang2023/max-snr"),
    row(
        "weights.pooled_snr",
        0,
        joined(snr_t=snrs(), pooling=st.sampled_from([1.0, 2.0, 3.0, 8.0])),
        "hoogeboom2023/pooled-snr",
    ),
    row("weights.simple_loss_weight", 0, falling, "choi2022/simple-loss-weight"),
    row("weights.snr_plus_one_weight_x_0", 0, ratios, "salimans2022/snr-plus-one"),
    row("weights.soft_min_snr_weight_x_0", 0, clipped, "crowson2024/soft-min-snr"),
    row("weights.truncated_snr_weight_x_0", 0, ratios, "salimans2022/truncated-snr"),
    row(
        "weights.weight_eps_from_score",
        1,
        only(scales(), "sigma_t"),
        "dhariwal2021/weight-eps-from-score",
    ),
    row("weights.weight_eps_from_v", 1, positive, "salimans2022/weight-eps-from-v"),
    row("weights.weight_eps_from_x_0", 1, positive, "salimans2022/weight-eps-from-x-0"),
    row(
        "weights.weight_score_from_eps",
        1,
        only(scales(), "sigma_t"),
        "dhariwal2021/weight-score-from-eps",
    ),
    row("weights.weight_v_from_eps", 1, ratios, "salimans2022/weight-v-from-eps"),
    row("weights.weight_v_from_x_0", 1, ratios, "salimans2022/weight-v-from-x-0"),
    row("weights.weight_velocity_from_x_0", 1, paths(), "lipman2023/weight-velocity-from-x-0"),
    row("weights.weight_x_0_from_eps", 1, ratios, "salimans2022/weight-x-0-from-eps"),
    row("weights.weight_x_0_from_v", 1, ratios, "salimans2022/weight-x-0-from-v"),
    row("weights.weight_x_0_from_velocity", 1, paths(), "lipman2023/weight-x-0-from-velocity"),
]
