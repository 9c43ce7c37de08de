"""The equations of :mod:`refdiff.equations` for a general signal and noise scale.

The same names with (alpha_t, sigma_t) in place of alpha_bar_t; x_t = alpha_t x_0 + sigma_t eps.
"""

from __future__ import annotations

from refdiff.equations.continuous.forward import (
    forward_mean,
    forward_sample,
    forward_variance,
    transition_mean,
    transition_variance,
)
from refdiff.equations.continuous.parameterization import (
    eps_from_v,
    eps_from_x_0,
    v_from_eps,
    v_from_x_0,
    x_0_from_eps,
    x_0_from_v,
)
from refdiff.equations.continuous.posterior import (
    posterior_mean,
    posterior_variance,
)
from refdiff.equations.continuous.score import (
    eps_from_score,
    score_from_eps,
    score_from_x_0,
    x_0_from_score,
)
from refdiff.equations.continuous.signal_to_noise import (
    log_snr,
    snr,
)

__all__ = [
    "eps_from_score",
    "eps_from_v",
    "eps_from_x_0",
    "forward_mean",
    "forward_sample",
    "forward_variance",
    "log_snr",
    "posterior_mean",
    "posterior_variance",
    "score_from_eps",
    "score_from_x_0",
    "snr",
    "transition_mean",
    "transition_variance",
    "v_from_eps",
    "v_from_x_0",
    "x_0_from_eps",
    "x_0_from_score",
    "x_0_from_v",
]
