r"""Noise schedules over real times, for samplers that ask between the entries of a table.

A `Schedule` gives for each time t the scales of x_t = alpha(t) x_0 + sigma(t) eps, and the inverse:
the time at which the log signal-to-noise ratio 2 ln(alpha/sigma) has a given value. Every schedule
here starts at t = 0 with the least noise, and its log-SNR falls strictly with t.

========================== ============================ ===================== =================
constructor                alpha(t)                     sigma(t)              t
========================== ============================ ===================== =================
`discrete` (a table)       sqrt(alpha_bar_t)            sqrt(1 - alpha_bar_t) 0 ... T
`vp_linear`                exp(-(integral of beta) / 2) sqrt(1 - alpha^2)     0 ... 1
`vp_cosine`                cosine                       sqrt(1 - alpha^2)     0 ... 1
`variance_exploding`       1                            geometric             0 ... 1
`edm`                      1                            t                     0 ... infinity
`straight`                 1 - t                        t                     0 ... 1
========================== ============================ ===================== =================
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy.typing as npt

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._namespace import exp, log1p, sqrt
from refdiff.equations import continuous, log_snr
from refdiff.samplers._arguments import level_table

__all__ = [
    "Schedule",
    "discrete",
    "edm",
    "straight",
    "variance_exploding",
    "vp_cosine",
    "vp_linear",
]

_Real = Callable[[float], float]


@dataclass(frozen=True, eq=False)
class Schedule:
    """The scales of data and noise by time.

    Parameters
    ----------
    alpha, sigma : callable
        Scale of the data, and standard deviation of the noise, at a time in [0, t_max]: a float
        for a float.
    time_at : callable
        The time at which the log-SNR 2 ln(alpha/sigma) has a given value; ``inf`` and ``-inf``
        are allowed where the schedule has clean data or no signal.
    name : str
        Names the schedule in messages.
    t_max : float
        The noisiest time.
    counts : bool
        Whether times are the numbers of training steps: a model is then asked with an ``int``
        where the time is whole.
    rates : callable, optional
        Derivatives of alpha and sigma in t, a pair, at a time with noise. A model that predicts a
        velocity dx/dt needs them; a table, which bends at its entries, has none.
    """

    alpha: _Real
    sigma: _Real
    time_at: _Real
    name: str
    t_max: float
    counts: bool = False
    rates: Callable[[float], tuple[float, float]] | None = None

    def __repr__(self) -> str:
        return f"Schedule({self.name}, t_max={self.t_max:g})"

    def log_snr(self, t: float) -> float:
        """Return 2 ln(alpha/sigma) at time t; ``inf`` without noise, ``-inf`` without signal."""
        return float(continuous.log_snr(alpha_t=self.alpha(t), sigma_t=self.sigma(t)))

    def half_log_snr(self, t: float) -> float:
        """Return ln(alpha/sigma) at time t, which the DPM-Solver papers call lambda."""
        return self.log_snr(t) / 2.0


def _guarded(name: str, t_max: float, function: _Real) -> _Real:
    def at(t: float) -> float:
        if not 0.0 <= t <= t_max:
            raise ValueError(
                f"t={t:g} must be in [0, {t_max:g}], the times of the schedule {name}; was a time "
                f"of another schedule passed?"
            )
        return function(t)

    return at


def _schedule(
    name: str,
    t_max: float,
    alpha: _Real,
    sigma: _Real,
    time_at: _Real,
    *,
    counts: bool = False,
    rates: Callable[[float], tuple[float, float]] | None = None,
) -> Schedule:
    inside = _guarded(name, t_max, alpha), _guarded(name, t_max, sigma)
    return Schedule(*inside, time_at, name, t_max, counts, rates)


def _logistic(value: float) -> float:
    return float(1.0 / (1.0 + exp(-value)))


def _softplus(value: float) -> float:
    """Return ln(1 + exp(value)) with all its digits for any value."""
    return max(value, 0.0) + float(log1p(exp(-abs(value))))


def discrete(alpha_bars: npt.ArrayLike) -> Schedule:
    """Return the schedule of a table of alpha_bar: exactly the table at whole times.

    Between two times the log-SNR is linear in t. Where it is infinite at one of the two, the ratio
    of the vanishing scale to the other is linear instead: of noise to signal between 0 and 1, of
    signal to noise before a last entry of 0.

    Parameters
    ----------
    alpha_bars : array_like, shape (T+1,)
        Noise levels by time, from exactly 1 strictly down to at least 0.

    Returns
    -------
    Schedule
        Of times 0..T.

    Raises
    ------
    ValueError
        If the table is not one.
    """
    table = level_table(alpha_bars)
    last = len(table) - 1
    for t in range(1, last + 1):
        if not 0.0 <= table[t] < table[t - 1]:
            raise ValueError(
                f"alpha_bars[{t}]={table[t]:.6g} must be >= 0 and below alpha_bars[{t - 1}]="
                f"{table[t - 1]:.6g}: a later time holds less of the data; was a table of betas "
                f"passed, or one in the reverse order?"
            )
    ratios = [float(log_snr(alpha_bar_t=level)) for level in table]
    falling = [-ratio for ratio in ratios]

    def between(t: float) -> float:
        k = math.floor(t)
        here, following, share = ratios[k], ratios[k + 1], t - k
        if math.isinf(here):
            # With a table of one noisy time without signal both ends are infinite.
            return (0.0 if math.isinf(following) else following) - 2.0 * math.log(share)
        if math.isinf(following):
            return here + 2.0 * math.log1p(-share)
        return here * (1.0 - share) + following * share

    def alpha(t: float) -> float:
        whole = float(t).is_integer()
        return float(sqrt(table[int(t)] if whole else _logistic(between(t))))

    def sigma(t: float) -> float:
        whole = float(t).is_integer()
        return float(sqrt(1.0 - table[int(t)] if whole else _logistic(-between(t))))

    def time_at(ratio: float) -> float:
        if not ratio >= ratios[-1]:
            raise ValueError(
                f"log_snr={ratio:g} must be at least {ratios[-1]:g}, that of the table's last "
                f"time {last}; the table holds no noisier level."
            )
        # The last time whose log-SNR is not below the ratio, and the following one.
        k = min(bisect.bisect_right(falling, -ratio) - 1, last - 1)
        here, following = ratios[k], ratios[k + 1]
        if ratio in (here, following):
            return float(k if ratio == here else k + 1)
        if math.isinf(here):
            return k + math.exp(((0.0 if math.isinf(following) else following) - ratio) / 2.0)
        if math.isinf(following):
            return k - math.expm1((ratio - here) / 2.0)
        return k + (here - ratio) / (here - following)

    return _schedule("discrete", float(last), alpha, sigma, time_at, counts=True)


def vp_linear(beta_min: float = 0.1, beta_max: float = 20.0) -> Schedule:
    """Return the variance-preserving schedule with beta(t) linear between two values.

    Parameters
    ----------
    beta_min, beta_max : float
        beta(0) and beta(1), with 0 < beta_min <= beta_max.

    Returns
    -------
    Schedule
        Of times 0..1, clean at 0.

    Raises
    ------
    ValueError
        If the two are out of order or not positive.
    """
    if not 0.0 < beta_min <= beta_max < math.inf:
        raise ValueError(
            f"beta_min={beta_min:g}, beta_max={beta_max:g} must satisfy 0 < beta_min <= beta_max: "
            f"beta grows with time; were the two swapped?"
        )
    growth = beta_max - beta_min

    def integral(t: float) -> float:
        return beta_min * t + growth * t * t / 2.0

    def time_at(ratio: float) -> float:
        # alpha^2 = logistic(log-SNR) = exp(-integral of beta), solved without a difference.
        needed = _softplus(-ratio)
        return 2.0 * needed / (beta_min + math.sqrt(beta_min**2 + 2.0 * growth * needed))

    def alpha(t: float) -> float:
        return math.exp(-integral(t) / 2.0)

    def sigma(t: float) -> float:
        return math.sqrt(-math.expm1(-integral(t)))

    def rates(t: float) -> tuple[float, float]:
        half = (beta_min + growth * t) / 2.0
        return -half * alpha(t), half * alpha(t) ** 2 / sigma(t)

    return _schedule("vp_linear", 1.0, alpha, sigma, time_at, rates=rates)


def vp_cosine(offset: float = 0.008) -> Schedule:
    """Return the variance-preserving schedule alpha(t) = cos(u(t)) / cos(u(0)).

    The angle u(t) = (pi/2) (t + s) / (1 + s) ends at pi/2, so that time 1 holds no signal.

    Parameters
    ----------
    offset : float
        s >= 0; 0.008 makes it the squared-cosine schedule of Nichol and Dhariwal before its clip.

    Returns
    -------
    Schedule
        Of times 0..1, clean at 0.

    Raises
    ------
    ValueError
        If the offset is negative.
    """
    check_in(NON_NEGATIVE, "the usual offset s is 0.008.", offset=offset)
    quarter = math.pi / (2.0 * (1.0 + offset))
    start = offset * quarter
    cosine, sine = math.sin(quarter), math.sin(start)  # cos(start), as the time left is 1

    def sigma(t: float) -> float:
        # cos(a)^2 - cos(b)^2 = sin(b - a) sin(b + a): no difference of nearly equal numbers.
        moved = t * quarter
        return math.sqrt(math.sin(moved) * math.sin(moved + 2.0 * start)) / cosine

    def time_at(ratio: float) -> float:
        noise = _logistic(-ratio) * cosine**2
        if noise == 0.0:
            return 0.0
        cos_u, sin_u = math.sqrt(_logistic(ratio)) * cosine, math.sqrt(sine**2 + noise)
        u = math.atan2(sin_u, cos_u)
        # The angle moved since the start, by its sine and cosine: it may be tiny beside u.
        moved = math.atan2(noise / math.sin(u + start), cos_u * cosine + sin_u * sine)
        return moved / quarter

    def alpha(t: float) -> float:
        return math.sin((1.0 - t) * quarter) / cosine

    def rates(t: float) -> tuple[float, float]:
        falling = -quarter * math.cos((1.0 - t) * quarter) / cosine
        return falling, -alpha(t) * falling / sigma(t)

    return _schedule("vp_cosine", 1.0, alpha, sigma, time_at, rates=rates)


def variance_exploding(sigma_min: float = 0.01, sigma_max: float = 50.0) -> Schedule:
    """Return the variance-exploding schedule: sigma grows geometrically, the data are not scaled.

    Parameters
    ----------
    sigma_min, sigma_max : float
        sigma(0) and sigma(1), with 0 < sigma_min < sigma_max.

    Returns
    -------
    Schedule
        Of times 0..1; even at time 0 there is the noise sigma_min.

    Raises
    ------
    ValueError
        If the two are out of order or not positive.
    """
    check_in(POSITIVE, "it is the noise at time 0.", sigma_min=sigma_min)
    if not sigma_min < sigma_max < math.inf:
        raise ValueError(
            f"sigma_max={sigma_max:g} must be finite and above sigma_min={sigma_min:g}: the noise "
            f"grows with time; were the two swapped?"
        )
    low, high = math.log(sigma_min), math.log(sigma_max)
    ends = {0.0: sigma_min, 1.0: sigma_max}

    def sigma(t: float) -> float:
        return ends[t] if t in ends else math.exp((1.0 - t) * low + t * high)

    return _schedule(
        "variance_exploding",
        1.0,
        lambda t: 1.0,
        sigma,
        lambda ratio: (-ratio / 2.0 - low) / (high - low),
        rates=lambda t: (0.0, (high - low) * sigma(t)),
    )


def edm() -> Schedule:
    """Return EDM's schedule: the time is the noise's standard deviation, alpha = 1."""
    return _schedule(
        "edm",
        math.inf,
        lambda t: 1.0,
        lambda t: float(t),
        lambda ratio: float(exp(-ratio / 2.0)),
        rates=lambda t: (0.0, 1.0),
    )


def straight() -> Schedule:
    """Return the schedule of straight paths: alpha = 1 - t and sigma = t, for t in 0..1."""
    return _schedule(
        "straight",
        1.0,
        lambda t: 1.0 - t,
        lambda t: float(t),
        lambda ratio: _logistic(-ratio / 2.0),
        rates=lambda t: (-1.0, 1.0),
    )
