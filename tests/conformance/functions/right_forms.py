"""Right code, written in other ways than the reference: by logarithms, angles, libraries, loops.

Each is one function of one target; several stand under the same name.
"""

import math

import numpy as np
import torch
from scipy.special import expit, logit, ndtr

FORMS = []
numpy_form = FORMS.append


def torch_form(function):
    function.array = "torch"
    FORMS.append(function)


def log_of_1_minus(x):
    return np.log1p(-np.asarray(x))


# ---------------------------------------------------------------- posterior and steps


@numpy_form
def posterior_mean(x_0, x_t, *, alpha_bar_t, alpha_bar_s):
    log_beta = np.log(alpha_bar_s - alpha_bar_t) - np.log(alpha_bar_s)
    of_x_0 = np.exp(0.5 * np.log(alpha_bar_s) + log_beta - log_of_1_minus(alpha_bar_t))
    of_x_t = np.exp(0.5 * np.log(alpha_bar_t / alpha_bar_s) - log_of_1_minus(alpha_bar_t))
    return of_x_0 * x_0 + of_x_t * (1 - alpha_bar_s) * x_t


@numpy_form
def posterior_mean(x_0, x_t, *, alpha_bar_t, alpha_bar_s):  # noqa: F811
    if np.all(np.asarray(alpha_bar_s) == 1):
        return x_0
    alpha, beta = alpha_bar_t / alpha_bar_s, 1 - alpha_bar_t / alpha_bar_s
    precision = 1 / (1 - alpha_bar_s) + alpha / beta
    return (
        np.sqrt(alpha_bar_s) / (1 - alpha_bar_s) * x_0 + np.sqrt(alpha) / beta * x_t
    ) / precision


@numpy_form
def posterior_variance(*, alpha_bar_t, alpha_bar_s):
    with np.errstate(divide="ignore"):
        log_beta = log_of_1_minus(np.asarray(alpha_bar_t) / alpha_bar_s)
        return np.exp(log_of_1_minus(alpha_bar_s) - log_of_1_minus(alpha_bar_t) + log_beta)


@numpy_form
def posterior_mean_from_eps(x_t, eps, *, alpha_bar_t, alpha_bar_s):
    alpha = alpha_bar_t / alpha_bar_s
    x_0 = (x_t - np.sqrt(1 - alpha_bar_t) * eps) / np.sqrt(alpha_bar_t)
    of_x_0 = np.sqrt(alpha_bar_s) * (1 - alpha) / (1 - alpha_bar_t)
    return of_x_0 * x_0 + np.sqrt(alpha) * (1 - alpha_bar_s) / (1 - alpha_bar_t) * x_t


@numpy_form
def optimal_reverse_variance(*, alpha_bar_t, alpha_bar_s, mean_squared_eps):
    alpha, beta = alpha_bar_t / alpha_bar_s, (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    small = beta * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    root = np.sqrt((1 - alpha_bar_t) / alpha) - np.sqrt(np.maximum(1 - alpha_bar_s - small, 0))
    return small + root**2 * (1 - mean_squared_eps)


@numpy_form
def transition_variance(*, alpha_bar_t, alpha_bar_s):
    return -np.expm1(np.log(alpha_bar_t) - np.log(alpha_bar_s))


@numpy_form
def ddpm_step(x_t, eps, noise, *, alpha_bar_t, alpha_bar_s):
    """The way of public code: clip the variance's logarithm, go through x_0."""
    alpha = alpha_bar_t / alpha_bar_s
    x_0 = np.sqrt(1 / alpha_bar_t) * x_t - np.sqrt(1 / alpha_bar_t - 1) * eps
    of_x_0 = np.sqrt(alpha_bar_s) * (1 - alpha) / (1 - alpha_bar_t)
    mean = of_x_0 * x_0 + np.sqrt(alpha) * (1 - alpha_bar_s) / (1 - alpha_bar_t) * x_t
    variance = (1 - alpha) * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return mean + np.exp(0.5 * np.log(np.maximum(variance, 1e-20))) * noise


@numpy_form
def ddim_step(x_t, eps, noise, *, alpha_bar_t, alpha_bar_s, eta):
    """The way of exponential integrators: a factor of x_t and one of eps."""
    variance = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)
    sigma = eta * np.sqrt(variance)
    of_eps = np.sqrt(1 - alpha_bar_s - sigma**2) - np.sqrt(
        alpha_bar_s * (1 - alpha_bar_t) / alpha_bar_t
    )
    return np.sqrt(alpha_bar_s / alpha_bar_t) * x_t + of_eps * eps + sigma * noise


# ---------------------------------------------------------------- conversions


def angle(alpha_bar):
    return np.arctan2(np.sqrt(1 - alpha_bar), np.sqrt(alpha_bar))


@numpy_form
def x_0_from_v(x_t, v, *, alpha_bar_t):
    return np.cos(angle(alpha_bar_t)) * x_t - np.sin(angle(alpha_bar_t)) * v


@numpy_form
def x_0_from_v(x_t, v, *, alpha_bar_t):  # noqa: F811
    phi = np.arccos(np.sqrt(alpha_bar_t))
    return np.cos(phi) * x_t - np.sin(phi) * v


@numpy_form
def eps_from_v(x_t, v, *, alpha_bar_t):
    return np.sin(angle(alpha_bar_t)) * x_t + np.cos(angle(alpha_bar_t)) * v


@numpy_form
def v_from_eps(x_t, eps, *, alpha_bar_t):
    c, s = np.cos(angle(alpha_bar_t)), np.sin(angle(alpha_bar_t))
    return c * eps - s * (x_t - s * eps) / c


@numpy_form
def v_from_x_0(x_t, x_0, *, alpha_bar_t):
    return x_t / np.tan(angle(alpha_bar_t)) - x_0 / np.sin(angle(alpha_bar_t))


@torch_form
def score_from_x_0(x_t, x_0, *, alpha_bar_t):
    x = x_t.clone().requires_grad_(True)
    log_density = -((x - alpha_bar_t.sqrt() * x_0) ** 2) / (2 * (1 - alpha_bar_t))
    return torch.autograd.grad(log_density.sum(), x)[0]


@numpy_form
def snr(*, alpha_bar_t):
    return np.exp(np.log(alpha_bar_t) - log_of_1_minus(alpha_bar_t))


@numpy_form
def snr(*, alpha_bar_t):  # noqa: F811
    return 1 / (1 / alpha_bar_t - 1)


@numpy_form
def log_snr(*, alpha_bar_t):
    return logit(alpha_bar_t)


@numpy_form
def log_snr(*, alpha_bar_t):  # noqa: F811
    return 2 * (np.log(np.sqrt(alpha_bar_t)) - np.log(np.sqrt(1 - alpha_bar_t)))


@numpy_form
def alpha_bar_from_log_snr(*, log_snr_t):
    return expit(log_snr_t)


@numpy_form
def alpha_bar_from_log_snr(*, log_snr_t):  # noqa: F811
    return 0.5 * (1 + np.tanh(np.asarray(log_snr_t) / 2))


# ---------------------------------------------------------------- guidance


@numpy_form
def guidance_from_scale(cond, uncond, *, scale):
    return cond + (scale - 1) * (cond - uncond)


@torch_form
def rescale_guidance(guided, cond, *, phi):
    """Unbiased standard deviations: the ratio is the same."""
    axes = list(range(1, cond.ndim))
    ratio = cond.std(dim=axes, keepdim=True) / guided.std(dim=axes, keepdim=True)
    return phi * (guided * ratio) + (1 - phi) * guided


@torch_form
def dynamic_threshold(x_0, *, percentile):
    s = torch.quantile(x_0.flatten(1).abs(), percentile / 100, dim=1).clamp(min=1)
    s = s.reshape(-1, *[1] * (x_0.ndim - 1))
    return x_0.clamp(-s, s) / s


@numpy_form
def dynamic_threshold(x_0, *, percentile):  # noqa: F811
    s = np.percentile(np.abs(x_0).reshape(len(x_0), -1), percentile, axis=1)
    s = np.maximum(s, 1).reshape((-1,) + (1,) * (x_0.ndim - 1))
    return np.clip(x_0, -s, s) / s


# ---------------------------------------------------------------- objectives


@torch_form
def simple_loss(eps, eps_pred):
    return torch.nn.functional.mse_loss(eps_pred, eps, reduction="none").flatten(1).mean(1)


@numpy_form
def normal_kl(mean_1, log_variance_1, mean_2, log_variance_2):
    std_1, std_2 = np.exp(log_variance_1 / 2), np.exp(log_variance_2 / 2)
    return np.log(std_2 / std_1) + (std_1**2 + (mean_1 - mean_2) ** 2) / (2 * std_2**2) - 0.5


@torch_form
def normal_kl(mean_1, log_variance_1, mean_2, log_variance_2):  # noqa: F811
    normal = torch.distributions.Normal
    first = normal(mean_1, (log_variance_1 / 2).exp())
    return torch.distributions.kl_divergence(first, normal(mean_2, (log_variance_2 / 2).exp()))


@numpy_form
def prior_kl(x_0, *, alpha_bar_t):
    return 0.5 * (-1.0 - np.log(1 - alpha_bar_t) + (1 - alpha_bar_t) + alpha_bar_t * x_0**2)


@torch_form
def min_snr_weight_eps(*, snr_t, gamma):
    both = torch.stack([snr_t, gamma * torch.ones_like(snr_t)], dim=-1)
    return both.min(dim=-1)[0] / snr_t


@numpy_form
def discretized_gaussian_log_likelihood(x_0, *, mean, std):
    """Differences of tails, mirrored to the side where they are small."""
    upper = np.where(x_0 > 0.999, np.inf, (x_0 - mean + 1 / 255) / std)
    lower = np.where(x_0 < -0.999, -np.inf, (x_0 - mean - 1 / 255) / std)
    mirrored = lower > 0
    upper, lower = np.where(mirrored, -lower, upper), np.where(mirrored, -upper, lower)
    return np.log(ndtr(upper) - ndtr(lower))


@numpy_form
def bits_per_dim(nats, *, num_dims):
    return nats / num_dims * np.log2(np.e)


@numpy_form
def edm_c_out(*, sigma, sigma_data):
    return sigma * sigma_data / np.hypot(sigma, sigma_data)


@numpy_form
def edm_c_skip(*, sigma, sigma_data):
    return 1 / (1 + (sigma / sigma_data) ** 2)


@numpy_form
def edm_c_noise(*, sigma):
    return np.log(sigma**0.25)


# ---------------------------------------------------------------- schedules, tables, times


@torch_form
def linear_betas(num_steps, *, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start, beta_end, num_steps, dtype=torch.float64)


@torch_form
def scaled_linear_betas(num_steps, *, beta_start=0.00085, beta_end=0.012):
    return torch.linspace(beta_start**0.5, beta_end**0.5, num_steps, dtype=torch.float64) ** 2


@numpy_form
def cosine_betas(num_steps, *, offset=0.008, max_beta=0.999):
    def level(t):
        return math.cos((t + offset) / (1 + offset) * math.pi / 2) ** 2

    ratios = [level((i + 1) / num_steps) / level(i / num_steps) for i in range(num_steps)]
    return [min(1 - ratio, max_beta) for ratio in ratios]


@numpy_form
def cosine_betas(num_steps, *, offset=0.008, max_beta=0.999):  # noqa: F811
    """One entry more in numerator and denominator: reported as a mistake once, and none."""
    time = np.linspace(0, num_steps + 1, num_steps + 1) / (num_steps + 1)
    level = np.cos((time + offset) / (1 + offset) * np.pi * 0.5) ** 2
    level = level / level[0]
    return np.clip(1 - level[1:] / level[:-1], 0, max_beta)


@torch_form
def sigmoid_alpha_bars(num_steps, *, start=-3, end=3, tau=1):
    time = torch.linspace(0, num_steps, num_steps + 1, dtype=torch.float64) / num_steps
    low, high = (torch.tensor(u / tau, dtype=torch.float64).sigmoid() for u in (start, end))
    return (high - ((time * (end - start) + start) / tau).sigmoid()) / (high - low)


@torch_form
def karras_sigmas(num_steps, *, sigma_min, sigma_max, rho=7.0):
    ramp = torch.linspace(0, 1, num_steps, dtype=torch.float64)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return torch.cat([(high + ramp * (low - high)) ** rho, torch.zeros(1)])


@torch_form
def alpha_bars_from_betas(betas):
    return torch.cat([torch.ones(1), torch.cumprod(1 - betas, 0)])


@numpy_form
def alpha_bars_from_betas(betas):  # noqa: F811
    return np.append(1.0, np.exp(np.cumsum(np.log(1 - betas))))


@numpy_form
def betas_from_alpha_bars(alpha_bars):
    return 1 - np.exp(np.diff(np.log(alpha_bars)))


@torch_form
def zero_terminal_snr(alpha_bars):
    root = alpha_bars.sqrt()[1:].clone()
    first, last = root[0].clone(), root[-1].clone()
    root -= last
    root *= first / (first - last)
    return torch.cat([torch.ones(1), root**2])


@numpy_form
def trailing_timesteps(num_train_steps, num_steps):
    return [round(i * num_train_steps / num_steps) for i in range(num_steps, 0, -1)]


@numpy_form
def linspace_timesteps(num_train_steps, num_steps):
    return np.linspace(num_train_steps, 1, num_steps).round()
