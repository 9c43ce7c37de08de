"""Judge the pinned public releases. There are none yet: they arrive with `refdiff check`."""

import sys
from pathlib import Path


def main() -> int:
    """Say which targets there are."""
    targets = sorted(p.parent.name for p in Path(__file__).parent.glob("*/requirements.txt"))
    print(f"targets: {', '.join(targets) or 'none yet; they arrive with refdiff check'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
