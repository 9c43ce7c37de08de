"""What runs with an exact model show of themselves, whatever the method: recognised by the checks
of `refdiff.conformance.free`.
"""

from __future__ import annotations

from refdiff.conformance.variants import observed

__all__: list[str] = []

observed(
    "deviation",
    "constant-added-at-the-last-step",
    "The last step adds a constant to its result.",
    symptom="all samples are a little too bright",
    cure="return the mean of the last step as it is",
)
observed(
    "deviation",
    "ends-before-the-data",
    "Sampling ends at a noise level far from the data.",
    symptom="visible noise is left in every sample",
    cure="take all steps, the last of them to the data",
)
observed(
    "deviation",
    "time-shown-in-half-precision",
    "The model is told times that were rounded to half precision.",
    symptom="large times move by up to four",
    cure="keep times in float32 until they are embedded",
    links=(
        "https://github.com/modelscope/DiffSynth-Studio/pull/1025",
        "https://github.com/huggingface/diffusers/issues/9405",
    ),
)
observed(
    "deviation",
    "time-shown-truncated",
    "The model is told the integer part of the time that belongs to the level of what it is shown.",
    symptom="the model takes its input for less noisy than it is",
    cure="round to the nearest time",
    links=("https://github.com/huggingface/diffusers/pull/13768",),
)
observed(
    "deviation",
    "starts-more-than-a-stride-below-the-last-time",
    "Sampling begins at a time more than one stride below the noisiest.",
    symptom="pure noise is taken for a state with signal; images of medium brightness",
    cure="begin at the last time",
)
observed(
    "approximation",
    "initial-noise-of-unit-variance",
    "Sampling begins with noise of variance one where the first level's is far larger.",
    symptom="samples with less variety",
    cure="multiply the initial noise by the first sigma",
    links=("https://github.com/eloialonso/diamond/issues/40",),
)
observed(
    "deviation",
    "noise-in-a-deterministic-method",
    "A method that claims to be deterministic draws numbers that change its result.",
    symptom="two runs from the same first state differ",
    cure="add no noise where eta is 0",
)
observed(
    "deviation",
    "remembers-earlier-runs",
    "The result of a run depends on the runs that were made before.",
    symptom="the second image of a session differs from the first",
    cure="clear stored predictions when a run begins",
)
observed(
    "deviation",
    "samples-depend-on-their-batch",
    "A sample changes with what else is in its batch.",
    symptom="results cannot be repeated with another batch size",
    cure="take norms, quantiles and means over each sample by itself",
)
observed(
    "deviation",
    "noise-shared-by-the-batch",
    "All samples of a batch get the same noise.",
    symptom="the samples of a batch resemble each other",
    cure="draw noise of the shape of the whole batch",
)
observed(
    "deviation",
    "last-step-not-finite",
    "The last step returns numbers that are not finite: it divides by the noise level it leads to.",
    symptom="black images for some numbers of steps",
    cure="take the last step by a first-order formula",
    links=(
        "https://github.com/huggingface/diffusers/issues/9007",
        "https://github.com/huggingface/diffusers/pull/9104",
    ),
)
