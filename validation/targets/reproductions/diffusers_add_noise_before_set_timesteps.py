"""diffusers 0.42.1: multistep schedulers noise training data with the levels in reverse.

Before `set_timesteps` the sigmas of these schedulers ascend while their times descend, and
`add_noise` looks a sigma up at the position of its time: t = 999 gets the level of t = 0.
"""

import torch
from diffusers import (
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    UniPCMultistepScheduler,
)

data, noise, t = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), torch.tensor([999])
expected = DDPMScheduler().add_noise(data, noise, t).item()
for kind in (
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    UniPCMultistepScheduler,
    DEISMultistepScheduler,
):
    factor = kind().add_noise(data, noise, t).item()
    print(f"{kind.__name__}: data at t = 999 times {factor:.6f}, expected {expected:.6f}")
