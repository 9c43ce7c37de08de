"""azula 0.11.1: `REABSampler` multiplies its integral by the noise of the wrong time.

Its documentation has sqrt(1 + e^{2s}) there, so sqrt(alpha_s^2 + sigma_s^2). The code takes
sigma_t, and the method of order 2 converges like one of order 1: on Gaussian data, whose exact
denoiser azula provides, halving the steps halves the error in place of quartering it.
"""

import torch
from azula.denoise import GaussianDenoiser
from azula.linalg.covariance import IsotropicCovariance
from azula.noise import VESchedule
from azula.sample import REABSampler, zABSampler

torch.set_default_dtype(torch.float64)
schedule = VESchedule(sigma_min=1e-3, sigma_max=1e2)
mean, variance = torch.tensor([0.3]), torch.tensor(0.25)
denoiser = GaussianDenoiser(mean, IsotropicCovariance(variance), schedule)


def flow(time: float) -> torch.Tensor:
    """Return the exact path of the probability flow that ends 1.3 deviations above the mean."""
    alpha, sigma = schedule(torch.tensor(time))
    return alpha * mean + 1.3 * torch.sqrt(alpha**2 * variance + sigma**2)


def error(sampler: type, steps: int) -> float:
    """Return the distance from the exact end."""
    run = sampler(denoiser, order=2, steps=steps, silent=True, dtype=torch.float64)
    return float((run(flow(1.0)) - flow(0.0)).abs())


for sampler in (REABSampler, zABSampler):
    ratio = error(sampler, 128) / error(sampler, 256)
    print(f"{sampler.__name__}: error at 128 steps / error at 256 = {ratio:.2f}, expected near 4")
