"""Judging targets: several at a time, each in a process that is told nothing but its line."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from validation.targets.families import family_of
from validation.targets.listed import Listed

__all__ = ["PROCESSES", "Judged", "judge", "judge_all"]

PROCESSES = 2


@dataclass(frozen=True)
class Judged:
    """What was found.

    Parameters
    ----------
    key : str
        Of the target.
    shape : str
        As it was recognised.
    records : tuple of dict
        Results as in the JSON report of ``refdiff check``, each with its ``family``.
    seconds : float
        Time that it took, the import of the peer left out.
    """

    key: str
    shape: str
    records: tuple[dict[str, Any], ...]
    seconds: float


def judge(listed: Listed) -> Judged:
    """Judge one target in this process."""
    from refdiff import conformance
    from refdiff.conformance.loading import load

    options = {
        "array": listed.array,
        "schedule": listed.schedule,
        "time_base": listed.time_base,
    }
    # Progress bars and the like are of no interest.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        target = load(listed.target, listed.kwargs)
        began = time.perf_counter()
        report = conformance.run(target, **options)
    records = tuple(
        result.record() | {"family": family_of(result.check, result.equations)}
        for result in report.results
    )
    return Judged(listed.key, report.shape, records, time.perf_counter() - began)


def judge_all(targets: list[Listed]) -> Iterator[Judged]:
    """Judge targets in `PROCESSES` processes, which import a peer once; yield as they are done."""
    if len(targets) < PROCESSES:
        yield from map(judge, targets)
        return
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        yield from pool.map(judge, targets)
