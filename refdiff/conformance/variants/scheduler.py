"""Named choices and mistakes of schedulers that no equation carries.

They concern whole lists of times, precision and bookkeeping, so the checks of the scheduler shape
recognise them themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from refdiff._namespace import log, sqrt
from refdiff.conformance.variants import convention, deviation, form, observed

__all__ = [
    "FORWARD_TABLE_OVERWRITTEN",
    "GENERATOR_IGNORED",
    "LEADING",
    "LINSPACE",
    "NUMBER_OF_STEPS",
    "OPTION_WITHOUT_EFFECT",
    "OTHER_COORDINATES",
    "PATCHED_LAST_LEVEL",
    "RAW_OUTPUTS_COMBINED",
    "REFUSED_OPTION_USED",
    "REPEATED_LEVEL",
    "ROUNDED_LEVEL",
    "SHIFTED_SNR",
    "STALE_STATE",
    "TIME_BEYOND_TABLE",
    "TRAILING",
    "UNREACHED_LEVELS",
]

FORWARD_TABLE_OVERWRITTEN = observed(
    "deviation",
    "table-overwritten-by-cast",
    "Adding noise replaces the stored schedule by its conversion to the data's dtype.",
    symptom="all later calls use a schedule of half precision",
    cure="convert a copy",
    links=("https://github.com/huggingface/diffusers/pull/3005",),
)
OTHER_COORDINATES = observed(
    "deviation",
    "noise-added-in-other-coordinates",
    "Noise is added in other coordinates than those of the states that the sampler works on.",
    symptom="images made from images are broken: far too much noise, or far too little",
    cure="add noise as the sampler's states contain it",
    links=(
        "https://github.com/huggingface/diffusers/pull/253",
        "https://github.com/huggingface/diffusers/pull/5158",
    ),
)
GENERATOR_IGNORED = observed(
    "deviation",
    "generator-ignored",
    "Noise is drawn without the generator that was passed.",
    symptom="results cannot be reproduced",
    cure="pass the generator on to the draw",
    links=("https://github.com/huggingface/diffusers/pull/13678",),
)
LEADING = observed(
    "approximation",
    "first-time-below-the-noisiest",
    "The first step shows the model pure noise under a time that promises some signal.",
    symptom="images of medium brightness only",
    cure='choose the spacing "trailing"',
    links=("https://github.com/huggingface/diffusers/issues/2585",),
)
TRAILING = observed(
    "convention",
    "trailing-times",
    "Times are spaced evenly down from the noisiest; the last stride ends at the data.",
)
LINSPACE = observed(
    "convention",
    "linspace-times",
    "Times are spaced evenly between the noisiest and the least noisy, both visited.",
)
NUMBER_OF_STEPS = observed(
    "deviation",
    "step-count-when-not-dividing",
    "The number of steps differs from the one asked for where that does not divide T.",
    symptom="more or fewer steps than asked for",
    cure="space exactly S times, without a rounded stride",
    links=(
        "https://github.com/huggingface/diffusers/pull/1835",
        "https://github.com/Project-MONAI/GenerativeModels/issues/162",
    ),
)
TIME_BEYOND_TABLE = observed(
    "deviation",
    "time-beyond-the-table",
    "The offset pushes a time past the last training time.",
    symptom="an index error, or a level from the wrong end of the table",
    cure="limit the times to T - 1",
    links=("https://github.com/huggingface/diffusers/issues/10003",),
)
REPEATED_LEVEL = observed(
    "deviation",
    "level-listed-twice",
    "A noise level is listed twice in a row, so that a step between them has no length.",
    symptom="NaN where a multistep method divides by the length of its last step",
    cure="make the times distinct, or the steps by sigma and not by rounded times",
    links=("https://github.com/huggingface/diffusers/issues/12771",),
)
UNREACHED_LEVELS = observed(
    "deviation",
    "levels-never-reached",
    "There are more noise levels than the steps reach, so that sampling stops before the last.",
    symptom="noise remains in the samples",
    cure="make as many levels as times, and one more for the end",
)
ROUNDED_LEVEL = observed(
    "approximation",
    "level-shown-as-rounded-time",
    "The model is told the whole time nearest to the noise level of what it is shown.",
)
PATCHED_LAST_LEVEL = observed(
    "approximation",
    "last-level-patched",
    "The last alpha_bar of a schedule of zero terminal SNR is a small positive number.",
    links=("https://github.com/huggingface/diffusers/pull/6024",),
)
SHIFTED_SNR = observed(
    "convention",
    "shifted-signal-to-noise",
    "The schedule's signal-to-noise ratio is divided by a constant, while its betas are not.",
)
OPTION_WITHOUT_EFFECT = observed(
    "deviation",
    "option-without-effect",
    "An option of the configuration is accepted and has no effect.",
    symptom="samples are the same with and without it",
    cure="use the option, or refuse it",
)
STALE_STATE = observed(
    "deviation",
    "state-kept-between-runs",
    "What set_timesteps leaves depends on the runs that were made before.",
    symptom="the second image of a session differs from the first",
    cure="reset the index and the stored predictions in set_timesteps",
)
RAW_OUTPUTS_COMBINED = observed(
    "deviation",
    "raw-outputs-combined-before-conversion",
    "A multistep method combines v predictions of different times before it converts them to eps.",
    symptom="the same model gives other samples as a v model than as an eps model",
    cure="convert each answer to eps at its own time, then combine",
    links=("https://github.com/huggingface/diffusers/issues/14816",),
)
REFUSED_OPTION_USED = observed(
    "deviation",
    "eps-at-zero-signal",
    "An eps prediction is divided by a signal of zero.",
    symptom="infinite or undefined samples",
    cure="refuse eps models where the terminal SNR is zero, or patch the last level",
    links=(
        "https://github.com/huggingface/diffusers/issues/3851",
        "https://github.com/huggingface/diffusers/issues/5103",
    ),
)


@deviation(
    "list-position-taken-for-time",
    part="level_of_told_time",
    symptom="much noise where there should be little, and the reverse",
    cure="look the level up by the time itself, or in a list that is sorted as the times are",
    links=("https://github.com/huggingface/diffusers/pull/6006",),
)
def list_position_taken_for_time(table: Any, times: Sequence[float], t: float) -> Any:
    """The place of a time in the descending list of times is used as an index of the table."""
    return table[int(np.argmax(np.asarray(times) == t))]


@deviation(
    "noise-std-is-root-of-log-variance",
    part="noise_std",
    symptom="NaN at every step that adds noise",
    cure="take exp of half the logarithm",
    links=("https://github.com/huggingface/diffusers/issues/14569",),
)
def noise_std_is_root_of_log_variance(variance: Any) -> Any:
    """The noise is multiplied by the square root of the variance's logarithm, which is negative."""
    return sqrt(log(variance))


@convention("learned-output-is-the-variance", part="learned_output_variance")
def learned_output_is_the_variance(raw: Any) -> Any:
    """A network that learns the variance gives it as it is, not its logarithm."""
    return raw


@form("posterior-mean-through-beta", part="posterior_mean")
def posterior_mean_through_beta(x_0: Any, x_t: Any, *, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """The factor of x_t is formed from 1 - beta, where beta is 1 - alpha_bar_t / alpha_bar_s."""
    beta = 1 - alpha_bar_t / alpha_bar_s
    data = sqrt(alpha_bar_s) * beta / (1 - alpha_bar_t)
    return data * x_0 + sqrt(1 - beta) * (1 - alpha_bar_s) / (1 - alpha_bar_t) * x_t


@convention(
    "consistency-factor-without-sigma-data",
    part="consistency_out",
    links=("https://github.com/huggingface/diffusers/issues/8547",),
)
def consistency_factor_without_sigma_data(t: Any, *, sigma_data: float) -> Any:
    """The factor of a consistency model's answer tends to 1 and not to sigma_data."""
    return t / sqrt(t * t + sigma_data**2)
