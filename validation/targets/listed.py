"""What is judged: every target, by data alone.

A target is a line for ``refdiff check``: where it is found, the arguments that it is made with, and
the settings of the run. The peers that they belong to are in ``peers.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "Listed", "Peer", "peers", "targets"]

FOLDER = Path(__file__).parent
_ADAPTERS = "validation.targets.adapters"


@dataclass(frozen=True)
class Peer:
    """A project whose code is judged; see ``peers.toml``."""

    name: str
    title: str
    source: str
    version: str
    licence: str
    obtained: str
    contains: str = ""


@dataclass(frozen=True)
class Listed:
    """One target.

    Parameters
    ----------
    peer : str
        Name of its peer.
    name : str
        Its own name, unique within the peer.
    target : str
        As ``refdiff check`` takes it.
    kwargs : mapping
        What it is constructed with.
    schedule, time_base, array : optional
        Settings of the run.
    """

    peer: str
    name: str
    target: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = "linear:1000"
    time_base: int = 0
    array: str = "numpy"

    @property
    def key(self) -> str:
        """Its name among all targets."""
        return f"{self.peer}/{self.name}"


def peers() -> dict[str, Peer]:
    """Return the peers by name."""
    known = tomllib.loads((FOLDER / "peers.toml").read_text("utf-8"))
    return {name: Peer(name, **fields) for name, fields in known.items()}


def targets() -> tuple[Listed, ...]:
    """Return all targets, in the order of their reports."""
    found = (
        *_diffusers(),
        *_azula(),
        *_smalldiffusion(),
        *_denoising_diffusion_pytorch(),
        *_k_diffusion(),
        *_openai("improved-diffusion", "improved_diffusion"),
        *_openai("guided-diffusion", "guided_diffusion"),
        *_dpm_solver(),
        *_others(),
    )
    return tuple(found)


# ------------------------------------------------------------------ diffusers

_OF_TRAINING_TIMES = (
    "DDIMInverseScheduler",
    "DDIMParallelScheduler",
    "DDIMScheduler",
    "DDPMParallelScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepInverseScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSDEScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "RePaintScheduler",
    "SASolverScheduler",
    "TCDScheduler",
    "UnCLIPScheduler",
    "UniPCMultistepScheduler",
)
_OF_SIGMAS = (
    "CMStochasticIterativeScheduler",
    "CosineDPMSolverMultistepScheduler",
    "EDMDPMSolverMultistepScheduler",
    "EDMEulerScheduler",
    "IPNDMScheduler",
)
_COSINE = {"beta_schedule": "squaredcos_cap_v2"}
# The check itself goes over spacings, predictions, variances and lists of sigmas.
_OPTIONS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("DDIMScheduler", "zero-terminal-snr", {"rescale_betas_zero_snr": True}),
    ("DDPMScheduler", "cosine", _COSINE),
    ("EulerAncestralDiscreteScheduler", "cosine", _COSINE),
    ("KDPM2AncestralDiscreteScheduler", "cosine", _COSINE),
)


def _diffusers() -> Iterator[Listed]:
    for name in (*_OF_TRAINING_TIMES, *_OF_SIGMAS):
        yield _scheduler(name, "", {})
    for name, option, kwargs in _OPTIONS:
        yield _scheduler(name, option, kwargs)
    yield Listed("diffusers", "functions", f"{_ADAPTERS}.diffusers:Functions")


def _scheduler(name: str, option: str, kwargs: Mapping[str, Any]) -> Listed:
    title = f"{name}/{option}" if option else name
    return Listed("diffusers", title, f"diffusers:{name}", kwargs)


# ------------------------------------------------------------------ other releases


def _azula() -> Iterator[Listed]:
    for name in (
        "ddpm",
        "ddim",
        "euler",
        "heun",
        "ito",
        "corrected",
        "adams_bashforth_z",
        "adams_bashforth_v",
        "exponential_z",
        "exponential_x",
        "rosenbrock",
    ):
        yield Listed("azula", name, f"{_ADAPTERS}.azula:{name}")


def _smalldiffusion() -> Iterator[Listed]:
    for name in ("ddim", "ddpm", "accelerated"):
        yield Listed("smalldiffusion", name, f"{_ADAPTERS}.smalldiffusion:{name}")


def _denoising_diffusion_pytorch() -> Iterator[Listed]:
    peer, adapter = "denoising-diffusion-pytorch", f"{_ADAPTERS}.denoising_diffusion_pytorch"
    main = f"{adapter}:gaussian_diffusion"
    for objective, schedule in (("pred_noise", "linear"), ("pred_x0", "cosine"), ("pred_v", "")):
        kwargs = {"objective": objective} | ({"beta_schedule": schedule} if schedule else {})
        yield Listed(peer, f"GaussianDiffusion/{objective}", main, kwargs)
    weighted = {"objective": "pred_noise", "min_snr_loss_weight": True}
    yield Listed(peer, "GaussianDiffusion/min-snr", main, weighted)
    eps = {"objective": "pred_noise"}
    yield Listed(peer, "guided_diffusion", f"{adapter}:guided_diffusion", eps)
    yield Listed(peer, "LearnedGaussianDiffusion", f"{adapter}:learned", eps)
    yield Listed(peer, "functions", f"{adapter}:Functions")


def _k_diffusion() -> Iterator[Listed]:
    for name in (
        "sample_euler",
        "sample_euler_ancestral",
        "sample_heun",
        "sample_dpm_2",
        "sample_dpm_2_ancestral",
        "sample_lms",
        "sample_dpmpp_2s_ancestral",
        "sample_dpmpp_sde",
        "sample_dpmpp_2m",
        "sample_dpmpp_2m_sde",
        "sample_dpmpp_3m_sde",
    ):
        yield Listed("k-diffusion", name, f"{_ADAPTERS}.k_diffusion:{name}")
    yield Listed("k-diffusion", "functions", f"{_ADAPTERS}.k_diffusion:Functions")


# ------------------------------------------------------------------ the user's own copies


def _openai(peer: str, package: str) -> Iterator[Listed]:
    target = f"{package}.script_util:create_gaussian_diffusion"
    for name, kwargs in {
        "default": {},
        "learned-range": {"learn_sigma": True},
        "respaced": {"timestep_respacing": "ddim50", "noise_schedule": "cosine"},
        "small-variance-of-x-0": {"sigma_small": True, "predict_xstart": True},
    }.items():
        yield Listed(peer, name, target, kwargs)
    yield Listed(peer, "functions", f"{_ADAPTERS}.{package}:Functions")


def _dpm_solver() -> Iterator[Listed]:
    for name in ("first_order", "multistep", "multistep_third", "singlestep"):
        yield Listed("dpm-solver", name, f"{_ADAPTERS}.dpm_solver:{name}")
    target = f"{_ADAPTERS}.dpm_solver:cosine"
    yield Listed("dpm-solver", "cosine", target, schedule="cosine:1000")


def _others() -> Iterator[Listed]:
    for name in ("ddim", "ddpm"):
        yield Listed("ddim", name, f"{_ADAPTERS}.ddim:{name}")
    yield Listed("edm", "heun", f"{_ADAPTERS}.edm:heun")
    yield Listed("gm", "GaussianDiffusion", f"{_ADAPTERS}.gm:diffusion")
    yield Listed("gm", "ddim", f"{_ADAPTERS}.gm:ddim")
