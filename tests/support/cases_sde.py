"""Rows of `refdiff.equations.sde`; see `tests.support.cases`."""

from hypothesis import strategies as st

from refdiff.testing import strategies as own
from tests.support.case import row
from tests.support.inputs import joined, levels, magnitudes, only, scales, spread

times = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), magnitudes(1e-6, 1.0), spread(0.0, 1.0))
rates = st.one_of(st.just(0.0), magnitudes(1e-3, 100.0))
integrals = st.one_of(st.just(0.0), magnitudes(1e-9, 20.0))
fractions = st.one_of(st.just(0.0), own.betas())
signed = st.one_of(st.just(0.0), magnitudes(1e-3, 10.0), magnitudes(1e-3, 10.0).map(lambda x: -x))
ratios = st.one_of(st.just(1.0), magnitudes(1e-4, 0.99))
linear = joined(
    t=times, beta_min=st.one_of(st.just(0.1), rates), beta_max=st.sampled_from([100.0, 200.0])
)
# At least three times the smaller: the logarithm of a ratio near 1 has few digits of its own.
geometric = joined(
    t=times, sigma_min=magnitudes(1e-3, 1.0), sigma_max=st.one_of(st.just(50.0), magnitudes(3, 90))
)
ended = st.one_of(st.just(0.0), ratios)
two_sigmas = st.tuples(magnitudes(1e-3, 90.0), ended).map(
    lambda found: {"sigma_t": found[0], "sigma_s": found[0] * found[1]}
)
# The root of a difference that rounding may make anything has no budget.
apart = two_sigmas.filter(lambda at: at["sigma_s"] < at["sigma_t"])
steps_down = st.one_of(st.just(0.0), magnitudes(1e-4, 20.0))
two_gammas = st.tuples(own.log_snrs(limit=13.0), steps_down).map(
    lambda found: {"gamma_t": found[0], "gamma_s": found[0] - found[1]}
)
loss = joined(two_gammas, num_steps=st.sampled_from([1.0, 10.0, 1000.0]))
diffusions = joined(diffusion=rates)


def beta(**more):
    return joined(beta=fractions, **more)


ROWS = [
    row("sde.alpha_from_gamma", 0, only(two_gammas, "gamma_t"), "kingma2021/alpha-from-gamma"),
    row("sde.conditional_reverse_drift", 3, diffusions, "song2021sde/conditional-reverse-sde"),
    row("sde.continuous_loss_eps", 2, joined(gamma_rate=rates), "kingma2021/continuous-loss-eps"),
    row(
        "sde.continuous_loss_x_0",
        2,
        joined(snr_t=rates, gamma_rate=rates),
        "kingma2021/continuous-loss-x-0",
    ),
    row(
        "sde.corrector_step_size",
        0,
        beta(
            score_norm=magnitudes(1e-3, 1e3),
            noise_norm=magnitudes(1e-3, 1e3),
            corrector_snr=magnitudes(0.01, 1.0),
        ),
        "song2021sde/corrector-step-size",
    ),
    row("sde.ddpm_score_loss", 3, levels(include_low=True), "song2021sde/ddpm-score-loss"),
    row(
        "sde.diffusion_from_gamma_rate",
        0,
        joined(sigma_t=magnitudes(1e-3, 90.0), gamma_rate=rates),
        "kingma2021/sde-diffusion-from-gamma",
    ),
    row("sde.diffusion_loss_eps", 2, loss, "kingma2021/diffusion-loss-eps"),
    row("sde.diffusion_loss_x_0", 2, loss, "kingma2021/diffusion-loss-x-0"),
    row(
        "sde.general_probability_flow_drift",
        3,
        joined(),
        "song2021sde/general-probability-flow",
    ),
    row(
        "sde.langevin_step",
        3,
        joined(step_size=magnitudes(1e-5, 1.0)),
        "song2021sde/langevin-step",
    ),
    row("sde.linear_drift", 1, joined(log_alpha_rate=signed), "kingma2021/sde-drift"),
    row(
        "sde.posterior_variance_from_gamma",
        0,
        two_gammas,
        "kingma2021/posterior-variance-from-gamma",
    ),
    row("sde.probability_flow_drift", 2, diffusions, "song2021sde/probability-flow"),
    row("sde.reverse_diffusion_step", 4, diffusions, "song2021sde/reverse-diffusion-step"),
    row("sde.reverse_drift", 2, diffusions, "song2021sde/reverse-sde"),
    row("sde.reverse_mean_from_eps", 2, scales(with_s=True), "kingma2021/reverse-mean-from-eps"),
    row("sde.reverse_mean_from_gamma", 2, two_gammas, "kingma2021/reverse-mean-from-gamma"),
    row(
        "sde.reverse_mean_from_score", 2, scales(with_s=True), "kingma2021/reverse-mean-from-score"
    ),
    row(
        "sde.score_matching_loss",
        3,
        joined(scales(), weight=rates),
        "song2021sde/score-matching-loss",
    ),
    row("sde.sigma_from_gamma", 0, only(two_gammas, "gamma_t"), "kingma2021/sigma-from-gamma"),
    row("sde.smld_loss", 3, only(scales(), "sigma_t"), "song2021sde/smld-loss"),
    row("sde.snr_from_gamma", 0, only(two_gammas, "gamma_t"), "kingma2021/snr-from-gamma"),
    row(
        "sde.squared_diffusion",
        0,
        joined(sigma_t=magnitudes(1e-3, 90.0), variance_rate=signed, log_alpha_rate=signed),
        "kingma2021/sde-squared-diffusion",
    ),
    row(
        "sde.sub_vp_diffusion",
        0,
        joined(beta_t=rates, beta_integral=integrals),
        "song2021sde/sub-vp-diffusion",
    ),
    row(
        "sde.sub_vp_variance",
        0,
        joined(beta_integral=integrals),
        "song2021sde/sub-vp-kernel-variance",
    ),
    row(
        "sde.transition_variance_from_gamma",
        0,
        two_gammas,
        "kingma2021/transition-variance-from-gamma",
    ),
    row("sde.ve_added_variance", 0, geometric, "song2021sde/ve-geometric-added-variance"),
    row("sde.ve_ancestral_step", 3, apart, "song2021sde/ve-ancestral-step"),
    row("sde.ve_chain_step", 2, apart, "song2021sde/ve-chain"),
    row("sde.ve_diffusion", 0, geometric, "song2021sde/ve-diffusion"),
    row("sde.ve_posterior_mean", 2, two_sigmas, "song2021sde/ve-posterior-mean"),
    row("sde.ve_posterior_variance", 0, two_sigmas, "song2021sde/ve-posterior-variance"),
    row("sde.ve_sigma", 0, geometric, "song2021sde/ve-geometric-sigma"),
    row("sde.ve_transition_variance", 0, two_sigmas, "song2021sde/ve-kernel-variance"),
    row("sde.ve_variance", 0, geometric, "song2021sde/ve-geometric-kernel"),
    row("sde.vp_ancestral_step", 3, beta(), "song2021sde/vp-ancestral-step"),
    row("sde.vp_beta", 0, linear, "song2021sde/vp-linear-beta"),
    row("sde.vp_beta_integral", 0, linear, "song2021sde/vp-linear-integral"),
    row("sde.vp_chain_step", 2, beta(), "song2021sde/vp-chain"),
    row("sde.vp_diffusion", 0, joined(beta_t=rates), "song2021sde/vp-diffusion"),
    row(
        "sde.vp_drift",
        1,
        joined(beta_t=rates),
        "song2021sde/vp-drift",
        "song2021sde/sub-vp-drift",
    ),
    row("sde.vp_mean_scale", 0, joined(beta_integral=integrals), "song2021sde/vp-mean-scale"),
    row("sde.vp_reverse_diffusion_step", 3, beta(), "song2021sde/vp-reverse-diffusion-step"),
    row("sde.vp_variance", 0, joined(beta_integral=integrals), "song2021sde/vp-kernel-variance"),
    row("sde.weighted_loss_x_0", 2, joined(weight=rates), "kingma2021/weighted-loss"),
]

TRANSCENDENTAL = {
    "sde.alpha_from_gamma",
    "sde.diffusion_loss_eps",
    "sde.diffusion_loss_x_0",
    "sde.posterior_variance_from_gamma",
    "sde.reverse_mean_from_gamma",
    "sde.sigma_from_gamma",
    "sde.snr_from_gamma",
    "sde.sub_vp_diffusion",
    "sde.sub_vp_variance",
    "sde.transition_variance_from_gamma",
    "sde.ve_added_variance",
    "sde.ve_diffusion",
    "sde.ve_sigma",
    "sde.ve_variance",
    "sde.vp_mean_scale",
    "sde.vp_variance",
}
"""Functions in which exp or log is taken; see `tests.equations.test_readings`."""
