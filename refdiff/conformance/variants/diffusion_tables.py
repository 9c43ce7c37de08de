"""Variants of the tables that a GaussianDiffusion class keeps."""

from __future__ import annotations

from typing import Any

from refdiff._namespace import log, maximum, sqrt
from refdiff.conformance.parts.tables import joined_table
from refdiff.conformance.variants import convention, deviation, observed

_LUCIDRAINS = "https://github.com/lucidrains/denoising-diffusion-pytorch"


@deviation(
    "alphas-cumprod-prev-padded-right",
    part="alphas_cumprod_prev",
    symptom="the first reverse step has no variance, the posterior's coefficients do not add up",
    cure="put the 1 in front: alphas_cumprod_prev = [1, alphas_cumprod[:-1]]",
    links=(f"{_LUCIDRAINS}/issues/18",),
)
def alphas_cumprod_prev_padded_right(table: Any) -> Any:
    """The table of the previous alpha_bar has its 1 at the end and not in front."""
    return joined_table(table[:-1], 1.0)


@deviation(
    "alphas-cumprod-prev-not-shifted",
    part="alphas_cumprod_prev",
    symptom="the posterior stays where it is: every step has variance 0 or ends too noisy",
    cure="shift by one time: alphas_cumprod_prev = [1, alphas_cumprod[:-1]]",
)
def alphas_cumprod_prev_not_shifted(table: Any) -> Any:
    """The table of the previous alpha_bar is that of the current one with a 1 put at its start."""
    return joined_table(1.0, table[1:])


@deviation(
    "alphas-cumprod-starts-at-one",
    part="alphas_cumprod",
    symptom="1 - alpha_bar is 0 at the first time: division by zero, images of NaN",
    cure="form the betas first and take alpha_bar as the product of 1 - beta",
    links=(
        "https://github.com/Project-MONAI/GenerativeModels/issues/489",
        "https://github.com/Project-MONAI/MONAI/pull/8427",
    ),
)
def alphas_cumprod_starts_at_one(betas: Any) -> Any:
    """The table of alpha_bar begins with 1, the level of clean data, at its first noisy time."""
    return joined_table(1.0, (1 - betas).cumprod()[:-1])


@deviation(
    "alphas-cumprod-of-betas",
    part="alphas_cumprod",
    symptom="a table that is 0 after a few entries",
    cure="multiply 1 - beta",
    links=("https://github.com/LuChengTHU/dpm-solver/issues/13",),
)
def alphas_cumprod_of_betas(betas: Any) -> Any:
    """The table of alpha_bar is the product of the betas and not of 1 - beta."""
    return (1 * betas).cumprod()


@deviation(
    "log-variance-not-a-logarithm",
    part="log_one_minus_alphas_cumprod",
    symptom="only the prior term of the bound is wrong",
    cure="take the logarithm of 1 - alpha_bar",
    links=("https://github.com/tqch/ddpm-torch/issues/9",),
)
def log_variance_not_a_logarithm(table: Any) -> Any:
    """What is called the log-variance of x_t is the variance, no logarithm of it."""
    return 1 - table


@deviation(
    "sqrt-recipm1-without-minus-one",
    part="sqrt_recipm1_alphas_cumprod",
    symptom="x_0 predicted with too much noise taken away at the first times",
    cure="take the root of 1 / alpha_bar - 1",
)
def sqrt_recipm1_without_minus_one(table: Any) -> Any:
    """The factor of eps in x_0 is sqrt(1 / alpha_bar), without the minus one."""
    return sqrt(1 / table)


@convention(
    "log-variance-clipped-at-1e-20",
    part="posterior_log_variance_clipped",
    choice="log-variance at the first time",
)
def log_variance_clipped_at_1e_20(variance: Any) -> Any:
    """The logarithm of the posterior variance 0 at the first time is that of 1e-20."""
    return log(maximum(variance, 1e-20))


@deviation(
    "posterior-log-variance-of-standard-deviation",
    part="posterior_log_variance_clipped",
    symptom="exp(log_variance / 2) is the fourth root of the variance: far too much noise",
    cure="take the logarithm of the variance, not of its root",
)
def posterior_log_variance_of_standard_deviation(variance: Any) -> Any:
    """What is called the posterior log-variance is the logarithm of the standard deviation."""
    return log(sqrt(joined_table(variance[1:2], variance[1:])))


@deviation(
    "posterior-log-variance-not-a-logarithm",
    part="posterior_log_variance_clipped",
    symptom="noise of standard deviation near 1 at every step",
    cure="take the logarithm of the posterior variance",
)
def posterior_log_variance_not_a_logarithm(variance: Any) -> Any:
    """What is called the posterior log-variance is the variance, no logarithm of it."""
    return joined_table(variance[1:2], variance[1:])


@convention(
    "log-variance-of-beta-at-the-first-time",
    part="log_variance_fixed_large",
    choice="log-variance at the first time",
)
def log_variance_of_beta_at_the_first_time(betas: Any, log_posterior_variance: Any) -> Any:
    """With the larger fixed variance the first log-variance is ln beta_1 too."""
    return log(betas)


@deviation(
    "learned-range-fraction-not-mapped",
    part="variance_fraction",
    symptom="variances outside beta-tilde and beta, noisy or too smooth samples",
    cure="map the network's [-1, 1] to [0, 1] by (v + 1) / 2",
)
def learned_range_fraction_not_mapped(raw: Any) -> Any:
    """The network's output in [-1, 1] is taken for the fraction in [0, 1] as it is."""
    return raw


@deviation(
    "learned-range-ends-swapped",
    part="variance_fraction",
    symptom="the network has to say 1 for the smaller variance",
    cure="weight ln beta by v and ln beta-tilde by 1 - v",
)
def learned_range_ends_swapped(raw: Any) -> Any:
    """The fraction weights ln beta-tilde where it should weight ln beta, and the reverse."""
    return (1 - raw) / 2


@deviation(
    "lvlb-weight-mean-of-x-0-with-wrong-parentheses",
    part="lvlb_weights",
    symptom="bound weights of x_0 between 1/4 and 1/2, almost the same at all times",
    cure="weights of eps times SNR",
    links=("https://github.com/CompVis/latent-diffusion/blob/main/ldm/models/diffusion/ddpm.py",),
)
def lvlb_weight_of_x_0_with_wrong_parentheses(
    *, alpha_bar_t: Any, alpha_bar_s: Any, prediction: str
) -> Any:
    """The bound's weights of x_0 are 0.5 sqrt(alpha_bar) / (2 - alpha_bar)."""
    weights = 0.5 * sqrt(alpha_bar_t) / (2 - alpha_bar_t)
    return joined_table(weights[1:2], weights[1:])


ROUNDED = observed(
    "approximation",
    "float32-tables",
    "1 - alpha_bar keeps only about three digits at the first times.",
    cure="keep the tables in float64 and convert what is looked up",
)
LOOKED_UP = observed(
    "approximation",
    "float32-lookup",
    "What is looked up in the tables is rounded to float32, whatever the images' dtype.",
    cure="convert to the dtype of the images",
)
HALF_PRECISION = observed(
    "deviation",
    "half-precision-tables",
    "alpha_bar rounds to 1 at the first times, where 1 - alpha_bar becomes 0.",
    symptom="division by zero at the last step; images change with the seed's dtype",
    cure="keep the tables in float32 or float64 and convert what is looked up",
    links=("https://github.com/AUTOMATIC1111/stable-diffusion-webui/issues/14071",),
)
TERMINAL = observed(
    "approximation",
    "non-zero-terminal-snr",
    "Training keeps some signal at its last time, and sampling starts from noise alone.",
    cure="rescale the schedule to zero terminal SNR and predict v or x_0",
    links=("https://github.com/huggingface/diffusers/issues/2585",),
)
UNSCALED = observed(
    "approximation",
    "beta-range-not-scaled-with-T",
    "The range of betas for 1000 steps is used with fewer, so that much signal is left at T.",
    symptom="biased brightness: training's x_T is not the noise that sampling starts from",
    cure="multiply the range by 1000 / T",
)
CLIPPED = observed(
    "approximation",
    "beta-clip",
    "The last beta is clipped below 1, so that a little signal is left at T.",
)
OUTSIDE = observed(
    "deviation",
    "beta-outside-unit-interval",
    "A beta is not between 0 and 1, and so alpha_bar is no longer one.",
    symptom="negative alpha_bar, NaN",
    cure="with few steps choose a schedule that is defined for all T, such as the cosine",
)
COSINE_OFFSET = observed(
    "deviation",
    "cosine-offset-ten-times-too-large",
    "The offset of the cosine schedule is 0.08 where the paper has 0.008.",
    cure="use 0.008",
    links=("https://github.com/probml/pml2-book/issues/489",),
)
