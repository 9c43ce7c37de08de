"""Variants in what is drawn: the law of the noise, the times of training, dropped labels."""

from __future__ import annotations

from typing import Any

from refdiff.conformance.variants import Variant, observed
from refdiff.conformance.verdicts import Outcome, Verdict

__all__ = [
    "IGNORED",
    "INVERTED",
    "NEVER_DROPPED",
    "NEVER_FIRST",
    "NEVER_LAST",
    "PER_BATCH",
    "SHARED_TIME",
    "UNEVEN",
    "UNIFORM",
    "seen",
]

IGNORED = observed(
    "deviation",
    "given-noise-ignored",
    "The noise that it is given is not used: it draws its own.",
    symptom="training predicts another noise than the one in x_t",
    cure="draw noise only where none is given",
    links=("https://github.com/huggingface/diffusers/pull/3839",),
)
UNIFORM = observed(
    "deviation",
    "uniform-noise",
    "The noise is uniform on [0, 1) and not normal.",
    symptom="data drift to a small cloud off the centre",
    cure="draw with randn, not rand",
    links=("https://github.com/acids-ircam/diffusion_models/issues/1",),
)
NEVER_LAST = observed(
    "deviation",
    "last-time-never-trained",
    "Training never draws the last time, at which sampling starts.",
    symptom="the network is asked about a time that it has never seen",
    cure="draw from all T times: the upper end of randint is exclusive",
    links=("https://github.com/lucidrains/imagen-pytorch/issues/265",),
)
NEVER_FIRST = observed(
    "deviation",
    "first-time-never-trained",
    "Training never draws the first noisy time, with which sampling ends.",
    symptom="the last step of sampling asks about a time that was never trained",
    cure="draw from all T times",
)
UNEVEN = observed(
    "convention",
    "times-not-drawn-evenly",
    "The times of training are not drawn evenly.",
)
PER_BATCH = observed(
    "approximation",
    "labels-dropped-per-batch",
    "One coin drops the labels of the whole batch or of none.",
    symptom="the gradient's variance grows",
    cure="draw one coin for each sample",
)
SHARED_TIME = observed(
    "approximation",
    "one-time-for-the-batch",
    "All samples of a batch are trained at the same time.",
    symptom="the gradient's variance grows",
    cure="draw one time for each sample",
)
INVERTED = observed(
    "deviation",
    "label-dropout-inverted",
    "Labels are kept with the probability with which they should be dropped.",
    symptom="a model that is conditional in name only",
    cure="drop where a uniform number is below the probability",
)
NEVER_DROPPED = observed(
    "deviation",
    "labels-never-dropped",
    "Labels are never dropped though a probability of dropping them is set.",
    symptom="the unconditional prediction of guidance was never trained",
    cure="replace labels by the null label at random",
    links=(
        "https://github.com/mlfoundations/open-diffusion/issues/6",
        "https://github.com/NVlabs/Sana/issues/188",
    ),
)


def seen(verdict: Verdict, variant: Variant, what: str, **known: Any) -> Outcome:
    """Return the outcome of a check that recognised a variant by itself."""
    message = f"{what}: {variant.summary.rstrip('.')}"
    return Outcome(verdict, message, variant=variant.name, **known)
