"""Arguments that a function takes for something else than the reference does."""

from __future__ import annotations

from refdiff.conformance.variants import observed

__all__ = ["ARGUMENTS_EXCHANGED", "LEVELS_AS_NOISE", "LEVELS_AS_ROOTS", "LEVELS_EXCHANGED"]

ARGUMENTS_EXCHANGED = observed(
    "deviation",
    "arguments-exchanged",
    "The function takes its arrays in another order than the reference.",
    symptom="data stand where noise is meant, or the other way round",
    cure="take them in the reference's order",
)
LEVELS_EXCHANGED = observed(
    "deviation",
    "levels-exchanged",
    "The function takes alpha_bar_s for the noisier level.",
    symptom="steps lead to more noise",
    cure="t is the noisier time, s the less noisy one",
)
LEVELS_AS_ROOTS = observed(
    "deviation",
    "levels-taken-for-scales",
    "The function takes alpha_bar for the signal's scale, which is its square root.",
    symptom="too much noise at every time",
    cure="take the square root of alpha_bar first",
)
LEVELS_AS_NOISE = observed(
    "deviation",
    "levels-taken-for-noise",
    "The function takes alpha_bar for the variance of the noise, which is one minus it.",
    symptom="noisy at the first time and clean at the last",
    cure="use one minus alpha_bar where the variance of the noise is meant",
)
