"""diffusers 0.42.1: Karras, exponential and beta sigmas fail with the cosine schedule.

The noisiest sigmas of that schedule are many for few times; times that are equal once they are
whole numbers confuse the counter of steps.
https://github.com/huggingface/diffusers/issues/12771
"""

import torch
from diffusers import (
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    KDPM2DiscreteScheduler,
    SASolverScheduler,
    UniPCMultistepScheduler,
)

for kind in (
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    UniPCMultistepScheduler,
    DEISMultistepScheduler,
    SASolverScheduler,
    KDPM2DiscreteScheduler,
):
    scheduler = kind(beta_schedule="squaredcos_cap_v2", use_karras_sigmas=True)
    scheduler.set_timesteps(12)
    x = torch.ones(1, 1, 1, 1) * scheduler.init_noise_sigma
    try:
        for t in scheduler.timesteps:
            scheduler.scale_model_input(x, t)
            x = scheduler.step(torch.zeros_like(x), t, x).prev_sample
        print(f"{kind.__name__}: {x.item()}, expected a finite number")
    except (IndexError, AssertionError) as error:
        print(f"{kind.__name__}: {type(error).__name__}, expected a finite number")
