"""Wrong code, written as its authors would, and the names that it is to be given.

None of it is the code of a variant: what is tested is that the numbers lead to the name.
"""

import numpy as np
from scipy.special import erf, ndtr

MISTAKES = []


def called(name):
    def keep(function):
        MISTAKES.append((name, function))
        return function

    return keep


def root(x):
    return np.sqrt(x)


# ---------------------------------------------------------------- forward process


@called("forward-sample-without-roots")
def forward_sample(x_0, eps, *, alpha_bar_t):
    return eps + alpha_bar_t * (x_0 - eps)


@called("noise-added-by-variance")
def forward_sample(x_0, eps, *, alpha_bar_t):  # noqa: F811
    return alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t) * eps


@called("forward-variance-is-signal")
def forward_sample(x_0, eps, *, alpha_bar_t):  # noqa: F811
    return root(alpha_bar_t) * (x_0 + eps)


@called("ve-coordinates")
def forward_sample(x_0, eps, *, alpha_bar_t):  # noqa: F811
    return x_0 + root(1 / alpha_bar_t - 1) * eps


@called("transition-variance-is-std")
def transition_variance(*, alpha_bar_t, alpha_bar_s):
    return root((alpha_bar_s - alpha_bar_t) / alpha_bar_s)


@called("snr-of-scales")
def snr(*, alpha_bar_t):
    return root(alpha_bar_t) / root(1 - alpha_bar_t)


@called("half-log-snr")
def log_snr(*, alpha_bar_t):
    return np.log(root(alpha_bar_t) / root(1 - alpha_bar_t))


@called("log-snr-to-base-2")
def log_snr(*, alpha_bar_t):  # noqa: F811
    return np.log2(alpha_bar_t) - np.log2(1 - alpha_bar_t)


@called("negative-log-snr")
def alpha_bar_from_log_snr(*, log_snr_t):
    return 1 / (1 + np.exp(log_snr_t))


# ---------------------------------------------------------------- posterior and steps


@called("posterior-variance-divided-by-beta")
def posterior_variance(*, alpha_bar_t, alpha_bar_s):
    alpha = alpha_bar_t / alpha_bar_s
    return (1 - alpha) * (1 - alpha_bar_s) / (1 - alpha)


@called("posterior-variance-is-beta")
def posterior_variance(*, alpha_bar_t, alpha_bar_s):  # noqa: F811
    return (alpha_bar_s - alpha_bar_t) / alpha_bar_s


@called("posterior-mean-x-t-with-alpha-bar")
def posterior_mean(x_0, x_t, *, alpha_bar_t, alpha_bar_s):
    beta = 1 - alpha_bar_t / alpha_bar_s
    weighted = root(alpha_bar_s) * beta * x_0 + root(alpha_bar_t) * (1 - alpha_bar_s) * x_t
    return weighted / (1 - alpha_bar_t)


@called("reverse-mean-scaled-by-alpha-bar")
def posterior_mean_from_eps(x_t, eps, *, alpha_bar_t, alpha_bar_s):
    beta = 1 - alpha_bar_t / alpha_bar_s
    return alpha_bar_t**-0.5 * (x_t - beta * (1 - alpha_bar_t) ** -0.5 * eps)


@called("learned-range-from-minus-one")
def learned_range_variance(v, *, alpha_bar_t, alpha_bar_s):
    beta = 1 - alpha_bar_t / alpha_bar_s
    small = beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    fraction = (v + 1) / 2
    return beta**fraction * small ** (1 - fraction)


@called("learned-range-not-in-logarithm")
def learned_range_variance(v, *, alpha_bar_t, alpha_bar_s):  # noqa: F811
    beta = 1 - alpha_bar_t / alpha_bar_s
    return beta * (v + (1 - v) * (1 - alpha_bar_s) / (1 - alpha_bar_t))


@called("noise-times-variance")
def ddpm_step(x_t, eps, noise, *, alpha_bar_t, alpha_bar_s):
    beta = 1 - alpha_bar_t / alpha_bar_s
    mean = (x_t - beta / root(1 - alpha_bar_t) * eps) / root(1 - beta)
    return mean + beta * (1 - alpha_bar_s) / (1 - alpha_bar_t) * noise


@called("ddpm-step-with-fixed-large-variance")
def ddpm_step(x_t, eps, noise, *, alpha_bar_t, alpha_bar_s):  # noqa: F811
    beta = 1 - alpha_bar_t / alpha_bar_s
    return (x_t - beta / root(1 - alpha_bar_t) * eps) / root(1 - beta) + root(beta) * noise


@called("eta-not-squared")
def ddim_sigma(*, alpha_bar_t, alpha_bar_s, eta):
    ratio = alpha_bar_t / alpha_bar_s
    return root(eta * (1 - alpha_bar_s) * (1 - ratio) / (1 - alpha_bar_t))


@called("direction-without-sigma")
def ddim_step(x_t, eps, noise, *, alpha_bar_t, alpha_bar_s, eta):
    x_0 = (x_t - root(1 - alpha_bar_t) * eps) / root(alpha_bar_t)
    variance = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)
    mean = root(alpha_bar_s) * x_0 + root(1 - alpha_bar_s) * eps
    return mean + eta * root(variance) * noise


# ---------------------------------------------------------------- conversions


@called("x-0-from-eps-noise-not-divided")
def x_0_from_eps(x_t, eps, *, alpha_bar_t):
    return x_t * alpha_bar_t**-0.5 - (1 - alpha_bar_t) ** 0.5 * eps


@called("velocity-negated")
def x_0_from_v(x_t, v, *, alpha_bar_t):
    return root(alpha_bar_t) * x_t + root(1 - alpha_bar_t) * v


@called("v-from-eps-with-x-t-as-x-0")
def v_from_eps(x_t, eps, *, alpha_bar_t):
    return root(alpha_bar_t) * eps - root(1 - alpha_bar_t) * x_t


@called("score-from-eps-divided-by-variance")
def score_from_eps(eps, *, alpha_bar_t):
    return eps / (alpha_bar_t - 1)


@called("x-0-from-score-times-std")
def x_0_from_score(x_t, score, *, alpha_bar_t):
    return (x_t + root(1 - alpha_bar_t) * score) / root(alpha_bar_t)


@called("arguments-exchanged")
def eps_from_x_0(x_0, x_t, *, alpha_bar_t):
    return (x_t - root(alpha_bar_t) * x_0) / root(1 - alpha_bar_t)


@called("levels-exchanged")
def transition_variance(*, alpha_bar_t, alpha_bar_s):  # noqa: F811
    noisier, quieter = alpha_bar_s, alpha_bar_t
    return 1 - noisier / quieter


@called("levels-taken-for-scales")
def v_from_x_0(x_t, x_0, *, alpha_bar_t):
    alpha, sigma = alpha_bar_t, root(1 - alpha_bar_t**2)
    return (alpha * x_t - x_0) / sigma


@called("levels-taken-for-noise")
def score_from_x_0(x_t, x_0, *, alpha_bar_t):
    return (root(1 - alpha_bar_t) * x_0 - x_t) / alpha_bar_t


# ---------------------------------------------------------------- guidance


@called("guidance-scale")
def classifier_free_guidance(eps_cond, eps_uncond, *, w):
    return w * eps_cond + (1 - w) * eps_uncond


@called("guidance-of-three-channels")
def classifier_free_guidance(eps_cond, eps_uncond, *, w):  # noqa: F811
    guided = eps_cond + w * (eps_cond - eps_uncond)
    if guided.ndim > 2:
        guided[:, 3:] = eps_cond[:, 3:]
    return guided


@called("from-scale-adds-the-unconditional")
def guidance_from_scale(cond, uncond, *, scale):
    return scale * (cond + uncond) - uncond


@called("rescale-phi-backwards")
def rescale_guidance(guided, cond, *, phi):
    axes = tuple(range(1, guided.ndim))
    ratio = cond.std(axes, keepdims=True) / guided.std(axes, keepdims=True)
    return phi * guided + (1 - phi) * guided * ratio


@called("rescale-over-batch")
def rescale_guidance(guided, cond, *, phi):  # noqa: F811
    return guided * (phi * cond.std() / guided.std() + 1 - phi)


@called("threshold-below-one")
def dynamic_threshold(x_0, *, percentile):
    s = np.percentile(abs(x_0).reshape(len(x_0), -1), percentile, axis=1)
    s = s.reshape((-1,) + (1,) * (x_0.ndim - 1))
    return np.clip(x_0, -s, s) / s


@called("classifier-mean-by-std")
def classifier_guided_mean(mean, gradient, *, variance, scale):
    return mean + scale * variance**0.5 * gradient


# ---------------------------------------------------------------- objectives and likelihood


@called("loss-summed")
def simple_loss(eps, eps_pred):
    return ((eps - eps_pred) ** 2).sum(tuple(range(1, eps.ndim)))


@called("loss-averaged-over-batch")
def simple_loss(eps, eps_pred):  # noqa: F811
    return float(np.mean((eps - eps_pred) ** 2))


@called("terms-in-bits")
def normal_kl(mean_1, log_variance_1, mean_2, log_variance_2):
    d = log_variance_1 - log_variance_2
    return (np.exp(d) - 1 - d + (mean_1 - mean_2) ** 2 / np.exp(log_variance_2)) / np.log(4)


@called("prior-kl-variance-as-logarithm")
def prior_kl(x_0, *, alpha_bar_t):
    log_variance = 1 - alpha_bar_t
    return 0.5 * (np.exp(log_variance) - log_variance - 1 + alpha_bar_t * x_0**2)


@called("min-snr-v-as-eps")
def min_snr_weight_v(*, snr_t, gamma):
    return np.minimum(1.0, gamma / snr_t)


def tanh_phi(z):
    return 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


def discretized(phi, x_0, mean, std):
    upper, lower = phi((x_0 - mean + 1 / 255) / std), phi((x_0 - mean - 1 / 255) / std)
    mass = np.where(x_0 < -0.999, upper, np.where(x_0 > 0.999, 1 - lower, upper - lower))
    return np.log(np.maximum(mass, 1e-12))


@called("likelihood-by-tanh-at-least-1e-12")
def discretized_gaussian_log_likelihood(x_0, *, mean, std):
    return discretized(tanh_phi, x_0, mean, std)


@called("likelihood-at-least-1e-12")
def discretized_gaussian_log_likelihood(x_0, *, mean, std):  # noqa: F811
    return discretized(lambda z: 0.5 * (1 + erf(z / np.sqrt(2))), x_0, mean, std)


def without_floor(phi, x_0, mean, std):
    upper, lower = phi((x_0 - mean + 1 / 255) / std), phi((x_0 - mean - 1 / 255) / std)
    mass = np.where(x_0 < -0.999, upper, np.where(x_0 > 0.999, 1 - lower, upper - lower))
    with np.errstate(divide="ignore"):
        return np.log(mass)


@called("likelihood-underflows")
def discretized_gaussian_log_likelihood(x_0, *, mean, std):  # noqa: F811
    return without_floor(lambda z: 0.5 * (1 + erf(z / np.sqrt(2))), x_0, mean, std)


@called("likelihood-underflows-on-the-right")
def discretized_gaussian_log_likelihood(x_0, *, mean, std):  # noqa: F811
    return without_floor(ndtr, x_0, mean, std)


@called("bits-per-dim-of-pixels")
def bits_per_dim(nats, *, num_dims):
    return nats / num_dims / np.log(2) + 7


@called("c-out-negative")
def edm_c_out(*, sigma, sigma_data):
    return -sigma_data / root(1 + (sigma_data / sigma) ** 2)


@called("edm-weight-of-sum")
def edm_loss_weight(*, sigma, sigma_data):
    return (sigma**2 + sigma_data**2) * (sigma + sigma_data) ** -2


# ---------------------------------------------------------------- schedules, tables, times


@called("cosine-offset-0-08")
def cosine_betas(num_steps, *, offset=0.008, max_beta=0.999):
    offset = 10 * offset
    level = np.cos((np.arange(num_steps + 1) / num_steps + offset) / (1 + offset) * np.pi / 2) ** 2
    return np.minimum(1 - level[1:] / level[:-1], max_beta)


@called("betas-scaled-by-1000-over-t")
def linear_betas(num_steps, *, beta_start=1e-4, beta_end=0.02):
    return np.linspace(beta_start * 1000 / num_steps, beta_end * 1000 / num_steps, num_steps)


@called("alpha-bars-padded-right")
def alpha_bars_from_betas(betas):
    return np.append(np.cumprod(1 - betas), 1.0)


@called("float32-arithmetic")
def alpha_bars_from_betas(betas):  # noqa: F811
    return np.append(np.float32(1), np.cumprod(np.float32(1) - betas.astype(np.float32)))


@called("alpha-bars-cast-to-float16")
def alpha_bars_from_betas(betas):  # noqa: F811
    return np.append(1, np.cumprod(1 - betas)).astype(np.float16)


@called("zero-terminal-snr-of-alpha-bar")
def zero_terminal_snr(alpha_bars):
    moved = (alpha_bars - alpha_bars[-1]) * alpha_bars[1] / (alpha_bars[1] - alpha_bars[-1])
    return np.append(1.0, moved[1:])


@called("zero-terminal-snr-patched-with-2-to-the-minus-24")
def zero_terminal_snr(alpha_bars):  # noqa: F811
    r = root(alpha_bars[1:])
    r = (r - r[-1]) * r[0] / (r[0] - r[-1])
    return np.concatenate([[1], r[:-1] ** 2, [2**-24]])


@called("karras-divided-by-n")
def karras_sigmas(num_steps, *, sigma_min, sigma_max, rho=7.0):
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    ramp = np.arange(num_steps) / num_steps
    return np.append((high - ramp * (high - low)) ** rho, 0)


@called("leading-too-many-times")
def leading_timesteps(num_train_steps, num_steps):
    return np.array(range(0, num_train_steps, num_train_steps // num_steps))[::-1] + 1


@called("times-counted-from-0")
def trailing_timesteps(num_train_steps, num_steps):
    return np.round(np.arange(num_train_steps, 0, -num_train_steps / num_steps)) - 1
