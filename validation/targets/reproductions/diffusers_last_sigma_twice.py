"""diffusers 0.42.1: with Karras sigmas the last step of DEIS and SASolver goes nowhere.

The list of sigmas ends with its last entry twice (as that of DPM-Solver did until it was mended in
https://github.com/huggingface/diffusers/pull/6477), so that one call of the model is lost: with a
single step the result is the noise that it began with.
"""

import torch
from diffusers import DEISMultistepScheduler, DPMSolverMultistepScheduler, SASolverScheduler

POINT = 0.5
for kind in (DEISMultistepScheduler, SASolverScheduler, DPMSolverMultistepScheduler):
    scheduler = kind(use_karras_sigmas=True)
    scheduler.set_timesteps(1)
    noise = torch.randn(1, 1, 64, 64)
    t = scheduler.timesteps[0]
    level = scheduler.alphas_cumprod[t]
    eps = (noise - level.sqrt() * POINT) / (1 - level).sqrt()
    x = scheduler.step(eps, t, noise).prev_sample
    sigmas = [round(sigma, 4) for sigma in scheduler.sigmas.tolist()]
    print(f"{kind.__name__}: sigmas {sigmas}, mean {x.mean():.3f} and deviation {x.std():.3f}")
print(f"expected: mean {POINT}, deviation at most that of the last level, 0.01")
