"""The exponential integrators with options of their own, and grids to measure them on."""

import numpy as np
import pytest

from refdiff.samplers import dpm_solver, dpm_solver_pp, unipc
from refdiff.samplers.times import log_snr_times
from tests.samplers.convergence import SCHEDULES, SPANS

# name -> (sampler, its own options)
ALL = {
    "dpm-1": (dpm_solver, {"order": 1}),
    "dpm-2": (dpm_solver, {"order": 2}),
    "dpm-3": (dpm_solver, {"order": 3}),
    "pp-1": (dpm_solver_pp, {"variant": "1"}),
    "pp-2S": (dpm_solver_pp, {"variant": "2S"}),
    "pp-2M": (dpm_solver_pp, {"variant": "2M"}),
    "pp-SDE-1": (dpm_solver_pp, {"variant": "SDE-1"}),
    "pp-SDE-2M": (dpm_solver_pp, {"variant": "SDE-2M"}),
    "unip-1": (unipc, {"order": 1, "corrector": False}),
    "unip-2": (unipc, {"order": 2, "corrector": False}),
    "unip-3": (unipc, {"order": 3, "corrector": False}),
    "unipc-1": (unipc, {"order": 1}),
    "unipc-2": (unipc, {"order": 2, "b": "B1"}),
    "unipc-3": (unipc, {"order": 3}),
    "unipc-3-data": (unipc, {"order": 3, "form": "x_0"}),
}
STAGES = {"dpm-2": 2, "dpm-3": 3, "pp-2S": 2}
"""How often a step of finite length asks the model; once where nothing is said."""

RANDOM = {"pp-SDE-1", "pp-SDE-2M"}
every_integrator = pytest.mark.parametrize("name", list(ALL))
X_T = np.random.default_rng(2).standard_normal((3, 2, 4))


def curved(x, t):
    """Predict by a rule that is not linear, so that no error can hide in symmetry."""
    return np.sin(1.3 * x + 0.1 * t) + 0.2


def fresh(t, s, like):
    return np.random.default_rng([int(1000 * t), int(1000 * s)]).standard_normal(like.shape)


def run(name, model, x_T, **more):
    sampler, own = ALL[name]
    return sampler(model, x_T, **own, **{"noise": fresh, **more})


def even(name, count):
    """Return times of a schedule, even in the log-SNR."""
    start, end = SPANS[name]
    return log_snr_times(SCHEDULES[name], count, start=start, end=end)


def graded(name, count):
    """Return such times with the first step cut up: its lengths double from 1/count of it on.

    A multistep method begins with order 1, which then costs the square of a short step only.
    """
    start, *others = even(name, count)
    schedule = SCHEDULES[name]
    low, high = schedule.log_snr(start), schedule.log_snr(others[0])
    shares = [2.0**k / count for k in range(int(np.log2(count)))]
    cuts = [schedule.time_at(low + (high - low) * share) for share in shares]
    return [start, *cuts, *others]
