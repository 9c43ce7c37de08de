"""The classical solvers with options of their own, and a model and noise to run them with."""

import numpy as np
import pytest

from refdiff.samplers import (
    ancestral,
    edm_stochastic,
    euler,
    heun,
    lms,
    pndm,
    s_pndm,
)
from tests.samplers.worlds import TABLES

TABLE = TABLES[40]
TIMES = [40, 39, 25, 12, 3, 1]
X_T = np.random.default_rng(1).standard_normal((3, 2, 4, 4))

# name -> (sampler, its own options)
ALL = {
    "euler": (euler, {}),
    "ancestral": (ancestral, {"eta": 0.6}),
    "heun": (heun, {}),
    "stochastic": (edm_stochastic, {"churn": 1.0}),
    "lms": (lms, {}),
    "lms-2": (lms, {"order": 2}),
    "pndm": (pndm, {}),
    "pndm-euler": (pndm, {"start": "improved-euler"}),
    "s_pndm": (s_pndm, {}),
}
RANDOM = {"ancestral", "stochastic"}
every_sampler = pytest.mark.parametrize("name", list(ALL))


def curved(x, t):
    """Predict noise by a rule that is not linear, so that no error can hide in symmetry."""
    return np.sin(1.3 * x + 0.1 * t) + 0.2


def fresh(t, s, like):
    return np.random.default_rng([int(100 * t), int(100 * s)]).standard_normal(like.shape)


def run(name, model, x_T, **more):
    sampler, own = ALL[name]
    return sampler(model, x_T, **own, **{"noise": fresh, **more})
