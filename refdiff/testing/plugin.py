"""The pytest plugin: markers that link tests to equations, and the ledger of a run.

``@pytest.mark.verifies("ho2020/posterior-mean", kind="oracle")``
    The test verifies these equations of the catalogue. An id that does not exist stops the
    collection with a usage error that names the nearest one.
``@pytest.mark.property_id("P012")``
    The test is the numbered law; see `refdiff.testing.tolerance`.
``pytest --ledger FILE``
    Write what was verified, by which test and with which outcome, as JSON (`ledger`).

The kind of a test is ``property`` where Hypothesis draws its arguments, else what the marker
says, else ``example``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from refdiff.testing.laws import law_ids
from refdiff.testing.ledger import USER_PROPERTY, Ledger, source_hash

__all__ = ["kind_of", "property_ids", "verified"]

_LEDGER = pytest.StashKey[Ledger]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--ledger``."""
    parser.getgroup("refdiff").addoption(
        "--ledger",
        metavar="FILE",
        default=None,
        help="write the tests of each equation, with their outcomes, to FILE (JSON)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and prepare the ledger where one is asked for."""
    config.addinivalue_line(
        "markers", "verifies(*ids, kind=None): the equations of the catalogue that a test verifies"
    )
    config.addinivalue_line("markers", "property_id(*ids): the numbered laws that a test checks")
    path = config.getoption("--ledger")
    if path is None or hasattr(config, "workerinput"):  # a worker of xdist sends, and never writes
        return
    if not Path(path).absolute().parent.is_dir():
        raise pytest.UsageError(f"--ledger {path}: there is no such folder; create it first.")
    config.stash[_LEDGER] = Ledger(Path(path).absolute())


def verified(item: pytest.Item) -> Iterator[tuple[str, str | None]]:
    """Yield the equation ids of a test, each with the kind its marker states.

    Parameters
    ----------
    item : pytest.Item
        A collected test.

    Yields
    ------
    tuple of (str, str or None)
        Id and kind.

    Raises
    ------
    pytest.UsageError
        If a marker names no id, or has arguments that it does not take.
    """
    for mark in item.iter_markers("verifies"):
        if not mark.args or not all(isinstance(name, str) for name in mark.args):
            raise pytest.UsageError(
                f"{item.nodeid}: verifies{mark.args!r} must name equations of the catalogue, "
                'such as verifies("ho2020/posterior-mean").'
            )
        unknown = sorted(set(mark.kwargs) - {"kind"})
        if unknown:
            raise pytest.UsageError(
                f"{item.nodeid}: verifies() takes ids and kind=, not {unknown[0]}=."
            )
        for name in mark.args:
            yield name, mark.kwargs.get("kind")


def property_ids(item: pytest.Item) -> list[str]:
    """Return the numbered laws that a test checks, sorted.

    Parameters
    ----------
    item : pytest.Item
        A collected test.

    Returns
    -------
    list of str
        Such as ``["P012"]``.
    """
    return sorted({str(name) for mark in item.iter_markers("property_id") for name in mark.args})


def kind_of(item: pytest.Item, stated: str | None) -> str:
    """Return the kind of a test: ``property``, what its marker states, or ``example``.

    Parameters
    ----------
    item : pytest.Item
        A collected test.
    stated : str or None
        The marker's ``kind``.

    Returns
    -------
    str
        The kind.
    """
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        return "property"
    return stated or "example"


def _refuse_unknown(
    item: pytest.Item, what: str, names: Iterable[str], known: Iterable[str]
) -> None:
    known = list(known)
    for name in names:
        if name in known:
            continue
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        hint = f"; the nearest is {nearest[0]!r}" if nearest else ""
        raise pytest.UsageError(f"{item.nodeid}: {name!r} is no {what}{hint}.")


def _test_source(item: pytest.Item) -> Any:
    """Return the function as written: what Hypothesis wraps has another source."""
    function = getattr(item, "obj", None)
    handle = getattr(function, "hypothesis", None)
    return getattr(handle, "inner_test", function)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse unknown ids, and note on each test what the ledger needs."""
    for item in items:
        marks = list(verified(item))
        laws = property_ids(item)
        if marks:
            from refdiff.catalogue import load

            _refuse_unknown(item, "equation", [name for name, _ in marks], load().equations)
        if laws:
            _refuse_unknown(item, "numbered law", laws, law_ids())
        if config.getoption("--ledger") and (marks or laws):
            note = {
                "verifies": {name: kind_of(item, stated) for name, stated in marks},
                "properties": laws,
                "source_sha256": source_hash(_test_source(item)),
            }
            # Reports carry the user properties of their test, from a worker of xdist too.
            item.user_properties.append((USER_PROPERTY, note))


class _Recorder:
    """Collect the reports, and write the ledger when the run is over."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._ledger.add(report)

    def pytest_sessionfinish(self) -> None:
        self._ledger.write()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start recording where a ledger is asked for."""
    ledger = session.config.stash.get(_LEDGER, None)
    if ledger is not None:
        session.config.pluginmanager.register(_Recorder(ledger), "refdiff-ledger")
