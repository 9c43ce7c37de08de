"""Correct schedulers of the diffusers shape, plain, in float64 throughout: DDIM, DDPM and Euler.

The formulas go through `Parts`, so that `build(Parts([variant]))` is the same scheduler with that
mistake.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from refdiff import checks
from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk
from refdiff.equations import leading_timesteps, linspace_timesteps

__all__ = ["BUILDS", "DDIM", "DDPM", "Euler", "EulerAncestral", "build"]

Tensor = torch.Tensor


class _Scheduler:
    """What all of them share: options, tables, the list of times, the training side.

    Parameters
    ----------
    parts : Parts
        By which all is computed.
    num_train_timesteps, beta_start, beta_end : int, float, float
        The training schedule, linear in beta.
    prediction_type : str
        ``"epsilon"``, ``"sample"`` or ``"v_prediction"``.
    timestep_spacing : str
        ``"trailing"``, ``"leading"`` or ``"linspace"``.
    """

    init_noise_sigma: Any = 1.0
    _PREDICTIONS: Mapping[str, str] = {"epsilon": "eps", "sample": "x_0", "v_prediction": "v"}

    def __init__(
        self,
        *,
        parts: Parts,
        num_train_timesteps: int = 1000,
        beta_start: float = 1e-4,
        beta_end: float = 0.02,
        beta_schedule: str = "linear",
        prediction_type: str = "epsilon",
        timestep_spacing: str = "trailing",
        **options: Any,
    ) -> None:
        if prediction_type not in self._PREDICTIONS:
            raise ValueError(f"prediction_type={prediction_type!r} is not known")
        if beta_schedule != "linear":
            raise ValueError(f"beta_schedule={beta_schedule!r} must be 'linear'")
        self.parts = parts
        known = dict(locals()) | options
        self.config = {
            name: value
            for name, value in known.items()
            if name not in ("self", "options", "__class__", "known")
        }
        with checks("off"):
            betas = parts.linear_betas(
                num_train_timesteps, beta_start=beta_start, beta_end=beta_end
            )
            self.betas = torch.as_tensor(np.asarray(betas))
            self.alphas = 1 - self.betas
            self.alphas_cumprod = torch.as_tensor(parts.alphas_cumprod(np.asarray(betas)))
        self._set(np.arange(num_train_timesteps, 0, -1))

    def __deepcopy__(self, memo: Any) -> _Scheduler:
        made = object.__new__(type(self))
        for name, value in vars(self).items():
            cloned = value.clone() if isinstance(value, Tensor) else value
            setattr(made, name, cloned)
        return made

    # ------------------------------------------------------------------ times

    def set_timesteps(self, num_inference_steps: int) -> None:
        """Choose the times that a run visits."""
        total = int(self.config["num_train_timesteps"])
        grids: Mapping[str, Callable[[int, int], Any]] = {
            "trailing": self.parts.time_grid,
            "leading": leading_timesteps,
            "linspace": linspace_timesteps,
        }
        if not 1 <= num_inference_steps <= total:
            raise ValueError(f"num_inference_steps={num_inference_steps} must be in 1..{total}")
        self._set(grids[self.config["timestep_spacing"]](total, num_inference_steps))

    def _set(self, times: Any) -> None:
        self._times = [float(t) for t in times]
        walk = self._walk()
        told = [self.parts.told_time(walk, k, time_base=0) for k in range(len(self._times))]
        self.timesteps = torch.as_tensor(np.asarray(told)).long()

    def _walk(self) -> Walk:
        ones = torch.ones(1, dtype=torch.float64)
        return Walk(torch.cat([ones, self.alphas_cumprod]), self._times)

    def _index(self, timestep: Any) -> int:
        return int((self.timesteps == int(timestep)).nonzero()[0])

    # ------------------------------------------------------------------ training

    def _levels(self, timesteps: Tensor, like: Tensor) -> Tensor:
        times = self.timesteps.tolist()
        found = [
            self.parts.level_of_told_time(self.alphas_cumprod, times, int(t)) for t in timesteps
        ]
        return torch.stack(found).reshape(-1, *(1,) * (like.ndim - 1))

    def add_noise(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Mix data with noise: the coefficients in float64, the result in the data's dtype."""
        levels = self._levels(timesteps, original_samples)
        data, eps = original_samples.double(), noise.double()
        with checks("off"):
            mixed = self._mix(data, eps, levels)
        return mixed.to(original_samples.dtype)

    def _mix(self, data: Tensor, eps: Tensor, levels: Tensor) -> Any:
        return self.parts.forward_sample(data, eps, alpha_bar_t=levels)

    def get_velocity(self, sample: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Return v of data and noise."""
        levels = self._levels(timesteps, sample)
        found = self.parts.velocity(sample.double(), noise.double(), alpha_bar_t=levels)
        return found.to(sample.dtype)

    # ------------------------------------------------------------------ sampling

    def scale_model_input(self, sample: Tensor, timestep: Any) -> Tensor:
        """Return what the model is to be shown."""
        return sample

    def _pair(self, output: Tensor, sample: Tensor, level: Any) -> tuple[Any, Any]:
        """Return the x_0 and the eps that a step uses."""
        parts = self.parts
        prediction = self._PREDICTIONS[self.config["prediction_type"]]
        known = {"alpha_bar_t": level, "prediction": prediction}
        if not self.config.get("clip_sample"):
            return parts.x_0_and_eps(output, sample, **known)
        x_0 = parts.predicted_x_0(output, sample, **known)
        eps = parts.predicted_eps(output, sample, **known)
        bound = self.config["clip_sample_range"]
        limited = x_0.clamp(-bound, bound)
        return limited, parts.eps_after_limit(limited, x_0, eps, sample, alpha_bar_t=level)


def _returned(prev_sample: Tensor, x_0: Tensor, *, return_dict: bool) -> Any:
    if not return_dict:
        return prev_sample, x_0
    return SimpleNamespace(prev_sample=prev_sample, pred_original_sample=x_0)


def _noise(like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)


class DDIM(_Scheduler):
    """DDIM; options as of `_Scheduler`, and clipping of the predicted x_0."""

    def __init__(
        self,
        *,
        parts: Parts,
        clip_sample: bool = False,
        clip_sample_range: float = 1.0,
        **rest: Any,
    ) -> None:
        super().__init__(
            parts=parts, clip_sample=clip_sample, clip_sample_range=clip_sample_range, **rest
        )

    def step(
        self,
        model_output: Tensor,
        timestep: Any,
        sample: Tensor,
        eta: float = 0.0,
        generator: torch.Generator | None = None,
        return_dict: bool = True,  # noqa: FBT001, FBT002 -- as the shape is called
    ) -> Any:
        """Go to the next of the times."""
        k, walk, parts = self._index(timestep), self._walk(), self.parts
        with checks("off"):
            levels = {
                "alpha_bar_t": parts.level_at(walk, k),
                "alpha_bar_s": parts.level_after(walk, k),
            }
            x_0, eps = self._pair(model_output, sample, levels["alpha_bar_t"])
            noise = _noise(sample, generator) if eta > 0 else torch.zeros_like(sample)
            prev = parts.ddim_update(x_0, eps, noise, **levels, eta=eta)
            if k + 1 == walk.steps:
                prev = parts.returned(prev)
        return _returned(prev, x_0, return_dict=return_dict)


class DDPM(_Scheduler):
    """Ancestral sampling; options as of `_Scheduler`, clipping, and the kind of variance."""

    _VARIANCES = ("fixed_small", "fixed_large", "learned", "learned_range")

    def __init__(
        self,
        *,
        parts: Parts,
        variance_type: str = "fixed_small",
        clip_sample: bool = False,
        clip_sample_range: float = 1.0,
        **rest: Any,
    ) -> None:
        if variance_type not in self._VARIANCES:
            raise ValueError(f"variance_type={variance_type!r} must be in {self._VARIANCES}")
        super().__init__(
            parts=parts,
            variance_type=variance_type,
            clip_sample=clip_sample,
            clip_sample_range=clip_sample_range,
            **rest,
        )

    def step(
        self,
        model_output: Tensor,
        timestep: Any,
        sample: Tensor,
        generator: torch.Generator | None = None,
        return_dict: bool = True,  # noqa: FBT001, FBT002 -- as the shape is called
    ) -> Any:
        """Go to the next of the times, with fresh noise but at the last."""
        k, walk, parts = self._index(timestep), self._walk(), self.parts
        output, raw = model_output[:, : sample.shape[1]], model_output[:, sample.shape[1] :]
        with checks("off"):
            levels = {
                "alpha_bar_t": parts.level_at(walk, k),
                "alpha_bar_s": parts.level_after(walk, k),
            }
            x_0 = self._clean(output, sample, levels["alpha_bar_t"])
            # Ancestral sampling needs no eps; who forms the mean from it gets that of x_0.
            level = levels["alpha_bar_t"]
            eps = (sample - level**0.5 * x_0) / (1 - level) ** 0.5
            before = {"alpha_bar_before": parts.level_before(walk, k)}
            mean = parts.ddpm_mean(x_0, eps, sample, **levels, **before)
            weight = parts.noise_weight(walk, k)
            if k + 1 == walk.steps:
                mean = mean + parts.added_at_end(walk)
            if weight == 0:
                return _returned(parts.returned(mean), x_0, return_dict=return_dict)
            variance = self._variance(raw, levels, before)
            noise = _noise(sample, generator)
            prev = parts.ddpm_update(mean, noise, variance=variance, weight=weight)
        return _returned(prev, x_0, return_dict=return_dict)

    def _clean(self, output: Tensor, sample: Tensor, level: Any) -> Any:
        """Return the x_0 that a step uses."""
        prediction = self._PREDICTIONS[self.config["prediction_type"]]
        x_0 = self.parts.predicted_x_0(output, sample, alpha_bar_t=level, prediction=prediction)
        if self.config["clip_sample"]:
            bound = self.config["clip_sample_range"]
            return x_0.clamp(-bound, bound)
        return self.parts.limit_x_0(x_0)

    def _variance(self, raw: Tensor, levels: Mapping[str, Any], before: Mapping[str, Any]) -> Any:
        parts, kind = self.parts, self.config["variance_type"]
        if kind == "fixed_small":
            return parts.ddpm_variance(**levels, **before)
        if kind == "fixed_large":
            return parts.large_variance(**levels)
        if kind == "learned":
            return parts.learned_output_variance(raw)
        return parts.learned_variance(raw, **levels, **before)


class Euler(_Scheduler):
    """Euler's method on states x = x_0 + sigma eps; options as of `_Scheduler`."""

    def _set(self, times: Any) -> None:
        super()._set(times)
        walk, parts = self._walk(), self.parts
        with checks("off"):
            levels = [parts.sigma_at(walk, k) for k in range(walk.steps)]
            last = parts.sigma_after(walk, walk.steps - 1)
            self.sigmas = torch.stack([torch.as_tensor(s) for s in [*levels, last]]).double()
        self.init_noise_sigma = float(self.sigmas[0])

    def _mix(self, data: Tensor, eps: Tensor, levels: Tensor) -> Any:
        return data + self.parts.sigma_of_level(levels) * eps

    def scale_model_input(self, sample: Tensor, timestep: Any) -> Tensor:
        """Return the state scaled to variance one, as models of times expect it."""
        return sample / (1 + self.sigmas[self._index(timestep)] ** 2) ** 0.5

    def step(
        self,
        model_output: Tensor,
        timestep: Any,
        sample: Tensor,
        generator: torch.Generator | None = None,
        return_dict: bool = True,  # noqa: FBT001, FBT002 -- as the shape is called
    ) -> Any:
        """Go to the next of the levels."""
        k, parts = self._index(timestep), self.parts
        here, there = self.sigmas[k], self.sigmas[k + 1]
        prediction = self._PREDICTIONS[self.config["prediction_type"]]
        with checks("off"):
            x_0 = parts.denoised(model_output, sample, sigma=here, prediction=prediction)
            slope = parts.slope(sample, x_0, sigma=here)
            prev = self._move(sample, slope, here, there, generator)
        return _returned(prev, x_0, return_dict=return_dict)

    def _move(
        self, x: Tensor, slope: Any, here: Any, there: Any, generator: torch.Generator | None
    ) -> Any:
        return self.parts.euler_update(x, slope, sigma_from=here, sigma_to=there)


class EulerAncestral(Euler):
    """Ancestral sampling by Euler steps: down to a lower level, then up by fresh noise."""

    def _move(
        self, x: Tensor, slope: Any, here: Any, there: Any, generator: torch.Generator | None
    ) -> Any:
        parts = self.parts
        up = parts.ancestral_up(sigma_from=here, sigma_to=there, eta=1.0)
        down = parts.ancestral_down(sigma_to=there, sigma_up=up)
        moved = parts.euler_update(x, slope, sigma_from=here, sigma_to=down)
        return moved + up * _noise(x, generator)


_METHODS: Mapping[str, type[_Scheduler]] = {
    "ddim": DDIM,
    "ddpm": DDPM,
    "euler": Euler,
    "euler-ancestral": EulerAncestral,
}


def build(parts: Parts, method: str = "ddim", **options: Any) -> Any:
    """Return a correct scheduler.

    Parameters
    ----------
    parts : Parts
        By which all is computed.
    method : str
        ``"ddim"``, ``"ddpm"``, ``"euler"`` or ``"euler-ancestral"``.
    **options
        Of its constructor.
    """
    return _METHODS[method](parts=parts, **options)


BUILDS: Mapping[str, Callable[[Parts], Any]] = {
    name: functools.partial(build, method=name) for name in _METHODS
}
