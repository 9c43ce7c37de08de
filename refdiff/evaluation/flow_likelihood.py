r"""Log-likelihood of samples under a diffusion model, by its probability-flow ODE.

The flow carries the data to noise without chance, so the density of a sample is that of its image
among the noise, times the change of volume on the way:

.. math:: \ln p_0(x(0)) = \ln p_T(x(T)) + \int_0^T \nabla \cdot \tilde f(x(t), t)\,dt.

Here the state is divided by the scale of the signal, y = x/alpha, and the time is
u = ln(sigma/alpha), minus half the log-SNR. In y noise is only added, so that every schedule
becomes one and the same ODE,

.. math:: \frac{dy}{du} = \frac{\sigma}{\alpha}\,\hat\epsilon(\alpha y, t),

without any derivative of the schedule. The divergence is exact, by one backward pass for each
component of a sample, or estimated by probes z as z^T (J z), J the Jacobian of the velocity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from refdiff._checks import check_count
from refdiff.equations import bits_per_dim, continuous, sde
from refdiff.samplers._arguments import check_choice
from refdiff.samplers._levels import CONTINUOUS_PREDICTIONS, asked, level_at
from refdiff.samplers.schedule import Schedule

__all__ = [
    "DIVERGENCES",
    "FlowLikelihood",
    "draw_probes",
    "estimated_divergence",
    "exact_divergence",
    "flow_likelihood",
]

DIVERGENCES = ("exact", "rademacher", "gaussian")
"""How the divergence is found: exactly, or by probes of random signs or of normal numbers."""

_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FlowLikelihood:
    """Log-likelihoods of a batch, and what they cost.

    Attributes
    ----------
    log_likelihood : ndarray of float64, shape (B,)
        ln p(x) in nats, a density of the components as they were given.
    noise : torch.Tensor
        The images of the samples at the noisiest time, shape of the samples.
    num_dims : int
        D, the number of components of a sample.
    model_calls : int
        How many times the model was asked.
    """

    log_likelihood: _Array
    noise: torch.Tensor
    num_dims: int
    model_calls: int

    @property
    def nats(self) -> _Array:
        """Negative log-likelihood in nats, shape (B,)."""
        return -self.log_likelihood

    @property
    def bits_per_dim(self) -> _Array:
        """Negative log-likelihood in bits per component, shape (B,)."""
        return np.asarray(bits_per_dim(self.nats, num_dims=self.num_dims))

    def bits_per_dim_of_levels(self, levels: int = 256) -> _Array:
        """Return bits per component for samples that are grey levels on [-1, 1].

        Parameters
        ----------
        levels : int
            How many levels; they are 2/(levels - 1) apart.

        Returns
        -------
        ndarray, shape (B,)
            What a level costs if the density is constant over its bin. Add uniform noise of half a
            bin to the samples first to make it a bound.

        Raises
        ------
        ValueError
            If there are fewer than two levels.
        """
        check_count("levels", levels, low=2, cure="pixels of 8 bits have 256 levels.")
        return np.asarray(self.bits_per_dim + math.log2((levels - 1) / 2))


def exact_divergence(output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return the sum of d output_i / d x_i over the components of each sample.

    Parameters
    ----------
    output : tensor, shape (B, ...)
        Computed from ``x`` by autograd; each sample from its own alone.
    x : tensor, shape (B, ...)
        Requires gradients.

    Returns
    -------
    tensor, shape (B,)
        The divergence, after one backward pass for each component.
    """
    flat = output.flatten(1)
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    if not output.requires_grad:
        return total
    for i in range(flat.shape[1]):
        total = total + _gradient(flat[:, i].sum(), x).flatten(1)[:, i]
    return total


def estimated_divergence(
    output: torch.Tensor, x: torch.Tensor, probes: torch.Tensor
) -> torch.Tensor:
    """Return an unbiased estimate of the divergence (Hutchinson's).

    Parameters
    ----------
    output, x : tensor, shape (B, ...)
        As in `exact_divergence`.
    probes : tensor, shape (P, B, ...)
        Independent, of mean 0 and covariance I. The estimate is the mean over the P of them.

    Returns
    -------
    tensor, shape (B,)
        The mean of z^T J z, after P backward passes.
    """
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    if not output.requires_grad:
        return total
    for probe in probes:
        product = _gradient((output * probe).sum(), x)
        total = total + (product * probe).flatten(1).sum(1)
    return total / len(probes)


def _gradient(value: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    found = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)[0]
    return torch.zeros_like(x) if found is None else found


def draw_probes(
    like: torch.Tensor, kind: str, num_probes: int, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Draw probes for `estimated_divergence`.

    Parameters
    ----------
    like : tensor, shape (B, ...)
        The samples, whose dtype and device the probes get.
    kind : {"rademacher", "gaussian"}
        Random signs, whose estimate is exact for diagonal Jacobians, or normal numbers.
    num_probes : int
        P, at least 1.
    generator : torch.Generator, optional
        On the CPU, where the probes are drawn.

    Returns
    -------
    tensor, shape (P, B, ...)
        The probes.

    Raises
    ------
    ValueError
        If the kind is none of the two, or the number is no integer >= 1.
    """
    check_choice("kind", kind, DIVERGENCES[1:])
    count = check_count("num_probes", num_probes, low=1, cure="it counts the probes a sample.")
    shape = (count, *like.shape)
    if kind == "gaussian":
        drawn = torch.randn(shape, generator=generator)
    else:
        drawn = 2.0 * torch.randint(0, 2, shape, generator=generator) - 1.0
    return drawn.to(dtype=like.dtype, device=like.device)


def _ends(schedule: Schedule, t_min: float, t_max: float | None) -> tuple[float, float]:
    last = schedule.t_max if t_max is None else float(t_max)
    if not 0.0 <= t_min < last <= schedule.t_max or math.isinf(last):
        raise ValueError(
            f"t_min={t_min:g}, t_max={last:g} must satisfy 0 <= t_min < t_max <= "
            f"{schedule.t_max:g} and be finite, in the schedule {schedule.name}."
        )
    for name, time in (("t_min", t_min), ("t_max", last)):
        if math.isinf(schedule.log_snr(time)):
            raise ValueError(
                f"{name}={time:g} has an infinite log-SNR in the schedule {schedule.name}; choose "
                f"a time with both signal and noise, such as 1e-3 of the way from that end."
            )
    return float(t_min), last


def flow_likelihood(
    model: Callable[[Any, Any], Any],
    x_0: torch.Tensor,
    *,
    schedule: Schedule,
    t_min: float,
    t_max: float | None = None,
    prediction: str = "eps",
    divergence: str = "exact",
    num_probes: int = 1,
    generator: torch.Generator | None = None,
    log_prior: Callable[[torch.Tensor], torch.Tensor] | None = None,
    method: Literal["RK23", "RK45", "DOP853"] = "DOP853",
    rtol: float = 1e-5,
    atol: float = 1e-5,
) -> FlowLikelihood:
    """Return the log-likelihood of samples under a model, by its probability-flow ODE.

    Parameters
    ----------
    model : callable
        ``model(x, t)``, differentiable in x, each sample by itself; t as in the samplers.
    x_0 : tensor, shape (B, ...)
        Samples, taken as states at ``t_min``. The model gets their dtype and device.
    schedule : Schedule
        The model's noise levels.
    t_min, t_max : float
        Ends of the flow, both with signal and noise left; by default the schedule's noisiest time.
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts.
    divergence : {"exact", "rademacher", "gaussian"}
        Exact takes as many backward passes a call as a sample has components.
    num_probes : int
        How many probes a sample, drawn once and kept along the flow.
    generator : torch.Generator, optional
        Draws the probes, on the CPU.
    log_prior : callable, optional
        Log-density (B,) in nats of states at ``t_max``; by default that of the noise alone,
        N(0, sigma^2 I), which differs from the truth by what is left of the signal.
    method : {"RK23", "RK45", "DOP853"}
        Of `scipy.integrate.solve_ivp`.
    rtol, atol : float
        Its tolerances, for the batch as a whole.

    Returns
    -------
    FlowLikelihood
        Log-likelihoods in nats, bits per dimension, and the number of calls of the model.

    Raises
    ------
    ValueError
        If an argument is outside its domain.
    RuntimeError
        If the integration fails.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equations (38) to (40).
    """
    check_choice("prediction", prediction, CONTINUOUS_PREDICTIONS)
    check_choice("divergence", divergence, DIVERGENCES)
    check_choice("method", method, ("RK23", "RK45", "DOP853"))
    if x_0.ndim < 2 or not x_0.is_floating_point():
        raise ValueError(
            f"x_0 of shape {tuple(x_0.shape)} and {x_0.dtype} must be a floating-point tensor of "
            f"shape (B, ...): samples along the first axis."
        )
    start, end = _ends(schedule, t_min, t_max)
    probes = None
    if divergence != "exact":
        probes = draw_probes(x_0, divergence, num_probes, generator)
    batch, size = len(x_0), x_0[0].numel()
    calls = 0

    def rates(u: float, state: _Array) -> _Array:
        nonlocal calls
        calls += 1
        # Rounding must not leave the schedule at its ends.
        time = min(max(schedule.time_at(-2.0 * u), start), end)
        level = level_at(schedule, time)
        scale = math.exp(u)
        y = torch.as_tensor(state[: batch * size].reshape(x_0.shape)).to(x_0)
        y.requires_grad_(True)
        with torch.enable_grad():
            eps = asked(model, level.alpha * y, level, prediction, None)[1]
            # In y the process is dy = g dw with g^2 = d(scale^2)/du.
            velocity = sde.probability_flow_drift(
                0.0,
                continuous.score_from_eps(eps, sigma_t=scale),
                diffusion=math.sqrt(2.0) * scale,
            )
            if probes is None:
                growth = exact_divergence(velocity, y)
            else:
                growth = estimated_divergence(velocity, y, probes)
        parts = (velocity.detach().flatten(), growth.detach())
        return np.concatenate([part.double().cpu().numpy() for part in parts])

    first, last = level_at(schedule, start), level_at(schedule, end)
    y_0 = (x_0.detach().double().cpu().numpy() / first.alpha).ravel()
    solution = solve_ivp(
        rates,
        (-first.half_log_snr, -last.half_log_snr),
        np.concatenate([y_0, np.zeros(batch)]),
        method=method,
        rtol=rtol,
        atol=atol,
    )
    if not solution.success:
        raise RuntimeError(f"the probability flow could not be integrated: {solution.message}")
    final = solution.y[:, -1]
    noise = torch.as_tensor(last.alpha * final[: batch * size].reshape(x_0.shape))
    prior = _log_normal(noise, last.sigma) if log_prior is None else log_prior(noise)
    # From densities of x to those of y at either end.
    scaling = size * (math.log(last.alpha) - math.log(first.alpha))
    gained = torch.as_tensor(prior).detach().double().cpu().numpy() + final[batch * size :]
    return FlowLikelihood(gained + scaling, noise.to(x_0), size, calls)


def _log_normal(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return ln N(x; 0, sigma^2 I) for each sample, in nats."""
    flat = x.flatten(1)
    constant = flat.shape[1] * (math.log(sigma) + math.log(2.0 * math.pi) / 2.0)
    return -(flat / sigma).square().sum(1) / 2.0 - constant
