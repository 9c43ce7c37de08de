"""What each function should return, as a program over parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from refdiff.conformance.parts import Parts

__all__ = ["INNER", "program_of"]


def _guidance(parts: Parts, eps_cond: Any, eps_uncond: Any, *, w: Any) -> Any:
    # Through the parts of a sampler's guidance, so that their variants are known here too.
    return parts.guided_prediction(eps_cond, eps_uncond, weight=w)


def _listed(name: str, listing: str) -> Callable[..., Any]:
    """Return the program of a table or list, and of how it is handed out."""

    def run(parts: Parts, *args: Any, **kwargs: Any) -> Any:
        return getattr(parts, listing)(getattr(parts, name)(*args, **kwargs))

    return run


_LISTED = {
    "listed_betas": (
        "linear_betas",
        "scaled_linear_betas",
        "cosine_betas",
        "betas_from_alpha_bars",
    ),
    "listed_levels": ("alpha_bars_from_betas", "sigmoid_alpha_bars", "zero_terminal_snr"),
    "listed_times": ("leading_timesteps", "linspace_timesteps", "trailing_timesteps"),
}
_PROGRAMS: Mapping[str, Callable[..., Any]] = {"classifier_free_guidance": _guidance} | {
    name: _listed(name, listing) for listing, names in _LISTED.items() for name in names
}

INNER: Mapping[str, tuple[str, ...]] = {
    "forward_sample": ("forward_mean", "forward_variance"),
    "prior_kl": ("forward_mean", "forward_variance"),
    "ddpm_step": ("posterior_mean_from_eps", "posterior_variance"),
    "ddpm_step_fixed_large": ("posterior_mean_from_eps", "transition_variance"),
    "ddim_mean": ("ddim_sigma",),
    "ddim_step": ("x_0_from_eps", "ddim_sigma", "ddim_mean"),
}
"""Functions that are made of others: what is wrong with one of those is wrong with them."""


def program_of(name: str, parts: Parts) -> Callable[..., Any]:
    """Return what a function should be, in these parts.

    Parameters
    ----------
    name : str
        A public name of `refdiff.equations`.
    parts : Parts
        The parts, some of them replaced.

    Returns
    -------
    callable
        With the reference's signature.
    """
    if name not in _PROGRAMS:
        return getattr(parts, name)

    def run(*args: Any, **kwargs: Any) -> Any:
        return _PROGRAMS[name](parts, *args, **kwargs)

    return run
