"""smalldiffusion: one sampler whose parameters choose the method, called with a denoiser.

Its models predict eps at a sigma and are asked for more than an answer (`eval`, `rand_input`); this
class supplies that from a function that returns the denoised x_0.
"""

from types import SimpleNamespace
from typing import Any

import torch

from validation.targets.adapters.absent import stand_in

stand_in("torchvision", "torchvision.transforms")

import smalldiffusion  # noqa: E402


class Model:
    """A denoiser in the form of smalldiffusion's models."""

    def __init__(self, denoiser: Any, shape: torch.Size) -> None:
        self.denoiser, self.shape = denoiser, shape

    def eval(self) -> None:
        """Do nothing: there is no network."""

    def rand_input(self, batch: int) -> torch.Tensor:
        """Draw noise, as the models of smalldiffusion do."""
        return torch.randn((batch, *self.shape[1:]))

    def predict_eps_cfg(self, x: Any, sigma: Any, condition: Any, scale: float) -> Any:
        """Return eps of the denoiser's x_0."""
        return (x - self.denoiser(x, sigma)) / sigma


def _run(denoiser: Any, x: Any, sigmas: Any, **options: float) -> Any:
    here = SimpleNamespace(device="cpu")  # in place of an accelerate.Accelerator
    model = Model(denoiser, x.shape)
    for state in smalldiffusion.samples(model, sigmas, xt=x, accelerator=here, **options):
        x = state
    return x


def ddim(model, x, sigmas):
    """Sample with gam = 1 and mu = 0, which smalldiffusion documents as DDIM."""
    return _run(model, x, sigmas, gam=1.0, mu=0.0)


def ddpm(model, x, sigmas):
    """Sample with gam = 1 and mu = 0.5, which smalldiffusion documents as DDPM."""
    return _run(model, x, sigmas, gam=1.0, mu=0.5)


def accelerated(model, x, sigmas):
    """Sample with gam = 2 and mu = 0, which smalldiffusion calls accelerated."""
    return _run(model, x, sigmas, gam=2.0, mu=0.0)
