"""How much of the data each schedule leaves at each time, and where digits are lost."""

from pathlib import Path

import numpy as np
from drawing import save

from refdiff.equations import (
    alpha_bars_from_betas,
    cosine_betas,
    linear_betas,
    log_snr,
    scaled_linear_betas,
    transition_variance,
)

STEPS = 1000
SCHEDULES = {
    "linear": alpha_bars_from_betas(linear_betas(STEPS)),
    "scaled linear": alpha_bars_from_betas(scaled_linear_betas(STEPS)),
    "cosine": alpha_bars_from_betas(cosine_betas(STEPS)),
}
TIMES = np.arange(1, STEPS + 1)


def _alpha_bar(axes) -> None:
    for name, alpha_bars in SCHEDULES.items():
        axes.plot(np.arange(STEPS + 1), alpha_bars, label=name)
    axes.set(xlabel="time t", ylabel=r"$\bar\alpha_t$", xlim=(0, STEPS), ylim=(0, 1))
    axes.legend()


def _log_snr(axes) -> None:
    for name, alpha_bars in SCHEDULES.items():
        axes.plot(TIMES, log_snr(alpha_bar_t=alpha_bars[1:]), label=name)
    axes.set(xlabel="time t", ylabel="log-SNR", xlim=(0, STEPS), ylim=(-20, 10))
    axes.legend()


def _digits_lost(axes) -> None:
    alpha_bars = SCHEDULES["linear"]
    exact = transition_variance(alpha_bar_t=alpha_bars[1:], alpha_bar_s=alpha_bars[:-1])
    rounded = alpha_bars.astype(np.float32)
    in_float32 = 1 - rounded[1:] / rounded[:-1]
    at_the_end = exact.astype(np.float32)
    for label, values, marker in (
        ("table in float32", in_float32, "o"),
        ("table in float64, result in float32", at_the_end, "x"),
    ):
        error = np.abs(values.astype(np.float64) - exact) / exact
        axes.plot(TIMES, error, marker, markersize=2.5, label=label)
    axes.plot(
        TIMES, np.finfo(np.float32).eps / exact, color="0.5", ls="-", label=r"$2^{-23}/\beta_t$"
    )
    axes.set(
        xlabel="time t",
        ylabel="relative error",
        yscale="log",
        xlim=(0, STEPS),
        ylim=(1e-11, 1e-1),
    )
    axes.legend(loc="upper right", markerscale=2, fontsize=9)


def draw(folder: Path) -> None:
    """Write the three figures."""
    save(folder, "alpha-bar", _alpha_bar)
    save(folder, "log-snr", _log_snr)
    save(folder, "digits-lost", _digits_lost)
