"""azula: its samplers, on a discrete schedule and with a model that predicts eps.

azula takes any noise schedule and any denoiser. These are the schedule and the model that refdiff
hands to a sampler, as azula's classes; the step itself is azula's.
"""

from typing import Any

import torch
from azula import sample
from azula.denoise import Denoiser, DiracPosterior
from azula.noise import Schedule

from refdiff.conformance.probe.model import level_of_time
from refdiff.equations import alpha_bars_from_betas, linear_betas

STEPS = 1000
_ALPHA_BARS = alpha_bars_from_betas(linear_betas(STEPS))


class Discrete(Schedule):
    """DDPM's linear schedule: the time 0 is the data, 1 is the last of 1000 levels."""

    def index(self, t: torch.Tensor) -> torch.Tensor:
        """Return the nearest time of the schedule."""
        return torch.round(t * STEPS)

    def __call__(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return alpha and sigma."""
        alpha_bar = torch.as_tensor(level_of_time(self.index(t), _ALPHA_BARS))
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()


class Continuous(Discrete):
    """The same at any time between two levels, as the model reads fractions of times."""

    def index(self, t: torch.Tensor) -> torch.Tensor:
        """Return the time of the schedule."""
        return t * STEPS


class FromEps(Denoiser):
    """The denoiser of a model that predicts eps and is told times from 0 to 999."""

    def __init__(self, model: Any, schedule: Discrete) -> None:
        super().__init__()
        self.model, self.schedule = model, schedule

    def forward(self, x_t: torch.Tensor, t: torch.Tensor) -> DiracPosterior:
        """Return the predicted x_0."""
        alpha, sigma = self.schedule(t)
        return DiracPosterior((x_t - sigma * self.model(x_t, self.schedule.index(t) - 1)) / alpha)


def _run(name: str, model: Any, x: Any, steps: int, stop: int = 0, **options: Any) -> Any:
    sampler = getattr(sample, name)
    schedule = Continuous() if stop else Discrete()
    times = {"steps": steps, "stop": stop / STEPS, "dtype": torch.float64, "silent": True}
    return sampler(FromEps(model, schedule), **times, **options)(x)


def ddpm(model, x, *, steps=10):
    """Sample with `DDPMSampler`."""
    return _run("DDPMSampler", model, x, steps)


def ddim(model, x, *, steps=10, eta=0.0):
    """Sample with `DDIMSampler`."""
    return _run("DDIMSampler", model, x, steps, eta=eta)


def euler(model, x, *, steps=10):
    """Sample with `EulerSampler`."""
    return _run("EulerSampler", model, x, steps)


def ito(model, x, *, steps=10, eta=1.0):
    """Sample with `ItoSampler`."""
    return _run("ItoSampler", model, x, steps, eta=eta)


def corrected(model, x, *, steps=10):
    """Sample with `PCSampler`."""
    return _run("PCSampler", model, x, steps)


def adams_bashforth_z(model, x, *, steps=10):
    """Sample with `zABSampler`."""
    return _run("zABSampler", model, x, steps)


def adams_bashforth_v(model, x, *, steps=10):
    """Sample with `vABSampler`."""
    return _run("vABSampler", model, x, steps)


# These divide by sigma or take its logarithm at the last time, so they stop at the first level.


def heun(model, x, *, steps=10):
    """Sample with `HeunSampler`."""
    return _run("HeunSampler", model, x, steps, stop=1)


def exponential_z(model, x, *, steps=10):
    """Sample with `zEABSampler`."""
    return _run("zEABSampler", model, x, steps, stop=1)


def exponential_x(model, x, *, steps=10):
    """Sample with `xEABSampler`."""
    return _run("xEABSampler", model, x, steps, stop=1)


def rosenbrock(model, x, *, steps=10):
    """Sample with `REABSampler`."""
    return _run("REABSampler", model, x, steps, stop=1)
