"""One documented function per paper equation.

Importing this package needs NumPy alone. Tensors are positional, schedule values keyword-only;
every function follows the dtype and device of its arguments. Functions of a general signal and
noise scale (alpha_t, sigma_t) stand in :mod:`refdiff.equations.continuous` under the same names.
The subpackages `bounds`, `flow`, `guiding`, `sde`, `solvers` and `weights` hold what their names
say.
"""

from __future__ import annotations

from refdiff.equations import bounds as bounds
from refdiff.equations import continuous as continuous
from refdiff.equations import flow as flow
from refdiff.equations import guiding as guiding
from refdiff.equations import sde as sde
from refdiff.equations import solvers as solvers
from refdiff.equations import weights as weights
from refdiff.equations.edm import (
    edm_c_in,
    edm_c_noise,
    edm_c_out,
    edm_c_skip,
    edm_loss_weight,
)
from refdiff.equations.forward import (
    forward_mean,
    forward_sample,
    forward_variance,
    transition_mean,
    transition_variance,
)
from refdiff.equations.guidance import (
    classifier_free_guidance,
    classifier_guided_eps,
    classifier_guided_mean,
    dynamic_threshold,
    guidance_from_scale,
    interval_scale,
    rescale_guidance,
)
from refdiff.equations.likelihood import bits_per_dim, discretized_gaussian_log_likelihood
from refdiff.equations.objectives import (
    min_snr_weight_eps,
    min_snr_weight_v,
    min_snr_weight_x_0,
    normal_kl,
    p2_weight_eps,
    prior_kl,
    simple_loss,
    vlb_weight_eps,
)
from refdiff.equations.parameterization import (
    eps_from_v,
    eps_from_x_0,
    v_from_eps,
    v_from_x_0,
    x_0_from_eps,
    x_0_from_v,
)
from refdiff.equations.posterior import (
    learned_range_variance,
    optimal_reverse_variance,
    posterior_mean,
    posterior_mean_from_eps,
    posterior_variance,
)
from refdiff.equations.schedules import (
    cosine_betas,
    linear_betas,
    scaled_linear_betas,
    sigmoid_alpha_bars,
)
from refdiff.equations.score import (
    eps_from_score,
    score_from_eps,
    score_from_x_0,
    x_0_from_score,
)
from refdiff.equations.shapes import per_sample
from refdiff.equations.signal_to_noise import (
    alpha_bar_from_log_snr,
    log_snr,
    shifted_log_snr,
    snr,
)
from refdiff.equations.steps import (
    ddim_mean,
    ddim_sigma,
    ddim_step,
    ddpm_step,
    ddpm_step_fixed_large,
)
from refdiff.equations.tables import (
    alpha_bars_from_betas,
    betas_from_alpha_bars,
    zero_terminal_snr,
)
from refdiff.equations.timesteps import (
    karras_sigmas,
    leading_timesteps,
    linspace_timesteps,
    trailing_timesteps,
)

__all__ = [
    "alpha_bar_from_log_snr",
    "alpha_bars_from_betas",
    "betas_from_alpha_bars",
    "bits_per_dim",
    "classifier_free_guidance",
    "classifier_guided_eps",
    "classifier_guided_mean",
    "cosine_betas",
    "ddim_mean",
    "ddim_sigma",
    "ddim_step",
    "ddpm_step",
    "ddpm_step_fixed_large",
    "discretized_gaussian_log_likelihood",
    "dynamic_threshold",
    "edm_c_in",
    "edm_c_noise",
    "edm_c_out",
    "edm_c_skip",
    "edm_loss_weight",
    "eps_from_score",
    "eps_from_v",
    "eps_from_x_0",
    "forward_mean",
    "forward_sample",
    "forward_variance",
    "guidance_from_scale",
    "interval_scale",
    "karras_sigmas",
    "leading_timesteps",
    "learned_range_variance",
    "linear_betas",
    "linspace_timesteps",
    "log_snr",
    "min_snr_weight_eps",
    "min_snr_weight_v",
    "min_snr_weight_x_0",
    "normal_kl",
    "optimal_reverse_variance",
    "p2_weight_eps",
    "per_sample",
    "posterior_mean",
    "posterior_mean_from_eps",
    "posterior_variance",
    "prior_kl",
    "rescale_guidance",
    "scaled_linear_betas",
    "score_from_eps",
    "score_from_x_0",
    "shifted_log_snr",
    "sigmoid_alpha_bars",
    "simple_loss",
    "snr",
    "trailing_timesteps",
    "transition_mean",
    "transition_variance",
    "v_from_eps",
    "v_from_x_0",
    "vlb_weight_eps",
    "x_0_from_eps",
    "x_0_from_score",
    "x_0_from_v",
    "zero_terminal_snr",
]
