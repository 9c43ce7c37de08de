"""What is built, what it needs and what it declares."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import refdiff

ROOT = Path(__file__).parents[1]
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def run_python(code: str, *arguments: object, **kwargs: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **kwargs,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def package_files() -> set[str]:
    """Every file of the package's folder but compiled code, as paths inside a wheel."""
    found = (path for path in (ROOT / "refdiff").rglob("*") if path.is_file())
    return {str(p.relative_to(ROOT)) for p in found if "__pycache__" not in p.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.Path:
    """The wheel, built from a copy so that the checkout stays clean, and unpacked."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "refdiff", source / "refdiff", ignore=ignore)
    run_python(BUILD, out, cwd=source)
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(out / "site")
    return out / "site"


def test_wheel_holds_the_whole_package_and_nothing_else(wheel):
    files = {str(path.relative_to(wheel)) for path in wheel.rglob("*") if path.is_file()}
    info = {name for name in files if ".dist-info/" in name}
    assert files - info == package_files()
    assert {"LICENSE", "NOTICE"} <= {Path(name).name for name in info}
    assert "refdiff/py.typed" in files


def test_wheel_declares_the_command_and_the_plugin(wheel):
    (info,) = wheel.glob("*.dist-info")
    text = (info / "entry_points.txt").read_text("utf-8")
    assert "[console_scripts]\nrefdiff = refdiff.cli:main\n" in text
    assert "[pytest11]\nrefdiff = refdiff.testing.plugin\n" in text


def test_equations_from_the_wheel_need_numpy_alone(wheel, tmp_path):
    code = """
import sys, refdiff.equations
from refdiff.catalogue import implementations, load
assert refdiff.__file__.startswith(sys.argv[1]), refdiff.__file__
assert load().equations and implementations()
print(*{name.partition(".")[0] for name in sys.modules})
"""
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    loaded = set(run_python(code, wheel, cwd=tmp_path, env=environment).split())
    assert "numpy" in loaded
    assert not loaded & {"torch", "scipy", "jax", "mpmath", "sympy", "matplotlib", "rich", "tyro"}


def test_import_of_the_package_alone_loads_no_library():
    loaded = run_python("import sys, refdiff; print(*sys.modules)").split()
    assert not {"numpy", "torch", "scipy"} & set(loaded)


def test_checks_is_offered_by_the_package():
    from refdiff._checks import checks

    assert refdiff.checks is checks
    assert "checks" in dir(refdiff)
    with pytest.raises(AttributeError, match="no attribute 'cheques'"):
        refdiff.cheques  # noqa: B018


def extras_named_in_errors() -> set[tuple[str, str]]:
    """Every ``require("module", extra="...")`` of the package."""
    named = set()
    for path in (ROOT / "refdiff").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                named |= {
                    (str(path.relative_to(ROOT)), keyword.value.value)
                    for keyword in node.keywords
                    if keyword.arg == "extra" and isinstance(keyword.value, ast.Constant)
                }
    return named


def test_errors_about_missing_packages_name_extras_that_exist():
    extras = set(pyproject()["optional-dependencies"])
    wrong = {(where, name) for where, name in extras_named_in_errors() if name not in extras}
    assert not wrong


def test_all_brings_what_a_user_needs():
    extras = pyproject()["optional-dependencies"]
    assert set(extras) >= {"torch", "images", "cli", "check", "all", "test", "docs"}
    (requirement,) = map(Requirement, extras["all"])
    assert requirement.extras == {"torch", "images", "cli", "check"}


def pins() -> dict[str, str]:
    """The pinned version of each package in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    found = (
        re.fullmatch(r"([\w.-]+)==([\w.]+)", line) for line in lines if not line.startswith("#")
    )
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def required(requirements: list[str]) -> set[str]:
    """Names of all installed packages that these requirements lead to."""
    seen: set[tuple[str, frozenset[str]]] = set()
    left = [Requirement(text) for text in requirements]
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen or name == "refdiff":
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        seen.add(key)
        for need in map(Requirement, needs):
            if need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in {"", *requirement.extras}
            ):
                left.append(need)
    return {name for name, _ in seen}


def test_constraints_pin_everything_that_is_installed():
    """Else a new release of some package could turn the tests red, or green, by itself."""
    project, pinned = pyproject(), pins()
    wanted = [r for extra in project["optional-dependencies"].values() for r in extra]
    names = required(wanted + project["dependencies"])
    assert "numpy" in names
    assert not names - set(pinned)


def test_constraints_fit_the_declared_ranges():
    project, pinned = pyproject(), pins()
    for extra in [project["dependencies"], *project["optional-dependencies"].values()]:
        for requirement in map(Requirement, extra):
            if requirement.name != "refdiff":
                version = pinned[canonicalize_name(requirement.name)]
                assert requirement.specifier.contains(version), requirement


def test_version_has_an_entry_in_the_changelog():
    assert refdiff.__version__ in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_default_environments_and_ci_run_the_same_command():
    tox = (ROOT / "tox.ini").read_text("utf-8")
    assert "\nenv_list = lint, types, tests, docs, demo\n" in tox
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"^tox run ", script.read_text("utf-8"), re.MULTILINE)
