"""azula 0.11.1: in `DDIMSampler` eta multiplies the variance, in the DDIM paper (eq. 16) sigma.

Its documentation states the formula that it computes, and eta = 0 and 1 are the same in both; at
0.5 the noise is larger by a factor sqrt(2).
"""

import torch
from azula.denoise import Denoiser, DiracPosterior
from azula.noise import VPSchedule
from azula.sample import DDIMSampler


class Zero(Denoiser):
    """Predict that the data is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule = VPSchedule()

    def forward(self, x_t: torch.Tensor, t: torch.Tensor) -> DiracPosterior:
        """Return 0."""
        return DiracPosterior(mean=torch.zeros_like(x_t))


t, s, eta = torch.tensor(0.6), torch.tensor(0.5), 0.5
noise = DDIMSampler(Zero(), eta=eta, silent=True).step(torch.zeros(100_000), t, s)

(alpha_t, sigma_t), (alpha_s, sigma_s) = VPSchedule()(t), VPSchedule()(s)
paper = eta * sigma_s / sigma_t * torch.sqrt(sigma_t**2 - (alpha_t / alpha_s * sigma_s) ** 2)
print(f"sigma: azula {noise.std():.4f}, DDIM eq. 16 {paper:.4f}")
