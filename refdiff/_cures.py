"""The second half of the equations' error sentences: what to do about a refused value.

One home for the sentences that several equations share; :mod:`refdiff._checks` puts them behind
the argument's name, its value and the domain.
"""

from __future__ import annotations

__all__ = [
    "ALPHA",
    "ALPHA_BAR",
    "NOT_LOST",
    "NOT_LOST_AT_S",
    "NO_NOISE",
    "NO_NOISE_AT_1",
    "NO_SIGNAL",
    "NO_SIGNAL_AT_0",
    "SIGMA",
    "TO_REMOVE",
    "TO_REMOVE_AT_1",
]

# The discrete family, in alpha_bar.
ALPHA_BAR = "alpha_bar is the fraction of the data's variance that is left, between 0 and 1."
NOT_LOST = "at alpha_bar_s=0 no signal is left at s; choose a less noisy s."
TO_REMOVE_AT_1 = "at alpha_bar_t=1 there is no noise to remove; t must be a noisier time than 0."
NO_SIGNAL_AT_0 = (
    "at alpha_bar_t=0 (zero terminal SNR) x_t holds no signal to recover x_0 from; predict x_0 or "
    "v there."
)
NO_NOISE_AT_1 = "at alpha_bar_t=1 there is no noise, so eps and the score are undefined."

# The continuous family, in (alpha, sigma).
ALPHA = "it is the scale of the data in x_t."
SIGMA = "it is the standard deviation of the noise in x_t, not its variance."
NOT_LOST_AT_S = "no signal is left at s; choose a less noisy s."
TO_REMOVE = "there is no noise at t; t must be a noisier time than 0."
NO_SIGNAL = "x_t holds no signal to recover x_0 from; predict x_0 or v there."
NO_NOISE = "there is no noise, so eps and the score are undefined."
