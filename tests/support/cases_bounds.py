"""Rows of `refdiff.equations.bounds`; see `tests.support.cases`."""

from hypothesis import strategies as st

from refdiff.testing import strategies as own
from tests.support.case import row
from tests.support.inputs import joined, levels, magnitudes, pairs

zero, noisy = {"include_zero": True}, {"include_clean": False}
variances = magnitudes(1e-4, 1.0)
weights = st.one_of(st.sampled_from([0.0, 0.001, 1.0]), magnitudes(1e-4, 100.0))
processes = joined(pairs(), eta=own.etas())
noisy_processes = joined(pairs(**noisy), eta=st.one_of(st.just(1.0), magnitudes(1e-3, 1.0)))
# The logarithm of a difference that rounding may make 0 has no budget.
apart = pairs(**noisy, **zero).filter(
    lambda at: (
        min(at["alpha_bar_s"] - at["alpha_bar_t"], 1 - at["alpha_bar_s"]) > 1e-6
        and at["alpha_bar_s"] - at["alpha_bar_t"] > 1e-6 * at["alpha_bar_s"]
    )
)
widths = st.one_of(st.just(2.0), magnitudes(0.1, 10.0))

ROWS = [
    row("bounds.ddim_posterior_weight_eps", 0, noisy_processes, "song2021ddim/bound-weight"),
    row(
        "bounds.density_bits_per_dim",
        1,
        joined(
            num_dims=st.sampled_from([1.0, 64.0, 3072.0]),
            levels=st.sampled_from([2.0, 17.0, 256.0]),
        ),
        "refdiff2026/density-bits-per-dim",
    ),
    row("bounds.entropy_form", 1, pairs(**noisy, **zero), "sohldickstein2015/entropy-form"),
    row("bounds.eps_term", 2, joined(pairs(), variance=variances), "ho2020/bound-term-eps"),
    row("bounds.hybrid_loss", 2, joined(weight=weights), "nichol2021/hybrid-loss"),
    row(
        "bounds.importance_weighted_loss",
        1,
        joined(probability=st.one_of(st.just(1.0), magnitudes(1e-4, 1.0))),
        "nichol2021/importance-weighted-loss",
    ),
    row(
        "bounds.mean_term",
        3,
        joined(pairs(**zero), variance=variances),
        "ho2020/bound-mean-term",
    ),
    row(
        "bounds.mean_term_from_eps",
        3,
        joined(pairs(), variance=variances),
        "ho2020/bound-mean-term-from-eps",
        "ho2020/bound-mean-term-through-eps",
    ),
    row("bounds.normal_entropy", 1, joined(), "sohldickstein2015/normal-entropy"),
    row("bounds.optimal_mean", 2, processes, "bao2022/optimal-mean"),
    row(
        "bounds.optimal_variance",
        0,
        joined(processes, mean_squared_eps=own.etas()),
        "bao2022/optimal-variance-any-process",
    ),
    row(
        "bounds.optimal_variance_from_x_0",
        0,
        joined(processes, variance=variances),
        "bao2022/optimal-variance-from-x-0",
    ),
    row("bounds.optimal_variance_upper", 0, processes, "bao2022/variance-bounds"),
    row(
        "bounds.optimal_variance_upper_bounded",
        0,
        joined(processes, width=widths),
        "bao2022/variance-bound-of-bounded-data",
    ),
    row(
        "bounds.posterior_term",
        3,
        joined(apart, variance=variances),
        "ho2020/bound-term",
    ),
    row("bounds.posterior_weight_eps", 0, pairs(**noisy), "ho2020/bound-weight-eps-posterior"),
    row(
        "bounds.posterior_weight_x_0",
        0,
        pairs(**noisy, **zero),
        "ho2020/bound-weight-x-0-posterior",
    ),
    row("bounds.reconstruction_term", 3, joined(), "ho2020/bound-reconstruction"),
    row(
        "bounds.reverse_entropy_lower",
        0,
        apart,
        "sohldickstein2015/reverse-entropy-lower",
    ),
    row(
        "bounds.reverse_entropy_upper",
        0,
        apart,
        "sohldickstein2015/reverse-entropy-upper",
    ),
    row(
        "bounds.variance_term",
        0,
        joined(apart, variance=variances),
        "ho2020/bound-variance-term",
    ),
    row("bounds.weighted_eps_loss", 2, joined(weight=weights), "song2021ddim/weighted-loss"),
    row(
        "bounds.x_0_variance",
        0,
        joined(levels(include_high=True), mean_squared_eps=own.etas()),
        "bao2022/x-0-variance",
    ),
]
