"""A convention counts only if the whole target follows it.

Whoever tells the model times from 0 in one loop and from 1 in the next follows no convention but
has a mistake. The outcome of a check says in ``choices`` which conventions it saw followed: the
named one, or the reference where the numbers rule every other out. Where they differ, the results
that follow another convention than the reference become known deviations. A check that sets
options of the target by itself leaves ``choices`` empty: its configuration is another one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from refdiff.conformance.results import Result
from refdiff.conformance.variants import mixed

__all__ = ["made_consistent"]

_JUDGING = frozenset({"conforms", "convention", "approximation"})


def made_consistent(
    results: Sequence[Result], reproduce: Callable[[str], str] = lambda checks: ""
) -> list[Result]:
    """Turn conventions that only a part of the target follows into known deviations.

    Parameters
    ----------
    results : sequence of Result
        All of one target.
    reproduce : callable
        Takes ids of checks, with commas between, and returns what repeats them.

    Returns
    -------
    list of Result
        In the same order.
    """
    seen: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        if result.verdict in _JUDGING:
            for choice, name in result.choices.items():
                seen[choice][name].append(result.check)
    differing = {choice: by_name for choice, by_name in seen.items() if len(by_name) > 1}
    return [_changed(result, differing, reproduce) for result in results]


def _changed(
    result: Result,
    differing: Mapping[str, Mapping[str, list[str]]],
    reproduce: Callable[[str], str],
) -> Result:
    if result.verdict not in ("convention", "approximation"):
        return result
    for choice, name in result.choices.items():
        if choice in differing and name != "reference":
            others = {n: ids for n, ids in differing[choice].items() if n != name}
            elsewhere = "; ".join(
                f"{ids[0]}{' and others follow' if len(ids) > 1 else ' follows'} {other}"
                for other, ids in others.items()
            )
            both = [result.check, *(ids[0] for ids in others.values())]
            return replace(
                result,
                verdict="known-deviation",
                variant=mixed(choice),
                message=f"{choice}: {name} here, but {elsewhere}. {result.message}",
                reproduce=reproduce(",".join(both)),
            )
    return result
