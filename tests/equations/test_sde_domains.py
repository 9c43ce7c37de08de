"""Refusals of `refdiff.equations.sde` beside those of `test_domains`: upper ends and orders."""

import inspect
import math

import numpy as np
import pytest

from refdiff import checks
from refdiff.equations import sde

INSIDE = {
    "t": 0.5,
    "beta_min": 0.1,
    "beta_max": 20.0,
    "sigma_min": 0.01,
    "sigma_max": 50.0,
    "sigma_t": 0.8,
    "sigma_s": 0.6,
    "alpha_t": 0.5,
    "alpha_s": 0.7,
    "gamma_t": 1.0,
    "gamma_s": -1.0,
}


def call(name, **changes):
    """Call a function inside its domain, but for the changes."""
    function, positional, named = getattr(sde, name), [], {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = INSIDE.get(parameter.name, 0.5)
        else:
            positional.append(np.array([[0.25, -0.5]]))
    return function(*positional, **{**named, **changes})


def having(*names):
    """Return the functions that have all these arguments."""
    return [
        name
        for name in sde.__all__
        if {*names} <= {*inspect.signature(getattr(sde, name)).parameters}
    ]


ORDERS = [
    ("beta_min", "beta_max", 2.0, 1.0, "were the two swapped"),
    ("sigma_min", "sigma_max", 2.0, 1.0, "were the two swapped"),
    ("gamma_s", "gamma_t", 0.5, 0.25, "s is the less noisy time"),
]


@pytest.mark.property_id("P113")
@pytest.mark.parametrize(
    ("name", "low", "high", "first", "second", "cure"),
    [(name, *order) for order in ORDERS for name in having(*order[:2])],
)
def test_values_in_the_wrong_order_are_refused_with_both_numbers(
    name, low, high, first, second, cure
):
    message = rf"^{low}={first:g} must be <= {high}={second:g}: .*{cure}"
    with pytest.raises(ValueError, match=message):
        call(name, **{low: first, high: second})
    # One bad pair among many is found, wherever the broadcast puts it.
    many = {low: np.array([[second], [first]]), high: np.array([[first + 1, second]])}
    with pytest.raises(ValueError, match=message):
        call(name, **many)
    assert np.all(np.isfinite(call(name, **{low: second, high: second})))
    with pytest.raises(ValueError, match="nan"):
        call(name, **{low: math.nan})
    with checks("off"):
        call(name, **{low: first, high: second})


@pytest.mark.property_id("P113")
@pytest.mark.parametrize("name", having("sigma_s"))
def test_a_noisier_s_is_refused(name):
    with pytest.raises(ValueError, match="s is the less noisy time; were the two swapped"):
        call(name, sigma_s=5.0)


@pytest.mark.property_id("P113")
@pytest.mark.parametrize("name", having("t"))
def test_times_beyond_1_are_refused(name):
    with pytest.raises(ValueError, match=r"^t=500 must be in \[0, 1\]: .*divide"):
        call(name, t=500)
    for t in (0.0, 1.0):
        assert np.isfinite(call(name, t=t))


@pytest.mark.property_id("P113")
@pytest.mark.parametrize("name", having("beta"))
def test_fractions_beyond_1_are_refused_and_1_where_nothing_is_left_to_rescale(name):
    with pytest.raises(ValueError, match=r"^beta=1.25 must be in \[0, 1"):
        call(name, beta=1.25)
    if name in ("vp_ancestral_step", "corrector_step_size"):
        with pytest.raises(ValueError, match=r"^beta=1 must be in \[0, 1\)"):
            call(name, beta=1.0)
    else:
        assert np.all(np.isfinite(call(name, beta=1.0)))


@pytest.mark.property_id("P113")
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("ve_sigma", "sigma_min"),
        ("ve_sigma", "sigma_max"),
        ("ve_posterior_mean", "sigma_t"),
        ("ve_posterior_variance", "sigma_t"),
        ("ve_ancestral_step", "sigma_t"),
        ("langevin_step", "step_size"),
        ("corrector_step_size", "score_norm"),
        ("corrector_step_size", "corrector_snr"),
        ("score_matching_loss", "sigma_t"),
        ("smld_loss", "sigma_t"),
        ("reverse_mean_from_eps", "alpha_t"),
        ("reverse_mean_from_eps", "sigma_t"),
        ("reverse_mean_from_eps", "alpha_s"),
        ("reverse_mean_from_score", "alpha_t"),
        ("diffusion_loss_eps", "num_steps"),
        ("diffusion_loss_x_0", "num_steps"),
    ],
)
def test_zero_is_refused_where_it_is_divided_by_or_means_nothing(name, argument):
    with pytest.raises(ValueError, match=rf"^{argument}=0 must be in \(0"):
        call(name, **{argument: 0.0})


@pytest.mark.property_id("P113")
def test_no_noise_is_refused_where_the_score_is_undefined():
    with pytest.raises(ValueError, match=r"^alpha_bar_t=1 must be in \[0, 1\): .*no noise"):
        call("ddpm_score_loss", alpha_bar_t=1.0)
