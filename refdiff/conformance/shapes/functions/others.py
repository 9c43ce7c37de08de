"""Calls of the functions that are not of noise levels alone: each has places of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from refdiff.conformance.shapes.functions.calls import Call
from refdiff.conformance.shapes.functions.levels import TABLE, Cases, Draw, shapes
from refdiff.equations import cosine_betas, scaled_linear_betas

__all__ = [
    "dynamic_threshold",
    "edm",
    "grids",
    "interval",
    "karras",
    "likelihood",
    "mixtures",
    "normal_kl",
    "of_snr",
    "per_sample",
    "rescaled",
    "schedules",
    "simple_loss",
    "tables",
]


def mixtures(
    names: Sequence[str], draw: Draw, weight: str, ends: Sequence[float], **extra: Any
) -> Cases:
    """Return calls of a function that mixes tensors by a weight; `ends` are given back exactly."""
    turn = shapes()

    def at(values: Sequence[float], shape: tuple[int, ...] | None = None) -> list[Call]:
        return [
            Call({n: draw(*size) for n in names}, {weight: value} | extra)
            for value in values
            for size in [shape or next(turn)]
        ]

    return {
        "values": at((0.5, 2.0, 7.5, 3.0)),
        "large": at((100.0, 1000.0)),
        "ends": at(ends),
        "four-channels": at((4.0,), (2, 4, 2, 2)),
        "float32": at((0.5, 7.5)),
        "bfloat16": at((0.5, 7.5)),
    }


def rescaled(draw: Draw) -> Cases:
    """Return calls of `rescale_guidance`: samples and channels of different spread."""
    spread = np.array([1.0, 3.0, 0.2]).reshape(3, 1, 1, 1) * np.array([1.0, 2.5]).reshape(2, 1, 1)

    def at(values: Sequence[float]) -> list[Call]:
        return [
            Call(
                {"guided": 4 * spread * draw(3, 2, 2, 2) + 1, "cond": draw(3, 2, 2, 2)}, {"phi": p}
            )
            for p in values
        ]

    return {"values": at((0.7, 0.25)), "ends": at((0.0, 1.0)), "float32": at((0.7,))}


def dynamic_threshold(draw: Draw) -> Cases:
    """Return calls inside the range, outside it, and of batches with both."""

    def at(sizes: Sequence[float], percentile: float) -> Call:
        x = np.stack([size * draw(2, 3, 3) for size in sizes])
        return Call({"x_0": x}, {"percentile": percentile})

    strong = 4 * np.sign(draw(2, 2, 3, 3)) + draw(2, 2, 3, 3) / 2
    inside = np.tanh(draw(3, 2, 2, 2)) * 0.9
    return {
        "values": [
            at((3.0, 5.0), 99.5),
            at((3.0, 0.3, 8.0), 90.0),
            Call({"x_0": strong}, {"percentile": 95.0}),
        ],
        "inside": [Call({"x_0": inside}, {"percentile": 99.5})],
        "largest": [at((2.0, 4.0), 100.0)],
        "float32": [at((3.0, 0.3), 97.0)],
    }


def interval(_draw: Draw) -> Cases:
    """Return noise levels inside the interval, outside it, and on both of its ends."""
    ends = {"scale": 3.0, "sigma_lo": 0.25, "sigma_hi": 5.0}
    return {
        "values": [Call({}, {"sigma": sigma} | ends) for sigma in (0.05, 0.7, 4.0, 9.0)],
        "level-arrays": [Call({}, {"sigma": np.array([[0.1, 0.4], [4.9, 80.0]])} | ends)],
        "ends": [Call({}, {"sigma": np.array([[0.25, 5.0]])} | ends)],
        "float32": [Call({}, {"sigma": np.array([[0.1, 0.4], [4.9, 80.0]])} | ends)],
    }


def simple_loss(draw: Draw) -> Cases:
    """Return batches of all shapes."""

    def at(*sizes: tuple[int, ...]) -> list[Call]:
        return [Call({"eps": draw(*s), "eps_pred": draw(*s)}) for s in sizes]

    images = ((2, 3), (1, 2, 2, 2), (3, 1, 2, 2), (4, 2, 3))
    return {"values": at(*images), "float32": at((3, 2, 2, 2)), "bfloat16": at((2, 3))}


def normal_kl(draw: Draw) -> Cases:
    """Return distributions far from each other, and so close that the divergence cancels."""

    def at(*sizes: tuple[int, ...]) -> list[Call]:
        return [_kl(draw(*s), draw(*s) - 1, draw(*s), draw(*s) - 2) for s in sizes]

    mean, log_variance = draw(2, 3), draw(2, 3) - 3
    near = _kl(mean, log_variance, mean + 0.01 * draw(2, 3), log_variance + 0.02 * draw(2, 3))
    return {"values": at((2, 3), (2, 1, 2, 2)), "close": [near], "float32": at((3, 2))}


def _kl(*four: np.ndarray) -> Call:
    names = ("mean_1", "log_variance_1", "mean_2", "log_variance_2")
    return Call(dict(zip(names, four, strict=True)))


def likelihood(draw: Draw) -> Cases:
    """Return pixels near the mean, in the tails, and on both ends of the range."""

    def at(pixels: np.ndarray, away: Any, std: Any) -> Call:
        """Put the mean `away` standard deviations from the pixel's level."""
        x_0 = (2.0 * pixels - 255) / 255
        return Call({"x_0": x_0}, {"mean": x_0 - away * std, "std": std})

    inner = np.array([[1.0, 17.0, 100.0], [128.0, 200.0, 254.0]])
    ends = np.array([[0.0, 255.0], [0.0, 255.0]])
    near = np.clip(draw(2, 3), -2, 2)
    varied = np.array([[0.02, 0.1, 0.5], [0.03, 0.2, 1.0]])
    far = np.array([[4.0, -4.0, 5.0], [-5.0, 4.5, -4.5]])
    return {
        "values": [at(inner, near, 0.05), at(inner, near, varied)],
        "narrow": [at(inner, near / 4, 0.002)],
        "ends": [at(ends, np.array([[0.3, -0.4], [-0.5, 1.5]]), 0.1)],
        "ends-far": [at(ends, np.array([[2.0, -3.0], [-3.0, 2.0]]), 0.2)],
        "tails": [at(inner, far, 0.05)],
        "far-tails": [at(inner, far * 2.5, 0.02)],
        "float32": [at(inner, near, 0.2)],
    }


def of_snr(**settings: float) -> Cases:
    """Return ratios on both sides of the clip, with these settings."""
    ratios = TABLE[1:] / (1 - TABLE[1:])
    chosen = ratios[[0, 1, 99, 250, 499, 899, 999]]
    dense = chosen[1:].reshape(2, 3)
    return {
        "values": [Call({}, {"snr_t": float(value)} | settings) for value in chosen],
        "level-arrays": [
            Call({}, {"snr_t": dense} | settings),
            Call({}, {"snr_t": dense} | {name: 0.6 * value for name, value in settings.items()}),
        ],
        "float32": [Call({}, {"snr_t": dense} | settings)],
    }


def edm(*, sigma_data: bool = True) -> Cases:
    """Return noise levels from nearly none to nearly nothing else, for data of several spreads."""

    def at(sigma: Any, spread: float) -> Call:
        return Call({}, {"sigma": sigma} | ({"sigma_data": spread} if sigma_data else {}))

    dense = np.array([[0.01, 0.3, 1.0], [2.5, 20.0, 80.0]])
    return {
        "values": [at(s, d) for s in (0.002, 0.4, 1.5, 80.0) for d in (0.5, 1.7)],
        "level-arrays": [at(dense, 0.5), at(dense, 0.9)],
        "float32": [at(dense, 0.5)],
    }


def schedules(defaults: dict[str, float], *chosen: dict[str, float]) -> Cases:
    """Return numbers of steps with the default settings, and with chosen ones."""
    return {
        "defaults": [Call({"num_steps": 1000}, {}, defaults)],
        "other-steps": [Call({"num_steps": n}, {}, defaults) for n in (400, 50)],
        "settings": [Call({"num_steps": n}, c) for n in (1000, 100) for c in chosen],
    }


def karras() -> Cases:
    """Return grids of EDM's defaults, of other shapes, and the shortest ones."""
    ends = {"sigma_min": 0.002, "sigma_max": 80.0}
    return {
        "defaults": [Call({"num_steps": n}, ends, {"rho": 7.0}) for n in (18, 5)],
        "settings": [
            Call({"num_steps": 10}, {"sigma_min": 0.03, "sigma_max": 14.6, "rho": rho})
            for rho in (3.0, 5.0)
        ],
        "two-steps": [Call({"num_steps": 2}, ends, {"rho": 7.0})],
    }


def tables(name: str) -> Cases:
    """Return tables of the usual schedules, whole, strided, and falling to nearly nothing."""
    usual = np.append(1.0, np.cumprod(1 - scaled_linear_betas(1000)))
    cosine = np.append(1.0, np.cumprod(1 - cosine_betas(50)))
    made = {
        "values": [TABLE, usual],
        "strided": [np.append(1.0, TABLE[20::20]), np.append(1.0, usual[7::7])],
        "short": [np.array([1.0, 0.7, 0.4, 0.1]), np.array([1.0, 0.9, 0.2, 1e-5])],
        "cosine": [cosine],
    }
    if name == "betas":
        made = {
            case: [1 - table[1:] / table[:-1] for table in found] for case, found in made.items()
        }
    return {case: [Call({name: table}) for table in found] for case, found in made.items()}


def grids(*, halves: Sequence[tuple[int, int]] = (), one_step: bool = True) -> Cases:
    """Return numbers of steps that divide T and that do not, one step, and all of them."""

    def at(*pairs: tuple[int, int]) -> list[Call]:
        return [Call({"num_train_steps": total, "num_steps": count}) for total, count in pairs]

    found = {
        "dividing": at((1000, 10), (1000, 50), (400, 100)),
        "not-dividing": at((1000, 7), (1000, 30), (1000, 300), (100, 9)),
        "all": at((100, 100), (1000, 1000)),
    }
    if one_step:
        found["one-step"] = at((1000, 1), (10, 1))
    if halves:
        found["halves"] = at(*halves)
    return found


def per_sample(draw: Draw) -> Cases:
    """Return batches of every rank."""
    sizes = ((3, 1, 2, 2), (2, 3), (4, 2, 3), (2,))
    return {
        "values": [Call({"values": draw(size[0]), "x": draw(*size)}) for size in sizes],
        "float32": [Call({"values": draw(3), "x": draw(3, 1, 2, 2)})],
    }
