"""disanda/GM (1db09ec): `q_sample` offers `noise=None` and fails without noise.

Run with the checkout on the search path:
    PYTHONPATH=.:path/to/GM python validation/targets/reproductions/gm_q_sample.py
"""

import torch

from validation.targets.adapters.gm import diffusion

print("expected: a noisy sample, as from noise that is drawn")
try:
    print("observed:", diffusion(300).q_sample(torch.zeros(1, 1, 2, 2), torch.tensor([5])))
except TypeError as error:
    print("observed: TypeError:", error)
