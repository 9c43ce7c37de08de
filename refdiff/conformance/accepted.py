"""What the user has accepted: findings that are known, each with its check and its name.

Nothing is accepted from anywhere else, and it is strict both ways: a finding of another name in the
same check still fails, and an entry that no longer fits anything fails too, so that the list never
outlives what it is for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refdiff._errors import UserError
from refdiff.conformance.results import Result
from refdiff.conformance.selection import matching, nearest

__all__ = ["Acceptance", "acceptances", "read_accepted"]

_FIELDS = ("check", "variant", "reason", "link")


@dataclass(frozen=True)
class Acceptance:
    """One finding that shall not fail the report.

    Parameters
    ----------
    check : str
        Id of a check, or a pattern with ``*``.
    variant : str
        Name of what was found there; ``"deviates"`` or ``"error"`` where it has no name.
    reason : str
        Why it is accepted.
    link : str
        Where more is said.
    source : str
        Where the entry stands, for sentences about it.
    """

    check: str
    variant: str
    reason: str = ""
    link: str = ""
    source: str = "--accept"

    def covers(self, result: Result) -> bool:
        """Say whether this is the finding that was accepted."""
        name = result.variant or result.verdict
        return name == self.variant and bool(matching([result.check], self.check))

    def refuse_unknown(self, ids: Sequence[str]) -> None:
        """Raise `UserError` if the target has no such check."""
        if not matching(ids, self.check):
            raise UserError(
                f"{self.source} {self.check}={self.variant}: the target has no check "
                f"{self.check!r}{nearest(self.check, ids)}"
            )

    def stale(self, results: Iterable[Result]) -> str | None:
        """Return a sentence if the entry fits none of the results that it is about."""
        about = [result for result in results if matching([result.check], self.check)]
        if not about or any(self.covers(result) for result in about):
            return None
        found = "; ".join(
            f"{r.check} is {r.verdict}{f' {r.variant}' if r.variant else ''}" for r in about[:3]
        )
        return (
            f"{self.source} {self.check}={self.variant} no longer fits ({found}): remove the entry"
        )


def acceptances(
    accept: str | Iterable[str] | Mapping[str, str] | None,
    accepted: str | Path | None = None,
) -> tuple[Acceptance, ...]:
    """Read everything that was accepted.

    Parameters
    ----------
    accept : iterable of str or mapping, optional
        ``CHECK=VARIANT`` texts, or check and variant.
    accepted : path, optional
        A TOML file; see `read_accepted`.

    Returns
    -------
    tuple of Acceptance
        In their order.

    Raises
    ------
    UserError
        If an entry cannot be read.
    """
    found: list[Acceptance] = []
    if isinstance(accept, Mapping):
        found += [Acceptance(check, variant) for check, variant in accept.items()]
    else:
        for text in [accept] if isinstance(accept, str) else accept or ():
            check, equals, variant = text.partition("=")
            if not equals or not check.strip() or not variant.strip():
                raise UserError(
                    f"--accept {text} is not CHECK=VARIANT: give both as the report shows them, as "
                    "in --accept ddim-step/eta-half=ddim-sigma-times-variance."
                )
            found.append(Acceptance(check.strip(), variant.strip()))
    if accepted is not None:
        found += read_accepted(Path(accepted))
    return tuple(found)


def read_accepted(path: Path) -> list[Acceptance]:
    """Read a file of accepted findings.

    Parameters
    ----------
    path : Path
        TOML, with a table ``[[accepted]]`` for each: ``check``, ``variant``, ``reason`` and, if
        wanted, ``link``.

    Returns
    -------
    list of Acceptance
        In their order.

    Raises
    ------
    UserError
        If it cannot be read, or an entry has other fields.
    """
    name = f"--accepted {path}"
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{name} is no TOML: {error}.") from error
    entries = content.pop("accepted", [])
    if content or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        unknown = f" (not {', '.join(map(repr, content))})" if content else ""
        raise UserError(f"{name} must hold tables [[accepted]] and nothing else{unknown}.")
    return [_entry(entry, name, number) for number, entry in enumerate(entries, start=1)]


def _entry(entry: Mapping[str, Any], name: str, number: int) -> Acceptance:
    where = f"{name}, entry {number}"
    unknown = [key for key in entry if key not in _FIELDS]
    if unknown:
        raise UserError(f"{where} has {unknown[0]!r}; the fields are {', '.join(_FIELDS)}.")
    for key in ("check", "variant", "reason"):
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            raise UserError(
                f"{where} lacks {key!r}: each entry has check, variant and the reason why it is "
                "accepted, as texts."
            )
    if not isinstance(entry.get("link", ""), str):
        raise UserError(f"{where}: 'link' must be a text.")
    return Acceptance(
        entry["check"], entry["variant"], entry["reason"], entry.get("link", ""), source=where
    )
