"""diffusers 0.42.1: with as many steps as training times, multistep solvers return NaN.

`set_timesteps(1000)` spreads 1001 points over 1000 times, rounds them and so lists one time twice;
the step between the two has length 0, by which the second-order correction divides.
"""

import torch
from diffusers import DEISMultistepScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler

for kind in (DPMSolverMultistepScheduler, UniPCMultistepScheduler, DEISMultistepScheduler):
    scheduler = kind()
    scheduler.set_timesteps(1000)
    x = torch.ones(1, 1, 1, 1)
    for t in scheduler.timesteps:
        x = scheduler.step(torch.zeros_like(x), t, x).prev_sample
    twice = scheduler.timesteps[1:][scheduler.timesteps.diff() == 0].tolist()
    print(f"{kind.__name__}: time listed twice {twice}, result {x.item()}, expected finite")
