"""The second half of the error sentences of flows: what to do about a refused value."""

from __future__ import annotations

__all__ = ["LEFT", "NOT_CLEAN", "NOT_NOISE", "TIME"]

TIME = "0 is data and 1 is noise; the papers' time is 1 - t."
LEFT = "it is the noise scale left at t=0; 0 gives rectified flow."
NOT_CLEAN = "at t=0 the state is the data and tells nothing of the noise; ask for a velocity there."
NOT_NOISE = "at t=1 the state is the noise and tells nothing of the data; ask for a velocity there."
