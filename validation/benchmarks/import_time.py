"""Time to import the equations, beside the time to import NumPy alone.

The claim: `import refdiff.equations` loads neither torch nor SciPy, and takes under 0.15 s on two
cores, most of it NumPy's.
"""

import json
import statistics
import subprocess
import sys
import time

REPEATS = 15
STATEMENTS = {
    "nothing": "pass",
    "numpy": "import numpy",
    "refdiff.equations": "import refdiff.equations",
}


def seconds(statement: str) -> float:
    """Wall-clock time of a fresh interpreter that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def measure() -> dict[str, float]:
    """Medians in seconds, the start of the interpreter taken off; the runs alternate."""
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(REPEATS):
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement))
    start = statistics.median(times["nothing"])
    return {name: statistics.median(t) - start for name, t in times.items() if name != "nothing"}


def loaded() -> set[str]:
    """Top-level names of the modules that the import brings along."""
    code = "import sys, refdiff.equations; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def main() -> dict[str, object]:
    """Run the benchmark."""
    unwanted = sorted(loaded() & {"torch", "scipy", "jax", "sympy", "mpmath"})
    medians = measure()
    return {
        "seconds": {name: round(value, 4) for name, value in medians.items()},
        "ratio_to_numpy": round(medians["refdiff.equations"] / medians["numpy"], 3),
        "unwanted_modules": unwanted,
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
