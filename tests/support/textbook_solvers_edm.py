"""Oracles of EDM's and PNDM's equations in `refdiff.equations.solvers`: what the papers print."""

import mpmath as mp


def edm_drift(score, *, sigma, sigma_rate):
    return -(sigma_rate * sigma) * score


def edm_scaled_drift(x_t, score, *, alpha_t, sigma, alpha_rate, sigma_rate):
    return alpha_rate / alpha_t * x_t - alpha_t**2 * sigma_rate * sigma * score


def edm_forward_sde_drift(score, *, sigma, sigma_rate, replacement_rate):
    return -sigma_rate * sigma * score + replacement_rate * sigma**2 * score


def edm_reverse_sde_drift(score, *, sigma, sigma_rate, replacement_rate):
    return -sigma_rate * sigma * score - replacement_rate * sigma**2 * score


def edm_sde_diffusion(*, sigma, replacement_rate):
    return mp.sqrt(2 * replacement_rate) * sigma


def edm_slope(x_t, x_0, *, alpha_t, sigma, alpha_rate, sigma_rate):
    # (4) with the score (3) at x / s, whose gradient with respect to x has 1 / s.
    score = (x_0 - x_t / alpha_t) / sigma**2 / alpha_t
    return alpha_rate / alpha_t * x_t - alpha_t**2 * sigma_rate * sigma * score


def euler_step(x_t, slope_t, *, step):
    return x_t + step * slope_t


def heun_step(x_t, slope_t, slope_s, *, step):
    return x_t + step * (mp.mpf(1) / 2 * slope_t + mp.mpf(1) / 2 * slope_s)


def churn_rise(*, sigma, churn, num_steps, churn_lo, churn_hi):
    if churn_lo <= sigma <= churn_hi:
        return min(churn / num_steps, mp.sqrt(2) - 1)
    return mp.mpf(0)


def churned_sigma(*, sigma, rise):
    return (1 + rise) * sigma


def churned_state(x_t, noise, *, sigma, rise, noise_scale):
    raised = sigma + rise * sigma
    return x_t + mp.sqrt(raised**2 - sigma**2) * noise_scale * noise


def training_sigma(noise, *, log_mean, log_std):
    return mp.exp(log_mean) * mp.exp(log_std) ** noise


def preconditioned(x_t, network_output, *, c_skip, c_out):
    return c_skip * x_t + c_out * network_output


def network_target(x_0, x_t, *, c_skip, c_out):
    return 1 / c_out * (x_0 - c_skip * x_t)


def network_weight(*, weight, c_out):
    return weight * c_out**2


def eps_network_c_in(*, sigma):
    return (sigma**2 + 1) ** (-mp.mpf(1) / 2)


def eps_network_c_out(*, sigma):
    return -sigma


def eps_network_weight(*, sigma):
    return sigma**-2


def ve_c_noise(*, sigma):
    return mp.log(sigma) - mp.log(2)


def vp_sigma(*, t, beta_d, beta_min):
    return mp.sqrt(mp.exp(beta_d * t**2 / 2 + beta_min * t) - 1)


def vp_scale(*, t, beta_d, beta_min):
    return 1 / mp.sqrt(mp.exp(beta_d * t**2 / 2 + beta_min * t))


def vp_time(*, sigma, beta_d, beta_min):
    root = mp.sqrt(beta_min**2 + 2 * beta_d * mp.log(1 + sigma**2))
    return (root - beta_min) / beta_d


def vp_c_noise(*, sigma, beta_d, beta_min, num_train_steps):
    return (num_train_steps - 1) * vp_time(sigma=sigma, beta_d=beta_d, beta_min=beta_min)


def ve_sigma(*, t):
    return mp.sqrt(t)


def pndm_transfer(x_t, eps, *, alpha_bar_t, alpha_bar_s):
    # DDIM (12) without noise: the predicted x_0, and the direction that points to x_t.
    x_0 = (x_t - mp.sqrt(1 - alpha_bar_t) * eps) / mp.sqrt(alpha_bar_t)
    return mp.sqrt(alpha_bar_s) * x_0 + mp.sqrt(1 - alpha_bar_s) * eps


def plms_eps(eps_t, eps_1, eps_2, eps_3):
    return mp.mpf(1) / 24 * (55 * eps_t - 59 * eps_1 + 37 * eps_2 - 9 * eps_3)


def prk_eps(eps_t, eps_1, eps_2, eps_3):
    return mp.mpf(1) / 6 * (eps_t + 2 * eps_1 + 2 * eps_2 + eps_3)


def s_pndm_eps(eps_t, eps_1):
    return mp.mpf(1) / 2 * (3 * eps_t - eps_1)


def s_pndm_first_eps(eps_t, eps_s):
    return mp.mpf(1) / 2 * (eps_t + eps_s)


def fresh_variance(alpha_t, sigma_t, alpha_s, sigma_s, eta):
    """Return eta^2 times the variance of q(x_s | x_t, x_0), in precision form."""
    if sigma_s == 0:
        return mp.mpf(0)
    ratio = alpha_t / alpha_s
    added = sigma_t**2 - ratio**2 * sigma_s**2
    precision = 1 / sigma_s**2 + ratio**2 / added if added > 0 else mp.inf
    return eta**2 / precision


def ancestral_fresh_noise(*, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    return mp.sqrt(fresh_variance(alpha_t, sigma_t, alpha_s, sigma_s, eta))


def ancestral_kept_noise(*, alpha_t, sigma_t, alpha_s, sigma_s, eta):
    return mp.sqrt(sigma_s**2 - fresh_variance(alpha_t, sigma_t, alpha_s, sigma_s, eta))


ORACLES = {
    function.__name__: function
    for function in (
        ancestral_fresh_noise,
        ancestral_kept_noise,
        churn_rise,
        churned_sigma,
        churned_state,
        edm_drift,
        edm_forward_sde_drift,
        edm_reverse_sde_drift,
        edm_scaled_drift,
        edm_sde_diffusion,
        edm_slope,
        eps_network_c_in,
        eps_network_c_out,
        eps_network_weight,
        euler_step,
        heun_step,
        network_target,
        network_weight,
        plms_eps,
        pndm_transfer,
        preconditioned,
        prk_eps,
        s_pndm_eps,
        s_pndm_first_eps,
        training_sigma,
        ve_c_noise,
        ve_sigma,
        vp_c_noise,
        vp_scale,
        vp_sigma,
        vp_time,
    )
}
