"""The second half of the error sentences of weights: what to do about a refused value."""

from __future__ import annotations

from refdiff._checks import Interval

__all__ = ["ENDLESS", "FINITE", "SIGNAL", "SNR"]

FINITE = Interval(0.0, float("inf"), has_high=False)

SNR = "it is a ratio of variances, from 0 (noise) to inf (data)."
ENDLESS = "it is a ratio of variances, infinite only for clean data, which nobody trains on."
SIGNAL = "without signal the error of eps says nothing of the data; weigh the error of x_0 or v."
