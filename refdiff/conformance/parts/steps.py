"""One step of a sampler spelled out, so that each place where code goes wrong can be replaced.

The model's output becomes the pair (x_0, eps); x_0 may be limited; the step combines them. Parts
take levels as numbers: which level belongs to which call is decided in `grids`.
"""

from __future__ import annotations

from typing import Any

from refdiff._namespace import maximum, sqrt
from refdiff.conformance.parts import Parts, part, spelled_out

__all__ = [
    "ddim_added_std",
    "ddim_data_scale",
    "ddim_direction",
    "ddim_mean",
    "ddim_noise_std",
    "ddim_update",
    "ddpm_mean",
    "ddpm_update",
    "ddpm_variance",
    "eps_after_limit",
    "learned_variance",
    "limit_x_0",
    "noise_std",
    "predicted_eps",
    "predicted_x_0",
    "x_0_and_eps",
]


@part
def predicted_x_0(parts: Parts, output: Any, x_t: Any, *, alpha_bar_t: Any, prediction: str) -> Any:
    """Return the x_0 that the model's output implies; `prediction` is "eps", "x_0" or "v"."""
    if prediction == "eps":
        return parts.x_0_from_eps(x_t, output, alpha_bar_t=alpha_bar_t)
    if prediction == "v":
        return parts.x_0_from_v(x_t, output, alpha_bar_t=alpha_bar_t)
    return output


@part
def predicted_eps(parts: Parts, output: Any, x_t: Any, *, alpha_bar_t: Any, prediction: str) -> Any:
    """Return the eps that the model's output implies; `prediction` is "eps", "x_0" or "v"."""
    if prediction == "eps":
        return output
    if prediction == "v":
        return parts.eps_from_v(x_t, output, alpha_bar_t=alpha_bar_t)
    return parts.eps_from_x_0(x_t, output, alpha_bar_t=alpha_bar_t)


@part
def limit_x_0(x_0: Any) -> Any:
    """Return x_0 as the step uses it: unlimited."""
    return x_0


@part
def eps_after_limit(
    parts: Parts, limited: Any, x_0: Any, eps: Any, x_t: Any, *, alpha_bar_t: Any
) -> Any:
    """Return the eps of the step: the model's, or the one that a limited x_0 implies."""
    if limited is x_0:
        return eps
    return parts.eps_from_x_0(x_t, limited, alpha_bar_t=alpha_bar_t)


@part
def x_0_and_eps(
    parts: Parts, output: Any, x_t: Any, *, alpha_bar_t: Any, prediction: str
) -> tuple[Any, Any]:
    """Return the pair that the step uses, after any limit."""
    known = {"alpha_bar_t": alpha_bar_t, "prediction": prediction}
    x_0 = parts.predicted_x_0(output, x_t, **known)
    eps = parts.predicted_eps(output, x_t, **known)
    limited = parts.limit_x_0(x_0)
    return limited, parts.eps_after_limit(limited, x_0, eps, x_t, alpha_bar_t=alpha_bar_t)


@part
def ddim_noise_std(parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """Return the standard deviation by which a DDIM step reduces the factor of eps."""
    return parts.ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)


@part
def ddim_added_std(parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """Return the standard deviation of the fresh noise that a DDIM step adds: the same one."""
    return parts.ddim_noise_std(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)


@part
def ddim_data_scale(*, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return the factor of x_0 in a DDIM step."""
    return sqrt(alpha_bar_s)


@part
def ddim_direction(*, alpha_bar_t: Any, alpha_bar_s: Any, sigma: Any) -> Any:
    """Return the factor of eps in a DDIM step, where sigma is that of the fresh noise."""
    return sqrt(maximum(1 - alpha_bar_s - sigma * sigma, 0.0))


@spelled_out
def ddim_mean(
    parts: Parts, x_0: Any, eps: Any, *, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any
) -> Any:
    """Return the deterministic part of a DDIM step."""
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    sigma = parts.ddim_noise_std(**levels, eta=eta)
    return parts.ddim_data_scale(**levels) * x_0 + parts.ddim_direction(**levels, sigma=sigma) * eps


@part
def ddim_update(
    parts: Parts, x_0: Any, eps: Any, noise: Any, *, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any
) -> Any:
    """Return the state after a DDIM step."""
    known = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s, "eta": eta}
    return parts.ddim_mean(x_0, eps, **known) + parts.ddim_added_std(**known) * noise


@part
def ddpm_mean(
    parts: Parts,
    x_0: Any,
    eps: Any,
    x_t: Any,
    *,
    alpha_bar_t: Any,
    alpha_bar_s: Any,
    alpha_bar_before: Any = None,
) -> Any:
    """Return the mean of an ancestral step.

    `alpha_bar_before` is the level one training time below t, which is not that of s where
    times are skipped; what is right does not depend on it.
    """
    return parts.posterior_mean(x_0, x_t, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@part
def ddpm_variance(
    parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any, alpha_bar_before: Any = None
) -> Any:
    """Return the fixed variance of an ancestral step: beta-tilde."""
    return parts.posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@part
def learned_variance(
    parts: Parts, raw: Any, *, alpha_bar_t: Any, alpha_bar_s: Any, alpha_bar_before: Any = None
) -> Any:
    """Return the variance that a network chose with an output `raw` in [-1, 1]."""
    v = (raw + 1) / 2
    return parts.learned_range_variance(v, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@part
def noise_std(variance: Any) -> Any:
    """Return the factor of the fresh noise of an ancestral step."""
    return sqrt(variance)


@part
def ddpm_update(parts: Parts, mean: Any, noise: Any, *, variance: Any, weight: Any) -> Any:
    """Return the state after an ancestral step; `weight` is 0 where the step adds no noise."""
    return mean + weight * parts.noise_std(variance) * noise
