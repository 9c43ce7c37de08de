"""disanda/GM (1db09ec): `ddim_sample` with T steps reads beyond its tables.

Run with the checkout on the search path:
    PYTHONPATH=.:path/to/GM python validation/targets/reproductions/gm_ddim_all_steps.py
"""

import torch

from validation.targets.adapters.gm import ddim

print("expected: a sample")
try:
    zeros = ddim(lambda x, t: torch.zeros_like(x), torch.zeros(1, 1, 2, 2), steps=1000)
    print("observed:", tuple(zeros.shape))
except RuntimeError as error:
    print("observed: RuntimeError:", error)
