"""Measure the errors of all pointwise functions: ``docs/numerics.json`` and ``docs/numerics.rst``.

``python -m validation.numerics`` measures every function. With names it measures these and keeps
the other entries; with ``--missing`` those that have no entry.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.cases import ROWS
from validation.numerics.measuring import DIGITS, Error, measure
from validation.numerics.page import page
from validation.numerics.points import draw_points

TABLE = Path(__file__).parents[2] / "docs" / "numerics.json"
POINTS = 240
DTYPES = ("float64", "float32")
MOST = 1e99
"""Stands for an infinite error, which JSON cannot write."""


def functions() -> dict[str, Callable[..., Any]]:
    """Return the pointwise functions by their names after ``refdiff.equations.``."""
    return {row.values[0].name: row.values[0].function for row in ROWS}


def entry(name: str, function: Callable[..., Any], count: int = POINTS) -> dict[str, Any]:
    """Measure one function in every dtype."""
    return {
        dtype: summary(measure(function, draw_points(name, function, dtype, count), dtype))
        for dtype in DTYPES
    }


def summary(errors: list[Error]) -> dict[str, Any]:
    """Return the worst errors in both units, and where they are."""
    if not errors:
        raise ValueError("no point of the domain has a result")
    in_ulp, beyond = (max(errors, key=lambda e, u=u: getattr(e, u)) for u in ("ulp", "beyond"))
    return {
        "points": len(errors),
        "ulp": _rounded(in_ulp.ulp),
        "ulp_at": {name: value.hex() for name, value in in_ulp.point.items()},
        "beyond": _rounded(beyond.beyond),
        "beyond_at": {name: value.hex() for name, value in beyond.point.items()},
    }


def _rounded(value: float) -> float:
    return float(f"{min(value, MOST):.3g}")


def write(entries: dict[str, Any]) -> None:
    """Write the table, sorted by name."""
    table = {"digits": DIGITS, "functions": dict(sorted(entries.items()))}
    TABLE.write_text(json.dumps(table, indent=1, allow_nan=False) + "\n", "utf-8")
    TABLE.with_suffix(".rst").write_text(page(table).rstrip() + "\n", "utf-8")


def main() -> None:
    """Measure what was asked for, and write the table."""
    parser = argparse.ArgumentParser(prog="validation.numerics", description=__doc__)
    parser.add_argument("names", nargs="*", help="functions, such as snr or sde.vp_drift")
    parser.add_argument("--missing", action="store_true", help="those without an entry")
    options = parser.parse_args()
    known = functions()
    old = json.loads(TABLE.read_text("utf-8"))["functions"] if TABLE.is_file() else {}
    names = options.names or (set(known) - set(old) if options.missing else set(known))
    for number, name in enumerate(sorted(names), 1):
        old[name] = entry(name, known[name])
        worst = max(old[name][dtype]["beyond"] for dtype in DTYPES)
        print(f"{number}/{len(names)} {name}: at most {worst} units beyond conditioning")
    write({name: found for name, found in old.items() if name in known})


if __name__ == "__main__":
    main()
