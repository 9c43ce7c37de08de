"""`python -m refdiff.cli` is `refdiff`."""

from __future__ import annotations

import sys

from refdiff.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
