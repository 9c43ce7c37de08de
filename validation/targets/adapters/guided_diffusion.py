"""guided-diffusion, the user's own copy: functions that `refdiff.equations` has as well."""

import torch
from guided_diffusion.gaussian_diffusion import get_named_beta_schedule
from guided_diffusion.losses import discretized_gaussian_log_likelihood, normal_kl

from validation.targets.adapters.tensors import tensors


class Functions:
    """Named and called as in `refdiff.equations`."""

    def linear_betas(self, num_steps):
        """Return the table called "linear"."""
        return get_named_beta_schedule("linear", num_steps)

    def cosine_betas(self, num_steps):
        """Return the table called "cosine"."""
        return get_named_beta_schedule("cosine", num_steps)

    def normal_kl(self, mean_1, log_variance_1, mean_2, log_variance_2):
        """Return the divergence per element."""
        return normal_kl(*tensors(mean_1, log_variance_1, mean_2, log_variance_2))

    def discretized_gaussian_log_likelihood(self, x_0, *, mean, std):
        """Return the log-likelihood per element."""
        x_0, mean, std = tensors(x_0, mean, std)
        return discretized_gaussian_log_likelihood(x_0, means=mean, log_scales=torch.log(std))
