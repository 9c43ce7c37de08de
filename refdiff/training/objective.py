r"""What one training step minimises, put together from the functions of `refdiff.equations`.

For each image x_0 of a batch a time t ~ U{1..T} and a noise eps ~ N(0, I) are drawn, and the
network sees x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps. The losses are

* L_simple: the mean square error of what the network predicts (eps, x_0 or v), times 1 or the
  min-SNR weight that belongs to that prediction;
* L_hybrid = L_simple + lambda L_vlb, for networks that also learn their variance. L_vlb is T times
  the term of the variational bound at the drawn t, so that it estimates the whole sum without
  bias, in bits per dimension. It reaches the variance alone: the mean enters it behind a
  stop-gradient.

The bound's term is a KL divergence between Gaussians for t > 1 and, at t = 1, minus the
log-likelihood of the pixel under a Gaussian integrated over one of 256 levels. The learned
log-variance lies between those of beta_tilde_t and beta_t; beta_tilde_1 is 0, so at t = 1
beta_tilde_2 takes its place, as in the code that was published with the hybrid loss. For data with
other than 256 levels the bin is still 2/255 wide: a proper objective, but then not a code length.

Schedule values stay in float64 (1 - alpha_bar_1 has three digits in float32); what the network
sees and returns is float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from refdiff import equations
from refdiff.training.config import ObjectiveConfig

__all__ = ["Draws", "Losses", "Objective"]

Network: TypeAlias = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""``network(x_t, t, y)``."""


@dataclass(frozen=True)
class Draws:
    """The random numbers of one batch.

    Parameters
    ----------
    t : Tensor of shape (B,), int64
        Time of each image, 1..T.
    eps : Tensor of shape (B, C, H, W), float32
        Standard normal noise.
    dropped : Tensor of shape (B,), bool
        Whether the label is replaced by the null label.
    """

    t: Tensor
    eps: Tensor
    dropped: Tensor

    def part(self, which: slice) -> Draws:
        """Draws of some images of the batch."""
        return Draws(t=self.t[which], eps=self.eps[which], dropped=self.dropped[which])


@dataclass(frozen=True)
class Losses:
    """Losses of each image of a batch, all of shape (B,).

    Parameters
    ----------
    total : Tensor
        What is minimised.
    simple : Tensor
        The mean square error, without weight.
    vlb : Tensor or None
        L_vlb in bits per dimension, for networks that learn their variance.
    """

    total: Tensor
    simple: Tensor
    vlb: Tensor | None


class Objective:
    """Training losses under one noise schedule.

    Parameters
    ----------
    config : ObjectiveConfig
        Prediction, weighting and label dropout.
    alpha_bars : ndarray of shape (T + 1,), float64
        The noise schedule.
    null_label : int or None
        Label that means "no class"; None for an unconditional network.
    learned_variance : bool
        Whether the network returns a raw variance coordinate after its prediction.
    device : torch.device
        Where the losses are computed.

    Raises
    ------
    ValueError
        If the network is to predict eps and nothing but eps is left at time T.
    """

    def __init__(
        self,
        config: ObjectiveConfig,
        alpha_bars: npt.NDArray[np.float64],
        *,
        null_label: int | None,
        learned_variance: bool,
        device: torch.device | str = "cpu",
    ) -> None:
        if alpha_bars[-1] == 0 and config.prediction == "eps":
            raise ValueError(
                "prediction='eps' cannot be trained with alpha_bars[-1]=0: there the input is the "
                "noise itself; predict 'v' or 'x_0'."
            )
        self.config = config
        self.null_label = null_label
        self.learned_variance = learned_variance
        self.num_steps = len(alpha_bars) - 1
        # Apple's GPUs have no float64.
        dtype = torch.float32 if torch.device(device).type == "mps" else torch.float64
        self._alpha_bars = torch.as_tensor(alpha_bars, dtype=dtype, device=device)

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Draws:
        """Draw times, noise and label dropout for a batch.

        Parameters
        ----------
        shape : tuple of int
            (B, C, H, W).
        generator : torch.Generator
            The only source of randomness; its device is that of the draws.

        Returns
        -------
        Draws
            Independent from image to image.
        """
        options: dict[str, Any] = {"generator": generator, "device": generator.device}
        return Draws(
            t=torch.randint(1, self.num_steps + 1, shape[:1], **options),
            eps=torch.randn(shape, **options),
            dropped=torch.rand(shape[:1], **options) < self.config.label_dropout,
        )

    def losses(self, network: Network, x_0: Tensor, labels: Tensor | None, draws: Draws) -> Losses:
        """Losses of a network on a batch.

        Parameters
        ----------
        network : callable
            ``network(x_t, t, y)``; y is None for unconditional networks.
        x_0 : Tensor of shape (B, C, H, W), float32
            Images in [-1, 1].
        labels : Tensor of shape (B,), int64, or None
            Classes, before label dropout.
        draws : Draws
            From `draw`.

        Returns
        -------
        Losses
            Of each image.
        """
        alpha_bar_t = self._at(draws.t, x_0)
        x_t = equations.forward_sample(x_0, draws.eps, alpha_bar_t=alpha_bar_t)
        output = network(x_t.to(x_0.dtype), draws.t, self._labels(labels, draws.dropped))
        if not self.learned_variance:
            simple = self._simple(output, x_0, x_t, draws.eps, alpha_bar_t)
            return Losses(total=self._weight(draws.t) * simple, simple=simple, vlb=None)
        prediction, raw = output.chunk(2, dim=1)
        simple = self._simple(prediction, x_0, x_t, draws.eps, alpha_bar_t)
        vlb = self._vlb(prediction.detach(), (raw + 1) / 2, x_0, x_t, draws.t)
        total = self._weight(draws.t) * simple + self.config.vlb_weight * vlb
        return Losses(total=total, simple=simple, vlb=vlb)

    def _at(self, t: Tensor, x: Tensor) -> Tensor:
        return equations.per_sample(self._alpha_bars[t], x)

    def _labels(self, labels: Tensor | None, dropped: Tensor) -> Tensor | None:
        if self.null_label is None or labels is None:
            return None
        return torch.where(dropped, self.null_label, labels)

    def _simple(
        self, prediction: Tensor, x_0: Tensor, x_t: Tensor, eps: Tensor, alpha_bar_t: Tensor
    ) -> Tensor:
        match self.config.prediction:
            case "eps":
                target = eps
            case "x_0":
                target = x_0
            case "v":
                # From x_0, since with zero terminal SNR x_0 cannot be had from x_T and eps.
                target = equations.v_from_x_0(x_t, x_0, alpha_bar_t=alpha_bar_t)
        return equations.simple_loss(target.to(prediction.dtype), prediction)

    def _weight(self, t: Tensor) -> Tensor | float:
        if self.config.weighting == "simple":
            return 1.0
        weight = {
            "eps": equations.min_snr_weight_eps,
            "x_0": equations.min_snr_weight_x_0,
            "v": equations.min_snr_weight_v,
        }[self.config.prediction]
        snr_t = equations.snr(alpha_bar_t=self._alpha_bars[t])
        return weight(snr_t=snr_t, gamma=self.config.gamma)

    def _predicted_x_0(self, prediction: Tensor, x_t: Tensor, alpha_bar_t: Tensor) -> Tensor:
        match self.config.prediction:
            case "eps":
                return equations.x_0_from_eps(x_t, prediction, alpha_bar_t=alpha_bar_t)
            case "v":
                return equations.x_0_from_v(x_t, prediction, alpha_bar_t=alpha_bar_t)
        return prediction

    def _log_variances(self, v: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Log of beta_tilde_t, and of the learned variance between it and beta_t."""
        clipped = t.clamp(min=2)  # beta_tilde_2 for beta_tilde_1 = 0
        lower = equations.posterior_variance(
            alpha_bar_t=self._at(clipped, v), alpha_bar_s=self._at(clipped - 1, v)
        ).log()
        upper = equations.transition_variance(
            alpha_bar_t=self._at(t, v), alpha_bar_s=self._at(t - 1, v)
        ).log()
        return lower, v * upper + (1 - v) * lower

    def _vlb(self, prediction: Tensor, v: Tensor, x_0: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        at_t = {"alpha_bar_t": self._at(t, x_0), "alpha_bar_s": self._at(t - 1, x_0)}
        predicted = self._predicted_x_0(prediction, x_t, at_t["alpha_bar_t"])
        mean = equations.posterior_mean(predicted, x_t, **at_t)
        true_mean = equations.posterior_mean(x_0, x_t, **at_t)
        true_log_variance, log_variance = self._log_variances(v, t)
        kl = equations.normal_kl(true_mean, true_log_variance, mean, log_variance)
        first = equations.per_sample(t == 1, x_0)
        # Where t > 1 the likelihood is not used; a harmless argument keeps its gradient finite.
        nll = -equations.discretized_gaussian_log_likelihood(
            x_0,
            mean=torch.where(first, mean, x_0),
            std=torch.where(first, log_variance / 2, 0.0).exp(),
        )
        nats = torch.where(first, nll, kl).flatten(1).sum(dim=1)
        return self.num_steps * equations.bits_per_dim(nats, num_dims=x_0[0].numel())
