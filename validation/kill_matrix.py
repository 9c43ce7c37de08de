"""The kill matrix: every named variant planted in every correct implementation that can carry it.

    python -m validation.kill_matrix             measure all, write docs/kill-matrix.json (minutes)
    python -m validation.kill_matrix NAME ...    only implementations whose name begins so

Each line of progress is one implementation. The page docs/kill-matrix.rst shows the file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from refdiff.conformance.parts import Parts
from refdiff.conformance.planting import Carrier, carriers, judge_all
from refdiff.conformance.variants import all_variants

FILE = Path(__file__).parent.parent / "docs" / "kill-matrix.json"


def measure(carrier: Carrier) -> dict[str, Any]:
    """Plant every variant in one implementation.

    Returns
    -------
    dict
        Number of checks, what the untouched implementation was found to be, and by variant
        whether it was named first, named, detected or missed, and by which check.
    """
    start = time.perf_counter()
    untouched = judge_all(carrier.checks(Parts()))
    reach = carrier.reach()
    plantings = {}
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


def main(argv: list[str] | None = None) -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m validation.kill_matrix", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args(argv)
    numbers = [
        i
        for i, carrier in enumerate(carriers())
        if not chosen.names or carrier.name.startswith(tuple(chosen.names))
    ]
    rows = []
    with ProcessPoolExecutor(chosen.processes) as pool:
        for row in pool.map(_measure, numbers):
            results = [planted["result"] for planted in row["plantings"].values()]
            counts = {result: results.count(result) for result in sorted(set(results))}
            print(
                f"{row['carrier']}: {row['checks']} checks, {counts}, {row['seconds']} s",
                flush=True,
            )
            for name, planted in row["plantings"].items():
                if planted["result"] != "named first":
                    print(f"    {planted['result']}: {name} {planted.get('also called', '')}")
            rows.append(row)
    if not chosen.names:
        for row in rows:
            del row["seconds"]
        FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def _measure(number: int) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    return measure(carriers()[number])


if __name__ == "__main__":
    sys.exit(main())
