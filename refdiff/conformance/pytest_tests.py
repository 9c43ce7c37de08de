"""The checks of a target as tests of another project's own suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from refdiff.conformance.expectations import Expectations
from refdiff.conformance.report import Report
from refdiff.conformance.results import SIDE_EFFECTS, Result
from refdiff.conformance.runner import assembled, settings_of
from refdiff.conformance.selection import matching
from refdiff.conformance.session import Session

__all__ = ["conformance_tests"]


def conformance_tests(
    target: Any,
    *,
    shape: str | None = None,
    only: str | Iterable[str] | None = None,
    accept: str | Iterable[str] | Mapping[str, str] | None = None,
    accepted: str | Path | None = None,
    baseline: str | Path | None = None,
    strict: bool = False,
    array: str = "numpy",
    schedule: str | NDArray = "linear:1000",
    time_base: int = 0,
    seed: int = 0,
) -> Callable[[str], None]:
    """Make a parametrised pytest test with one id a check.

    In a test module::

        from refdiff.conformance import conformance_tests

        test_conformance = conformance_tests(MyScheduler())

    What conforms, follows a convention, or is accepted passes; so do approximations unless
    ``strict``. What is not provided or cannot be shown by this configuration is skipped with the
    reason. Each check is judged when its test runs, so ``pytest -k`` judges what it selects alone.

    Parameters
    ----------
    target, shape, only, accept, accepted, baseline, strict, array, schedule, time_base, seed
        As in `refdiff.conformance.run`.

    Returns
    -------
    callable
        A test function.

    Raises
    ------
    UserError
        If the object is of no known shape, or an option is wrong.
    """
    import pytest

    expected = Expectations.read(
        only=only, accept=accept, accepted=accepted, baseline=baseline, strict=strict
    )
    settings = settings_of(array=array, schedule=schedule, time_base=time_base, seed=seed)
    session = Session(target, settings, shape)
    chosen = expected.choose(session.ids)

    @pytest.mark.parametrize("check", chosen)
    def test_conformance(check: str) -> None:
        """The target agrees with the reference in this check."""
        report = _report(session, chosen, check, expected)
        for sentence in _stale(session, chosen, check, expected):
            pytest.fail(sentence, pytrace=False)
        result = report.result(check)
        if result.verdict in ("not-provided", "inconclusive"):
            pytest.skip(f"{result.verdict}: {result.message}")
        if result in report.failures:
            from refdiff.conformance.reports.terminal import finding

            pytest.fail(finding(result), pytrace=False)

    return test_conformance


def _report(session: Session, chosen: list[str], check: str, expected: Expectations) -> Report:
    """Judge one check, or all where its verdict depends on the others."""
    wanted = chosen if check == SIDE_EFFECTS or _shared(session, check) else [check]
    results: list[Result] = [session.result(one) for one in wanted if one != SIDE_EFFECTS]
    return assembled(
        results,
        wanted,
        effects=session.effects,
        target="",
        shape=session.shape,
        command="",
        reproduce=lambda checks: "",
        expected=expected,
    )


def _stale(
    session: Session, chosen: list[str], check: str, expected: Expectations
) -> Iterator[str]:
    """Yield a sentence for each accepted entry that fits nothing, at its last check."""
    for entry in expected.accepted:
        about = matching(chosen, entry.check)
        if about and about[-1] == check:
            results = [_report(session, chosen, one, expected).result(one) for one in about]
            sentence = entry.stale(results)
            if sentence is not None:
                yield sentence


def _shared(session: Session, check: str) -> bool:
    """Say whether a result follows a convention that the whole target has to follow."""
    result = session.result(check)
    return result.verdict in ("convention", "approximation") and bool(result.choices)
