"""Judging of one scheduler in a test: by id, with only that check run."""

from __future__ import annotations

import functools
from typing import Any

from refdiff.conformance.checks import Settings
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes import scheduler
from refdiff.conformance.textbook.scheduler import DDIM, DDPM, Euler
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome

SETTINGS = Settings(array="torch", schedule=None, time_base=0)

SmallDDIM = functools.partial(DDIM, parts=Parts())
SmallDDPM = functools.partial(DDPM, parts=Parts())
SmallEuler = functools.partial(Euler, parts=Parts())


def ids(target: Any) -> list[str]:
    return [check.id for check in scheduler.checks(target, SETTINGS)]


def judge(target: Any, check_id: str) -> Outcome:
    (check,) = (c for c in scheduler.checks(target, SETTINGS) if c.id == check_id)
    return check.judge()


def parts_with(*names: str) -> Parts:
    return Parts([variant(name) for name in names])
