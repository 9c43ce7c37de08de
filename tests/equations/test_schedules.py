"""Schedules: products, golden values, respacing and the rescale to zero terminal SNR."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.equations import (
    alpha_bars_from_betas,
    betas_from_alpha_bars,
    cosine_betas,
    linear_betas,
    posterior_variance,
    scaled_linear_betas,
    sigmoid_alpha_bars,
    snr,
    zero_terminal_snr,
)
from refdiff.testing import assert_close, assert_law, strategies

ONE_SCHEDULE = {
    "linear": linear_betas(1000),
    "cosine": cosine_betas(1000),
    "scaled-linear": scaled_linear_betas(1000),
    "arXiv:2512.07201": linear_betas(300, beta_start=0.0003 * 1000 / 300, beta_end=0.1),
}
NAMES = list(ONE_SCHEDULE)


@pytest.mark.property_id("P001")
@pytest.mark.verifies("ho2020/alpha-bar")
@pytest.mark.parametrize("name", NAMES)
def test_product_equals_the_exponential_of_a_sum_of_logarithms(name):
    betas = ONE_SCHEDULE[name]
    assert_law("P001", alpha_bars_from_betas(betas)[1:], np.exp(np.cumsum(np.log1p(-betas))))


@pytest.mark.property_id("P002")
@pytest.mark.verifies("ho2020/alpha-bar", "lin2024/snr")
@given(strategies.schedules(zero_terminal=False))
def test_tables_start_at_1_and_fall_with_their_snr(alpha_bars):
    assert alpha_bars[0] == 1.0
    assert (np.diff(alpha_bars) < 0).all()
    assert alpha_bars[-1] >= 0
    betas = betas_from_alpha_bars(alpha_bars)
    assert ((betas > 0) & (betas <= 1)).all()
    ratios = snr(alpha_bar_t=alpha_bars)
    assert ratios[0] == np.inf
    assert (np.diff(ratios[1:]) < 0).all()


GOLDEN = {
    ("linear", 1): "0.9999",
    ("linear", 500): "0.07858724288177823734328983",
    ("linear", 1000): "4.035829765375683314817635e-5",
    ("cosine", 1): "0.9999587157751782221976465",
    ("cosine", 500): "0.4938435904406377133165527",
    ("cosine", 999): "2.428766907034468355989156e-6",
    ("cosine", 1000): "2.428766907034468355989156e-9",
    ("scaled-linear", 1000): "0.004660098513077240403897666",
    ("arXiv:2512.07201", 1): "0.999",
    ("arXiv:2512.07201", 300): "1.5453627997044775984e-7",
}


@pytest.mark.property_id("P003")
@pytest.mark.verifies("ho2020/linear-schedule", "rombach2022/scaled-linear-schedule")
@pytest.mark.parametrize("name", NAMES)
def test_golden_values(name):
    table = alpha_bars_from_betas(ONE_SCHEDULE[name])
    for (schedule, t), value in GOLDEN.items():
        if schedule == name:
            assert_law("P003", table[t], float(value))


@pytest.mark.property_id("P003")
@pytest.mark.verifies("lin2024/snr", "ho2020/posterior-variance")
def test_golden_values_of_derived_quantities():
    linear = alpha_bars_from_betas(ONE_SCHEDULE["linear"])
    scaled = alpha_bars_from_betas(ONE_SCHEDULE["scaled-linear"])
    assert_law("P003", snr(alpha_bar_t=linear[1000]), 4.035992651168427545387772e-5)
    assert_law("P003", snr(alpha_bar_t=scaled[1000]), 0.00468191670615796)
    assert_law("P003", scaled[1000] ** 0.5, 0.0682649142171675)
    for t, golden in ((2, 5.45318766130260539468652e-5), (1000, 0.01999998352656060747580594)):
        found = posterior_variance(alpha_bar_t=linear[t], alpha_bar_s=linear[t - 1])
        assert_law("P003", found, golden)


def exact_cosine_alpha_bars(num_steps):
    """The definition as printed, with 50 digits: betas from ratios of f, clipped, multiplied."""
    with mpmath.workdps(50):
        s, limit = mpmath.mpf(0.008), mpmath.mpf(0.999)

        def f(t):
            return mpmath.cos((mpmath.mpf(t) / num_steps + s) / (1 + s) * mpmath.pi / 2) ** 2

        table = [mpmath.mpf(1)]
        for t in range(1, num_steps + 1):
            table.append(table[-1] * (1 - min(1 - f(t) / f(t - 1), limit)))
        return np.array([float(a) for a in table])


@pytest.mark.verifies("nichol2021/cosine-schedule", kind="closed-form")
@pytest.mark.parametrize("num_steps", [1, 2, 20, 300])
def test_cosine_schedule_against_its_printed_form(num_steps):
    # A running product of num_steps factors, each off by a few roundings.
    expected = exact_cosine_alpha_bars(num_steps)
    found = alpha_bars_from_betas(cosine_betas(num_steps))
    assert_close(found, expected, units=8 * num_steps)


@pytest.mark.property_id("P008")
@pytest.mark.verifies("nichol2021/cosine-schedule")
def test_cosine_clips_only_the_last_beta():
    betas = cosine_betas(1000)
    assert (betas[:-1] < 0.999).all()
    assert betas[-1] == 0.999
    unclipped = alpha_bars_from_betas(cosine_betas(1000, max_beta=1.0))
    assert_law("P008", unclipped[-1], 0.0)


@pytest.mark.verifies("jabri2022/sigmoid-schedule")
@given(
    st.integers(1, 60),
    st.floats(-9, 3),
    st.floats(0.1, 12),
    st.floats(0.05, 3),
)
def test_sigmoid_schedule_against_its_printed_form(num_steps, start, width, tau):
    end = start + width
    table = sigmoid_alpha_bars(num_steps, start=start, end=end, tau=tau)
    assert table[0] == 1.0
    assert table[-1] == 0.0
    with mpmath.workdps(500):  # the tails of the sigmoid differ from 1 by e^-500

        def g(u):
            return 1 / (1 + mpmath.exp(-u / mpmath.mpf(tau)))

        e, s = mpmath.mpf(end), mpmath.mpf(start)
        exact = [
            (g(e) - g(s + mpmath.mpf(t) / num_steps * (e - s))) / (g(e) - g(s))
            for t in range(num_steps + 1)
        ]
    # Sinh and cosh turn an error of the argument u/tau into a relative error of u/tau.
    size = 1 + (abs(start) + abs(end) + width) / tau
    assert_close(table, np.array([float(a) for a in exact]), units=8 * size)


@pytest.mark.property_id("P004")
@pytest.mark.verifies("nichol2021/strided-betas")
@given(strategies.schedules(max_steps=300), st.data())
def test_respaced_betas_reproduce_the_respaced_table(alpha_bars, data):
    times = data.draw(strategies.timestep_lists(len(alpha_bars) - 1))
    respaced = alpha_bars[[0, *times[::-1]]]
    # A product of len(times) rounded factors where the law speaks of one.
    found = alpha_bars_from_betas(betas_from_alpha_bars(respaced))
    assert_law("P004", found, respaced, scale=max(1.0, len(times) / 4))


@pytest.mark.property_id("P004")
@pytest.mark.verifies("nichol2021/strided-betas", "ho2020/linear-schedule")
def test_betas_and_alpha_bars_are_inverse():
    betas = linear_betas(1000)
    table = alpha_bars_from_betas(betas)
    # An ulp of alpha_bar is 1/beta ulps of beta.
    assert_close(betas_from_alpha_bars(table), betas, terms=1.0, units=4)


@pytest.mark.property_id("P005")
@pytest.mark.verifies("lin2024/zero-terminal-snr")
@given(strategies.schedules(zero_terminal=False))
def test_zero_terminal_snr_keeps_the_start_and_removes_the_end(alpha_bars):
    rescaled = zero_terminal_snr(alpha_bars)
    assert_law("P005/end", rescaled[[0, 1, -1]], np.array([1.0, alpha_bars[1], 0.0]))
    assert (np.diff(rescaled) < 0).all()
    assert betas_from_alpha_bars(rescaled)[-1] == 1.0
    assert_law("P005", zero_terminal_snr(rescaled), rescaled)
    # The definition: sqrt(alpha_bar) moves along a straight line through its two ends.
    root, new = np.sqrt(alpha_bars), np.sqrt(rescaled)
    slope = np.diff(new[1:]) * (root[1] - root[-1])
    assert_close(slope, np.diff(root[1:]) * root[1], terms=1.0, units=8)


@pytest.mark.property_id("P006")
@pytest.mark.verifies("lin2024/snr", "lin2024/table-1", "nichol2021/cosine-schedule")
def test_table_1_of_the_zero_terminal_snr_paper():
    table = {
        "linear": (4.035993e-5, 0.006353),
        "cosine": (2.428735e-9, 4.928220e-5),
        "scaled-linear": (0.004682, 0.068265),
    }
    for name, (ratio, root) in table.items():
        last = alpha_bars_from_betas(ONE_SCHEDULE[name])[-1]
        assert_law("P006", snr(alpha_bar_t=last), ratio, scale=2.0)
        assert_law("P006", last**0.5, root, scale=2.0)
    # The index in the table's header, (t - 1)/(T - 1), is not what the cosine row was made with.
    ends = [np.cos((i / 999 + 0.008) / 1.008 * np.pi / 2) ** 2 for i in (998, 0)]
    headed = snr(alpha_bar_t=(1 - 0.999) * ends[0] / ends[1])
    assert_law("P006", headed, 2.4336e-9)
    assert abs(headed / table["cosine"][0] - 1) > 0.0015


@pytest.mark.property_id("P006")
@pytest.mark.verifies("lin2024/leak", "rombach2022/scaled-linear-schedule")
def test_the_scaled_linear_schedule_leaks_the_printed_signal():
    last = alpha_bars_from_betas(ONE_SCHEDULE["scaled-linear"])[-1]
    assert_law("P006", last**0.5, 0.068265)
    assert_law("P006", (1 - last) ** 0.5, 0.997667)


@pytest.mark.verifies("ho2020/linear-schedule", "rombach2022/scaled-linear-schedule")
@given(st.integers(2, 400), st.floats(1e-5, 0.4), st.floats(0.0, 0.5))
def test_linear_schedules_are_linear_in_beta_and_in_its_root(num_steps, beta_start, rise):
    beta_end = beta_start + rise
    for betas, power in (
        (linear_betas(num_steps, beta_start=beta_start, beta_end=beta_end), 1.0),
        (scaled_linear_betas(num_steps, beta_start=beta_start, beta_end=beta_end), 0.5),
    ):
        values = betas**power
        fraction = np.arange(num_steps) / (num_steps - 1)
        line = beta_start**power + fraction * (beta_end**power - beta_start**power)
        assert_close(values, line, terms=1.0, units=8)
        assert betas.shape == (num_steps,)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: linear_betas(0), "num_steps=0 must be an integer >= 1"),
        (lambda: linear_betas(2.5), "num_steps=2.5 must be an integer >= 1"),
        (lambda: linear_betas(True), "num_steps=True must be an integer"),
        (lambda: linear_betas(10, beta_start=0.5, beta_end=0.1), "0 < beta_start <= beta_end"),
        (lambda: scaled_linear_betas(10, beta_end=1.5), "beta_end=1.5"),
        (lambda: cosine_betas(10, max_beta=1.5), "max_beta=1.5 must be in (0, 1]"),
        (lambda: cosine_betas(10, offset=0.0), "offset=0 must be in (0, inf]"),
        (lambda: sigmoid_alpha_bars(10, start=3.0, end=-3.0), "start=3 must be < end=-3"),
        (lambda: sigmoid_alpha_bars(10, tau=1e-4), "choose a larger tau"),
        (lambda: sigmoid_alpha_bars(10, tau=-1.0), "tau=-1 must be in (0, inf]"),
        (lambda: alpha_bars_from_betas([0.1, 1.2]), "betas[1]=1.2 must be in (0, 1) or 1"),
        (lambda: alpha_bars_from_betas([1.0, 0.5]), "betas[0]=1 must be in (0, 1)"),
        (lambda: alpha_bars_from_betas([0.0]), "betas[0]=0"),
        (lambda: alpha_bars_from_betas([float("nan")]), "betas[0]=nan"),
        (lambda: alpha_bars_from_betas([[0.1]]), "one-dimensional"),
        (lambda: betas_from_alpha_bars([0.9, 0.5]), "prepend a 1"),
        (lambda: betas_from_alpha_bars([1.0, 0.5, 0.6]), "alpha_bars[2]=0.6 must be below"),
        (lambda: betas_from_alpha_bars([1.0, -0.5]), "not negative"),
        (lambda: zero_terminal_snr([1.0, 0.5]), "at least 3"),
    ],
)
@pytest.mark.property_id("P113")
def test_bad_schedules_are_refused_with_the_reason(call, sentence):
    with pytest.raises(ValueError, match=r"must|one-dimensional") as refusal:
        call()
    assert sentence in str(refusal.value)
