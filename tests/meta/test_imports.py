"""Which part may import which, and what importing the equations must not load."""

import subprocess
import sys

import pytest

from tests.support.sources import ROOT, imported_modules, python_files, shown

# Parts of refdiff, each with the parts it may import. Modules that begin with an underscore are
# the foundation, which all may import and which import nothing but each other.
ALLOWED = {
    "catalogue": set(),
    "equations": {"catalogue"},
    "closed_form": set(),
    "samplers": {"equations"},
    "models": set(),
    "pictures": set(),
    "testing": {"catalogue", "equations"},
    "training": {"equations", "closed_form", "models", "samplers", "pictures"},
    "evaluation": {"equations", "closed_form", "models", "samplers", "pictures", "training"},
    "conformance": {"equations", "closed_form", "catalogue", "testing"},
    "pretrained": set(),
    "cli": {
        "catalogue",
        "closed_form",
        "conformance",
        "equations",
        "evaluation",
        "models",
        "pictures",
        "pretrained",
        "samplers",
        "testing",
        "training",
    },
}


def part(module):
    """Return the part that a full module name belongs to; None outside refdiff."""
    names = module.split(".")
    return names[1] if names[0] == "refdiff" and len(names) > 1 else None


def is_part(name):
    return (ROOT / "refdiff" / name).is_dir() or (ROOT / "refdiff" / f"{name}.py").is_file()


FILES = python_files("refdiff")


def test_every_part_is_known_to_this_rule():
    found = {path.relative_to(ROOT / "refdiff").parts[0].removesuffix(".py") for path in FILES}
    unknown = {name for name in found if not name.startswith("_")} - set(ALLOWED)
    assert not unknown, "say in ALLOWED what these parts may import"


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_imports_point_downwards(path):
    own = part(".".join(path.relative_to(ROOT).with_suffix("").parts))
    allowed = ALLOWED.get(own, set())
    wrong = [
        f"{shown(path)}:{line} imports {module}"
        for line, module in imported_modules(path)
        if (other := part(module)) is not None
        and is_part(other)
        and other != own
        and not other.startswith("_")
        and other not in allowed
    ]
    assert not wrong


def test_equations_and_closed_forms_are_independent():
    assert "closed_form" not in ALLOWED["equations"]
    assert "equations" not in ALLOWED["closed_form"]
    assert [name for name, below in ALLOWED.items() if "cli" in below] == []
    assert [name for name, below in ALLOWED.items() if "conformance" in below] == ["cli"]


@pytest.mark.parametrize("module", ["refdiff", "refdiff.equations", "refdiff.testing"])
def test_importing_loads_nothing_heavy(module):
    heavy = ("torch", "scipy", "sympy", "mpmath", "jax", "hypothesis", "pytest")
    program = (
        f"import sys, {module}; "
        f"print([name for name in {heavy!r} if name in sys.modules]); print({module}.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines() == ["[]", module]
