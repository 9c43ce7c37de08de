"""What a sampler is given is as it was afterwards, or the check says what is not."""

import numpy as np
import pytest
import torch

from refdiff import conformance
from refdiff.conformance.sampling.inputs import overwritten

ALPHA_BARS = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), dim=0)


def ddim(model, x_T, steps=10, *, in_place=False):
    x = x_T
    times = torch.linspace(999, 0, steps).round().long().tolist()
    for t, s in zip(times, [*times[1:], -1], strict=True):
        a_t, a_s = ALPHA_BARS[t], ALPHA_BARS[s] if s >= 0 else torch.ones(())
        eps = model(x, torch.full((len(x),), t))
        after = a_s.sqrt() * (x - (1 - a_t).sqrt() * eps) / a_t.sqrt() + (1 - a_s).sqrt() * eps
        x = x.copy_(after) if in_place else after
    return x


def euler(model, x, sigmas, *, rescales=False):
    for sigma, lower in zip(sigmas[:-1].tolist(), sigmas[1:].tolist(), strict=True):
        x = x + (x - model(x, sigma * x.new_ones([len(x)]))) / sigma * (lower - sigma)
    if rescales:
        sigmas.mul_(0.5)
    return x


def in_place_ddim(model, x_T, steps=10):
    return ddim(model, x_T, steps, in_place=True)


def rescaling_euler(model, x, sigmas):
    return euler(model, x, sigmas, rescales=True)


@pytest.mark.parametrize(
    ("target", "check", "argument"),
    [
        (in_place_ddim, "in-place-ddim/keeps-its-inputs", "x_T"),
        (rescaling_euler, "rescaling-euler/keeps-its-inputs", "sigmas"),
    ],
)
def test_an_argument_that_is_overwritten_is_named(target, check, argument):
    found = conformance.run(target, only=[check]).result(check)
    assert (found.verdict, found.variant) == ("known-deviation", "mutates-its-inputs")
    assert argument in found.message


@pytest.mark.parametrize(("target", "name"), [(ddim, "ddim"), (euler, "euler")])
def test_arguments_that_are_kept_conform(target, name):
    report = conformance.run(target, only=[f"{name}/keeps-its-inputs"])
    assert report.result(f"{name}/keeps-its-inputs").verdict == "conforms"


def test_a_nan_is_no_change():
    given = {"x": torch.tensor([np.nan, 1.0])}
    assert overwritten(given, {"x": given["x"].clone()}) == set()
    assert overwritten(given, {"x": torch.tensor([np.nan, 2.0])}) == {"x"}
