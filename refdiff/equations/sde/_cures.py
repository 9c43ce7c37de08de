"""The second half of this group's error sentences; see :mod:`refdiff._cures`."""

from __future__ import annotations

__all__ = [
    "BETAS_SWAPPED",
    "DIFFUSION",
    "FRACTION",
    "GEOMETRIC",
    "INTEGRAL",
    "LOSS_WEIGHT",
    "RATE",
    "RATE_OF_GAMMA",
    "SIGMAS_SWAPPED",
    "STEPS",
    "S_NOISIER",
    "TIME",
]

TIME = "times run from the data at 0 to noise at 1; divide the number of a step by T."
RATE = "it is the rate at which noise replaces the variance of the data."
FRACTION = "it is the fraction of the variance that one step replaces."
INTEGRAL = "it is the integral of beta from 0 to t, which starts at 0 and grows."
BETAS_SWAPPED = "beta grows with time; were the two swapped?"
SIGMAS_SWAPPED = "the noise grows with time; were the two swapped?"
S_NOISIER = "s is the less noisy time; were the two swapped?"
GEOMETRIC = "a geometric schedule needs two positive noise scales."
DIFFUSION = "it is the coefficient g(t) in front of dw, not its square."
RATE_OF_GAMMA = "gamma, minus the log-SNR, never falls while noise is added."
LOSS_WEIGHT = "a negative weight would reward errors."
STEPS = "it counts the steps of the chain."
