"""Losses and limits of a batch, schedules and time grids against their textbook forms."""

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import refdiff.equations as eq
from refdiff.testing import assert_law, assert_within_budget
from refdiff.testing import strategies as own
from refdiff.testing.budgets import DIGITS
from tests.support import textbook_arrays as textbook
from tests.support.cases import every_dtype

batches = st.tuples(st.integers(1, 3), st.integers(1, 9))


def batch(data, dtype, count, **options):
    shape = data.draw(batches)
    return [data.draw(own.images(shape, dtype=dtype, **options)) for _ in range(count)]


@pytest.mark.verifies("ho2020/simple-loss", kind="oracle")
@every_dtype
@given(data=st.data())
def test_simple_loss(dtype, data):
    eps, eps_pred = batch(data, dtype, 2)
    assert_within_budget(
        eq.simple_loss, eps, eps_pred, dtype=dtype, oracle=textbook.simple_loss, elementwise=False
    )


FLOWS = [
    pytest.param(
        *("flow_matching_loss", 2, textbook.simple_loss),
        marks=pytest.mark.verifies(
            "lipman2023/conditional-flow-matching", "liu2023/objective", kind="oracle"
        ),
    ),
    pytest.param(
        *("squared_transport_cost", 2, textbook.squared_transport_cost),
        marks=pytest.mark.verifies("liu2023/transport-cost", kind="oracle"),
    ),
    pytest.param(
        *("straightness", 3, textbook.straightness),
        marks=pytest.mark.verifies("liu2023/straightness", kind="oracle"),
    ),
]


@pytest.mark.parametrize(("name", "count", "oracle"), FLOWS)
@every_dtype
@given(data=st.data())
def test_costs_of_flows(name, count, oracle, dtype, data):
    arrays = batch(data, dtype, count)
    function = getattr(eq.flow, name)
    assert_within_budget(function, *arrays, dtype=dtype, oracle=oracle, elementwise=False)


@pytest.mark.verifies("lin2024/rescaled-guidance", kind="oracle")
@every_dtype
@given(data=st.data(), phi=own.etas())
def test_rescale_guidance(dtype, data, phi):
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(2, 9)))
    guided, cond = (data.draw(own.images(shape, dtype=dtype)) for _ in range(2))
    # A sample without spread has no factor, and one with hardly any amplifies its rounding.
    assume(np.all(guided.std(axis=1) > np.float32(0.1)))
    assume(np.all(cond.std(axis=1) > np.float32(0.1)))
    assert_within_budget(
        eq.rescale_guidance,
        guided,
        cond,
        phi=phi,
        dtype=dtype,
        oracle=textbook.rescale_guidance,
        elementwise=False,
    )


@pytest.mark.verifies("saharia2022/dynamic-threshold", kind="oracle")
@every_dtype
@given(data=st.data(), percentile=st.sampled_from([0.0, 25.0, 50.0, 90.0, 99.5, 100.0]))
def test_dynamic_threshold(dtype, data, percentile):
    (x_0,) = batch(data, dtype, 1)
    assert_within_budget(
        eq.dynamic_threshold,
        x_0,
        percentile=percentile,
        dtype=dtype,
        oracle=textbook.dynamic_threshold,
        elementwise=False,
    )


@given(data=st.data())
def test_images_of_more_axes_are_their_flattened_selves(data):
    x, y = (data.draw(own.images((2, 3, 2, 2))) for _ in range(2))
    flat_x, flat_y = x.reshape(2, -1), y.reshape(2, -1)
    for found, expected in (
        (eq.simple_loss(x, y), eq.simple_loss(flat_x, flat_y)),
        (
            eq.dynamic_threshold(x, percentile=90.0).reshape(2, -1),
            eq.dynamic_threshold(flat_x, percentile=90.0),
        ),
    ):
        assert_law("P111", found, expected)


# ------------------------------------------------------------------ schedules: law P003


def agrees(actual, oracle, *args, **values):
    with mpmath.workdps(DIGITS):
        expected = [float(value) for value in oracle(*args, **values)]
    assert actual.dtype == np.float64
    assert_law("P003", actual, np.array(expected))


counts = st.one_of(st.integers(1, 60), st.sampled_from([1, 2, 1000]))
ends = st.tuples(st.floats(1e-5, 0.1), st.floats(0.1, 1.0)).map(
    lambda found: {"beta_start": found[0], "beta_end": found[1]}
)


@pytest.mark.verifies("ho2020/linear-schedule", kind="oracle")
@pytest.mark.property_id("P003")
@given(count=counts, bounds=ends)
def test_linear_betas(count, bounds):
    agrees(eq.linear_betas(count, **bounds), textbook.linear_betas, count, **bounds)


@pytest.mark.verifies("rombach2022/scaled-linear-schedule", kind="oracle")
@pytest.mark.property_id("P003")
@given(count=counts, bounds=ends)
def test_scaled_linear_betas(count, bounds):
    agrees(eq.scaled_linear_betas(count, **bounds), textbook.scaled_linear_betas, count, **bounds)


@pytest.mark.verifies("nichol2021/cosine-schedule", kind="oracle")
@pytest.mark.property_id("P003")
@given(
    count=counts,
    offset=st.sampled_from([0.008, 0.001, 0.1, 1.0]),
    max_beta=st.sampled_from([0.999, 0.5, 0.02, 1.0]),
)
def test_cosine_betas(count, offset, max_beta):
    values = {"offset": offset, "max_beta": max_beta}
    agrees(eq.cosine_betas(count, **values), textbook.cosine_betas, count, **values)


@pytest.mark.verifies("jabri2022/sigmoid-schedule", kind="oracle")
@pytest.mark.property_id("P003")
@given(
    count=counts,
    start=st.floats(-6.0, 0.0),
    width=st.floats(0.5, 9.0),
    tau=st.sampled_from([0.3, 0.9, 1.0, 1.1]),
)
def test_sigmoid_alpha_bars(count, start, width, tau):
    values = {"start": start, "end": start + width, "tau": tau}
    agrees(eq.sigmoid_alpha_bars(count, **values), textbook.sigmoid_alpha_bars, count, **values)


@pytest.mark.verifies("ho2020/alpha-bar", kind="oracle")
@pytest.mark.property_id("P003")
@given(betas=st.lists(own.betas().filter(lambda b: b <= 0.999), min_size=1, max_size=60))
def test_alpha_bars_from_betas(betas):
    agrees(eq.alpha_bars_from_betas(betas), textbook.alpha_bars_from_betas, betas)


@pytest.mark.verifies("nichol2021/strided-betas", kind="oracle")
@pytest.mark.property_id("P003")
@given(table=own.schedules(max_steps=200))
def test_betas_from_alpha_bars(table):
    agrees(eq.betas_from_alpha_bars(table), textbook.betas_from_alpha_bars, table)


@pytest.mark.verifies("lin2024/zero-terminal-snr", kind="oracle")
@pytest.mark.property_id("P003")
@given(table=own.schedules(min_steps=3, max_steps=200))
def test_zero_terminal_snr(table):
    # Near T the rescaled root is a difference of two roots: judged by their size, not by its own.
    with mpmath.workdps(DIGITS):
        expected = [float(mpmath.sqrt(v)) for v in textbook.zero_terminal_snr(table)]
    root = np.sqrt(eq.zero_terminal_snr(table))
    gain = np.sqrt(table[1]) / (np.sqrt(table[1]) - np.sqrt(table[-1]))
    assert_law("P003", 1 + root, 1 + np.array(expected), scale=gain)
    assert root[-1] == 0


@pytest.mark.verifies("karras2022/sigma-grid", kind="oracle")
@pytest.mark.property_id("P003")
@given(
    count=st.one_of(st.integers(1, 40), st.sampled_from([1, 2])),
    low=st.floats(1e-3, 1.0),
    ratio=st.floats(1.0, 1e5),
    rho=st.sampled_from([0.5, 1.0, 3.0, 7.0, 20.0]),
)
def test_karras_sigmas(count, low, ratio, rho):
    values = {"sigma_min": low, "sigma_max": low * ratio, "rho": rho}
    agrees(eq.karras_sigmas(count, **values), textbook.karras_sigmas, count, **values)


GRIDS = [
    pytest.param("leading", marks=pytest.mark.verifies("lin2024/leading-timesteps")),
    pytest.param("trailing", marks=pytest.mark.verifies("lin2024/trailing-timesteps")),
    pytest.param("linspace", marks=pytest.mark.verifies("lin2024/linspace-timesteps")),
]


@pytest.mark.parametrize("grid", GRIDS)
@given(data=st.data())
def test_time_grids(grid, data):
    total = data.draw(st.one_of(st.integers(1, 50), st.just(1000)))
    count = data.draw(st.one_of(st.integers(1, total), st.sampled_from([1, total])))
    found = getattr(eq, f"{grid}_timesteps")(total, count)
    assert found.dtype == np.int64
    assert found.tolist() == getattr(textbook, f"{grid}_timesteps")(total, count)
