"""Mistakes and choices in the tables of alpha_bar, and in lists of times."""

from __future__ import annotations

from typing import Any

import numpy as np

from refdiff._namespace import exp, log1p, minimum, sqrt
from refdiff.conformance.bounded import Bounded
from refdiff.conformance.parts.schedules import (
    alpha_bars_from_betas,
    betas_from_alpha_bars,
    joined_tables,
    running_product,
    zero_terminal_snr,
)
from refdiff.conformance.variants import (
    approximation,
    convention,
    deviation,
    form,
)

__all__: list[str] = []

_ZERO_SNR = "https://github.com/huggingface/diffusers/pull/3664"


@convention(part="listed_levels", choice="first entry of the tables of alpha_bar")
def alpha_bars_without_time_0(alpha_bars: Any) -> Any:
    """Tables of alpha_bar start at time 1, without the 1 of clean data."""
    return alpha_bars[1:]


def _sums(table: Any) -> Any:
    """Return the cumulative sums of a table."""
    if not isinstance(table, Bounded):
        return np.cumsum(np.asarray(table))
    value = np.cumsum(table.value)
    sizes = np.cumsum(np.abs(table.value)).astype(np.float64)
    rounding = np.arange(1, len(value) + 1) * 2.0**-52 * sizes
    return Bounded(value, np.cumsum(table.error) + rounding, table.dtype)


# ---------------------------------------------------------------- alpha_bar from beta


@form(part="alpha_bars_from_betas")
def alpha_bars_by_logarithms(betas: Any) -> Any:
    """The products are exponentials of sums of logarithms."""
    return joined_tables(1.0, exp(_sums(log1p(-betas))))


@approximation(part="alpha_bars_from_betas", cure="use the product of 1 - beta")
def alpha_bars_by_exponential(betas: Any) -> Any:
    """alpha_bar is exp of minus the sum of the betas, as in continuous time."""
    return joined_tables(1.0, exp(-_sums(betas)))


@deviation(
    part="alpha_bars_from_betas",
    symptom="alpha_bar vanishes after a few steps",
    cure="use the product of 1 - beta",
    links=("https://github.com/LuChengTHU/dpm-solver/issues/13",),
)
def alpha_bars_of_betas(betas: Any) -> Any:
    """alpha_bar is the product of the betas themselves."""
    return joined_tables(1.0, running_product(betas))


@deviation(part="alpha_bars_from_betas", symptom="too much signal", cure="multiply all of them")
def alphas_not_multiplied(betas: Any) -> Any:
    """The alphas 1 - beta are returned, not their products."""
    return joined_tables(1.0, 1 - betas)


@deviation(part="alpha_bars_from_betas", symptom="too much signal", cure="drop the root")
def alpha_bars_square_roots(betas: Any) -> Any:
    """The square roots of alpha_bar are returned."""
    return sqrt(alpha_bars_from_betas(betas))


@deviation(part="alpha_bars_from_betas", symptom="signal and noise swapped", cure="drop the 1 -")
def alpha_bars_of_noise(betas: Any) -> Any:
    """The variances of the noise, 1 - alpha_bar, are returned."""
    return 1 - alpha_bars_from_betas(betas)


@deviation(
    part="alpha_bars_from_betas",
    symptom="each time has the level of the one before; the last is never reached",
    cure="keep the last product",
)
def alpha_bars_shifted(betas: Any) -> Any:
    """The table is that of the previous levels: 1 first, the last product left out."""
    return alpha_bars_from_betas(betas)[:-1]


@deviation(
    part="alpha_bars_from_betas",
    symptom="a clean image after the noisiest time",
    cure="put the 1 in front",
    links=("https://github.com/lucidrains/denoising-diffusion-pytorch/issues/18",),
)
def alpha_bars_padded_right(betas: Any) -> Any:
    """The 1 of clean data stands at the end of the table."""
    return joined_tables(running_product(1 - betas), 1.0)


def _cast(table: Any, digits: int, least: int) -> Any:
    """Return a table rounded to so many binary digits, none below 2**least: a cast."""
    values = np.asarray(table.value if isinstance(table, Bounded) else table, np.float64)
    fraction, exponent = np.frexp(values)
    last = np.maximum(exponent - digits, least)
    rounded = np.ldexp(np.rint(np.ldexp(fraction, exponent - last)), last)
    if not isinstance(table, Bounded):
        return rounded
    return Bounded(rounded.astype(np.longdouble), table.error, table.dtype)


def _narrow(name: str, digits: int, least: int) -> None:
    def table(betas: Any) -> Any:
        return _cast(alpha_bars_from_betas(betas), digits, least)

    table.__doc__ = f"The table of alpha_bar is rounded to {name}."
    deviation(
        f"alpha-bars-cast-to-{name}",
        part="alpha_bars_from_betas",
        symptom="alpha_bar rounds to 1 at the first times, and 1 - alpha_bar to 0",
        cure="keep tables in float64 and cast what is computed from them",
        links=("https://github.com/AUTOMATIC1111/stable-diffusion-webui/issues/14071",),
    )(table)


_narrow("float16", 11, -24)
_narrow("bfloat16", 8, -133)


# ---------------------------------------------------------------- beta from alpha_bar


@approximation(part="betas_from_alpha_bars")
def betas_of_table_clipped_at_0_999(alpha_bars: Any) -> Any:
    """The betas are clipped at 0.999."""
    return minimum(betas_from_alpha_bars(alpha_bars), 0.999)


@deviation(part="betas_from_alpha_bars", symptom="betas too small late", cure="divide")
def betas_as_differences(alpha_bars: Any) -> Any:
    """The differences of alpha_bar are not divided by its earlier value."""
    return alpha_bars[:-1] - alpha_bars[1:]


@deviation(
    part="betas_from_alpha_bars", symptom="betas too large", cure="divide by the earlier value"
)
def betas_divided_by_later_level(alpha_bars: Any) -> Any:
    """The differences of alpha_bar are divided by its later value."""
    return (alpha_bars[:-1] - alpha_bars[1:]) / alpha_bars[1:]


@deviation(part="betas_from_alpha_bars", symptom="signal and noise swapped", cure="subtract from 1")
def betas_are_alphas(alpha_bars: Any) -> Any:
    """The ratios of alpha_bar are returned: alpha, not beta."""
    return alpha_bars[1:] / alpha_bars[:-1]


@deviation(part="betas_from_alpha_bars", symptom="half of the noise", cure="drop the root")
def betas_of_square_roots(alpha_bars: Any) -> Any:
    """The betas are one minus the ratio of square roots of alpha_bar."""
    root = sqrt(alpha_bars)
    return 1 - root[1:] / root[:-1]


# ---------------------------------------------------------------- zero terminal SNR


def _patched(name: str, value: float, words: str, *links: str) -> None:
    def table(alpha_bars: Any) -> Any:
        return joined_tables(zero_terminal_snr(alpha_bars)[:-1], value)

    table.__doc__ = words
    approximation(name, part="zero_terminal_snr", links=links)(table)


_patched(
    "zero-terminal-snr-patched-with-2-to-the-minus-24",
    2.0**-24,
    "The last alpha_bar is 2**-24, not 0.",
    "https://github.com/huggingface/diffusers/pull/6024",
    "https://github.com/huggingface/diffusers/pull/7097",
)
_patched(
    "zero-terminal-snr-patched-with-4.897e-8",
    4.8973451890853435e-08,
    "The last alpha_bar is 4.897e-8, not 0.",
    "https://github.com/AUTOMATIC1111/stable-diffusion-webui/issues/13052",
)


@approximation(part="zero_terminal_snr", cure="shift and scale the table", links=(_ZERO_SNR,))
def terminal_snr_not_zero(alpha_bars: Any) -> Any:
    """The table is left as it is, with signal at the last time."""
    return alpha_bars + 0.0


@convention(part="zero_terminal_snr", choice="entry that the zero-SNR scaling keeps")
def zero_terminal_snr_keeps_time_0(alpha_bars: Any) -> Any:
    """The scaling keeps the level of time 0, the first entry of the table, not that of time 1."""
    root = sqrt(alpha_bars)
    inner = ((root[1:-1] - root[-1:]) * (root[:1] / (root[:1] - root[-1:]))) ** 2
    return joined_tables(alpha_bars[:1], inner, 0.0)


@deviation(
    part="zero_terminal_snr",
    symptom="another schedule than the paper's",
    cure="shift and scale the square roots",
    links=(_ZERO_SNR,),
)
def zero_terminal_snr_of_alpha_bar(alpha_bars: Any) -> Any:
    """alpha_bar itself is shifted and scaled, not its square root."""
    first, last = alpha_bars[1:2], alpha_bars[-1:]
    inner = (alpha_bars[2:-1] - last) * (first / (first - last))
    return joined_tables(alpha_bars[:2], inner, 0.0)


@deviation(part="zero_terminal_snr", symptom="more noise at the first times", cure="scale as well")
def zero_terminal_snr_not_scaled(alpha_bars: Any) -> Any:
    """The roots are shifted to end at 0, but not scaled back to their first value."""
    root = sqrt(alpha_bars)
    return joined_tables(alpha_bars[:1], (root[1:-1] - root[-1:]) ** 2, 0.0)


@deviation(part="zero_terminal_snr", symptom="a jump at the last time", cure="rescale all entries")
def zero_terminal_snr_last_entry_alone(alpha_bars: Any) -> Any:
    """Only the last entry is set to 0."""
    return joined_tables(alpha_bars[:-1], 0.0)


@deviation(part="zero_terminal_snr", symptom="too much signal", cure="square the roots again")
def zero_terminal_snr_not_squared(alpha_bars: Any) -> Any:
    """The square roots of alpha_bar are returned."""
    return sqrt(zero_terminal_snr(alpha_bars))
