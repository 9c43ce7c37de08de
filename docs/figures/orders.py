"""How the error of the samplers falls with the number of steps, on data whose flow is known."""

from pathlib import Path

import numpy as np
from drawing import save

from refdiff.closed_form import Gaussian
from refdiff.samplers import dpm_solver, dpm_solver_pp, euler, heun, last
from refdiff.samplers.schedule import vp_linear
from refdiff.samplers.times import uniform_times

DATA = Gaussian(1.5, 0.6)  # neither mean 0 nor variance 1, which hide mistakes
SCHEDULE, START, END = vp_linear(), 0.7, 0.1
COUNTS = (8, 16, 32, 64, 128, 256)
SAMPLERS = {
    "Euler (DDIM), order 1": euler,
    "Heun, order 2": heun,
    "DPM-Solver++ 2M, order 2": lambda *a, **k: dpm_solver_pp(*a, variant="2M", **k),
    "DPM-Solver-3, order 3": lambda *a, **k: dpm_solver(*a, order=3, **k),
}


def _at(t: float):
    return DATA.at_scales(alpha_t=SCHEDULE.alpha(t), sigma_t=SCHEDULE.sigma(t))


def _model(x, t):
    return _at(t).predict("eps", x)


def error(sampler, count: int) -> float:
    """Return how far a run ends from where the probability flow ends."""
    start = np.sqrt(_at(START).marginal.covariance_matrix().item())
    x_T = _at(START).marginal.mean + start * np.array([[-1.7], [-0.2], [0.9], [2.4]])
    times = uniform_times(count, start=START, end=END)
    x = last(sampler(_model, x_T, schedule=SCHEDULE, times=times))
    return float(np.sqrt(np.mean((x - _at(START).flow_to(x_T, _at(END))) ** 2)))


def _plot(axes) -> None:
    for name, sampler in SAMPLERS.items():
        axes.plot(COUNTS, [error(sampler, n) for n in COUNTS], marker="o", ms=4, label=name)
    axes.set(xlabel="steps", ylabel="error", xscale="log", yscale="log")
    axes.set_xticks(COUNTS, [str(n) for n in COUNTS])
    axes.minorticks_off()
    axes.legend(fontsize=9)


def draw(folder: Path) -> None:
    """Write the figure."""
    save(folder, "orders", _plot)
