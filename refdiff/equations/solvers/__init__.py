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
from refdiff.equations.solvers.ddim import (
    ddim_encode_step,
    ddim_euler_step,
    ddim_forward_mean,
    ddim_forward_variance,
    ddim_larger_sigma,
    ddim_probability_flow_step,
)
from refdiff.equations.solvers.dpm_solver import (
    dpm_solver_1_step,
    dpm_solver_2_step,
    dpm_solver_3_step,
)
from refdiff.equations.solvers.dpm_solver_pp import dpmpp_1_step, dpmpp_2m_step, dpmpp_2s_step
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
from refdiff.equations.solvers.phi_functions import phi_1, phi_2, phi_3, phi_4
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
from refdiff.equations.solvers.sde_dpm_solver_pp import sde_dpmpp_1_step, sde_dpmpp_2m_step
from refdiff.equations.solvers.unipc import (
    unipc_b1,
    unipc_b2,
    unipc_data_step,
    unipc_noise_step,
    unipc_weight_1,
    unipc_weight_2,
    unipc_weight_3,
)

__all__ = [
    "adams_bashforth_weights",
    "ancestral_fresh_noise",
    "ancestral_kept_noise",
    "churn_rise",
    "churned_sigma",
    "churned_state",
    "ddim_encode_step",
    "ddim_euler_step",
    "ddim_forward_mean",
    "ddim_forward_variance",
    "ddim_larger_sigma",
    "ddim_probability_flow_step",
    "dpm_solver_1_step",
    "dpm_solver_2_step",
    "dpm_solver_3_step",
    "dpmpp_1_step",
    "dpmpp_2m_step",
    "dpmpp_2s_step",
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
    "phi_1",
    "phi_2",
    "phi_3",
    "phi_4",
    "plms_eps",
    "pndm_transfer",
    "preconditioned",
    "prk_eps",
    "s_pndm_eps",
    "s_pndm_first_eps",
    "sde_dpmpp_1_step",
    "sde_dpmpp_2m_step",
    "training_sigma",
    "unipc_b1",
    "unipc_b2",
    "unipc_data_step",
    "unipc_noise_step",
    "unipc_weight_1",
    "unipc_weight_2",
    "unipc_weight_3",
    "ve_c_noise",
    "ve_sigma",
    "ve_times",
    "vp_c_noise",
    "vp_scale",
    "vp_sigma",
    "vp_time",
    "vp_times",
]
