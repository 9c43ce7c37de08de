"""Guidance in parts: how the two predictions are mixed, and which numbers of them."""

from __future__ import annotations

from typing import Any

from refdiff.conformance.parts import Parts, part

__all__ = ["guided_output", "guided_prediction", "unconditional_labels"]


@part
def guided_output(parts: Parts, cond: Any, uncond: Any, *, weight: Any) -> Any:
    """Return the mixture of both predictions at the weight that the user gave."""
    return parts.classifier_free_guidance(cond, uncond, w=weight)


@part
def guided_prediction(parts: Parts, cond: Any, uncond: Any, *, weight: Any) -> Any:
    """Return the prediction that the sampler goes on with: the mixture, in all channels."""
    return parts.guided_output(cond, uncond, weight=weight)


@part
def unconditional_labels(labels: Any, null: Any) -> Any:
    """Return the labels of the unconditional call: the null class for every sample."""
    return null
