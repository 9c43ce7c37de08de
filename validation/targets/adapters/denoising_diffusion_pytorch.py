"""denoising-diffusion-pytorch: its classes have a shape that refdiff recognises.

They are built around a network, of which they ask some attributes; the one here has no weights and
is replaced by the probe.
"""

from typing import Any

import torch

from validation.targets.adapters.absent import stand_in
from validation.targets.adapters.tensors import tensors

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
    ElucidatedDiffusion,
    GaussianDiffusion,
    LearnedGaussianDiffusion,
    WeightedObjectiveGaussianDiffusion,
)
from denoising_diffusion_pytorch import denoising_diffusion_pytorch as tables  # noqa: E402
from denoising_diffusion_pytorch import guided_diffusion as guided  # noqa: E402
from denoising_diffusion_pytorch import learned_gaussian_diffusion as learning  # noqa: E402

from refdiff.equations import alpha_bars_from_betas  # noqa: E402

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
    diffusion = LearnedGaussianDiffusion(Network(2), image_size=SIZE, **options)
    diffusion.model_var_type = "learned_range"  # which nothing else says
    return diffusion


def weighted(**options: Any) -> Any:
    """Return `WeightedObjectiveGaussianDiffusion`."""
    return WeightedObjectiveGaussianDiffusion(Network(4), image_size=SIZE, **options)


class Functions:
    """The functions and methods that have a counterpart in `refdiff.equations`."""

    def linear_betas(self, num_steps):
        """Return the table of ``beta_schedule="linear"``."""
        return tables.linear_beta_schedule(num_steps)

    def cosine_betas(self, num_steps, *, offset=0.008):
        """Return the table of ``beta_schedule="cosine"``."""
        return tables.cosine_beta_schedule(num_steps, s=offset)

    def sigmoid_alpha_bars(self, num_steps, *, start=-3.0, end=3.0, tau=1.0):
        """Return the levels of ``beta_schedule="sigmoid"``."""
        betas = tables.sigmoid_beta_schedule(num_steps, start=start, end=end, tau=tau)
        return alpha_bars_from_betas(betas.numpy())

    def normal_kl(self, mean_1, log_variance_1, mean_2, log_variance_2):
        """Return the divergence per element."""
        return learning.normal_kl(*tensors(mean_1, log_variance_1, mean_2, log_variance_2))

    def discretized_gaussian_log_likelihood(self, x_0, *, mean, std):
        """Return the log-likelihood per element."""
        x_0, mean, std = tensors(x_0, mean, std)
        return learning.discretized_gaussian_log_likelihood(
            x_0, means=mean, log_scales=torch.log(std)
        )

    def edm_c_skip(self, *, sigma, sigma_data):
        """Return c_skip of `ElucidatedDiffusion`."""
        return _elucidated(sigma_data).c_skip(sigma)

    def edm_c_out(self, *, sigma, sigma_data):
        """Return c_out of `ElucidatedDiffusion`."""
        return _elucidated(sigma_data).c_out(sigma)

    def edm_c_in(self, *, sigma, sigma_data):
        """Return c_in of `ElucidatedDiffusion`."""
        return _elucidated(sigma_data).c_in(sigma)

    def edm_c_noise(self, *, sigma):
        """Return c_noise of `ElucidatedDiffusion`."""
        return _elucidated(0.5).c_noise(torch.as_tensor(sigma))

    def edm_loss_weight(self, *, sigma, sigma_data):
        """Return the loss weight of `ElucidatedDiffusion`."""
        return _elucidated(sigma_data).loss_weight(sigma)


def _elucidated(sigma_data: Any) -> Any:
    network = Network(1)
    network.random_or_learned_sinusoidal_cond = True
    return ElucidatedDiffusion(network, image_size=SIZE, sigma_data=sigma_data)
