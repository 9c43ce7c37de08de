"""Training losses and the variational bound of the class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from refdiff import checks
from refdiff.conformance.textbook.gaussian_diffusion.sampling import Sampling

__all__ = ["GaussianDiffusion"]

Tensor = torch.Tensor


class GaussianDiffusion(Sampling):
    """Training and sampling of a diffusion model; built as `Sampling` is."""

    def training_losses(
        self,
        model: Callable[..., Tensor],
        x_start: Tensor,
        t: Tensor,
        model_kwargs: dict[str, Any] | None = None,
        noise: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the loss of each sample."""
        if noise is None:
            noise = torch.randn_like(x_start)
        x_t = self.q_sample(x_start, t, noise)
        if self.loss_type == "kl":
            kl = self._vb_terms_bpd(model, x_start, x_t, t, False, model_kwargs)
            return {"loss": kl["output"]}
        output = model(x_t, t, **(model_kwargs or {}))
        terms = {}
        if self.model_var_type == "learned-range":
            output, raw = torch.chunk(output, 2, dim=1)
            frozen = torch.cat([output.detach(), raw], dim=1)
            bound = self._vb_terms_bpd(lambda *_: frozen, x_start, x_t, t, False)["output"]
            terms["vb"] = bound * self.parts.bound_loss_factor(self.num_timesteps)
        target = self.parts.loss_target(
            x_0=x_start,
            eps=noise,
            v=self.predict_v(x_start, t, noise),
            prediction=self.model_mean_type,
        )
        terms["mse"] = self.parts.sample_loss(target, output)
        terms["loss"] = terms["mse"] + terms["vb"] if "vb" in terms else terms["mse"]
        return terms

    def _vb_terms_bpd(
        self,
        model: Callable[..., Tensor],
        x_start: Tensor,
        x_t: Tensor,
        t: Tensor,
        clip_denoised: bool = True,  # noqa: FBT001, FBT002 - as in public code
        model_kwargs: dict[str, Any] | None = None,
    ) -> dict[str, Tensor]:
        mean, _, log_variance = self.q_posterior_mean_variance(x_start, x_t, t)
        out = self.p_mean_variance(model, x_t, t, clip_denoised, model_kwargs)
        with checks("off"):
            kl = self.parts.normal_kl(mean, log_variance, out["mean"], out["log_variance"])
            nll = self.parts.decoder_nll(
                x_start, mean=out["mean"], log_variance=out["log_variance"]
            )
        first = (t == 0).reshape(-1, *[1] * (x_t.ndim - 1))
        term = self.parts.bound_unit(torch.where(first, nll, kl).flatten(1).mean(1))
        return {"output": term, "pred_xstart": out["pred_xstart"]}

    def _prior_bpd(self, x_start: Tensor) -> Tensor:
        t = torch.full((len(x_start),), self.num_timesteps - 1)
        mean, _, log_variance = self.q_mean_variance(x_start, t)
        zero = torch.zeros_like(mean)
        kl = self.parts.normal_kl(mean, log_variance, zero, zero)
        return self.parts.bound_unit(kl.flatten(1).mean(1))

    def calc_bpd_loop(
        self,
        model: Callable[..., Tensor],
        x_start: Tensor,
        clip_denoised: bool = True,  # noqa: FBT001, FBT002 - as in public code
        model_kwargs: dict[str, Any] | None = None,
    ) -> dict[str, Tensor]:
        """Return the variational bound, term by term, in bits per dimension."""
        found: dict[str, list[Tensor]] = {"vb": [], "xstart_mse": [], "mse": []}
        for i in reversed(range(self.num_timesteps)):
            t = torch.full((len(x_start),), i)
            noise = torch.randn_like(x_start)
            x_t = self.q_sample(x_start, t, noise)
            with torch.no_grad():
                out = self._vb_terms_bpd(model, x_start, x_t, t, clip_denoised, model_kwargs)
            eps = self._predict_eps_from_xstart(x_t, t, out["pred_xstart"])
            found["vb"].append(out["output"])
            found["xstart_mse"].append(((out["pred_xstart"] - x_start) ** 2).flatten(1).mean(1))
            found["mse"].append(((eps - noise) ** 2).flatten(1).mean(1))
        stacked = {name: torch.stack(values, dim=1) for name, values in found.items()}
        prior = self._prior_bpd(x_start)
        total = stacked["vb"].sum(1) + prior
        return {**stacked, "prior_bpd": prior, "total_bpd": total}
