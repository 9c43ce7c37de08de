"""The shape `denoiser-sampler`: ``f(model, x, sigmas, ...)`` with ``model(x, sigma)`` -> x_0.

This is the interface of k-diffusion's sampling functions. `sigmas` is a 1-D tensor of falling noise
levels that ends in 0, and x is x_0 + sigma eps at the first of them. ``disable=True`` is passed
where the target takes it, so that no progress bar is shown, and ``eta`` where it does. Everything
else keeps its default: no churn, no callback.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from refdiff import equations
from refdiff.conformance.checks import Check, Settings
from refdiff.conformance.loops import Recording
from refdiff.conformance.sampling import name_of, recorded, step_checks, whole_run_check
from refdiff.conformance.sampling.inputs import inputs_check, overwritten

__all__ = ["NAME", "DenoiserLoop", "checks", "recognises"]

NAME = "denoiser-sampler"
Array = NDArray[np.float64]

_SIGMA_MIN, _SIGMA_MAX = 0.03125, 14.625
"""Ends of the noise levels: near those of latent diffusion, and exact in every dtype."""
_MOST = 1000
ORDERS = {"heun": 2, "dpm-2": 2, "dpm2": 2, "2m": 2, "2s": 2, "euler": 1}
"""Orders of convergence that names claim."""


def recognises(target: Any) -> bool:
    """Say whether the target is a callable whose third parameter is called ``sigmas``."""
    if not callable(target) or isinstance(target, type):
        return False
    names = list(_parameters(target))
    return len(names) >= 3 and names[2] == "sigmas"


def _parameters(target: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return {}


class DenoiserLoop:
    """A denoiser sampler as a `refdiff.conformance.loops.Loop`.

    Parameters
    ----------
    target : callable
        The sampler.
    settings : Settings
        Its schedule is only shown; the noise levels are EDM's.
    eta : float, optional
        Passed as ``eta``, if the target has it.
    dtype : str
        Of the states and sigmas.
    """

    tells: Literal["time", "sigma"] = "sigma"
    coordinates: Literal["vp", "ve"] = "ve"
    predictions: Sequence[str] = ("x_0",)
    guided = False
    time_base = 0

    def __init__(
        self,
        target: Callable[..., Any],
        settings: Settings,
        *,
        eta: float | None = None,
        dtype: str = "float64",
    ) -> None:
        self.target, self.eta, self.dtype = target, eta, dtype
        self._settings = settings
        self.alpha_bars = np.asarray(settings.schedule, np.float64)
        self.name = name_of(target, eta)
        self.full = _MOST
        self.steps: Sequence[int] = range(1, _MOST + 1)
        random = any(word in self.name for word in ("ancestral", "sde")) and eta != 0
        self.deterministic: bool | None = False if random else (True if eta == 0 else None)
        self.written: set[str] = set()
        self.order: int | None = None
        if not random:
            claims = (order for word, order in ORDERS.items() if word in self.name)
            self.order = next(claims, None)

    def sigmas(self, steps: int) -> Array:
        """Return the noise levels that the target is given: steps + 1 of them, the last 0."""
        levels = equations.karras_sigmas(steps, sigma_min=_SIGMA_MIN, sigma_max=_SIGMA_MAX)
        return np.asarray(levels, np.dtype(self.dtype)).astype(np.float64)

    def in_dtype(self, dtype: str) -> DenoiserLoop | None:
        """Return the loop with states of another dtype, if samplers are asked for it."""
        if dtype != "float32":
            return None
        return DenoiserLoop(self.target, self._settings, eta=self.eta, dtype=dtype)

    def initial_scale(self, steps: int) -> float:
        """Return the first noise level."""
        return float(self.sigmas(steps)[0])

    def run(self, model: Any, x_T: Array, *, steps: int, prediction: str) -> Recording:
        """Run the sampler and record all."""
        import torch

        dtype = getattr(torch, self.dtype)
        first = torch.as_tensor(np.array(x_T), dtype=dtype)
        sigmas = torch.as_tensor(self.sigmas(steps), dtype=dtype)
        given: dict[str, Any] = {}
        for name, parameter in list(_parameters(self.target).items())[3:]:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if name in ("disable", "disable_tqdm"):
                given[name] = True
            elif name == "eta" and self.eta is not None:
                given[name] = self.eta
            elif parameter.default is parameter.empty:
                given[name] = _required(name)

        def call(model: Any) -> Any:
            kept = {"x": first, "sigmas": sigmas}
            shown = {name: value.clone() for name, value in kept.items()}
            returned = self.target(model, *shown.values(), **given)
            self.written |= overwritten(shown, kept)
            return returned

        return recorded(call, model, np.asarray(first.to(torch.float64)))


def _required(name: str) -> Any:
    if name in ("extra_args", "callback", "noise_sampler", "generator"):
        return None
    raise ValueError(
        f"the sampler's parameter {name!r} has no default and no name that refdiff knows; give it "
        f"a default, or wrap the sampler in a function without it."
    )


def checks(target: Any, settings: Settings) -> list[Check]:
    """Return all checks of a denoiser sampler.

    Parameters
    ----------
    target : callable
        The sampler.
    settings : Settings
        As chosen by the user.

    Returns
    -------
    list of Check
        For each eta, if it takes one: step by step, and by its law.
    """
    takes_eta = "eta" in list(_parameters(target))[3:]
    made: list[Check] = []
    for eta in (1.0, 0.0, 0.5) if takes_eta else (None,):
        loop = DenoiserLoop(target, settings, eta=eta)
        made += [inputs_check(loop), *step_checks(loop)]
        made += _free_checks(loop)
    single = DenoiserLoop(target, settings, eta=1.0 if takes_eta else None, dtype="float32")
    return [*made, whole_run_check(single, "float32")]


def _free_checks(loop: Any) -> list[Check]:
    from refdiff.conformance.free import free_checks

    return list(free_checks(loop))
