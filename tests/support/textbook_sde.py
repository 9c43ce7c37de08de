"""Oracles of `refdiff.equations.sde` on mpmath numbers; see `tests.support.textbook`.

Kernels are written as the papers print them; steps and means in terms of gamma go back to the two
scales and to conditioning normal distributions, and so share no form with the functions.
"""

import mpmath as mp

from tests.support import textbook_continuous as scales

ONE = mp.mpf(1)


def vp_beta(*, t, beta_min, beta_max):
    return (1 - t) * beta_min + t * beta_max


def vp_beta_integral(*, t, beta_min, beta_max):
    """Return minus the exponent of the variance in equation (33)."""
    return t**2 * (beta_max - beta_min) / 2 + t * beta_min


def vp_drift(x_t, *, beta_t):
    return -beta_t / 2 * x_t


def vp_diffusion(*, beta_t):
    return mp.sqrt(beta_t)


def vp_mean_scale(*, beta_integral):
    return mp.sqrt(mp.exp(-beta_integral))


def vp_variance(*, beta_integral):
    return 1 - mp.exp(-beta_integral)


def sub_vp_diffusion(*, beta_t, beta_integral):
    return mp.sqrt(beta_t * (1 - mp.exp(-2 * beta_integral)))


def sub_vp_variance(*, beta_integral):
    return (1 - mp.exp(-beta_integral)) ** 2


def ve_sigma(*, t, sigma_min, sigma_max):
    return sigma_min ** (1 - t) * sigma_max**t


def ve_diffusion(*, t, sigma_min, sigma_max):
    growth = mp.log(sigma_max) - mp.log(sigma_min)
    return ve_sigma(t=t, sigma_min=sigma_min, sigma_max=sigma_max) * mp.sqrt(2 * growth)


def ve_variance(*, t, sigma_min, sigma_max):
    return ve_sigma(t=t, sigma_min=sigma_min, sigma_max=sigma_max) ** 2


def ve_added_variance(*, t, sigma_min, sigma_max):
    return ve_variance(t=t, sigma_min=sigma_min, sigma_max=sigma_max) - sigma_min**2


def ve_transition_variance(*, sigma_t, sigma_s):
    return sigma_t**2 - sigma_s**2


def ve_posterior_mean(x_0, x_t, *, sigma_t, sigma_s):
    return scales.posterior_mean(
        x_0, x_t, alpha_t=ONE, sigma_t=sigma_t, alpha_s=ONE, sigma_s=sigma_s
    )


def ve_posterior_variance(*, sigma_t, sigma_s):
    return scales.posterior_variance(alpha_t=ONE, sigma_t=sigma_t, alpha_s=ONE, sigma_s=sigma_s)


def reverse_drift(drift, score, *, diffusion):
    return drift - diffusion**2 * score


def probability_flow_drift(drift, score, *, diffusion):
    return drift - diffusion**2 * score / 2


def general_probability_flow_drift(drift, divergence, diffused_score):
    return drift - (divergence + diffused_score) / 2


def conditional_reverse_drift(drift, score, gradient, *, diffusion):
    return drift - diffusion**2 * score - diffusion**2 * gradient


def ve_chain_step(x_s, noise, *, sigma_t, sigma_s):
    return x_s + mp.sqrt(sigma_t**2 - sigma_s**2) * noise


def vp_chain_step(x_s, noise, *, beta):
    return mp.sqrt(1 - beta) * x_s + mp.sqrt(beta) * noise


def vp_ancestral_step(x_t, score, noise, *, beta):
    return 1 / mp.sqrt(1 - beta) * (x_t + beta * score) + mp.sqrt(beta) * noise


def ve_ancestral_step(x_t, score, noise, *, sigma_t, sigma_s):
    """Return a draw from the posterior with the data of Tweedie's formula."""
    x_0 = x_t + sigma_t**2 * score
    variance = ve_posterior_variance(sigma_t=sigma_t, sigma_s=sigma_s)
    mean = ve_posterior_mean(x_0, x_t, sigma_t=sigma_t, sigma_s=sigma_s)
    return mean + mp.sqrt(max(variance, 0)) * noise


def reverse_diffusion_step(x_t, drift, score, noise, *, diffusion):
    return x_t - drift + diffusion**2 * score + diffusion * noise


def vp_reverse_diffusion_step(x_t, score, noise, *, beta):
    """Return the general step for f(x) = (sqrt(1 - beta) - 1) x and G = sqrt(beta)."""
    drift = (mp.sqrt(1 - beta) - 1) * x_t
    return reverse_diffusion_step(x_t, drift, score, noise, diffusion=mp.sqrt(beta))


def langevin_step(x_t, score, noise, *, step_size):
    return x_t + step_size * score + mp.sqrt(2 * step_size) * noise


def corrector_step_size(*, score_norm, noise_norm, corrector_snr, beta):
    return 2 * (1 - beta) * (corrector_snr * noise_norm / score_norm) ** 2


def score_matching_loss(score_pred, x_t, x_0, *, alpha_t, sigma_t, weight):
    target = scales.score_from_x_0(x_t, x_0, alpha_t=alpha_t, sigma_t=sigma_t)
    return weight * (score_pred - target) ** 2


def smld_loss(score_pred, x_t, x_0, *, sigma_t):
    return score_matching_loss(
        score_pred, x_t, x_0, alpha_t=ONE, sigma_t=sigma_t, weight=sigma_t**2
    )


def ddpm_score_loss(score_pred, x_t, x_0, *, alpha_bar_t):
    noisy = 1 - alpha_bar_t
    return score_matching_loss(
        score_pred, x_t, x_0, alpha_t=mp.sqrt(alpha_bar_t), sigma_t=mp.sqrt(noisy), weight=noisy
    )


def sigmoid(x):
    return mp.exp(x) / (1 + mp.exp(x))


def alpha_from_gamma(*, gamma_t):
    return mp.sqrt(sigmoid(-gamma_t))


def sigma_from_gamma(*, gamma_t):
    return mp.sqrt(sigmoid(gamma_t))


def snr_from_gamma(*, gamma_t):
    return sigmoid(-gamma_t) / sigmoid(gamma_t)


def both_scales(gamma_t, gamma_s):
    return {
        "alpha_t": alpha_from_gamma(gamma_t=gamma_t),
        "sigma_t": sigma_from_gamma(gamma_t=gamma_t),
        "alpha_s": alpha_from_gamma(gamma_t=gamma_s),
        "sigma_s": sigma_from_gamma(gamma_t=gamma_s),
    }


def transition_variance_from_gamma(*, gamma_t, gamma_s):
    return scales.transition_variance(**both_scales(gamma_t, gamma_s))


def posterior_variance_from_gamma(*, gamma_t, gamma_s):
    return scales.posterior_variance(**both_scales(gamma_t, gamma_s))


def reverse_mean_from_gamma(x_t, eps, *, gamma_t, gamma_s):
    return reverse_mean_from_eps(x_t, eps, **both_scales(gamma_t, gamma_s))


def reverse_mean_from_eps(x_t, eps, *, alpha_t, sigma_t, alpha_s, sigma_s):
    """Return the posterior mean with the data that the noise implies."""
    x_0 = (x_t - sigma_t * eps) / alpha_t
    return scales.posterior_mean(
        x_0, x_t, alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s
    )


def reverse_mean_from_score(x_t, score, *, alpha_t, sigma_t, alpha_s, sigma_s):
    x_0 = scales.x_0_from_score(x_t, score, alpha_t=alpha_t, sigma_t=sigma_t)
    return scales.posterior_mean(
        x_0, x_t, alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s
    )


def linear_drift(x_t, *, log_alpha_rate):
    return x_t * log_alpha_rate


def squared_diffusion(*, sigma_t, variance_rate, log_alpha_rate):
    return variance_rate - 2 * log_alpha_rate * sigma_t**2


def diffusion_from_gamma_rate(*, sigma_t, gamma_rate):
    """Return the root of the previous one: the rate of gamma is that of 2 ln(sigma/alpha)."""
    log_alpha_rate = mp.mpf(-1) / 3
    variance_rate = (gamma_rate + 2 * log_alpha_rate) * sigma_t**2
    return mp.sqrt(
        squared_diffusion(
            sigma_t=sigma_t, variance_rate=variance_rate, log_alpha_rate=log_alpha_rate
        )
    )


def diffusion_loss_x_0(x_0, x_0_pred, *, gamma_t, gamma_s, num_steps):
    drop = mp.exp(-gamma_s) - mp.exp(-gamma_t)
    return num_steps * drop * (x_0 - x_0_pred) ** 2 / 2


def diffusion_loss_eps(eps, eps_pred, *, gamma_t, gamma_s, num_steps):
    """Return the loss of the data that the two noises imply in one state."""
    to_x_0 = -mp.exp(gamma_t / 2)
    return diffusion_loss_x_0(
        to_x_0 * eps, to_x_0 * eps_pred, gamma_t=gamma_t, gamma_s=gamma_s, num_steps=num_steps
    )


def continuous_loss_x_0(x_0, x_0_pred, *, snr_t, gamma_rate):
    snr_rate = -gamma_rate * snr_t
    return -snr_rate * (x_0 - x_0_pred) ** 2 / 2


def continuous_loss_eps(eps, eps_pred, *, gamma_rate):
    return gamma_rate * (eps - eps_pred) ** 2 / 2


def weighted_loss_x_0(x_0, x_0_pred, *, weight):
    return weight * (x_0 - x_0_pred) ** 2 / 2


ORACLES = {
    f.__name__: f
    for f in (
        alpha_from_gamma,
        conditional_reverse_drift,
        continuous_loss_eps,
        continuous_loss_x_0,
        corrector_step_size,
        ddpm_score_loss,
        diffusion_from_gamma_rate,
        diffusion_loss_eps,
        diffusion_loss_x_0,
        general_probability_flow_drift,
        langevin_step,
        linear_drift,
        posterior_variance_from_gamma,
        probability_flow_drift,
        reverse_diffusion_step,
        reverse_drift,
        reverse_mean_from_eps,
        reverse_mean_from_gamma,
        reverse_mean_from_score,
        score_matching_loss,
        sigma_from_gamma,
        smld_loss,
        snr_from_gamma,
        squared_diffusion,
        sub_vp_diffusion,
        sub_vp_variance,
        transition_variance_from_gamma,
        ve_added_variance,
        ve_ancestral_step,
        ve_chain_step,
        ve_diffusion,
        ve_posterior_mean,
        ve_posterior_variance,
        ve_sigma,
        ve_transition_variance,
        ve_variance,
        vp_ancestral_step,
        vp_beta,
        vp_beta_integral,
        vp_chain_step,
        vp_diffusion,
        vp_drift,
        vp_mean_scale,
        vp_reverse_diffusion_step,
        vp_variance,
        weighted_loss_x_0,
    )
}
"""By the names of ``refdiff.equations.sde``."""
