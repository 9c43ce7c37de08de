"""The solvers beside those of public releases that are right: one state after another run.

    python -m validation.witnesses

Both run in float64 on the same data (a mixture, whose best denoiser is known), the same levels and
the same noise. What is shown is the largest difference of the final states in units of the last
place of numbers of their size. The exit status is 1 if one is larger than what rounding explains,
unless the release computes in lower precision, which is then said. A release that is not installed
is left out.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from refdiff.closed_form import GaussianMixture
from refdiff.equations import alpha_bars_from_betas, karras_sigmas, linear_betas
from refdiff.samplers import ancestral, edm_stochastic, euler, heun, last, lms, pndm
from refdiff.samplers.schedule import Schedule, discrete, edm
from refdiff.samplers.times import uniform_times

ULP = 2.0**-52
ALLOWED = 64.0
"""Roundings of a dozen steps; between 0.6 and 3.6 were seen."""

DATA = GaussianMixture([0.35, 0.65], [[-1.2], [1.9]], [0.3, 0.8])
X_T = np.random.default_rng(7).standard_normal((6, 1))
SIGMAS = karras_sigmas(12, sigma_min=0.05, sigma_max=20.0, rho=7.0)


class Row(NamedTuple):
    """A sampler of a release and what it is off by."""

    release: str
    name: str
    units: float


def denoised(x: np.ndarray, u: float) -> np.ndarray:
    """Return the mean of the data given x = x_0 + u n."""
    size = np.hypot(1.0, u)
    return DATA.optimal_x_0(x / size, alpha_bar_t=1.0 / size**2)


def denoiser(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Return the same for tensors, with one sigma for each sample."""
    return torch.from_numpy(denoised(x.numpy(), float(sigma.reshape(-1)[0])))


def predicted_noise(x: np.ndarray, schedule: Schedule, t: float) -> np.ndarray:
    """Return E[eps | x] at a time of a schedule."""
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    return (x - alpha * denoised(x / alpha, sigma / alpha)) / sigma


def compared(release: str, name: str, theirs: torch.Tensor, ours: np.ndarray) -> Row:
    """Return the largest difference, in last places of the largest number."""
    difference = float(np.max(np.abs(theirs.numpy() - ours)))
    return Row(release, name, difference / (ULP * float(np.max(np.abs(ours)))))


def of_k_diffusion() -> Iterator[Row]:
    """Samplers in EDM's coordinates, with churn and fresh noise from one generator."""
    from validation.targets.adapters import k_diffusion as peer

    sigmas = torch.from_numpy(SIGMAS)
    x_T = torch.from_numpy(SIGMAS[0] * X_T)

    def noise(t: float, s: float, like: np.ndarray) -> np.ndarray:
        return torch.randn(like.shape, dtype=torch.float64).numpy()

    def run(sampler: Callable[..., Any], **options: Any) -> np.ndarray:
        torch.manual_seed(3)
        return np.asarray(
            last(
                sampler(
                    denoised,
                    x_T.numpy(),
                    schedule=edm(),
                    times=SIGMAS.tolist(),
                    prediction="x_0",
                    noise=noise,
                    **options,
                )
            )
        )

    def their(function: Callable[..., Any], **options: Any) -> torch.Tensor:
        torch.manual_seed(3)
        return torch.as_tensor(function(denoiser, x_T, sigmas, disable=True, **options))

    def sampled(sigma: Any, sigma_next: Any) -> torch.Tensor:
        return torch.randn(x_T.shape, dtype=torch.float64)

    pairs = [
        ("sample_euler", their(peer.sample_euler), run(euler)),
        ("sample_heun", their(peer.sample_heun), run(heun)),
        ("sample_heun, s_churn=4", their(peer.sample_heun, s_churn=4.0),
         run(edm_stochastic, churn=4.0)),
        ("sample_euler_ancestral, eta=0.7",
         their(peer.sample_euler_ancestral, eta=0.7, noise_sampler=sampled),
         run(ancestral, eta=0.7)),
        ("sample_lms", their(peer.sample_lms), run(lms)),
    ]  # fmt: skip
    for name, theirs, ours in pairs:
        yield compared("k-diffusion", name, theirs, ours)


def of_diffusers() -> Iterator[Row]:
    """PNDM over a table; its alpha_bars are put into float64, in which it then computes."""
    from diffusers import PNDMScheduler

    table = alpha_bars_from_betas(linear_betas(1000))
    schedule = discrete(table)
    for skip, start in ((False, "runge-kutta"), (True, "improved-euler")):
        scheduler = PNDMScheduler(skip_prk_steps=skip, set_alpha_to_one=True)
        scheduler.alphas_cumprod = torch.from_numpy(table[1:].copy())
        scheduler.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
        scheduler.set_timesteps(10)
        x = torch.from_numpy(X_T)
        for t in scheduler.timesteps:
            eps = predicted_noise(x.numpy(), schedule, int(t) + 1)
            x = scheduler.step(torch.from_numpy(eps), t, x).prev_sample
        times = [*range(901, 0, -100), 0]
        ours = last(
            pndm(
                lambda y, t: predicted_noise(y, schedule, t),
                X_T,
                schedule=schedule,
                times=times,
                start=start,
            )
        )
        yield compared("diffusers", f"PNDMScheduler, skip_prk_steps={skip}", x, ours)


def of_azula() -> Iterator[Row]:
    """Deterministic samplers over azula's own variance-preserving schedule."""
    from azula import sample
    from azula.denoise import Denoiser, DiracPosterior
    from azula.noise import VPSchedule

    their_schedule = VPSchedule()

    def real(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[float], float]:
        return lambda t: float(function(torch.tensor(t, dtype=torch.float64)))

    schedule = Schedule(
        real(their_schedule.alpha),
        real(their_schedule.sigma),
        lambda ratio: float("nan"),
        "azula",
        1.0,
    )

    class Exact(Denoiser):
        schedule = their_schedule

        def forward(self, x_t: torch.Tensor, t: torch.Tensor) -> DiracPosterior:
            alpha, sigma = (float(each) for each in their_schedule(t))
            return DiracPosterior(torch.from_numpy(denoised(x_t.numpy() / alpha, sigma / alpha)))

    times = uniform_times(12, start=0.9, end=0.1)
    options = {"start": 0.9, "stop": 0.1, "steps": 12, "silent": True, "dtype": torch.float64}
    for name, sampler, own in (
        ("EulerSampler", euler, {}),
        ("HeunSampler", heun, {}),
        ("zABSampler", lms, {"order": 3}),
    ):
        theirs = getattr(sample, name)(Exact(), **options, **own)(torch.from_numpy(X_T))
        ours = last(
            sampler(
                lambda y, t: predicted_noise(y, schedule, t),
                X_T,
                schedule=schedule,
                times=times,
                **own,
            )
        )
        yield compared("azula", name, theirs, ours)


# k-diffusion is last: what stands in for packages that it imports would mislead the others.
RELEASES = {"diffusers": of_diffusers, "azula": of_azula, "k_diffusion": of_k_diffusion}


def main() -> int:
    """Print the comparisons and return the exit status."""
    rows = []
    for package, rows_of in RELEASES.items():
        if importlib.util.find_spec(package) is None:
            print(f"{package} is not installed and is left out")
            continue
        rows += list(rows_of())
    for row in rows:
        verdict = "" if row.units <= ALLOWED else "  DIFFERS"
        print(f"{row.release:<12} {row.name:<36} {row.units:10.1f} units{verdict}")
    return int(any(row.units > ALLOWED for row in rows))


if __name__ == "__main__":
    sys.exit(main())
