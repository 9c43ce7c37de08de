"""Mistakes, choices and approximations in the constructors of schedules."""

from __future__ import annotations

from typing import Any

import numpy as np

from refdiff import equations
from refdiff._namespace import cos, exp, log, minimum, sqrt
from refdiff.conformance.bounded import Bounded
from refdiff.conformance.parts.schedules import (
    constant,
    counted,
    joined_tables,
    karras_sigmas,
    linear_betas,
    scaled_linear_betas,
    sigmoid_alpha_bars,
    spaced,
)
from refdiff.conformance.variants import (
    approximation,
    convention,
    deviation,
    form,
)

__all__: list[str] = []

_NAMES = "https://github.com/CompVis/latent-diffusion"


def _cosine(num_steps: int, offset: Any, power: int = 2, *, scaled: bool = True) -> Any:
    """Return f(0..T) of the cosine schedule."""
    angle = counted(0, num_steps, offset) / num_steps + offset
    angle = angle / (1 + offset) if scaled else angle
    return cos(angle * _quarter_turn(offset)) ** power


def _quarter_turn(like: Any) -> Any:
    """Return pi/2, one rounding wrong."""
    half = np.longdouble(np.pi) / 2
    if not isinstance(like, Bounded):
        return float(half)
    turn = constant(0.0, like) + 1.0
    return turn * half


def _falls(levels: Any) -> Any:
    return 1 - levels[1:] / levels[:-1]


# ---------------------------------------------------------------- betas


@form(part="cosine_betas")
def cosine_betas_by_ratio(num_steps: int, *, offset: Any = 0.008, max_beta: Any = 0.999) -> Any:
    """The betas are one minus the ratio of two squared cosines."""
    return minimum(_falls(_cosine(num_steps, offset)), max_beta)


@form(part="scaled_linear_betas")
def scaled_linear_by_products(
    num_steps: int, *, beta_start: Any = 0.00085, beta_end: Any = 0.012
) -> Any:
    """The roots are spaced from the lower end and multiplied by themselves."""
    root = spaced(num_steps, sqrt(beta_start), sqrt(beta_end))
    return root * root


@convention(part="listed_betas", choice="first entry of the tables of beta")
def betas_with_leading_zero(betas: Any) -> Any:
    """Tables of beta start with a 0 for time 0: entry t is beta_t."""
    return joined_tables(0.0, betas)


@convention(part="linear_betas", choice="range of beta")
def betas_scaled_by_1000_over_t(
    num_steps: int, *, beta_start: Any = 1e-4, beta_end: Any = 0.02
) -> Any:
    """The ends of the range are multiplied by 1000/T."""
    factor = 1000 / num_steps
    return linear_betas(num_steps, beta_start=factor * beta_start, beta_end=factor * beta_end)


@convention(part="linear_betas", links=(_NAMES,))
def linear_in_the_square_root(
    num_steps: int, *, beta_start: Any = 1e-4, beta_end: Any = 0.02
) -> Any:
    """What is called linear is even in the square root of beta: elsewhere "scaled linear"."""
    return scaled_linear_betas(num_steps, beta_start=beta_start, beta_end=beta_end)


@convention(part="scaled_linear_betas", links=(_NAMES,))
def scaled_linear_is_linear(
    num_steps: int, *, beta_start: Any = 0.00085, beta_end: Any = 0.012
) -> Any:
    """What is called scaled linear is even in beta itself."""
    return linear_betas(num_steps, beta_start=beta_start, beta_end=beta_end)


@deviation(part="scaled_linear_betas", symptom="no data are left early", cure="square the roots")
def scaled_linear_not_squared(
    num_steps: int, *, beta_start: Any = 0.00085, beta_end: Any = 0.012
) -> Any:
    """The square roots of beta are returned, not squared again."""
    return spaced(num_steps, sqrt(beta_start), sqrt(beta_end))


@deviation(part="scaled_linear_betas", symptom="betas far too small", cure="take the root first")
def scaled_linear_root_missing(
    num_steps: int, *, beta_start: Any = 0.00085, beta_end: Any = 0.012
) -> Any:
    """The ends are squared with the rest, but no root of them was taken."""
    return spaced(num_steps, beta_start, beta_end) ** 2


@deviation(
    part="linear_betas",
    symptom="the last beta is not reached",
    cure="include the end: divide by T - 1",
)
def linear_betas_without_last(
    num_steps: int, *, beta_start: Any = 1e-4, beta_end: Any = 0.02
) -> Any:
    """The betas stop one stride before beta_end."""
    elapsed = counted(0, num_steps - 1, beta_start) / num_steps
    return beta_start + elapsed * (beta_end - beta_start)


@deviation(
    part="linear_betas",
    symptom="the first beta is too large",
    cure="start at beta_start: use (t - 1) / (T - 1)",
)
def linear_betas_start_late(num_steps: int, *, beta_start: Any = 1e-4, beta_end: Any = 0.02) -> Any:
    """The betas start one stride after beta_start."""
    elapsed = counted(1, num_steps, beta_start) / num_steps
    return beta_start + elapsed * (beta_end - beta_start)


@deviation(part="linear_betas", symptom="noise comes first and data last", cure="reverse the list")
def linear_betas_reversed(num_steps: int, *, beta_start: Any = 1e-4, beta_end: Any = 0.02) -> Any:
    """The betas fall from beta_end to beta_start."""
    return spaced(num_steps, beta_end, beta_start)


@deviation(part="linear_betas", symptom="far too much noise early", cure="drop the root")
def linear_betas_square_root(
    num_steps: int, *, beta_start: Any = 1e-4, beta_end: Any = 0.02
) -> Any:
    """The square roots of evenly spaced betas are returned."""
    return sqrt(spaced(num_steps, beta_start, beta_end))


# ---------------------------------------------------------------- cosine


@deviation(
    part="cosine_betas",
    symptom="the first beta is eight times too large",
    cure="use s = 0.008",
    links=("https://github.com/probml/pml2-book/issues/489",),
)
def cosine_offset_0_08(num_steps: int, *, offset: Any = 0.008, max_beta: Any = 0.999) -> Any:
    """The offset s is ten times the paper's: 0.08."""
    return minimum(_falls(_cosine(num_steps, 10 * offset)), max_beta)


@deviation(part="cosine_betas", symptom="the first betas nearly vanish", cure="use s = 0.008")
def cosine_without_offset(num_steps: int, *, offset: Any = 0.008, max_beta: Any = 0.999) -> Any:
    """The offset s is missing."""
    return minimum(_falls(_cosine(num_steps, 0 * offset)), max_beta)


@deviation(part="cosine_betas", symptom="half of the noise", cure="square the cosine")
def cosine_not_squared(num_steps: int, *, offset: Any = 0.008, max_beta: Any = 0.999) -> Any:
    """alpha_bar follows the cosine, not its square."""
    return minimum(_falls(_cosine(num_steps, offset, 1)), max_beta)


@deviation(
    part="cosine_betas",
    symptom="alpha_bar reaches 0 before the last time, and betas exceed 1",
    cure="divide t/T + s by 1 + s",
)
def cosine_angle_not_divided(num_steps: int, *, offset: Any = 0.008, max_beta: Any = 0.999) -> Any:
    """The angle is (t/T + s) pi/2, not divided by 1 + s."""
    return minimum(_falls(_cosine(num_steps, offset, scaled=False)), max_beta)


@deviation(
    part="cosine_betas",
    symptom="the chain ends with much signal left",
    cure="clip at 0.999",
)
def cosine_clipped_at_0_02(num_steps: int, *, offset: Any = 0.008, max_beta: Any = 0.999) -> Any:
    """The betas are clipped at 0.02, the largest of the linear schedule."""
    return minimum(_falls(_cosine(num_steps, offset)), 0.02 + 0 * max_beta)


def _clipped(name: str, value: float, words: str) -> None:
    def table(num_steps: int, *, offset: Any = 0.008, max_beta: Any = 0.999) -> Any:
        reference: Any = equations.cosine_betas
        if isinstance(offset, Bounded):
            from refdiff.conformance.parts import reference_parts

            reference = reference_parts()["cosine_betas"]
        return reference(num_steps, offset=offset, max_beta=value + 0 * max_beta)

    table.__doc__ = words
    approximation(name, part="cosine_betas")(table)


_clipped("cosine-unclipped", 1.0, "The betas are not clipped: the last is 1.")
_clipped("cosine-clipped-at-0.9999", 0.9999, "The betas are clipped at 0.9999.")
_clipped("cosine-clipped-at-0.999", 0.999, "The betas are clipped at 0.999, whatever is asked for.")
_clipped("cosine-clipped-at-0.99", 0.99, "The betas are clipped at 0.99.")


# ---------------------------------------------------------------- sigmoid


@approximation(part="sigmoid_alpha_bars")
def sigmoid_at_least_1e_9(
    num_steps: int, *, start: Any = -3.0, end: Any = 3.0, tau: Any = 1.0
) -> Any:
    """alpha_bar is kept from vanishing by a bound of 1e-9."""
    table = sigmoid_alpha_bars(num_steps, start=start, end=end, tau=tau)
    return joined_tables(table[:-1], 1e-9)


@approximation(part="sigmoid_alpha_bars")
def sigmoid_with_beta_clip(
    num_steps: int, *, start: Any = -3.0, end: Any = 3.0, tau: Any = 1.0
) -> Any:
    """The last beta of the sigmoid schedule is clipped at 0.999: a little signal is left."""
    table = sigmoid_alpha_bars(num_steps, start=start, end=end, tau=tau)
    return joined_tables(table[:-1], table[-2:-1] * (1 - 0.999))


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + exp(-u))


def _u(num_steps: int, start: Any, end: Any) -> Any:
    return start + counted(0, num_steps, end) / num_steps * (end - start)


@deviation(
    part="sigmoid_alpha_bars",
    symptom="data are noisy at time 0 and visible at time T",
    cure="subtract the value at the end and divide by the range",
)
def sigmoid_not_normalized(
    num_steps: int, *, start: Any = -3.0, end: Any = 3.0, tau: Any = 1.0
) -> Any:
    """alpha_bar is the bare sigmoid, not stretched to the range from 1 to 0."""
    return 1 - _sigmoid(_u(num_steps, start, end) / tau)


@deviation(part="sigmoid_alpha_bars", symptom="too steep or too flat", cure="divide by tau")
def sigmoid_times_tau(num_steps: int, *, start: Any = -3.0, end: Any = 3.0, tau: Any = 1.0) -> Any:
    """The argument is multiplied by the temperature, not divided by it."""
    return sigmoid_alpha_bars(num_steps, start=start, end=end, tau=1 / tau)


@deviation(part="sigmoid_alpha_bars", symptom="noise comes first", cure="reverse the direction")
def sigmoid_rising(num_steps: int, *, start: Any = -3.0, end: Any = 3.0, tau: Any = 1.0) -> Any:
    """alpha_bar rises from 0 to 1."""
    return sigmoid_alpha_bars(num_steps, start=start, end=end, tau=tau)[::-1]


@deviation(part="sigmoid_alpha_bars", symptom="too little signal", cure="return it as it is")
def sigmoid_squared(num_steps: int, *, start: Any = -3.0, end: Any = 3.0, tau: Any = 1.0) -> Any:
    """The sigmoid is taken for the signal's scale: its square is returned."""
    return sigmoid_alpha_bars(num_steps, start=start, end=end, tau=tau) ** 2


# ---------------------------------------------------------------- EDM's sigmas


@convention(part="karras_sigmas", choice="last entry of the sigmas")
def karras_without_final_zero(
    num_steps: int, *, sigma_min: Any, sigma_max: Any, rho: Any = 7.0
) -> Any:
    """The list ends at sigma_min, without the final 0."""
    grid = karras_sigmas(num_steps, sigma_min=sigma_min, sigma_max=sigma_max, rho=rho)
    return grid[:-1]


@deviation(part="karras_sigmas", symptom="the sampler adds noise", cure="start at sigma_max")
def karras_ascending(num_steps: int, *, sigma_min: Any, sigma_max: Any, rho: Any = 7.0) -> Any:
    """The noise levels rise."""
    grid = karras_sigmas(num_steps, sigma_min=sigma_min, sigma_max=sigma_max, rho=rho)
    return grid[::-1]


@deviation(
    part="karras_sigmas",
    symptom="most steps are spent on high noise",
    cure="space the roots 1/rho evenly, then raise them to the power rho",
)
def karras_rho_inverted(num_steps: int, *, sigma_min: Any, sigma_max: Any, rho: Any = 7.0) -> Any:
    """The powers rho are spaced evenly, not the roots 1/rho."""
    return karras_sigmas(num_steps, sigma_min=sigma_min, sigma_max=sigma_max, rho=1 / rho)


@deviation(part="karras_sigmas", symptom="too few steps at low noise", cure="use rho")
def karras_rho_ignored(num_steps: int, *, sigma_min: Any, sigma_max: Any, rho: Any = 7.0) -> Any:
    """The noise levels are spaced evenly, whatever rho is."""
    return joined_tables(spaced(num_steps, sigma_max, sigma_min), 0.0 * rho)


@deviation(part="karras_sigmas", symptom="too many steps at low noise", cure="use rho")
def karras_geometric(num_steps: int, *, sigma_min: Any, sigma_max: Any, rho: Any = 7.0) -> Any:
    """The logarithms of the noise levels are spaced evenly, whatever rho is."""
    return joined_tables(exp(spaced(num_steps, log(sigma_max), log(sigma_min))), 0.0 * rho)


@deviation(
    part="karras_sigmas",
    symptom="sigma_min is never reached",
    cure="divide by N - 1",
)
def karras_divided_by_n(num_steps: int, *, sigma_min: Any, sigma_max: Any, rho: Any = 7.0) -> Any:
    """The ramp is divided by the number of steps N, not by N - 1."""
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    elapsed = counted(0, num_steps - 1, rho) / num_steps
    return joined_tables((high + elapsed * (low - high)) ** rho, 0.0)


@deviation(part="karras_sigmas", symptom="levels far too low", cure="raise to the power rho")
def karras_power_missing(num_steps: int, *, sigma_min: Any, sigma_max: Any, rho: Any = 7.0) -> Any:
    """The evenly spaced roots are returned, not raised to the power rho again."""
    roots = spaced(num_steps, sigma_max ** (1 / rho), sigma_min ** (1 / rho))
    return joined_tables(roots, 0.0)
