"""Defaults, and the last value on either side of each domain: what mutants showed untested."""

import inspect

import numpy as np
import pytest

from refdiff import equations as eq

ENDS = {"alpha_bar_t": 0.0, "alpha_bar_s": 0.5}


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        ("linear_betas", {"beta_start": 1e-4, "beta_end": 0.02}),
        ("scaled_linear_betas", {"beta_start": 0.00085, "beta_end": 0.012}),
        ("cosine_betas", {"offset": 0.008, "max_beta": 0.999}),
        ("sigmoid_alpha_bars", {"start": -3.0, "end": 3.0, "tau": 1.0}),
        ("karras_sigmas", {"rho": 7.0}),
    ],
)
def test_defaults_are_those_of_the_papers(name, defaults):
    parameters = inspect.signature(getattr(eq, name)).parameters.values()
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == defaults


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: eq.posterior_mean_from_eps(1.0, 1.0, **ENDS), "predict x_0 or v"),
        (
            lambda: eq.optimal_reverse_variance(mean_squared_eps=0.5, **ENDS),
            "alpha_bar_t=0 must be in",
        ),
        (lambda: eq.linear_betas(10, beta_start=0.0), "beta_start=0"),
        (lambda: eq.cosine_betas(10, max_beta=0.0), "max_beta=0"),
        (lambda: eq.sigmoid_alpha_bars(10, start=1.0, end=1.0), "start=1 must be < end=1"),
        (lambda: eq.betas_from_alpha_bars([1.0, 0.5, 0.5]), r"^alpha_bars\[2\]=0.5"),
        (lambda: eq.betas_from_alpha_bars([1.0, 0.5, 0.7, 0.3]), r"^alpha_bars\[2\]=0.7"),
        (lambda: eq.betas_from_alpha_bars([1.0, 0.5, -0.1]), r"^alpha_bars\[2\]=-0.1"),
    ],
)
def test_values_just_outside_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("start", "end"), [(-700.5, -1.0), (1.0, 700.5), (-400.0, 400.0)])
def test_a_piece_of_the_sigmoid_that_underflows_is_refused(start, end):
    with pytest.raises(ValueError, match="choose a larger tau"):
        eq.sigmoid_alpha_bars(10, start=start, end=end, tau=0.5)


@pytest.mark.parametrize(("start", "end"), [(-700.0, -1.0), (1.0, 700.0), (-350.0, 350.0)])
def test_a_piece_of_the_sigmoid_that_just_fits_is_computed(start, end):
    table = eq.sigmoid_alpha_bars(10, start=start, end=end, tau=0.5)
    assert table[0] == 1.0
    assert table[-1] == 0.0
    assert ((table >= 0.0) & (table <= 1.0)).all()


def test_integers_are_taken_for_numbers():
    whole = eq.betas_from_alpha_bars([1, 0])
    assert whole.dtype == np.float64
    assert whole.tolist() == [1.0]


def test_a_batch_of_plain_numbers_is_a_batch():
    values = np.array([2.0, 3.0])
    assert np.array_equal(eq.per_sample(values, np.ones(2)), values)
    assert np.array_equal(eq.simple_loss(values, np.array([2.0, 1.0])), [0.0, 4.0])


@pytest.mark.parametrize("values", [np.ones((2, 1)), np.ones(())])
def test_one_value_a_sample_has_one_axis(values):
    with pytest.raises(ValueError, match="one value for each sample"):
        eq.per_sample(values, np.ones((2, 3)))
