"""Tables, single steps and sampling loops of the class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from refdiff import checks
from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk

__all__ = ["Sampling"]

Tensor = torch.Tensor


class Sampling:
    """What a diffusion model needs to be sampled.

    Parameters
    ----------
    parts : Parts
        By which all is computed.
    betas : array_like
        Shape (T,).
    model_mean_type : str
        ``"eps"``, ``"x_0"`` or ``"v"``.
    model_var_type : str
        ``"fixed-small"``, ``"fixed-large"`` or ``"learned-range"``.
    loss_type : str
        ``"mse"`` or ``"kl"``.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        betas: Any,
        model_mean_type: str = "eps",
        model_var_type: str = "fixed-small",
        loss_type: str = "mse",
    ) -> None:
        self.parts = parts
        self.model_mean_type = model_mean_type
        self.model_var_type = model_var_type
        self.loss_type = loss_type
        self.betas = np.asarray(betas, np.float64)
        self.num_timesteps = len(self.betas)
        with checks("off"), np.errstate(all="ignore"):
            self._make_tables()

    def _make_tables(self) -> None:
        parts = self.parts
        self.alphas_cumprod = parts.alphas_cumprod(self.betas)
        self.alphas_cumprod_prev = parts.alphas_cumprod_prev(self.alphas_cumprod)
        self.alphas_cumprod_next = parts.alphas_cumprod_next(self.alphas_cumprod)
        table = self.alphas_cumprod
        self.sqrt_alphas_cumprod = parts.sqrt_alphas_cumprod(table)
        self.sqrt_one_minus_alphas_cumprod = parts.sqrt_one_minus_alphas_cumprod(table)
        self.log_one_minus_alphas_cumprod = parts.log_one_minus_alphas_cumprod(table)
        self.sqrt_recip_alphas_cumprod = parts.sqrt_recip_alphas_cumprod(table)
        self.sqrt_recipm1_alphas_cumprod = parts.sqrt_recipm1_alphas_cumprod(table)
        pair = {"alpha_bar_t": table, "alpha_bar_s": self.alphas_cumprod_prev}
        self.posterior_variance = parts.posterior_variance(**pair)
        self.posterior_log_variance_clipped = parts.posterior_log_variance_clipped(
            self.posterior_variance
        )
        self.posterior_mean_coef1 = parts.posterior_mean_coef1(**pair)
        self.posterior_mean_coef2 = parts.posterior_mean_coef2(**pair)
        self.one_minus_alphas_cumprod = parts.forward_variance(alpha_bar_t=table)
        self.log_betas = np.log(self.betas)
        self.lvlb_weights = parts.lvlb_weights(**pair, prediction=self.model_mean_type)

    def _at(self, table: Any, t: Tensor, x: Tensor) -> Tensor:
        """Return entries of a table, one a sample, shaped to broadcast against x."""
        values = torch.from_numpy(np.asarray(table, np.float64))[t].to(x.dtype)
        return values.reshape(-1, *[1] * (x.ndim - 1)).expand(x.shape)

    # ------------------------------------------------------------------ without a model

    def q_mean_variance(self, x_start: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean, variance and log-variance of x_t."""
        mean = self._at(self.sqrt_alphas_cumprod, t, x_start) * x_start
        variance = self._at(self.one_minus_alphas_cumprod, t, x_start)
        return mean, variance, self._at(self.log_one_minus_alphas_cumprod, t, x_start)

    def q_sample(self, x_start: Tensor, t: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return x_t."""
        if noise is None:
            noise = torch.randn_like(x_start)
        signal = self._at(self.sqrt_alphas_cumprod, t, x_start) * x_start
        return signal + self._at(self.sqrt_one_minus_alphas_cumprod, t, x_start) * noise

    def q_posterior_mean_variance(
        self, x_start: Tensor, x_t: Tensor, t: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean, variance and log-variance of x_s given x_t and x_0."""
        of_x_0 = self._at(self.posterior_mean_coef1, t, x_t) * x_start
        mean = of_x_0 + self._at(self.posterior_mean_coef2, t, x_t) * x_t
        variance = self._at(self.posterior_variance, t, x_t)
        return mean, variance, self._at(self.posterior_log_variance_clipped, t, x_t)

    def _predict_xstart_from_eps(self, x_t: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        of_x_t = self._at(self.sqrt_recip_alphas_cumprod, t, x_t) * x_t
        return of_x_t - self._at(self.sqrt_recipm1_alphas_cumprod, t, x_t) * eps

    def _predict_eps_from_xstart(self, x_t: Tensor, t: Tensor, pred_xstart: Tensor) -> Tensor:
        level = self._at(self.alphas_cumprod, t, x_t)
        with checks("off"):
            return self.parts.eps_from_x_0(x_t, pred_xstart, alpha_bar_t=level)

    def predict_v(self, x_start: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Return v of data and noise."""
        signal = self._at(self.sqrt_alphas_cumprod, t, x_start)
        spread = self._at(self.sqrt_one_minus_alphas_cumprod, t, x_start)
        return self.parts.velocity_of_pair(x_start, noise, signal=signal, noise=spread)

    def predict_start_from_v(self, x_t: Tensor, t: Tensor, v: Tensor) -> Tensor:
        """Return x_0."""
        level = self._at(self.alphas_cumprod, t, x_t)
        with checks("off"):
            return self.parts.x_0_from_v(x_t, v, alpha_bar_t=level)

    def predict_noise_from_v(self, x_t: Tensor, t: Tensor, v: Tensor) -> Tensor:
        """Return eps."""
        level = self._at(self.alphas_cumprod, t, x_t)
        with checks("off"):
            return self.parts.eps_from_v(x_t, v, alpha_bar_t=level)

    # ------------------------------------------------------------------ one step

    def p_mean_variance(
        self,
        model: Callable[..., Tensor],
        x: Tensor,
        t: Tensor,
        clip_denoised: bool = True,  # noqa: FBT001, FBT002 - as in public code
        model_kwargs: dict[str, Any] | None = None,
    ) -> dict[str, Tensor]:
        """Return the moments of x_s given x_t, and the prediction of x_0."""
        output = model(x, t, **(model_kwargs or {}))
        if self.model_var_type == "learned-range":
            output, raw = torch.chunk(output, 2, dim=1)
            log_variance = self.parts.learned_log_variance(
                raw,
                log_betas=self._at(self.log_betas, t, x),
                log_posterior_variance=self._at(self.posterior_log_variance_clipped, t, x),
            )
            variance = torch.exp(log_variance)
        elif self.model_var_type == "fixed-large":
            large = self.parts.log_variance_fixed_large(
                self.betas, self.posterior_log_variance_clipped
            )
            log_variance = self._at(large, t, x)
            variance = torch.exp(log_variance)
        else:
            log_variance = self._at(self.posterior_log_variance_clipped, t, x)
            variance = self._at(self.posterior_variance, t, x)
        if self.model_mean_type == "eps":
            output = self._predict_xstart_from_eps(x, t, output)
        elif self.model_mean_type == "v":
            output = self.predict_start_from_v(x, t, output)
        x_0 = output.clamp(-1, 1) if clip_denoised else output
        mean = self.q_posterior_mean_variance(x_0, x, t)[0]
        return {
            "mean": mean,
            "variance": variance,
            "log_variance": log_variance,
            "pred_xstart": x_0,
        }

    def p_sample(
        self,
        model: Callable[..., Tensor],
        x: Tensor,
        t: Tensor,
        clip_denoised: bool = True,  # noqa: FBT001, FBT002 - as in public code
        cond_fn: Callable[..., Tensor] | None = None,
        model_kwargs: dict[str, Any] | None = None,
    ) -> dict[str, Tensor]:
        """Return the state after an ancestral step."""
        out = self.p_mean_variance(model, x, t, clip_denoised, model_kwargs)
        mean = out["mean"]
        if cond_fn is not None:
            mean = self.condition_mean(cond_fn, out, x, t, model_kwargs)
        first = (t == 0).to(x.dtype).reshape(-1, *[1] * (x.ndim - 1))
        with checks("off"):
            sample = self.parts.ddpm_update(
                mean,
                torch.randn_like(x),
                variance=torch.exp(out["log_variance"]),
                weight=(1 - first) + first * self.parts.last_noise_weight(),
            )
            sample = sample + first * self.parts.added_at_end(self._walk())
        return {"sample": sample, "pred_xstart": out["pred_xstart"]}

    def _walk(self) -> Walk:
        levels = np.concatenate([[1.0], self.alphas_cumprod])
        return Walk(levels, tuple(range(self.num_timesteps, 0, -1)))

    def ddim_sample(
        self,
        model: Callable[..., Tensor],
        x: Tensor,
        t: Tensor,
        clip_denoised: bool = True,  # noqa: FBT001, FBT002 - as in public code
        cond_fn: Callable[..., Tensor] | None = None,
        model_kwargs: dict[str, Any] | None = None,
        eta: float = 0.0,
    ) -> dict[str, Tensor]:
        """Return the state after a DDIM step."""
        out = self.p_mean_variance(model, x, t, clip_denoised, model_kwargs)
        if cond_fn is not None:
            out = self.condition_score(cond_fn, out, x, t, model_kwargs)
        x_0 = out["pred_xstart"]
        with checks("off"):
            sample = self.parts.ddim_update(
                x_0,
                self._predict_eps_from_xstart(x, t, x_0),
                torch.randn_like(x),
                alpha_bar_t=self._at(self.alphas_cumprod, t, x),
                alpha_bar_s=self._at(self.alphas_cumprod_prev, t, x),
                eta=eta,
            )
        return {"sample": sample, "pred_xstart": x_0}

    def ddim_reverse_sample(
        self,
        model: Callable[..., Tensor],
        x: Tensor,
        t: Tensor,
        clip_denoised: bool = True,  # noqa: FBT001, FBT002 - as in public code
        model_kwargs: dict[str, Any] | None = None,
    ) -> dict[str, Tensor]:
        """Return the state one time later, along the probability flow."""
        out = self.p_mean_variance(model, x, t, clip_denoised, model_kwargs)
        x_0 = out["pred_xstart"]
        eps = self._predict_eps_from_xstart(x, t, x_0)
        with checks("off"):
            level = self._at(self.alphas_cumprod_next, t, x)
            sample = self.parts.forward_sample(x_0, eps, alpha_bar_t=level)
        return {"sample": sample, "pred_xstart": x_0}

    # ------------------------------------------------------------------ classifiers

    def condition_mean(
        self,
        cond_fn: Callable[..., Tensor],
        p_mean_var: dict[str, Tensor],
        x: Tensor,
        t: Tensor,
        model_kwargs: dict[str, Any] | None = None,
    ) -> Tensor:
        """Return the mean shifted along a classifier's gradient."""
        mean = p_mean_var["mean"]
        gradient = cond_fn(mean, t, **(model_kwargs or {}))
        return self.parts.classifier_guided_mean(
            mean, gradient, variance=p_mean_var["variance"], scale=1.0
        )

    def condition_score(
        self,
        cond_fn: Callable[..., Tensor],
        p_mean_var: dict[str, Tensor],
        x: Tensor,
        t: Tensor,
        model_kwargs: dict[str, Any] | None = None,
    ) -> dict[str, Tensor]:
        """Return the moments whose eps is shifted along a classifier's gradient."""
        eps = self._predict_eps_from_xstart(x, t, p_mean_var["pred_xstart"])
        gradient = cond_fn(x, t, **(model_kwargs or {}))
        level = self._at(self.alphas_cumprod, t, x)
        guided = self.parts.classifier_guided_eps(eps, gradient, alpha_bar_t=level, scale=1.0)
        x_0 = self._predict_xstart_from_eps(x, t, guided)
        mean = self.q_posterior_mean_variance(x_0, x, t)[0]
        return {**p_mean_var, "pred_xstart": x_0, "mean": mean}

    # ------------------------------------------------------------------ loops

    def p_sample_loop(
        self,
        model: Callable[..., Tensor],
        shape: Sequence[int],
        noise: Tensor | None = None,
        clip_denoised: bool = True,  # noqa: FBT001, FBT002 - as in public code
        model_kwargs: dict[str, Any] | None = None,
    ) -> Tensor:
        """Return samples, by ancestral steps over all times."""
        return self._loop(self.p_sample, model, shape, noise, clip_denoised, model_kwargs)

    def ddim_sample_loop(
        self,
        model: Callable[..., Tensor],
        shape: Sequence[int],
        noise: Tensor | None = None,
        clip_denoised: bool = True,  # noqa: FBT001, FBT002 - as in public code
        model_kwargs: dict[str, Any] | None = None,
        eta: float = 0.0,
    ) -> Tensor:
        """Return samples, by DDIM steps over all times."""

        def step(*arguments: Any, **named: Any) -> dict[str, Tensor]:
            return self.ddim_sample(*arguments, **{**named, "eta": eta})

        return self._loop(step, model, shape, noise, clip_denoised, model_kwargs)

    def _loop(
        self,
        step: Callable[..., dict[str, Tensor]],
        model: Callable[..., Tensor],
        shape: Sequence[int],
        noise: Tensor | None,
        clip_denoised: bool,  # noqa: FBT001
        model_kwargs: dict[str, Any] | None,
    ) -> Tensor:
        x = torch.randn(*shape) if noise is None else noise
        for i in reversed(range(self.num_timesteps)):
            t = torch.full((shape[0],), i)
            with torch.no_grad():
                x = step(model, x, t, clip_denoised=clip_denoised, model_kwargs=model_kwargs)[
                    "sample"
                ]
        return x
