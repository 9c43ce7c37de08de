"""Steps and coefficients of numerical solvers for the reverse equations."""

from __future__ import annotations

from refdiff.equations.solvers.ancestral import ancestral_fresh_noise, ancestral_kept_noise
from refdiff.equations.solvers.churn import (
    churn_rise,
    churned_sigma,
    churned_state,
    training_sigma,
)
from refdiff.equations.solvers.columns import ve_sigma, vp_c_noise, vp_scale, vp_sigma, vp_time
from refdiff.equations.solvers.edm import (
    edm_drift,
    edm_forward_sde_drift,
    edm_reverse_sde_drift,
    edm_scaled_drift,
    edm_sde_diffusion,
    edm_slope,
    euler_step,
    heun_step,
)
from refdiff.equations.solvers.multistep import adams_bashforth_weights
from refdiff.equations.solvers.pndm import (
    plms_eps,
    pndm_transfer,
    prk_eps,
    s_pndm_eps,
    s_pndm_first_eps,
)
from refdiff.equations.solvers.preconditioning import (
    eps_network_c_in,
    eps_network_c_out,
    eps_network_weight,
    ideal_denoiser,
    network_target,
    network_weight,
    preconditioned,
    ve_c_noise,
)
from refdiff.equations.solvers.schedules import (
    iddpm_indices,
    iddpm_sigmas,
    ve_times,
    vp_times,
)

__all__ = [
    "adams_bashforth_weights",
    "ancestral_fresh_noise",
    "ancestral_kept_noise",
    "churn_rise",
    "churned_sigma",
    "churned_state",
    "edm_drift",
    "edm_forward_sde_drift",
    "edm_reverse_sde_drift",
    "edm_scaled_drift",
    "edm_sde_diffusion",
    "edm_slope",
    "eps_network_c_in",
    "eps_network_c_out",
    "eps_network_weight",
    "euler_step",
    "heun_step",
    "iddpm_indices",
    "iddpm_sigmas",
    "ideal_denoiser",
    "network_target",
    "network_weight",
    "plms_eps",
    "pndm_transfer",
    "preconditioned",
    "prk_eps",
    "s_pndm_eps",
    "s_pndm_first_eps",
    "training_sigma",
    "ve_c_noise",
    "ve_sigma",
    "ve_times",
    "vp_c_noise",
    "vp_scale",
    "vp_sigma",
    "vp_time",
    "vp_times",
]
