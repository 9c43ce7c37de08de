"""k-diffusion 0.1.1.post1: `sample_dpmpp_2m_sde` and `sample_dpmpp_3m_sde` fail with a single step.

The step to sigma 0 leaves `h` unset, which is read after it.

Packages that are imported and not used here (torchvision) may be missing.
"""

import torch

from validation.targets.adapters.k_diffusion import sample_dpmpp_2m_sde, sample_dpmpp_3m_sde

sigmas = torch.tensor([10.0, 0.0])
for sample in (sample_dpmpp_2m_sde, sample_dpmpp_3m_sde):
    try:
        x = sample(lambda x, sigma: torch.zeros_like(x), torch.ones(1, 1), sigmas, disable=True)
        print(f"{sample.__name__}: {x.item()}, expected 0.0")
    except UnboundLocalError as error:
        print(f"{sample.__name__}: UnboundLocalError: {error}, expected 0.0")
