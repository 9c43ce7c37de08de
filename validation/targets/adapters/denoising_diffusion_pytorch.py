"""denoising-diffusion-pytorch: its classes have a shape that refdiff recognises.

They are built around a network, of which they ask some attributes; the one here has no weights and
is replaced by the probe.
"""

from typing import Any

import torch

from validation.targets.adapters.absent import stand_in

stand_in(
    "torchvision",
    "torchvision.transforms",
    "torchvision.utils",
    "ema_pytorch",
    "pytorch_fid",
    "pytorch_fid.fid_score",
    "pytorch_fid.inception",
)

from denoising_diffusion_pytorch import (  # noqa: E402
    GaussianDiffusion,
    LearnedGaussianDiffusion,
    WeightedObjectiveGaussianDiffusion,
)
from denoising_diffusion_pytorch import guided_diffusion as guided  # noqa: E402

SIZE = 4


class Network(torch.nn.Module):
    """A network without weights that answers 0."""

    channels = 1
    self_condition = False
    random_or_learned_sinusoidal_cond = False

    def __init__(self, out: int) -> None:
        super().__init__()
        self.out_dim = out

    def forward(self, x: torch.Tensor, t: torch.Tensor, *_: Any) -> torch.Tensor:
        """Return 0 for each output channel."""
        return torch.zeros_like(x).repeat(1, self.out_dim, 1, 1)


def gaussian_diffusion(**options: Any) -> Any:
    """Return `GaussianDiffusion`."""
    return GaussianDiffusion(Network(1), image_size=SIZE, **options)


def guided_diffusion(**options: Any) -> Any:
    """Return `guided_diffusion.GaussianDiffusion`."""
    return guided.GaussianDiffusion(Network(1), image_size=SIZE, **options)


def learned(**options: Any) -> Any:
    """Return `LearnedGaussianDiffusion`, which learns the variance too."""
    return LearnedGaussianDiffusion(Network(2), image_size=SIZE, **options)


def weighted(**options: Any) -> Any:
    """Return `WeightedObjectiveGaussianDiffusion`."""
    return WeightedObjectiveGaussianDiffusion(Network(4), image_size=SIZE, **options)
