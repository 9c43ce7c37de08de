"""Run every benchmark, or those that are named, and write build/benchmarks.json."""

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
from importlib import metadata
from pathlib import Path

from validation import benchmarks

OUTPUT = Path("build") / "benchmarks.json"


def machine() -> dict[str, object]:
    """What the figures depend on."""
    present = {d.metadata["Name"].lower(): d.version for d in metadata.distributions()}
    versions = {name: present[name] for name in ("numpy", "refdiff", "torch") if name in present}
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        **versions,
    }


def main() -> int:
    """Run them one after the other: two at once would measure each other."""
    known = [m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name != "__main__"]
    parser = argparse.ArgumentParser(prog="python -m validation.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    names = parser.parse_args().names
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(known)}")
    results: dict[str, object] = {"machine": machine()}
    for name in names or known:
        print(f"{name} ...", file=sys.stderr)
        results[name] = importlib.import_module(f"validation.benchmarks.{name}").main()
    text = json.dumps(results, indent=1)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(text + "\n", "utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
