"""A convention counts only if the whole target follows it.

Whoever tells the model times from 0 in one loop and from 1 in the next follows no convention but
has a mistake. Each result says which conventions it saw (its variant's ``choice``, and `choices`
where the numbers rule all but the reference out); where they differ, the results that follow
another convention than the reference become known deviations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from refdiff.conformance.results import Result
from refdiff.conformance.variants import all_variants, mixed

__all__ = ["chosen", "made_consistent"]

_JUDGING = frozenset({"conforms", "convention", "approximation"})


def chosen(result: Result) -> Mapping[str, str]:
    """Return which conventions a result saw followed, by what they are a choice of.

    Parameters
    ----------
    result : Result
        Of one check.

    Returns
    -------
    mapping of str to str
        Choice and variant, or ``"reference"``.
    """
    found = dict(result.choices)
    known = all_variants()
    for name in (result.variant or "").split("+"):
        if name in known and known[name].choice and known[name].kind == "convention":
            found[known[name].choice] = name
    return found


def made_consistent(results: Sequence[Result]) -> list[Result]:
    """Turn conventions that only a part of the target follows into known deviations.

    Parameters
    ----------
    results : sequence of Result
        All of one target.

    Returns
    -------
    list of Result
        In the same order.
    """
    seen: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        if result.verdict in _JUDGING:
            for choice, name in chosen(result).items():
                seen[choice][name].append(result.check)
    differing = {choice: by_name for choice, by_name in seen.items() if len(by_name) > 1}
    return [_changed(result, differing) for result in results]


def _changed(result: Result, differing: Mapping[str, Mapping[str, list[str]]]) -> Result:
    if result.verdict not in ("convention", "approximation"):
        return result
    for choice, name in chosen(result).items():
        if choice in differing and name != "reference":
            others = {n: ids for n, ids in differing[choice].items() if n != name}
            elsewhere = "; ".join(
                f"{ids[0]}{' and others follow' if len(ids) > 1 else ' follows'} {other}"
                for other, ids in others.items()
            )
            message = f"{choice}: {name} here, but {elsewhere}. {result.message}"
            return replace(
                result, verdict="known-deviation", variant=mixed(choice), message=message
            )
    return result
