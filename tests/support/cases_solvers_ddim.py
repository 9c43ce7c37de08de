"""Rows of DDIM's functions in `refdiff.equations.solvers`; see `tests.support.cases`."""

from refdiff.testing import strategies as own
from tests.support.case import row
from tests.support.inputs import joined, pairs

zero, noisy = {"include_zero": True}, {"include_clean": False}

ROWS = [
    row("solvers.ddim_encode_step", 2, pairs(**zero), "song2021ddim/encode-step"),
    row("solvers.ddim_euler_step", 2, pairs(), "song2021ddim/euler-step"),
    row(
        "solvers.ddim_forward_mean",
        2,
        joined(pairs(**noisy, **zero), eta=own.etas()),
        "song2021ddim/forward-mean",
    ),
    row(
        "solvers.ddim_forward_variance",
        0,
        joined(pairs(**zero), eta=own.etas()),
        "song2021ddim/forward-variance",
    ),
    row("solvers.ddim_larger_sigma", 0, pairs(**zero), "song2021ddim/larger-sigma"),
    row(
        "solvers.ddim_probability_flow_step",
        2,
        pairs(),
        "song2021ddim/probability-flow-euler-step",
    ),
]
