"""The kill matrix: every named variant planted in every correct implementation that can carry it.

    python -m validation.kill_matrix             measure all, write docs/kill-matrix.json and .rst
    python -m validation.kill_matrix NAME ...    only implementations whose name begins so
    python -m validation.kill_matrix --page      make the page anew from the kept numbers

Each line of progress is one implementation. What no check recognises by its name needs a reason
in `REASONS`, and a reason needs a variant that it explains.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from refdiff.conformance.parts import Parts
from refdiff.conformance.planting import RESULTS, Carrier, carriers, judge_all
from refdiff.conformance.variants import all_variants

DOCS = Path(__file__).parent.parent / "docs"
FILE, PAGE = DOCS / "kill-matrix.json", DOCS / "kill-matrix.rst"

# What is detected or missed, and why; the implementation's name begins with the first entry.
_NO_LIMIT = "It matters where x_0 is limited. These samplers limit nothing; schedulers name it."
_EPS = (
    "The model predicts eps, so that this is right; where another prediction is made it is named."
)
_TINY = "Noise with a standard deviation of 1e-10 changes no sample and is no finding, by design."
_NO_ETA = "eta is 0 here, where sigma is 0 and the formulas agree; the build with eta names it."
_SAME = "All levels come through one part here: it is what the name that is given says."
REASONS: dict[tuple[str, str], str] = {
    ("gaussian-diffusion", "classifier-mean-without-scale"): (
        "The class is given gradients that are scaled already, and at scale 1 both are the same."
    ),
    ("gaussian-diffusion (eps", "loss-target-always-eps"): _EPS,
    ("gaussian-diffusion (eps, learned", "loss-not-reduced"): (
        "The term of the learned variance is added to it, one number a sample: the code raises. "
        "The other builds name it."
    ),
    ("sampler", "eps-not-recomputed"): _NO_LIMIT,
    ("sampler", "output-used-as-eps"): _EPS,
    ("sampler (ddpm)", "noise-at-the-last-step"): (
        "The variance beta-tilde is 0 in the last step; the build with the variance beta names it."
    ),
    ("sampler (ddpm)", "posterior-variance-at-least-1e-20"): _TINY,
    ("sampler (ddpm)", "posterior-variance-is-beta"): (
        "DDPM with the variance beta is right too, and is called what it is: fixed-large-variance."
    ),
    **{
        ("sampler (guided)", name): _NO_ETA
        for name in (
            "ddim-noise-of-variance-beta",
            "ddim-sigma-sqrt-one-minus-alpha-bar",
            "ddim-sigma-sqrt-one-minus-current-alpha-bar",
            "ddim-sigma-without-posterior-factor",
            "ddim-sigma-without-transition",
            "direction-subtracts-sigma",
            "direction-without-sigma",
            "eta-has-no-effect",
            "eta-not-squared",
            "eta-squared-twice",
            "eta-times-variance",
        )
    },
    ("scheduler", "betas-scaled-by-1000-over-t"): (
        "Schedulers are judged with the 1000 steps that they have, where the factor is 1."
    ),
    ("scheduler (ddpm)", "learned-range-at-least-1e-20"): _TINY,
    ("scheduler (ddpm)", "posterior-variance-at-least-1e-20"): _TINY,
    ("scheduler (euler", "alpha-bar-of-the-following-time"): _SAME,
    ("scheduler (euler", "alpha-bar-of-the-previous-time"): _SAME,
    ("scheduler (euler", "ends-at-the-first-noise-level"): (
        "Without a level of 0 there is no last step, and the scheduler cannot be constructed."
    ),
    ("scheduler (euler", "previous-time-by-uniform-stride"): (
        "Its list has uniform strides. Where S does not divide T the last step goes to the first "
        "noise level, a normal stride away: that convention is named."
    ),
}

# Variants of parts that no correct implementation here has; their own tests plant them.
NOT_CARRIED = {
    "consistency-factor-without-sigma-data": "schedulers of consistency models",
    "loss-summed-over-the-batch": "losses that are one number for the whole batch",
}

Row = dict[str, Any]

_ABOUT = """\
.. Made by `python -m validation.kill_matrix` from docs/kill-matrix.json.

The kill matrix
===============

Would :doc:`refdiff check <check>` notice? Every named mistake, approximation and convention is a
piece of code, and refdiff holds correct implementations of every shape that it judges. Each variant
was planted in each implementation that has the part which it replaces: {variants} variants,
{plantings} plantings in {implementations} implementations. {named} of them were named, {first} by
the first check that names anything; the others are below, each with its reason. Without a variant
in them the implementations pass all checks, but for what they truly say of themselves.

*named*: by a later check, after another name that holds for the same code as well. *fitting too*:
a check shows another name, and this one as giving the same numbers. *detected*: a check fails
without this name. *missed*: no check fails.
"""


def measure(carrier: Carrier) -> Row:
    """Plant every variant in one implementation.

    Returns
    -------
    dict
        Number of checks, what the untouched implementation was found to be, and by variant
        how it was recognised, and by which check.
    """
    start = time.perf_counter()
    untouched = judge_all(carrier.checks(Parts()))
    reach = carrier.reach()
    plantings: dict[str, Row] = {}
    for name, variant in sorted(all_variants().items()):
        if not variant.replaces or variant.kind == "form":
            continue
        planted = carrier.plant(variant, reach, untouched)
        if planted is None:
            continue
        by = next((c for c, o in planted.findings.items() if o.variant == name), None)
        shown = by or next(iter(planted.findings), None)
        plantings[name] = {"result": planted.result, "check": shown}
        if planted.called:
            plantings[name]["also called"] = planted.called
    return {
        "carrier": carrier.name,
        "checks": len(untouched),
        "untouched": {
            check: [found.verdict, found.variant]
            for check, found in untouched.items()
            if found.verdict not in ("conforms", "not-provided")
        },
        "seconds": round(time.perf_counter() - start, 1),
        "plantings": plantings,
    }


def unexplained(rows: Sequence[Row]) -> list[str]:
    """Return what has no reason, and reasons that explain nothing, in words."""
    open_ends = {
        (row["carrier"], name): planted["result"]
        for row in rows
        for name, planted in row["plantings"].items()
        if planted["result"] in ("detected", "missed")
    }
    without = [
        f"{name} in {carrier} is {result}, without a reason"
        for (carrier, name), result in open_ends.items()
        if reason(carrier, name) is None
    ]
    idle = [
        f"the reason for {name} in {prefix} explains nothing"
        for prefix, name in REASONS
        if not any(c.startswith(prefix) and name == n for c, n in open_ends)
    ]
    return without + idle


def reason(carrier: str, variant: str) -> str | None:
    """Return why a variant cannot be recognised in an implementation."""
    for (prefix, name), words in REASONS.items():
        if name == variant and carrier.startswith(prefix):
            return words
    return None


def page(rows: Sequence[Row]) -> str:
    """Return the page of the documentation."""
    total = Counter(p["result"] for row in rows for p in row["plantings"].values())
    variants = sorted({name for row in rows for name in row["plantings"]})
    named = sum(total[result] for result in RESULTS[:3])
    about = _ABOUT.format(
        variants=len(variants),
        plantings=sum(total.values()),
        implementations=len(rows),
        named=named,
        first=total["named first"],
    )
    lines = [
        *about.splitlines(),
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - Implementation",
        "     - Checks",
        "     - Planted",
        *(
            f"     - {title}"
            for title in ("Named first", "Named", "Fitting too", "Detected", "Missed")
        ),
    ]
    for row in rows:
        counts = Counter(p["result"] for p in row["plantings"].values())
        lines += [
            f"   * - {row['carrier']}",
            f"     - {row['checks']}",
            f"     - {sum(counts.values())}",
        ]
        lines += [f"     - {counts[result] or '–'}" for result in RESULTS]
    lines += ["", "What is not named", "-----------------", "", *_reasons(rows)]
    lines += ["Variants that none of these implementations has a place for:", ""]
    lines += [f"- ``{name}``: {words}" for name, words in NOT_CARRIED.items()] + [""]
    lines += ["What correct implementations say of themselves", "-" * 46, "", *_untouched(rows)]
    lines += ["All variants", "------------", "", *_all(rows, variants)]
    return "\n".join(lines)


def _reasons(rows: Sequence[Row]) -> list[str]:
    lines: list[str] = []
    for (prefix, name), words in REASONS.items():
        found = {
            row["plantings"][name]["result"]
            for row in rows
            if row["carrier"].startswith(prefix) and name in row["plantings"]
        } & {"detected", "missed"}
        where = f"{prefix} …)" if "(" in prefix and ")" not in prefix else prefix
        lines += [f"``{name}`` in {where}: {' or '.join(sorted(found))}", f"   {words}", ""]
    return lines


def _untouched(rows: Sequence[Row]) -> list[str]:
    said = Counter(
        (verdict, name)
        for row in rows
        for verdict, name in (tuple(found) for found in row["untouched"].values())
    )
    return [
        *(
            f"- {verdict}{f' ``{name}``' if name else ''}: {count} checks"
            for (verdict, name), count in sorted(said.items(), key=str)
        ),
        "",
    ]


def _all(rows: Sequence[Row], variants: Sequence[str]) -> list[str]:
    known = all_variants()
    lines = [".. list-table::", "   :header-rows: 1", ""]
    lines += ["   * - Variant", "     - Kind", "     - Planted", "     - Named", "     - By"]
    for name in variants:
        plantings = [row["plantings"][name] for row in rows if name in row["plantings"]]
        recognised = sum(p["result"] in RESULTS[:3] for p in plantings)
        by = next((p["check"] for p in plantings if p["result"] in RESULTS[:2]), None)
        lines += [f"   * - ``{name}``", f"     - {known[name].kind}", f"     - {len(plantings)}"]
        lines += [f"     - {recognised or '–'}", f"     - {f'``{by}``' if by else '–'}"]
    return [*lines, ""]


def main(argv: list[str] | None = None) -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m validation.kill_matrix", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args(argv)
    if chosen.page:
        PAGE.write_text(page(kept()), encoding="utf-8")
        return 0
    numbers = [
        i
        for i, carrier in enumerate(carriers())
        if not chosen.names or carrier.name.startswith(tuple(chosen.names))
    ]
    rows = []
    with ProcessPoolExecutor(chosen.processes) as pool:
        for row in pool.map(_measure, numbers):
            _print(row)
            rows.append(row)
    if chosen.names:
        return 0
    for row in rows:
        del row["seconds"]
    FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")
    problems = unexplained(rows)
    print("\n".join(problems))
    return 1 if problems else 0


def kept() -> list[Row]:
    """Return what was measured last."""
    rows: list[Row] = json.loads(FILE.read_text("utf-8"))
    return rows


def _print(row: Mapping[str, Any]) -> None:
    counts = dict(Counter(planted["result"] for planted in row["plantings"].values()))
    print(f"{row['carrier']}: {row['checks']} checks, {counts}, {row['seconds']} s", flush=True)
    for name, planted in row["plantings"].items():
        if planted["result"] != "named first":
            print(f"    {planted['result']}: {name} {planted.get('also called', '')}", flush=True)


def _measure(number: int) -> Row:
    import torch

    torch.set_num_threads(1)
    return measure(carriers()[number])


if __name__ == "__main__":
    sys.exit(main())
