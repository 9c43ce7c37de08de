"""smalldiffusion 0.5.0: sampling with a schedule's own sigmas stops at its first noise level.

`Schedule.sample_sigmas` ends with the first sigma of the schedule and not with 0: for data that is
a single point the result keeps that noise, with DDPM's schedule a standard deviation of 0.01.

Packages that are imported and not used here (torchvision) may be missing.
"""

import torch

from validation.targets.adapters.smalldiffusion import Model, smalldiffusion

POINT = 0.5
schedule = smalldiffusion.ScheduleDDPM()
sigmas = schedule.sample_sigmas(10)
x = sigmas[0] * torch.randn(10_000)
model = Model(lambda x, sigma: torch.full_like(x, POINT), x.shape)
for state in smalldiffusion.samples(model, sigmas, xt=x):
    x = state
print(f"standard deviation of the result {x.std():.4f}, of the data 0")
