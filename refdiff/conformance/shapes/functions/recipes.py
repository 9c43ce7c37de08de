"""Which calls each function of `refdiff.equations` is judged by."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from refdiff.conformance.shapes.functions import others
from refdiff.conformance.shapes.functions.calls import Call
from refdiff.conformance.shapes.functions.levels import (
    TABLE,
    Cases,
    Draw,
    one_level,
    two_levels,
    with_eta,
)

__all__ = ["cases_of"]

_LEVEL: Mapping[str, Sequence[str]] = {
    "forward_mean": ("x_0",),
    "forward_variance": (),
    "forward_sample": ("x_0", "eps"),
    "x_0_from_eps": ("x_t", "eps"),
    "eps_from_x_0": ("x_t", "x_0"),
    "v_from_eps": ("x_t", "eps"),
    "v_from_x_0": ("x_t", "x_0"),
    "x_0_from_v": ("x_t", "v"),
    "eps_from_v": ("x_t", "v"),
    "score_from_eps": ("eps",),
    "eps_from_score": ("score",),
    "score_from_x_0": ("x_t", "x_0"),
    "x_0_from_score": ("x_t", "score"),
    "snr": (),
    "log_snr": (),
    "prior_kl": ("x_0",),
}
_LEVELS: Mapping[str, Sequence[str]] = {
    "transition_mean": ("x_s",),
    "transition_variance": (),
    "posterior_mean": ("x_0", "x_t"),
    "posterior_variance": (),
    "posterior_mean_from_eps": ("x_t", "eps"),
    "ddpm_step": ("x_t", "eps", "noise"),
    "ddpm_step_fixed_large": ("x_t", "eps", "noise"),
}
_ETA: Mapping[str, Sequence[str]] = {
    "ddim_sigma": (),
    "ddim_mean": ("x_0", "eps"),
    "ddim_step": ("x_t", "eps", "noise"),
}
_BETA = {"beta_start": 1e-4, "beta_end": 0.02}
_SCALED = {"beta_start": 0.00085, "beta_end": 0.012}
_COSINE = {"offset": 0.008, "max_beta": 0.999}
_SIGMOID = {"start": -3.0, "end": 3.0, "tau": 1.0}


@functools.cache
def cases_of(name: str, seed: int) -> Cases:
    """Return the calls that a function is judged by.

    Parameters
    ----------
    name : str
        A public name of `refdiff.equations`.
    seed : int
        Seed of the tensors.

    Returns
    -------
    dict of str to list of Call
        By the name of the case.
    """
    rng = np.random.default_rng([seed, *name.encode()])

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape)

    if name in _LEVEL:
        return one_level(_LEVEL[name], draw)
    if name in _LEVELS:
        return two_levels(_LEVELS[name], draw)
    if name in _ETA:
        return with_eta(_ETA[name], draw)
    return _OTHERS[name](draw)


def _learned_range(draw: Draw) -> Cases:
    def between(*shape: int) -> np.ndarray:
        return 1 / (1 + np.exp(-draw(*shape)))

    found = two_levels(("v",), between)
    ends = np.array([[0.0, 1.0, 0.0]])
    levels = {"alpha_bar_t": float(TABLE[500]), "alpha_bar_s": float(TABLE[480])}
    del found["bfloat16"]  # a power is too rough there to tell two formulas apart
    return found | {"ends": [Call({"v": ends}, levels)]}


def _optimal_variance(draw: Draw) -> Cases:
    found = two_levels((), draw, mean_squared_eps=0.3)
    more = two_levels((), draw, data_end=False, mean_squared_eps=0.95)
    return found | {"values": [*found["values"], *more["values"]]}


def _vlb(draw: Draw) -> Cases:
    found = two_levels((), draw, variance=0.02)
    more = two_levels((), draw, data_end=False, variance=0.3)
    return found | {"strides": [*found["strides"], *more["strides"]]}


def _classifier_eps(draw: Draw) -> Cases:
    found = one_level(("eps", "gradient"), draw, scale=1.0)
    more = one_level(("eps", "gradient"), draw, scale=4.0)
    return found | {"scaled": more["values"]}


def _classifier_mean(draw: Draw) -> Cases:
    def at(variance: Any, scale: float) -> Call:
        return Call(
            {"mean": draw(2, 2, 2), "gradient": draw(2, 2, 2)},
            {"variance": variance, "scale": scale},
        )

    varied = np.array([0.01, 0.4]).reshape(2, 1, 1)
    return {
        "values": [at(v, s) for v in (0.0001, 0.02, 0.5) for s in (1.0, 3.5)],
        "per-sample-levels": [at(varied, 2.0)],
        "float32": [at(0.02, 1.0)],
    }


def _log_snrs(draw: Draw, *sides: dict[str, float]) -> Cases:
    ratios = np.log(TABLE[[1, 2, 250, 500, 999, 1000]] / (1 - TABLE[[1, 2, 250, 500, 999, 1000]]))
    return {
        "values": [Call({}, {"log_snr_t": float(r)} | s) for r in ratios for s in sides],
        "level-arrays": [Call({}, {"log_snr_t": ratios.reshape(2, 3)} | s) for s in sides],
        "float32": [Call({}, {"log_snr_t": ratios[1:5].reshape(2, 2)} | s) for s in sides],
    }


def _bits(draw: Draw) -> Cases:
    nats = np.abs(draw(2, 3)) * 5000
    return {
        "values": [Call({"nats": nats}, {"num_dims": n}) for n in (3072.0, 784.0)],
        "one-component": [Call({"nats": draw(2, 2)}, {"num_dims": 1.0})],
        "float32": [Call({"nats": nats}, {"num_dims": 3072.0})],
    }


_PIXELS = (
    {"resolution": 256.0, "reference_resolution": 64.0},
    {"resolution": 48.0, "reference_resolution": 32.0},
)
_OTHERS: Mapping[str, Callable[[Draw], Cases]] = {
    "alpha_bar_from_log_snr": lambda draw: _log_snrs(draw, {}),
    "alpha_bars_from_betas": lambda draw: others.tables("betas"),
    "betas_from_alpha_bars": lambda draw: others.tables("alpha_bars"),
    "bits_per_dim": _bits,
    "classifier_free_guidance": lambda draw: others.mixtures(
        ("eps_cond", "eps_uncond"), draw, "w", (0.0, -1.0)
    ),
    "classifier_guided_eps": _classifier_eps,
    "classifier_guided_mean": _classifier_mean,
    "cosine_betas": lambda draw: others.schedules(
        _COSINE, {"offset": 0.02, "max_beta": 0.99}, {"offset": 0.001, "max_beta": 0.9999}
    ),
    "discretized_gaussian_log_likelihood": others.likelihood,
    "dynamic_threshold": others.dynamic_threshold,
    "edm_c_in": lambda draw: others.edm(),
    "edm_c_noise": lambda draw: others.edm(sigma_data=False),
    "edm_c_out": lambda draw: others.edm(),
    "edm_c_skip": lambda draw: others.edm(),
    "edm_loss_weight": lambda draw: others.edm(),
    "guidance_from_scale": lambda draw: others.mixtures(
        ("cond", "uncond"), draw, "scale", (1.0, 0.0)
    ),
    "interval_scale": others.interval,
    "karras_sigmas": lambda draw: others.karras(),
    "leading_timesteps": lambda draw: others.grids(),
    "learned_range_variance": _learned_range,
    "linear_betas": lambda draw: others.schedules(
        _BETA, {"beta_start": 0.001, "beta_end": 0.03}, {"beta_start": 0.0002, "beta_end": 0.05}
    ),
    "linspace_timesteps": lambda draw: others.grids(
        halves=((10, 7), (100, 23)),
        one_step=False,
    ),
    "min_snr_weight_eps": lambda draw: others.of_snr(gamma=5.0),
    "min_snr_weight_v": lambda draw: others.of_snr(gamma=5.0),
    "min_snr_weight_x_0": lambda draw: others.of_snr(gamma=5.0),
    "normal_kl": others.normal_kl,
    "optimal_reverse_variance": _optimal_variance,
    "p2_weight_eps": lambda draw: (
        others.of_snr(k=1.3, gamma=0.7) | {"usual": others.of_snr(k=1.0, gamma=1.0)["values"]}
    ),
    "per_sample": others.per_sample,
    "rescale_guidance": others.rescaled,
    "scaled_linear_betas": lambda draw: others.schedules(
        _SCALED, {"beta_start": 0.001, "beta_end": 0.03}
    ),
    "shifted_log_snr": lambda draw: _log_snrs(draw, *_PIXELS),
    "sigmoid_alpha_bars": lambda draw: others.schedules(
        _SIGMOID, {"start": 0.0, "end": 3.0, "tau": 0.7}, {"start": -2.0, "end": 4.0, "tau": 1.5}
    ),
    "simple_loss": others.simple_loss,
    "trailing_timesteps": lambda draw: others.grids(halves=((10, 4), (1000, 16))),
    "vlb_weight_eps": _vlb,
    "zero_terminal_snr": lambda draw: others.tables("alpha_bars"),
}
