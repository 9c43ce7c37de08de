"""The shape `gaussian-diffusion`: the class of the OpenAI repositories and its many copies.

A target has tables (`betas`, `alphas_cumprod` ...) and methods (`q_sample`, `p_mean_variance` ...),
under these or other names. Everything is judged against what follows from the target's own betas.
"""

from __future__ import annotations

from typing import Any

from refdiff.conformance.checks import Check, Settings
from refdiff.conformance.shapes.gaussian_diffusion.bound import bound_checks
from refdiff.conformance.shapes.gaussian_diffusion.drawn import drawn_checks
from refdiff.conformance.shapes.gaussian_diffusion.forward import forward_checks
from refdiff.conformance.shapes.gaussian_diffusion.loops import loop_checks
from refdiff.conformance.shapes.gaussian_diffusion.losses import loss_checks
from refdiff.conformance.shapes.gaussian_diffusion.reverse import reverse_checks
from refdiff.conformance.shapes.gaussian_diffusion.schedule import schedule_checks
from refdiff.conformance.shapes.gaussian_diffusion.steps import step_method_checks
from refdiff.conformance.shapes.gaussian_diffusion.tables import table_checks
from refdiff.conformance.shapes.gaussian_diffusion.target import Subject, recognises
from refdiff.conformance.shapes.gaussian_diffusion.weights import weight_checks

__all__ = ["NAME", "checks", "recognises"]

NAME = "gaussian-diffusion"


def checks(target: Any, settings: Settings) -> list[Check]:
    """Return the checks of a target of this shape.

    Parameters
    ----------
    target : object
        With a table of betas or alpha_bars.
    settings : Settings
        Not used: the target has a schedule of its own.

    Returns
    -------
    list of Check
        What the target lacks is judged ``not-provided``.
    """
    subject = Subject(target)
    return [
        *schedule_checks(subject),
        *table_checks(subject),
        *forward_checks(subject),
        *reverse_checks(subject),
        *step_method_checks(subject),
        *loop_checks(subject),
        *loss_checks(subject),
        *drawn_checks(subject),
        *weight_checks(subject),
        *bound_checks(subject),
    ]
