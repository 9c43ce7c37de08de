"""Judging one function in a test."""

from types import SimpleNamespace

from refdiff.conformance.checks import Settings
from refdiff.conformance.shapes import functions


def settings(array="numpy"):
    return Settings(array=array, schedule=None, time_base=0)


def outcomes(target, array="numpy"):
    """Judge all checks of the functions that a target has."""
    found = {}
    for check in functions.checks(target, settings(array)):
        outcome = check.judge()
        if outcome.verdict != "not-provided":
            found[check.id] = outcome
    return found


def alone(function, array="numpy"):
    """Judge a target with one function."""
    return outcomes(SimpleNamespace(**{function.__name__: function}), array)
