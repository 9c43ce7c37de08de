"""How a target's shape is recognised: in which order, and what is said where there is none."""

import sys
from types import SimpleNamespace

import pytest

from refdiff import conformance
from refdiff._errors import UserError
from refdiff.conformance import shapes
from refdiff.conformance.checks import Check
from refdiff.conformance.shapes import SHAPES, checks_of, default_settings, recognise, shape_of
from refdiff.conformance.verdicts import conforms


def nothing(*args, **kwargs):
    """What every method of these targets does: recognising must not call any."""
    raise AssertionError("a target must not be run to be recognised")


STEPPING = {"set_timesteps": nothing, "step": nothing, "timesteps": None}
TABLES = {
    "betas": [0.1, 0.2],
    "alphas_cumprod": [0.9, 0.72],
    "q_sample": lambda x_start, t, noise: nothing(),
}
FUNCTIONS = {"posterior_variance": nothing, "ddim_sigma": nothing, "snr": nothing}


class CallableTarget(SimpleNamespace):
    def __call__(self, model, x_T):
        nothing()


@pytest.mark.parametrize(
    ("offers", "shape"),
    [
        (STEPPING | TABLES | FUNCTIONS, "scheduler"),
        (TABLES | FUNCTIONS, "gaussian-diffusion"),
        (FUNCTIONS, "functions"),
        ({}, "sampler"),
    ],
)
def test_what_asks_for_most_comes_first(offers, shape):
    assert recognise(CallableTarget(**offers)) == shape


def test_a_third_parameter_called_sigmas_makes_a_sampler_of_denoisers():
    assert recognise(lambda model, x, sigmas: nothing()) == "denoiser-sampler"
    assert recognise(lambda model, x, steps: nothing()) == "sampler"
    assert recognise(lambda model, x, steps, sigmas=None: nothing()) == "sampler"


def test_a_module_is_functions():
    assert recognise(sys.modules["refdiff.equations"]) == "functions"


@pytest.mark.parametrize("target", [SimpleNamespace(), 3, lambda: None, SimpleNamespace(betas=[1])])
def test_what_has_no_shape(target):
    with pytest.raises(UserError, match="is not recognised"):
        recognise(target)


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_lists_its_checks_without_running_the_target(name):
    target = {
        "scheduler": SimpleNamespace(**STEPPING),
        "gaussian-diffusion": SimpleNamespace(**TABLES),
        "functions": SimpleNamespace(**FUNCTIONS),
        "denoiser-sampler": lambda model, x, sigmas: nothing(),
        "sampler": lambda model, x, steps: nothing(),
    }[name]
    module = shape_of(name)
    assert name == module.NAME
    assert module.recognises(target)
    found = checks_of(target, default_settings(), shape=name)
    assert len(found) > 10
    assert all(check.id.count("/") == 1 and check.id == check.id.lower() for check in found)
    assert not {"_", " ", "*", "?", "[", ",", "="} & set("".join(check.id for check in found))


def test_ids_are_unique(monkeypatch):
    twice = [Check("a/b", (), conforms)] * 2
    fake = SimpleNamespace(checks=lambda target, settings: twice)
    monkeypatch.setattr(shapes, "shape_of", lambda name: fake)
    with pytest.raises(ValueError, match="two checks of the shape functions have the id a/b"):
        checks_of(None, default_settings(), shape="functions")


def test_functions_are_judged_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    right = SimpleNamespace(snr=lambda *, alpha_bar_t: alpha_bar_t / (1 - alpha_bar_t))
    assert conformance.run(right, only="snr/values").exit_status == 0
    with pytest.raises(UserError, match=r"needs torch, .* pip install 'refdiff\[check\]'"):
        conformance.run(lambda model, x_T: x_T)


def test_the_equations_of_all_checks_exist():
    from refdiff.catalogue import load

    known = load().equations
    for name in SHAPES[2:]:
        target = {"functions": SimpleNamespace(**FUNCTIONS)}.get(name, lambda m, x, sigmas: None)
        for check in checks_of(target, default_settings(), shape=name):
            assert set(check.equations) <= set(known), check
