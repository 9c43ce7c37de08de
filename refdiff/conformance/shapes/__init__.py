"""Shapes: the interfaces that most diffusion code has, and how a target is recognised.

Each shape is a module of this package with ``NAME``, ``recognises(target) -> bool`` and
``checks(target, settings) -> list[Check]``. They are asked in the order of `SHAPES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from refdiff._errors import UserError
from refdiff._extras import require
from refdiff.conformance.checks import Check, Settings
from refdiff.conformance.schedule_option import read_schedule

__all__ = ["SHAPES", "checks_of", "default_settings", "recognise", "shape_of"]

SHAPES = ("scheduler", "gaussian-diffusion", "functions", "denoiser-sampler", "sampler")
"""Names, in the order in which they are tried: the one that asks for most comes first."""

_WANTED = """\
a module or object with functions named as in refdiff.equations (functions), betas or \
alphas_cumprod with methods such as q_sample (gaussian-diffusion), set_timesteps and step \
(scheduler), a callable f(model, x_T, ...) (sampler) or f(model, x, sigmas, ...) (denoiser-sampler)\
"""


def default_settings() -> Settings:
    """Return the settings of a run in which nothing was chosen."""
    return Settings(array="numpy", schedule=read_schedule("linear:1000"), time_base=0)


def shape_of(name: str) -> ModuleType:
    """Return the module of a shape.

    Parameters
    ----------
    name : str
        One of `SHAPES`.

    Returns
    -------
    ModuleType
        With ``recognises`` and ``checks``.

    Raises
    ------
    UserError
        If there is no such shape, or torch is missing, which all but ``functions`` need.
    """
    if name not in SHAPES:
        raise UserError(f"--shape {name} is no shape: choose {', '.join(SHAPES)}.")
    if name != "functions":
        require("torch", extra="check", purpose=f"judging the shape {name}")
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")


def recognise(target: Any) -> str:
    """Say which shape a target has.

    Parameters
    ----------
    target : object
        What is to be judged.

    Returns
    -------
    str
        One of `SHAPES`.

    Raises
    ------
    UserError
        If it has none of them.
    """
    missing: UserError | None = None
    for name in SHAPES:
        try:
            module = shape_of(name)
        except UserError as error:  # without torch, functions can be judged all the same
            missing = error
            continue
        if module.recognises(target):
            return name
    if missing is not None:
        raise missing
    offers = [n for n in dir(target) if not n.startswith("_")]
    shown = f"{', '.join(offers[:12])}{' ...' if len(offers) > 12 else ''}" if offers else "nothing"
    raise UserError(
        f"the shape of the target, a {type(target).__name__}, is not recognised. Judged can be "
        f"{_WANTED}. It offers {shown}. Force a shape with --shape, or write an adapter: one-line "
        "functions with the names of refdiff.equations."
    )


def checks_of(target: Any, settings: Settings, *, shape: str | None = None) -> list[Check]:
    """Return the checks of a target; nothing of it is run yet.

    Parameters
    ----------
    target : object
        What is to be judged.
    settings : Settings
        What the user chose.
    shape : str, optional
        Its shape; recognised if left out.

    Returns
    -------
    list of Check
        In the order in which they are judged, each id once.

    Raises
    ------
    UserError
        If the shape is unknown or not recognised.
    """
    name = recognise(target) if shape is None else shape
    found: Sequence[Check] = shape_of(name).checks(target, settings)
    ids = [check.id for check in found]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ValueError(f"two checks of the shape {name} have the id {', '.join(twice)}")
    return list(found)
