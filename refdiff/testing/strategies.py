"""Hypothesis strategies for schedules and images, drawn near the edges where formulas break.

The edges of diffusion formulas are known: the first step (alpha_bar near 1), the last (near or at
0), neighbours in a table, eta and guidance at their special values, pixels at exactly -1, 0 and 1,
and step counts that do not divide. Plain uniform draws almost never meet them, so each strategy
mixes them in by hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

__all__ = [
    "SCHEDULES",
    "alpha_bar",
    "alpha_bar_pairs",
    "betas",
    "etas",
    "guidance_weights",
    "images",
    "log_snrs",
    "pixel_levels",
    "schedules",
    "sigmas",
    "timestep_lists",
]

_NEAR_1 = 1e-6  # eight last places of float32: 1 - alpha_bar still has a first digit there
_LOWEST = 1e-9  # noisier than the last entry of every schedule in use

SCHEDULES: dict[str, tuple[Any, ...]] = {
    "linear": ("linear_betas",),
    "scaled-linear": ("scaled_linear_betas",),
    "cosine": ("cosine_betas",),
    "sigmoid": ("sigmoid_alpha_bars",),
    "zero-terminal": ("linear_betas", "zero_terminal_snr"),
}
"""Named schedules: the functions of `refdiff.equations` that build them, in order."""


def alpha_bar(
    *,
    low: float = 0.0,
    high: float = 1.0,
    include_low: bool = False,
    include_high: bool = False,
) -> st.SearchStrategy[float]:
    """Draw a signal fraction in [`low`, `high`], often very near the ends.

    Parameters
    ----------
    low, high : float
        Ends, with 0 <= low < high <= 1.
    include_low, include_high : bool
        Whether the ends themselves are drawn: 0 is zero terminal SNR, 1 is clean data.

    Returns
    -------
    SearchStrategy of float
        Spread evenly in alpha_bar, in its logarithm and in the logarithm of 1 - alpha_bar.

    Raises
    ------
    ValueError
        If the ends are out of order.
    """
    if not 0 <= low < high <= 1:
        raise ValueError(f"low={low!r}, high={high!r} must satisfy 0 <= low < high <= 1.")
    # Inner ends: clearly inside in float32 too, whatever the caller's dtype.
    width = high - low
    inner_low, inner_high = low + _LOWEST * width, high - _NEAR_1 * width
    exponents = st.floats(-9.0, -0.31)
    pieces = [
        st.floats(inner_low, inner_high),
        exponents.map(lambda e: min(max(low + width * 10.0**e, inner_low), inner_high)),
        exponents.map(lambda e: min(max(high - width * 10.0**e, inner_low), inner_high)),
    ]
    pieces += [st.just(low)] if include_low else []
    pieces += [st.just(high)] if include_high else []
    return st.one_of(pieces)


@st.composite
def alpha_bar_pairs(
    draw: st.DrawFn,
    *,
    include_clean: bool = True,
    include_zero: bool = False,
    strict: bool = True,
) -> tuple[float, float]:
    """Draw (alpha_bar_t, alpha_bar_s) with t the noisier time.

    Parameters
    ----------
    include_clean : bool
        Whether alpha_bar_s = 1, the step to clean data, is drawn.
    include_zero : bool
        Whether alpha_bar_t = 0, zero terminal SNR, is drawn.
    strict : bool
        Whether alpha_bar_t < alpha_bar_s; otherwise they may be equal.

    Returns
    -------
    SearchStrategy of (float, float)
        Among them neighbours of a thousand-step table, and steps over the whole chain.
    """
    signal_t = draw(alpha_bar(include_low=include_zero))
    kinds = ["any", "adjacent"] + ["clean"] * include_clean + ["equal"] * (not strict)
    kind = draw(st.sampled_from(kinds))
    if kind == "clean":
        return signal_t, 1.0
    if kind == "equal" and signal_t > 0:
        return signal_t, signal_t
    if kind == "adjacent":
        # One step replaces a fraction beta of the variance, as betas of long chains do.
        signal_s = signal_t / (1.0 - draw(betas()))
    else:
        signal_s = signal_t + (1.0 - signal_t) * draw(alpha_bar())
    # Apart by more than a rounding of float32, and less than clean.
    least = np.nextafter(np.float32(signal_t), np.float32(1.0), dtype=np.float32)
    return signal_t, min(max(signal_s, float(least), _LOWEST), 1.0 - _NEAR_1 / 2)


def log_snrs(*, limit: float = 20.0) -> st.SearchStrategy[float]:
    """Draw log signal-to-noise ratios, in nats.

    Parameters
    ----------
    limit : float
        Largest magnitude; alpha_bar of the linear schedule spans -10 to 9.

    Returns
    -------
    SearchStrategy of float
        With 0 and both ends often.
    """
    return st.one_of(st.floats(-limit, limit), st.sampled_from([-limit, -1.0, 0.0, 1.0, limit]))


def betas() -> st.SearchStrategy[float]:
    """Draw the fraction of variance that one step replaces.

    Returns
    -------
    SearchStrategy of float
        In (0, 1), mostly small, with the ends of the named schedules often.
    """
    return st.one_of(
        st.floats(-6.0, -0.01).map(lambda e: 10.0**e),
        st.sampled_from([1e-4, 0.00085, 0.012, 0.02, 0.5, 0.999]),
    )


@st.composite
def schedules(
    draw: st.DrawFn, *, min_steps: int = 2, max_steps: int = 1000, zero_terminal: bool = True
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Draw a table of alpha_bars over the times 0..T: a named schedule or a random one.

    Parameters
    ----------
    min_steps, max_steps : int
        Bounds of T, at least 2.
    zero_terminal : bool
        Whether tables that end at exactly 0 are drawn.

    Returns
    -------
    SearchStrategy of numpy.ndarray
        float64, shape (T+1,), strictly decreasing from 1.
    """
    from refdiff import equations

    steps = draw(
        st.one_of(st.integers(min_steps, max_steps), st.sampled_from([min_steps, max_steps]))
    )
    names = [n for n in SCHEDULES if zero_terminal or n not in ("sigmoid", "zero-terminal")]
    name = draw(st.sampled_from([*names, "random"]))
    if name == "random":
        count = min(steps, max(min_steps, 30))  # longer random tables only cost time
        table = np.array(draw(st.lists(betas(), min_size=count, max_size=count)))
        # Kept above 1e-30, so that no product underflows in float32.
        table = np.where(np.cumsum(np.log1p(-table)) > np.log(1e-30), table, 1e-3)
        return equations.alpha_bars_from_betas(table)
    first, *rest = SCHEDULES[name]
    values = getattr(equations, first)(steps)
    if first.endswith("betas"):
        values = equations.alpha_bars_from_betas(values)
    for function in rest:
        values = getattr(equations, function)(values)
    return values


@st.composite
def timestep_lists(draw: st.DrawFn, num_train_steps: int) -> list[int]:
    """Draw the times that a sampler visits.

    Parameters
    ----------
    num_train_steps : int
        T, at least 1.

    Returns
    -------
    SearchStrategy of list of int
        Strictly decreasing in 1..T: one time, all of them, the named grids with a count that
        divides T or not, and arbitrary subsets.
    """
    from refdiff import equations

    total = num_train_steps
    kind = draw(st.sampled_from(["one", "all", "leading", "trailing", "linspace", "subset"]))
    if kind == "one":
        return [draw(st.one_of(st.integers(1, total), st.sampled_from([1, total])))]
    if kind == "all":
        return list(range(total, 0, -1))
    if kind == "subset":
        times = draw(st.sets(st.integers(1, total), min_size=1, max_size=min(total, 20)))
        return sorted(times, reverse=True)
    count = draw(st.integers(1, total))
    grid = getattr(equations, f"{kind}_timesteps")(total, count)
    return [int(t) for t in grid]


def etas() -> st.SearchStrategy[float]:
    """Draw DDIM's stochasticity.

    Returns
    -------
    SearchStrategy of float
        In [0, 1], with 0 (deterministic), 1 (ancestral) and their neighbours often.
    """
    return st.one_of(st.sampled_from([0.0, 1.0, 0.5, 1e-3, 1.0 - 1e-6]), st.floats(0.0, 1.0))


def images(
    shape: int | tuple[int, ...] | st.SearchStrategy[tuple[int, ...]] = (2, 3, 4, 4),
    *,
    dtype: str = "float64",
    limit: float = 4.0,
) -> st.SearchStrategy[Any]:
    """Draw arrays like images, predictions or noise.

    Parameters
    ----------
    shape : int, tuple of int or strategy
        Shape, with the batch along the first axis.
    dtype : str
        ``"float64"`` or ``"float32"``.
    limit : float
        Largest magnitude.

    Returns
    -------
    SearchStrategy of numpy.ndarray
        With exact -1, 0, -0 and 1 often, and no subnormal numbers: their relative precision is
        not that of the dtype.
    """
    wide = {"float64": 64, "float32": 32}[dtype]
    tiny = float(np.float32(1e-6))
    values = st.one_of(
        st.sampled_from([-1.0, -0.0, 0.0, 1.0]),
        st.floats(-limit, -tiny, width=wide),  # type: ignore[arg-type]
        st.floats(tiny, limit, width=wide),  # type: ignore[arg-type]
    )
    return hnp.arrays(np.dtype(dtype), shape, elements=values)


def guidance_weights() -> st.SearchStrategy[float]:
    """Draw the weight w of classifier-free guidance, in the convention (1 + w) c - w u.

    Returns
    -------
    SearchStrategy of float
        With -1 (unconditional), 0 (conditional), between, usual and extreme weights.
    """
    return st.one_of(
        st.sampled_from([-1.0, 0.0, -0.5, 0.3, 1.0, 6.5]), st.floats(-3.0, 30.0, width=32)
    )


def sigmas(*, low: float = 0.002, high: float = 80.0) -> st.SearchStrategy[float]:
    """Draw EDM noise levels.

    Parameters
    ----------
    low, high : float
        Ends, 0 < low < high.

    Returns
    -------
    SearchStrategy of float
        Spread evenly in the logarithm, with both ends and the usual sigma_data = 0.5 often.
    """
    ends = st.sampled_from([low, high, *([0.5] if low <= 0.5 <= high else [])])
    spread = st.floats(float(np.log(low)), float(np.log(high)))
    return st.one_of(ends, spread.map(lambda e: min(max(float(np.exp(e)), low), high)))


def pixel_levels(*, levels: int = 256) -> st.SearchStrategy[float]:
    """Draw grey levels scaled to [-1, 1].

    Parameters
    ----------
    levels : int
        How many; 256 for eight bits.

    Returns
    -------
    SearchStrategy of float
        ``2 k/(levels - 1) - 1`` for whole k, with both ends often.
    """
    index = st.one_of(st.integers(0, levels - 1), st.sampled_from([0, 1, levels - 2, levels - 1]))
    return index.map(lambda k: 2.0 * k / (levels - 1) - 1.0)
