"""The ledger: a JSON record of which tests verified which equation, and with what outcome.

The documentation derives the status of an equation from it. The file holds

``schema``
    1.
``versions``
    Of refdiff, Python, the libraries present, and the Hypothesis profile.
``equations``
    For each implemented or tested id: ``function`` and ``function_sha256`` (null where no function
    implements it) and ``tests``, each with ``nodeid``, ``kind``, ``outcome``, ``properties``,
    ``duration`` in seconds and ``source_sha256``.
``properties``
    For each numbered law, the node ids of its tests.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["USER_PROPERTY", "Ledger", "source_hash"]

USER_PROPERTY = "refdiff"
"""Name of the user property by which a test report carries its equations."""

_LIBRARIES = ("refdiff", "numpy", "scipy", "torch", "mpmath", "sympy", "hypothesis", "pytest")
_SEVERITY = ("passed", "skipped", "xfailed", "failed")


def source_hash(function: Any) -> str | None:
    """Hash the source of a function, decorators included.

    Parameters
    ----------
    function : callable
        Any object that `inspect.getsource` understands.

    Returns
    -------
    str or None
        SHA-256 in hexadecimal; None where there is no source.
    """
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return None
    return hashlib.sha256(source.encode()).hexdigest()


def _versions() -> dict[str, str]:
    from refdiff.testing.profiles import profile_name

    found = {"python": platform.python_version(), "hypothesis-profile": profile_name()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _implementations() -> dict[str, Callable[..., Any]]:
    from refdiff.catalogue import implementations

    return implementations()


class Ledger:
    """The record of one run.

    Parameters
    ----------
    path : pathlib.Path
        The file to write; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tests: dict[str, dict[str, Any]] = {}

    def add(self, report: Any) -> None:
        """Take in the report of one phase (setup, call, teardown) of a test.

        Parameters
        ----------
        report : pytest.TestReport
            Reports without the user property are of tests that verify nothing.
        """
        note = dict(report.user_properties).get(USER_PROPERTY)
        if note is None:
            return
        outcome = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        test = self._tests.setdefault(
            report.nodeid, {"note": note, "outcome": "passed", "duration": 0.0}
        )
        test["outcome"] = max(test["outcome"], outcome, key=_SEVERITY.index)
        test["duration"] += report.duration

    def contents(self) -> dict[str, Any]:
        """Return the ledger as it is written.

        Returns
        -------
        dict
            See the module's docstring; tests in the order of their node ids.
        """
        functions = _implementations()
        equations: dict[str, dict[str, Any]] = {}
        properties: dict[str, list[str]] = {}
        named = {name for test in self._tests.values() for name in test["note"]["verifies"]}
        for name in sorted(set(functions) | named):
            function = functions.get(name)
            equations[name] = {
                "function": function and f"{function.__module__}.{function.__name__}",
                "function_sha256": function and source_hash(function),
                "tests": [],
            }
        for nodeid, test in sorted(self._tests.items()):
            note = test["note"]
            for name, kind in note["verifies"].items():
                equations[name]["tests"].append(
                    {
                        "nodeid": nodeid,
                        "kind": kind,
                        "outcome": test["outcome"],
                        "properties": note["properties"],
                        "duration": round(test["duration"], 4),
                        "source_sha256": note["source_sha256"],
                    }
                )
            for law in note["properties"]:
                properties.setdefault(law, []).append(nodeid)
        return {
            "schema": 1,
            "versions": _versions(),
            "equations": equations,
            "properties": dict(sorted(properties.items())),
        }

    def write(self) -> None:
        """Write the file in one step: a reader sees the old one or the new one, never a part."""
        text = json.dumps(self.contents(), indent=1) + "\n"
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
