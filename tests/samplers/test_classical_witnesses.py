"""The classical solvers against integrators that other people wrote."""

import numpy as np
import pytest
import torch

from refdiff.samplers import euler, heun, last, lms
from refdiff.samplers.schedule import edm
from refdiff.testing import assert_close, assert_law
from tests.samplers import convergence as measured

torchdiffeq = pytest.importorskip("torchdiffeq", reason="torchdiffeq is not installed")

TIMES = [4.0, 2.5, 1.7, 1.1, 0.6, 0.3]
MODEL = measured.exact_model("mixture", edm())


def slope(t, y):
    return torch.from_numpy(MODEL(y.numpy(), float(t)))


@pytest.mark.verifies("karras2022/euler-step", "karras2022/heun-step", kind="witness")
@pytest.mark.parametrize(("sampler", "method"), [(euler, "euler"), (heun, "heun2")])
def test_states_are_those_of_torchdiffeq(sampler, method):
    """In EDM's schedule the predicted noise is dx/dt, so the sampler is the plain integrator."""
    x_T = measured.initial("mixture", "edm")
    grid = torch.tensor(TIMES, dtype=torch.float64)
    wanted = torchdiffeq.odeint(slope, torch.from_numpy(x_T), grid, method=method)
    steps = sampler(MODEL, x_T, schedule=edm(), times=TIMES)
    for step, there in zip(steps, wanted[1:], strict=True):
        assert_close(step.x, there, terms=np.abs(x_T).max(), units=64)


@pytest.mark.verifies("liu2022/adams-bashforth", kind="witness")
def test_a_multistep_on_a_fine_grid_agrees_with_an_adaptive_integrator():
    x_T, times = measured.initial("mixture", "edm"), measured.graded("edm", 640)
    grid = torch.tensor([times[0], times[-1]], dtype=torch.float64)
    wanted = torchdiffeq.odeint(
        slope, torch.from_numpy(x_T), grid, method="dopri8", rtol=1e-12, atol=1e-12
    )
    found = last(lms(MODEL, x_T, schedule=edm(), times=times, order=4))
    assert_law("P094", found, wanted[-1])
