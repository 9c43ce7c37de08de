"""Rows of EDM's and PNDM's equations in `refdiff.equations.solvers`."""

from hypothesis import strategies as st

from refdiff.testing import strategies as own
from tests.support.case import row
from tests.support.inputs import joined, magnitudes, pairs, scales, spread

rate = st.one_of(st.sampled_from([0.0, 1.0, -1.0]), spread(-4.0, 4.0))
level = {"sigma": own.sigmas()}
unit = {"alpha_t": st.one_of(st.just(1.0), magnitudes(1e-2, 2.0))}
rates = {"alpha_rate": rate, "sigma_rate": rate}
replaced = {"replacement_rate": st.one_of(st.just(0.0), magnitudes(1e-3, 10.0))}
factor = {"c_out": st.one_of(st.just(-1.0), magnitudes(1e-2, 10.0).map(lambda c: -c))}
times = {"t": st.one_of(st.just(0.0), magnitudes(1e-5, 1.0))}
betas = {
    "beta_d": st.one_of(st.just(19.9), magnitudes(0.1, 30.0)),
    "beta_min": st.one_of(st.just(0.1), magnitudes(1e-3, 2.0)),
}
split = joined(scales(with_s=True), eta=own.etas())
churn = joined(
    sigma=own.sigmas(),
    churn=st.one_of(st.just(0.0), magnitudes(0.1, 100.0)),
    num_steps=st.sampled_from([1.0, 18.0, 256.0]),
    churn_lo=st.one_of(st.just(0.0), own.sigmas(high=1.0)),
    churn_hi=own.sigmas(low=0.5),
)
raised = {"rise": st.one_of(st.just(0.0), magnitudes(1e-6, 0.414))}

ROWS = [
    row("solvers.edm_drift", 1, joined(**level, sigma_rate=rate), "karras2022/ode"),
    row("solvers.edm_scaled_drift", 2, joined(**unit, **level, **rates), "karras2022/scaled-ode"),
    row(
        "solvers.edm_forward_sde_drift",
        1,
        joined(**level, sigma_rate=rate, **replaced),
        "karras2022/sde-forward",
    ),
    row(
        "solvers.edm_reverse_sde_drift",
        1,
        joined(**level, sigma_rate=rate, **replaced),
        "karras2022/sde-reverse",
    ),
    row("solvers.edm_sde_diffusion", 0, joined(**level, **replaced), "karras2022/sde-diffusion"),
    row("solvers.edm_slope", 2, joined(**unit, **level, **rates), "karras2022/slope"),
    row("solvers.euler_step", 2, joined(step=rate), "karras2022/euler-step"),
    row("solvers.heun_step", 3, joined(step=rate), "karras2022/heun-step"),
    row("solvers.churn_rise", 0, churn, "karras2022/churn-rise"),
    row("solvers.churned_sigma", 0, joined(**level, **raised), "karras2022/churned-sigma"),
    row(
        "solvers.churned_state",
        2,
        joined(**level, **raised, noise_scale=st.sampled_from([1.0, 0.0, 1.007])),
        "karras2022/churned-state",
    ),
    row(
        "solvers.training_sigma",
        1,
        joined(log_mean=spread(-2.0, 1.0), log_std=st.one_of(st.just(0.0), magnitudes(0.1, 2.0))),
        "karras2022/sigma-distribution",
    ),
    row("solvers.preconditioned", 2, joined(c_skip=rate, **factor), "karras2022/preconditioning"),
    row("solvers.network_target", 2, joined(c_skip=rate, **factor), "karras2022/effective-target"),
    row(
        "solvers.network_weight",
        0,
        joined(weight=magnitudes(1e-3, 1e3), **factor),
        "karras2022/effective-weight",
    ),
    row("solvers.eps_network_c_in", 0, joined(**level), "karras2022/vp-c-in"),
    row("solvers.eps_network_c_out", 0, joined(**level), "karras2022/vp-c-out"),
    row("solvers.eps_network_weight", 0, joined(**level), "karras2022/inverse-variance-weight"),
    row("solvers.ve_c_noise", 0, joined(**level), "karras2022/ve-c-noise"),
    row("solvers.vp_sigma", 0, joined(**times, **betas), "karras2022/vp-sigma"),
    row("solvers.vp_scale", 0, joined(**times, **betas), "karras2022/vp-scale"),
    row("solvers.vp_time", 0, joined(**level, **betas), "karras2022/vp-time"),
    row(
        "solvers.vp_c_noise",
        0,
        joined(**level, **betas, num_train_steps=st.sampled_from([1.0, 1000.0])),
        "karras2022/vp-c-noise",
    ),
    row("solvers.ve_sigma", 0, joined(**times), "karras2022/ve-sigma"),
    row("solvers.pndm_transfer", 2, pairs(), "liu2022/transfer"),
    row("solvers.plms_eps", 4, joined(), "liu2022/plms"),
    row("solvers.prk_eps", 4, joined(), "liu2022/prk"),
    row("solvers.s_pndm_eps", 2, joined(), "liu2022/s-pndm"),
    row("solvers.s_pndm_first_eps", 2, joined(), "liu2022/s-pndm-start"),
    row("solvers.ancestral_fresh_noise", 0, split, "song2021ddim/fresh-noise-at-scales"),
    row("solvers.ancestral_kept_noise", 0, split, "song2021ddim/kept-noise-at-scales"),
]
