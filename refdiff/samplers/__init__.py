"""Samplers: loops that compose functions of `refdiff.equations` and hold no formula of their own.

A sampler is called with a model, a first state and a list of times, and returns a `Trajectory`, an
iterator that takes one step whenever it is asked for the next:

    steps = ddim(model, x_T, alpha_bars=alpha_bars, timesteps=times, eta=0.0)
    x = last(steps)

* ``model(x, t)`` gets the state and the training time t in 1..T, a Python int, and returns its
  prediction (eps, x_0 or v), or ``(prediction, v)`` with v in [0, 1] where it learned its variance.
* ``noise(t, s, like)`` is asked for standard normal noise, and only by steps that add noise.
  `SampleNoise` gives each sample of a batch a stream of its own.
* ``limit`` keeps the predicted x_0 in the range of the data: nothing is clipped unless asked for.
* Guidance is a model made of models: `guided`, `classifier_free`.

`ddim` and `ddpm` run over the whole times of a table. The solvers run over the real times of a
`refdiff.samplers.schedule.Schedule`, made of a table or of a formula there, and
`refdiff.samplers.times` spaces; the list then holds the end of the run too:

    steps = dpm_solver_pp(model, x_T, schedule=discrete(alpha_bars), times=to_zero(timesteps))

They are `euler` and `heun`, `edm_stochastic` and `ancestral` with fresh noise, the multistep
methods `lms`, `pndm` and `s_pndm`, and the exponential integrators `dpm_solver`, `dpm_solver_pp`
and `unipc`. A model may also predict the score or the velocity dx/dt.

States may be NumPy arrays, torch tensors, JAX arrays or `refdiff.closed_form.AffineMap`, whose
output holds the exact law of what the sampler makes. Importing this package does not import torch.
"""

from __future__ import annotations

from refdiff.samplers.ddim import ddim
from refdiff.samplers.ddpm import VARIANCES, ddpm
from refdiff.samplers.dpm_solver import dpm_solver
from refdiff.samplers.dpm_solver_pp import DPM_SOLVER_PP_VARIANTS, dpm_solver_pp
from refdiff.samplers.euler import ancestral, euler
from refdiff.samplers.guidance import classifier_free, guided
from refdiff.samplers.heun import edm_stochastic, heun
from refdiff.samplers.limits import (
    Limit,
    clipping,
    clipping_uncorrected,
    dynamic_thresholding,
    dynamic_thresholding_uncorrected,
)
from refdiff.samplers.lms import lms
from refdiff.samplers.noise import NumpySampleNoise, SampleNoise
from refdiff.samplers.pndm import pndm, s_pndm
from refdiff.samplers.prediction import PREDICTIONS, predictions
from refdiff.samplers.predictor_corrector import (
    matched_step_size,
    predictor_corrector,
    proportional_step_size,
)
from refdiff.samplers.step import Step, Trajectory
from refdiff.samplers.trajectory import at_times, evenly_spaced, last
from refdiff.samplers.unipc import UNIPC_FORMS, unipc

__all__ = [
    "DPM_SOLVER_PP_VARIANTS",
    "PREDICTIONS",
    "UNIPC_FORMS",
    "VARIANCES",
    "Limit",
    "NumpySampleNoise",
    "SampleNoise",
    "Step",
    "Trajectory",
    "ancestral",
    "at_times",
    "classifier_free",
    "clipping",
    "clipping_uncorrected",
    "ddim",
    "ddpm",
    "dpm_solver",
    "dpm_solver_pp",
    "dynamic_thresholding",
    "dynamic_thresholding_uncorrected",
    "edm_stochastic",
    "euler",
    "evenly_spaced",
    "guided",
    "heun",
    "last",
    "lms",
    "matched_step_size",
    "pndm",
    "predictions",
    "predictor_corrector",
    "proportional_step_size",
    "s_pndm",
    "unipc",
]
