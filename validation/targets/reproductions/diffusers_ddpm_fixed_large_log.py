"""diffusers 0.42.1: `DDPMScheduler` with `fixed_large_log` takes the square root of a logarithm.

The result is NaN; the log-variance is right, its standard deviation is exp of one half of it.
https://github.com/huggingface/diffusers/issues/14569
"""

import torch
from diffusers import DDPMScheduler

sample, output = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
for variance_type in ("fixed_large_log", "fixed_large"):
    scheduler = DDPMScheduler(variance_type=variance_type)
    scheduler.set_timesteps(10)
    generator = torch.Generator().manual_seed(0)
    step = scheduler.step(output, scheduler.timesteps[0], sample, generator=generator)
    print(f"{variance_type}: {step.prev_sample.flatten().tolist()}")
