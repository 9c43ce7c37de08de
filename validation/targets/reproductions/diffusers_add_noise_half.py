"""diffusers 0.42.1: `add_noise` in float16 adds no noise at the first times.

1 - alphas_cumprod is formed after the table was cast to the dtype of the data: at t = 0 the level
0.9999 becomes 1 and the noise is multiplied by 0.
"""

import torch
from diffusers import DDPMScheduler

data, noise, t = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), torch.tensor([0])
for dtype in (torch.float16, torch.bfloat16, torch.float32):
    factor = DDPMScheduler().add_noise(data.to(dtype), noise.to(dtype), t).item()
    print(f"{dtype}: factor of the noise at t = 0 is {factor:.6f}, expected 0.010000")
