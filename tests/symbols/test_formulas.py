"""Symbols read each pointwise function and prove it equal to the formula of its docstring."""

import mpmath as mp
import pytest

from tests.support.cases import ROWS
from tests.support.groups import GROUPED
from tests.support.proof import prove_equal, value_at
from tests.support.reading import reading, relative_difference

NOT_PROVED = {}
"""Pointwise functions that the procedure cannot prove, with the reason."""

NOT_POINTWISE = {
    "a table of numbers for integer times, by loops and cumulative products": {
        "alpha_bars_from_betas",
        "betas_from_alpha_bars",
        "bounds.importance_probabilities",
        "bounds.progressive_rates",
        "cosine_betas",
        "karras_sigmas",
        "leading_timesteps",
        "linear_betas",
        "linspace_timesteps",
        "scaled_linear_betas",
        "sigmoid_alpha_bars",
        "solvers.iddpm_indices",
        "solvers.iddpm_sigmas",
        "solvers.ve_times",
        "solvers.vp_times",
        "trailing_timesteps",
        "zero_terminal_snr",
    },
    "a mean, a norm, a quantile or a sum over the components of arrays": {
        "bounds.progressive_distortion",
        "bounds.score_mean_square",
        "dynamic_threshold",
        "flow.flow_matching_loss",
        "flow.squared_transport_cost",
        "flow.straightness",
        "per_sample",
        "rescale_guidance",
        "simple_loss",
        "solvers.ideal_denoiser",
    },
    "integrals of polynomials through any number of nodes": {"solvers.adams_bashforth_weights"},
}
"""Functions of whole arrays, which have oracles of arrays instead."""


def rows(names=None):
    """Return the rows as parameters, with their equations' ids."""
    chosen = [row for row in ROWS if names is None or row.values[0].name in names]
    return [
        pytest.param(
            row.values[0],
            id=row.values[0].name,
            marks=pytest.mark.verifies(
                *(i for mark in row.marks if mark.name == "verifies" for i in mark.args),
                kind="symbols",
            ),
        )
        for row in chosen
    ]


# In the tails of the decoder the formula's 1 - Phi has no digits left even of 100.
FARTHEST = {"discretized_gaussian_log_likelihood": 100}
PROVED = {row.values[0].name for row in ROWS} - set(NOT_PROVED)


@pytest.mark.parametrize("case", rows(PROVED))
def test_the_function_equals_its_formula(case):
    found = reading(case)
    pairs = found.stated()
    assert any(found.expression in pair for pair in pairs), "the formula states nothing"
    for left, right in pairs:
        prove_equal(left, right, found.points)


@pytest.mark.parametrize("case", rows())
def test_the_function_agrees_with_its_formula_at_50_points_to_40_digits(case):
    # For what is not proved this is the evidence; for the rest it watches over the procedure.
    found = reading(case, 200 if case.name in FARTHEST else 50)
    far = FARTHEST.get(case.name, mp.inf)
    points = [p for p in found.points if abs(value_at(found.expression, p)) < far]
    for left, right in found.stated():
        differences = [relative_difference(left, right, point) for point in points]
        compared = [d for d in differences if not mp.isnan(d)]
        assert len(compared) >= 25, "too many points at singular ends"
        assert max(compared) < mp.mpf(10) ** -40


def test_every_function_is_read_or_listed_with_a_reason():
    public = {f"{g}.{name}".lstrip(".") for g, module in GROUPED.items() for name in module.__all__}
    read = {row.values[0].name for row in ROWS}
    listed = set().union(*NOT_POINTWISE.values())
    assert sorted(public - read - listed) == [], "give it a row in tests/support/cases*.py"
    assert sorted(listed & read) == []
    assert sorted(listed - public) == []
    assert set(NOT_PROVED) <= read
    assert all(NOT_PROVED.values()), "give the reason"
