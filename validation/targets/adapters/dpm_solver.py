"""dpm-solver: the user's own copy of ``dpm_solver_pytorch.py``, on the schedule of the check."""

from typing import Any

import torch
from dpm_solver_pytorch import DPM_Solver, NoiseScheduleVP, model_wrapper

from refdiff.equations import cosine_betas, linear_betas

_LINEAR = torch.from_numpy(linear_betas(1000))
_COSINE = torch.from_numpy(cosine_betas(1000))


def _run(betas: torch.Tensor, model: Any, x: Any, options: dict, **settings: Any) -> Any:
    # Its grids are made by torch.linspace in the default dtype.
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        schedule = NoiseScheduleVP("discrete", betas=betas, dtype=torch.float64)
        solver = DPM_Solver(model_wrapper(model, schedule), schedule, **options)
        return solver.sample(x, denoise_to_zero=True, **settings)
    finally:
        torch.set_default_dtype(before)


def first_order(model, x, *, steps=10):
    """Sample with DPM-Solver-1."""
    options = {"algorithm_type": "dpmsolver"}
    return _run(_LINEAR, model, x, options, steps=steps, order=1)


def multistep(model, x, *, steps=10):
    """Sample with DPM-Solver++(2M)."""
    return _run(_LINEAR, model, x, {"algorithm_type": "dpmsolver++"}, steps=steps, order=2)


def multistep_third(model, x, *, steps=10):
    """Sample with DPM-Solver++(3M)."""
    return _run(_LINEAR, model, x, {"algorithm_type": "dpmsolver++"}, steps=steps, order=3)


def singlestep(model, x, *, steps=10):
    """Sample with DPM-Solver-2."""
    options = {"algorithm_type": "dpmsolver"}
    return _run(_LINEAR, model, x, options, steps=steps, order=2, method="singlestep")


def cosine(model, x, *, steps=10):
    """Sample with DPM-Solver++(2M) on the cosine schedule."""
    return _run(_COSINE, model, x, {"algorithm_type": "dpmsolver++"}, steps=steps, order=2)
