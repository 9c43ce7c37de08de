"""Stochastic and ordinary differential equations: drifts, diffusions, kernels, losses.

A forward process dx = f(x, t) dt + g(t) dw carries the data to noise. `variance_preserving` and
`variance_exploding` have the processes in use and their kernels, `reverse` the SDE and the ODE
that run backwards, `steps` the discrete chains, predictors and correctors, `score_matching` the
losses of scores. `gamma`, `scales` and `diffusion_loss` have the same world in the log-SNR of
Variational Diffusion Models. Time t is in [0, 1], data at 0.
"""

from __future__ import annotations

from refdiff.equations.sde.diffusion_loss import (
    continuous_loss_eps,
    continuous_loss_x_0,
    diffusion_loss_eps,
    diffusion_loss_x_0,
    weighted_loss_x_0,
)
from refdiff.equations.sde.gamma import (
    alpha_from_gamma,
    posterior_variance_from_gamma,
    reverse_mean_from_gamma,
    sigma_from_gamma,
    snr_from_gamma,
    transition_variance_from_gamma,
)
from refdiff.equations.sde.reverse import (
    conditional_reverse_drift,
    general_probability_flow_drift,
    probability_flow_drift,
    reverse_drift,
)
from refdiff.equations.sde.scales import (
    diffusion_from_gamma_rate,
    linear_drift,
    reverse_mean_from_eps,
    reverse_mean_from_score,
    squared_diffusion,
)
from refdiff.equations.sde.score_matching import (
    ddpm_score_loss,
    score_matching_loss,
    smld_loss,
)
from refdiff.equations.sde.steps import (
    corrector_step_size,
    langevin_step,
    reverse_diffusion_step,
    ve_ancestral_step,
    ve_chain_step,
    vp_ancestral_step,
    vp_chain_step,
    vp_reverse_diffusion_step,
)
from refdiff.equations.sde.variance_exploding import (
    ve_added_variance,
    ve_diffusion,
    ve_posterior_mean,
    ve_posterior_variance,
    ve_sigma,
    ve_transition_variance,
    ve_variance,
)
from refdiff.equations.sde.variance_preserving import (
    sub_vp_diffusion,
    sub_vp_variance,
    vp_beta,
    vp_beta_integral,
    vp_diffusion,
    vp_drift,
    vp_mean_scale,
    vp_variance,
)

__all__ = [
    "alpha_from_gamma",
    "conditional_reverse_drift",
    "continuous_loss_eps",
    "continuous_loss_x_0",
    "corrector_step_size",
    "ddpm_score_loss",
    "diffusion_from_gamma_rate",
    "diffusion_loss_eps",
    "diffusion_loss_x_0",
    "general_probability_flow_drift",
    "langevin_step",
    "linear_drift",
    "posterior_variance_from_gamma",
    "probability_flow_drift",
    "reverse_diffusion_step",
    "reverse_drift",
    "reverse_mean_from_eps",
    "reverse_mean_from_gamma",
    "reverse_mean_from_score",
    "score_matching_loss",
    "sigma_from_gamma",
    "smld_loss",
    "snr_from_gamma",
    "squared_diffusion",
    "sub_vp_diffusion",
    "sub_vp_variance",
    "transition_variance_from_gamma",
    "ve_added_variance",
    "ve_ancestral_step",
    "ve_chain_step",
    "ve_diffusion",
    "ve_posterior_mean",
    "ve_posterior_variance",
    "ve_sigma",
    "ve_transition_variance",
    "ve_variance",
    "vp_ancestral_step",
    "vp_beta",
    "vp_beta_integral",
    "vp_chain_step",
    "vp_diffusion",
    "vp_drift",
    "vp_mean_scale",
    "vp_reverse_diffusion_step",
    "vp_variance",
    "weighted_loss_x_0",
]
