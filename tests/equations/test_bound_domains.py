"""Levels in the wrong order, and ends at which a term of the bound is infinite."""

import inspect

import numpy as np
import pytest

from refdiff.equations import bounds, solvers

FUNCTIONS = [
    getattr(module, name)
    for module in (bounds, solvers)
    for name in module.__all__
    if {"alpha_bar_t", "alpha_bar_s"} <= set(inspect.signature(getattr(module, name)).parameters)
]
VALUES = {"eta": 0.5, "variance": 0.2, "mean_squared_eps": 0.9, "width": 2.0}


def arguments(function, alpha_bar_t, alpha_bar_s):
    parameters = inspect.signature(function).parameters.values()
    named = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY:
            named.setdefault(parameter.name, VALUES.get(parameter.name, 0.5))
    return [0.25 for p in parameters if p.kind is not p.KEYWORD_ONLY], named


@pytest.mark.property_id("P113")
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_swapped_levels_are_refused_with_the_cure(function):
    positional, named = arguments(function, 0.5, 0.3)
    with pytest.raises(ValueError, match="were the two swapped"):
        function(*positional, **named)
    named |= {"alpha_bar_t": np.array([[0.1], [0.5]]), "alpha_bar_s": np.array([[0.3, 0.6]])}
    with pytest.raises(ValueError, match=r"alpha_bar_s=0\.3 must be >= alpha_bar_t=0\.5"):
        function(*positional, **named)


@pytest.mark.property_id("P113")
@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("variance_term", "reconstruction_term"),
        ("posterior_term", "reconstruction_term"),
        ("posterior_weight_eps", "reconstruction_term"),
        ("posterior_weight_x_0", "reconstruction_term"),
        ("reverse_entropy_lower", "has no spread"),
        ("entropy_form", "has no spread"),
        ("ddim_posterior_weight_eps", "infinite bound"),
    ],
)
def test_a_step_to_the_data_is_refused_where_the_bound_is_infinite(name, cure):
    function = getattr(bounds, name)
    positional, named = arguments(function, 0.5, 1.0)
    with pytest.raises(ValueError, match=rf"alpha_bar_s=1 must be in \(0, 1\): .*{cure}"):
        function(*positional, **named)


@pytest.mark.property_id("P113")
@pytest.mark.parametrize(
    "name",
    ["optimal_mean", "optimal_variance", "optimal_variance_upper", "mean_term_from_eps"],
)
def test_a_state_without_signal_is_refused(name):
    function = getattr(bounds, name)
    positional, named = arguments(function, 0.0, 0.5)
    with pytest.raises(ValueError, match=r"alpha_bar_t=0 must be in \(0, 1\]: .*predict x_0 or v"):
        function(*positional, **named)


def test_a_bound_without_noise_is_infinite_and_refused():
    with pytest.raises(ValueError, match=r"eta=0 must be in \(0, 1\]: without noise"):
        bounds.ddim_posterior_weight_eps(alpha_bar_t=0.3, alpha_bar_s=0.5, eta=0.0)
    with pytest.raises(ValueError, match="levels=1 must be in"):
        bounds.density_bits_per_dim(1.0, num_dims=3.0, levels=1.0)
