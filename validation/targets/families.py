"""Families of equations, the columns of the table: by the module that implements what is judged."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from refdiff import catalogue

__all__ = ["FAMILIES", "family_of"]

FAMILIES = (
    "schedules",
    "forward process",
    "posterior",
    "predictions",
    "losses and likelihood",
    "steps",
    "guidance",
    "whole runs",
)
_OF_MODULE = {
    "schedules": "schedules",
    "tables": "schedules",
    "timesteps": "schedules",
    "signal_to_noise": "schedules",
    "shapes": "schedules",
    "forward": "forward process",
    "posterior": "posterior",
    "parameterization": "predictions",
    "score": "predictions",
    "edm": "predictions",
    "objectives": "losses and likelihood",
    "likelihood": "losses and likelihood",
    "steps": "steps",
    "guidance": "guidance",
}


@functools.cache
def _family_of_equation(equation: str) -> str | None:
    function = catalogue.implementations().get(equation)
    return None if function is None else _OF_MODULE.get(function.__module__.rpartition(".")[2])


def family_of(check: str, equations: Sequence[str]) -> str:
    """Return the family of a check: that of the first equation it judges which has one.

    A check of no equation judges what a whole run leads to.
    """
    for equation in equations:
        family = _family_of_equation(equation)
        if family is not None:
            return family
    return "whole runs"
