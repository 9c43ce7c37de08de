"""Every checked argument of every equation: outside its domain it is refused, by name."""

import inspect

import numpy as np
import pytest
import torch

import refdiff
from refdiff import equations
from refdiff.equations import continuous
from tests.support.groups import GROUPED

# Arguments inside every domain; what is left out here takes any number.
INSIDE = {
    "snr_rate": -2.0,
    "log_snr_max": 3.0,
    "log_snr_min": -3.0,
    "r_1": 1.0,
    "r_2": -1.0,
    "r_3": -2.0,
    "alpha_rate": -0.5,
    "alpha_bar_t": 0.3,
    "alpha_bar_s": 0.6,
    "alpha_t": 0.5,
    "sigma_t": 0.8,
    "alpha_s": 0.7,
    "sigma_s": 0.6,
    "eta": 0.5,
    "snr_t": 2.0,
    "gamma": 5.0,
    "k": 1.0,
    "sigma": 0.4,
    "sigma_data": 0.5,
    "sigma_lo": 0.1,
    "sigma_hi": 2.0,
    "variance": 0.2,
    "std": 0.3,
    "num_dims": 12,
    "phi": 0.7,
    "percentile": 99.5,
    "mean_squared_eps": 0.9,
    "resolution": 128,
    "reference_resolution": 64,
    "levels": 256,
    "width": 2.0,
    "probability": 0.5,
    "beta_min": 0.1,
    "beta_max": 20.0,
    "sigma_min": 0.01,
    "sigma_max": 50.0,
    "gamma_s": -1.0,
}
FREE = {
    "snr_rate",
    "log_snr_high",
    "log_snr_low",
    "log_snr_max",
    "log_snr_min",
    "b",
    "h",
    "r_1",
    "r_2",
    "r_3",
    "angle",
    "step_angle",
    "alpha_rate",
    "c_out",
    "c_skip",
    "gamma_s",
    "gamma_t",
    "log_alpha_rate",
    "log_mean",
    "log_snr_t",
    "mean",
    "scale",
    "sigma_rate",
    "step",
    "variance_rate",
    "w",
}
# Values outside: below and above for a bounded argument, below for a half-bounded one.
UNIT = {"alpha_bar_t", "alpha_bar_s", "eta", "phi", "mean_squared_eps", "probability"}
PROCEDURES = {
    "linear_betas",
    "scaled_linear_betas",
    "cosine_betas",
    "sigmoid_alpha_bars",
    "alpha_bars_from_betas",
    "betas_from_alpha_bars",
    "zero_terminal_snr",
    "karras_sigmas",
    "leading_timesteps",
    "trailing_timesteps",
    "linspace_timesteps",
    "per_sample",
    "importance_probabilities",
    "progressive_rates",
    "iddpm_indices",
    "iddpm_sigmas",
    "ve_times",
    "vp_times",
}


def cases():
    for module in GROUPED.values():
        for name in module.__all__:
            if name in PROCEDURES:
                continue
            function = getattr(module, name)
            for parameter in inspect.signature(function).parameters.values():
                if parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in FREE:
                    yield pytest.param(
                        function, parameter.name, id=f"{module.__name__}.{name}-{parameter.name}"
                    )


def arguments(function):
    positional, named = [], {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = INSIDE.get(parameter.name, 0.5)
        else:
            positional.append(np.array([[0.25, -0.5]]))
    return positional, named


@pytest.mark.property_id("P113")
@pytest.mark.parametrize(("function", "name"), list(cases()))
def test_values_outside_the_domain_are_refused_by_name(function, name):
    positional, named = arguments(function)
    function(*positional, **named)  # inside, nothing is refused
    bad = [-0.25, float("nan"), np.float64(-3.0), np.array([[0.5, -0.25]]), torch.tensor(-0.25)]
    if name in UNIT:
        bad += [1.25, torch.tensor([[0.5], [1.25]])]
    if name == "percentile":
        bad = [-0.25, 100.5, float("nan")]
    for value in bad:
        with pytest.raises(ValueError, match=rf"\b{name}=.*must be in [\[(]") as refusal:
            function(*positional, **{**named, name: value})
        assert len(str(refusal.value).splitlines()) == 1
        assert ": " in str(refusal.value)  # the cure


PAIRS = [
    "transition_mean",
    "transition_variance",
    "posterior_mean",
    "posterior_variance",
    "posterior_mean_from_eps",
    "learned_range_variance",
    "optimal_reverse_variance",
    "ddpm_step",
    "ddpm_step_fixed_large",
    "ddim_sigma",
    "ddim_mean",
    "ddim_step",
    "vlb_weight_eps",
]


@pytest.mark.property_id("P113")
@pytest.mark.parametrize("name", PAIRS)
def test_swapped_times_are_refused_with_the_cure(name):
    function = getattr(equations, name)
    positional, named = arguments(function)
    named |= {"alpha_bar_t": 0.5, "alpha_bar_s": 0.3}
    with pytest.raises(ValueError, match="were the two swapped") as refusal:
        function(*positional, **named)
    assert str(refusal.value) == (
        "alpha_bar_s=0.3 must be >= alpha_bar_t=0.5: s is the less noisy time; were the two "
        "swapped?"
    )
    # One bad pair among many is found, wherever the broadcast puts it.
    named |= {"alpha_bar_t": np.array([[0.1], [0.5]]), "alpha_bar_s": np.array([[0.3, 0.6]])}
    with pytest.raises(ValueError, match=r"alpha_bar_s=0\.3 must be >= alpha_bar_t=0\.5"):
        function(*positional, **named)


@pytest.mark.property_id("P113")
@pytest.mark.parametrize("name", ["transition_variance", "posterior_mean", "posterior_variance"])
def test_swapped_scales_are_refused(name):
    function = getattr(continuous, name)
    positional, named = arguments(function)
    named |= {"alpha_t": 0.9, "sigma_t": 0.1, "alpha_s": 0.1, "sigma_s": 0.9}
    with pytest.raises(ValueError, match="were the two swapped"):
        function(*positional, **named)


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: equations.x_0_from_eps(1.0, 1.0, alpha_bar_t=0.0), "predict x_0 or v"),
        (
            lambda: equations.ddim_step(1.0, 1.0, 0.0, alpha_bar_t=0.0, alpha_bar_s=1.0, eta=0.0),
            "predict x_0 or v",
        ),
        (lambda: equations.eps_from_x_0(1.0, 1.0, alpha_bar_t=1.0), "no noise"),
        (lambda: equations.posterior_variance(alpha_bar_t=1.0, alpha_bar_s=1.0), "no noise"),
        (lambda: equations.prior_kl(1.0, alpha_bar_t=1.0), "infinite"),
    ],
)
def test_undefined_ends_are_refused_with_the_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()


def test_equal_levels_are_allowed():
    """A step of length 0 changes nothing and adds no noise."""
    levels = {"alpha_bar_t": 0.4, "alpha_bar_s": 0.4}
    assert equations.transition_variance(**levels) == 0.0
    assert equations.ddim_sigma(**levels, eta=1.0) == 0.0
    assert equations.transition_mean(0.7, **levels) == 0.7


def test_levels_of_checking():
    assert equations.snr(alpha_bar_t=0.5) == 1.0
    with refdiff.checks("off"):
        assert equations.snr(alpha_bar_t=2.0) == -2.0
        with refdiff.checks("strict"), pytest.raises(ValueError, match="alpha_bar_t=2"):
            equations.snr(alpha_bar_t=2.0)
        assert equations.snr(alpha_bar_t=2.0) == -2.0
    with pytest.raises(ValueError, match="alpha_bar_t=2"):
        equations.snr(alpha_bar_t=2.0)
    with pytest.raises(ValueError, match="level='loose' must be one of"):
        refdiff.checks("loose")


def test_tensors_on_a_device_are_looked_at_only_when_strict():
    """The meta device has no values at all: looking at them would fail."""
    level = torch.full((2, 1), 0.5, device="meta")
    assert equations.snr(alpha_bar_t=level).shape == (2, 1)
    with refdiff.checks("strict"):
        assert equations.snr(alpha_bar_t=level).shape == (2, 1)


def test_symbols_and_traced_values_are_not_looked_at():
    import sympy

    assert str(equations.snr(alpha_bar_t=sympy.Symbol("a"))) == "a/(1 - a)"
    levels = torch.tensor([-1.0, 0.5])
    ratios = torch.vmap(lambda a: equations.snr(alpha_bar_t=a))(levels)
    assert ratios.tolist() == [-0.5, 1.0]


def test_lists_are_refused_with_the_cure():
    with pytest.raises(TypeError, match=r"numpy\.asarray"):
        equations.forward_mean(np.ones(2), alpha_bar_t=[0.5, 0.5])


def test_batches_without_an_axis_are_refused():
    with pytest.raises(ValueError, match="samples along the first axis"):
        equations.simple_loss(1.0, 2.0)
    with pytest.raises(ValueError, match="one value for each sample"):
        equations.per_sample(np.ones(3), np.ones((2, 4)))
