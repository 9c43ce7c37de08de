"""The tables of a scheduler: betas as its options state them, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refdiff.conformance.bounded import Bounded
from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.scheduler.findings import explained, named, where_built
from refdiff.conformance.shapes.scheduler.target import Scheduler
from refdiff.conformance.variants import variant
from refdiff.conformance.variants.scheduler import PATCHED_LAST_LEVEL
from refdiff.conformance.verdicts import (
    Outcome,
    conforms,
    deviates,
    inconclusive,
    not_provided,
)

__all__ = ["table_checks"]

_SCHEDULES = {
    "linear": "ho2020/linear-schedule",
    "scaled_linear": "rombach2022/scaled-linear-schedule",
    "squaredcos_cap_v2": "nichol2021/cosine-schedule",
}


def table_checks(target: Scheduler) -> list[Check]:
    """Return the checks of a scheduler's tables."""
    schedule = _SCHEDULES.get(str(target.option("beta_schedule", "")))
    return [
        Check("betas/schedule", () if schedule is None else (schedule,), _betas(target)),
        Check("alphas-cumprod/values", ("ho2020/alpha-bar",), _alpha_bars(target)),
        Check("alphas-cumprod/range", ("ho2020/alpha-bar",), _range(target)),
        Check("alphas-cumprod/terminal-snr", ("ho2020/alpha-bar",), _terminal(target)),
        Check("alphas/values", ("ho2020/alpha-bar",), _alphas(target)),
        Check(
            "alphas-cumprod/rescaled-to-zero-snr",
            ("lin2024/zero-terminal-snr",),
            where_built(_rescaled(target)),
        ),
    ]


def _kept(target: Scheduler, table: str) -> dict[str, Any]:
    """Return the dtypes that a table is judged in: the one it is kept in, or float32."""
    return {"dtype": target.table_dtype(table), "coarser": "float32"}


def _stated(target: Scheduler) -> Callable[[Parts], Any] | None:
    """Return the program of the betas that the options state; None if it is not known."""
    if target.option("trained_betas") is not None:
        given = np.asarray(target.option("trained_betas"), dtype=np.float64)
        return lambda parts: parts.lift(given)
    schedule, steps = target.option("beta_schedule"), target.train_steps
    ends = {
        name: target.option(name)
        for name in ("beta_start", "beta_end")
        if target.option(name) is not None
    }
    if schedule == "linear":
        return lambda parts: parts.lift(parts.linear_betas(steps, **ends))
    if schedule == "scaled_linear":
        return lambda parts: parts.lift(parts.scaled_linear_betas(steps, **ends))
    if schedule == "squaredcos_cap_v2":
        return lambda parts: parts.lift(parts.cosine_betas(steps))
    if schedule == "sigmoid":
        return lambda parts: parts.lift(parts.sigmoid_betas(steps, **ends))
    return None


def _betas(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        betas = target.table("betas")
        if betas is None or target.alpha_bars is None:
            return not_provided(f"{target.name} has no tables betas and alphas_cumprod")
        program = _stated(target)
        if program is None:
            return inconclusive(
                f"there is no reference for beta_schedule={target.option('beta_schedule')!r}"
            )
        if target.option("rescale_betas_zero_snr"):
            return inconclusive(
                "the betas are rescaled: alphas-cumprod/rescaled-to-zero-snr judges them"
            )
        return explained(
            [Case(_options(target), betas, program)], "betas", **_kept(target, "betas")
        )

    return judge


def _options(target: Scheduler) -> dict[str, Any]:
    wanted = ("beta_schedule", "beta_start", "beta_end", "num_train_timesteps")
    return {name: target.option(name) for name in wanted if target.option(name) is not None}


def _from_betas(betas: np.ndarray, shift: float | None) -> Callable[[Parts], Any]:
    def program(parts: Parts) -> Any:
        table = parts.alphas_cumprod(parts.lift(betas))
        return table if shift is None else table / (shift + (1 - shift) * table)

    return program


def _alpha_bars(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        table, betas = target.table("alphas_cumprod"), target.table("betas")
        if table is None or betas is None:
            return not_provided(f"{target.name} has no tables betas and alphas_cumprod")
        # The last level of a rescaled schedule is judged by the check of the rescaling.
        end = -1 if target.option("rescale_betas_zero_snr") else None
        shift = target.option("snr_shift_scale")
        program = _from_betas(betas[:end], shift)
        case = Case(_options(target), table[:end], program)
        # The one place that names a table of single precision; other checks allow for it.
        kept = target.table_dtype("alphas_cumprod")
        coarser = "float32" if kept == "float64" else kept
        return explained([case], "alphas_cumprod", dtype="float64", coarser=coarser)

    return judge


def _range(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        table = target.table("alphas_cumprod")
        if table is None:
            return not_provided(f"{target.name} has no table alphas_cumprod")
        if table.shape != (target.train_steps,):
            return deviates(
                f"alphas_cumprod has shape {table.shape} for {target.train_steps} training times"
            )
        inside = (table > 0) & (table < 1)
        inside[-1] |= table[-1] == 0
        falling = np.append(True, np.diff(table) < 0)
        if target.option("rescale_betas_zero_snr"):
            falling[-1] = True  # a small number that stands for 0: terminal-snr reports it
        if inside.all() and falling.all():
            return conforms("alphas_cumprod falls strictly within (0, 1)")
        t = int(np.argmin(inside & falling))
        return deviates(
            f"alphas_cumprod[{t}]={table[t]:g} is not inside (0, 1) and below its predecessor",
            at={"t": t},
            observed=float(table[t]),
        )

    return judge


def _terminal(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        table = target.table("alphas_cumprod")
        if table is None:
            return not_provided(f"{target.name} has no table alphas_cumprod")
        last, signal = float(table[-1]), float(np.sqrt(max(table[-1], 0.0)))
        known = {"at": {"t": table.size - 1}, "expected": 0.0, "observed": last}
        if last == 0:
            return conforms("no signal is left at the last training time")
        if target.option("rescale_betas_zero_snr"):
            return named(
                PATCHED_LAST_LEVEL,
                f"alphas_cumprod ends at {last:.3g} where the rescaled schedule ends at 0: a share "
                f"{signal:.3g} of the data is left",
                **known,
            )
        if target.option("beta_schedule") == "squaredcos_cap_v2":
            return named(
                variant("beta-clip"),
                f"the limit on the betas leaves alphas_cumprod at {last:.3g}: a share "
                f"{signal:.3g} of the data",
                **known,
            )
        return named(
            variant("non-zero-terminal-snr"),
            f"alphas_cumprod ends at {last:.3g}: a share {signal:.3g} of the data is left at the "
            f"last training time",
            **known,
        )

    return judge


def _alphas(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        alphas, betas = target.table("alphas"), target.table("betas")
        # Without alphas_cumprod the names mean something else: scales of data and noise.
        if alphas is None or betas is None or target.alpha_bars is None:
            return not_provided(f"{target.name} has no tables betas, alphas and alphas_cumprod")
        case = Case(_options(target), alphas, lambda parts: 1 - parts.lift(betas))
        return explained([case], "alphas", **_kept(target, "alphas"))

    return judge


def _rescaled(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        plain = target.with_options(rescale_betas_zero_snr=False)
        rescaled = target.with_options(rescale_betas_zero_snr=True)
        betas, table = plain.table("betas"), rescaled.table("alphas_cumprod")
        if betas is None or table is None:
            return not_provided(f"{target.name} has no tables betas and alphas_cumprod")
        shift = target.option("snr_shift_scale")

        def program(parts: Parts) -> Any:
            before = _from_betas(betas, shift)(parts)
            full = np.append(1.0, before.value.astype(np.float64))
            values = parts.zero_terminal_snr(full)[1:]
            return Bounded(np.asarray(values, np.longdouble), _rescaling_error(before), parts.dtype)

        # The last level is 0 or a small number that stands for it; terminal-snr reports that.
        case = Case(
            _options(target) | {"rescale_betas_zero_snr": True},
            table[:-1],
            lambda parts: program(parts)[:-1],
        )
        return explained([case], "alphas_cumprod", **_kept(rescaled, "alphas_cumprod"))

    return judge


def _rescaling_error(table: Bounded) -> np.ndarray:
    """Bound the error of the rescaled table, made by way of ratios of neighbours."""
    root = table.sqrt()
    bars = ((root - root[-1]) * (root[0] / (root[0] - root[-1]))) ** 2
    steps = bars[1:] / bars[:-1]
    first = bars.error[:1]
    return np.concatenate([first, (1 - (1 - steps)).cumprod().error * float(bars.value[0]) + first])
