"""Write the vectors' files, or check them: ``python -m refdiff.conformance.vectors [--check]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from refdiff._errors import UserError
from refdiff._extras import require

FOLDER = Path(__file__).with_name("data")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status: 1 if the files are not up to date."""
    parser = argparse.ArgumentParser(
        prog="python -m refdiff.conformance.vectors",
        description="Write the test vectors, with all named variants measured on them.",
    )
    parser.add_argument("--check", action="store_true", help="compare the files; write nothing")
    chosen = parser.parse_args(arguments)
    try:
        require("mpmath", extra="check", purpose="making test vectors")
        from refdiff.conformance.vectors import writing

        previous = {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in FOLDER.glob("*.json")
        }
        made = writing.contents(previous)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if chosen.check:
        wrong = writing.differences(FOLDER, made)
        for line in wrong:
            sys.stderr.write(f"{line}\n")
        if wrong:
            sys.stderr.write("write the files anew: python -m refdiff.conformance.vectors\n")
        return 1 if wrong else 0
    writing.write(FOLDER, made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
