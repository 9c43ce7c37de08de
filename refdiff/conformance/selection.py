"""Which checks were asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from refdiff._errors import UserError

__all__ = ["matching", "nearest", "patterns", "selected"]


def patterns(only: str | Iterable[str] | None) -> tuple[str, ...]:
    """Read patterns that may stand one by one or with commas between.

    Examples
    --------
    >>> patterns(["ddim-*,p-sample/*", "table/betas"])
    ('ddim-*', 'p-sample/*', 'table/betas')
    """
    if only is None:
        return ()
    words = [only] if isinstance(only, str) else list(only)
    return tuple(part.strip() for word in words for part in word.split(",") if part.strip())


def matching(ids: Sequence[str], pattern: str) -> list[str]:
    """Return the ids that a pattern means: one id, or several by ``*`` and ``?``."""
    return [name for name in ids if name == pattern or fnmatchcase(name, pattern)]


def selected(ids: Sequence[str], only: Sequence[str]) -> list[str]:
    """Choose checks.

    Parameters
    ----------
    ids : sequence of str
        All checks of the target.
    only : sequence of str
        Patterns; empty for all.

    Returns
    -------
    list of str
        Those that any pattern matches, in their order.

    Raises
    ------
    UserError
        If a pattern matches none.
    """
    if not only:
        return list(ids)
    wanted: set[str] = set()
    for pattern in only:
        found = matching(ids, pattern)
        if not found:
            raise UserError(f"--only {pattern} matches no check{nearest(pattern, ids)}")
        wanted.update(found)
    return [name for name in ids if name in wanted]


def nearest(name: str, ids: Sequence[str]) -> str:
    """Return the end of a sentence that says there is no such check."""
    close = difflib.get_close_matches(name, ids, n=3, cutoff=0.5)
    begins = [one for one in ids if one.startswith(name.rstrip("*/"))][:3]
    meant = list(dict.fromkeys([*close, *begins]))[:3]
    said = f"; did you mean {' or '.join(meant)}?" if meant else "."
    return f"{said} `--list-checks` lists the {len(ids)} checks of this target."
