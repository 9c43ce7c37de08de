"""ermongroup/ddim: the user's own copy of ``functions/denoising.py``.

It moves every state to the device "cuda"; here that word is read as the CPU.
"""

from typing import Any
from unittest import mock

import torch
from functions.denoising import ddpm_steps, generalized_steps

from refdiff.equations import linear_betas

_BETAS = torch.from_numpy(linear_betas(1000))
_to = torch.Tensor.to


def _to_cpu(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    return _to(tensor, *("cpu" if one == "cuda" else one for one in args), **kwargs)


def _run(steps_of: Any, model: Any, x: Any, steps: int, **options: Any) -> Any:
    times = range(0, 1000, 1000 // steps)  # as its own runner lists them
    with mock.patch.object(torch.Tensor, "to", _to_cpu):
        states, _ = steps_of(x, times, model, _BETAS, **options)
    return states[-1]


def ddim(model, x, *, steps=10, eta=0.0):
    """Sample with `generalized_steps`."""
    return _run(generalized_steps, model, x, steps, eta=eta)


def ddpm(model, x, *, steps=10):
    """Sample with `ddpm_steps`."""
    return _run(ddpm_steps, model, x, steps)
