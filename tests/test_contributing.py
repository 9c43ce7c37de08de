"""The steps by which CONTRIBUTING.md adds an equation, done in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAW_HEADER = """
import pytest
from hypothesis import given
from refdiff.equations import noise_to_signal, transition_variance
from refdiff.testing import assert_close, strategies


"""


def code_blocks():
    """Return the blocks of the section, by the step that each belongs to."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = text.partition("## Add an equation")[2].partition("\n## ")[0]
    steps = re.split(r"^\*\*(\d)\. ", section, flags=re.MULTILINE)
    found = zip(steps[1::2], steps[2::2], strict=True)
    blocks = {int(n): re.search(r"```\w+\n(.*?)```", body, re.DOTALL) for n, body in found}
    return {step: block[1] for step, block in blocks.items() if block}


def replace(path, old, new):
    text = path.read_text("utf-8")
    assert old in text, f"{path}: {old!r}"
    path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.fixture
def repository(tmp_path):
    """A copy in which the steps were followed."""
    blocks = code_blocks()
    for name in ("refdiff", "tests"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    catalogue, equations = tmp_path / "refdiff" / "catalogue", tmp_path / "refdiff" / "equations"
    (catalogue / "papers" / "doe2031.toml").write_text(blocks[1], "utf-8")
    with (catalogue / "papers.bib").open("a", encoding="utf-8") as file:
        file.write("\n@article{doe2031, title = {On Ratios}, author = {Jane Doe}, year = {2031}}\n")

    topic, package = equations / "signal_to_noise.py", equations / "__init__.py"
    replace(topic, "check_in\n", "HALF_OPEN_AT_0, check_in\n")
    replace(topic, "import Array, ", "import Array, sqrt, ")
    replace(topic, "__all__ = [", '__all__ = ["noise_to_signal", ')
    topic.write_text(topic.read_text("utf-8") + "\n\n" + blocks[2], "utf-8")
    replace(package, "__all__ = [", '__all__ = ["noise_to_signal", ')
    replace(package, "signal_to_noise import (", "signal_to_noise import (noise_to_signal, ")

    support = tmp_path / "tests" / "support"
    replace(support / "textbook.py", "\nTEXTBOOK = {", f"\n{blocks[3]}\n\nTEXTBOOK = {{")
    with (support / "textbook.py").open("a", encoding="utf-8") as file:
        file.write('\nTEXTBOOK["noise_to_signal"] = noise_to_signal\n')
    replace(support / "cases.py", "ROWS = [\n", f"ROWS = [\n    {blocks[4].strip()},\n")
    law = tmp_path / "tests" / "equations" / "test_ratios.py"
    law.write_text('"""Ratios."""\n' + LAW_HEADER + blocks[5], "utf-8")
    return tmp_path


def run_pytest(repository, *arguments):
    # The profile without shrinking: a failure is wanted here, not its simplest form.
    profile = {"REFDIFF_HYPOTHESIS_PROFILE": "mutation"}
    environment = {**os.environ, "PYTHONPATH": str(repository), **profile}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


TESTS = ("tests/meta", "tests/equations", "refdiff/equations/signal_to_noise.py")
SELECTED = ("-k", "noise_to_signal or ratios or bijection or has_a_test or exists")


def test_an_equation_is_added_by_the_steps_as_written(repository):
    done = run_pytest(repository, *TESTS, *SELECTED)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed > 10


def test_a_slip_in_the_new_function_is_found(repository):
    topic = repository / "refdiff" / "equations" / "signal_to_noise.py"
    replace(topic, "sqrt((1 - alpha_bar_t) / alpha_bar_t)", "(1 - alpha_bar_t) / alpha_bar_t")
    tests = [f"tests/equations/{name}.py" for name in ("test_oracles", "test_ratios")]
    done = run_pytest(repository, *tests, "-k", "(budget and noise_to_signal) or ratios")
    assert done.returncode == 1, done.stdout[-4000:]
    assert "test_within_budget_of_the_textbook" in done.stdout
    assert "test_squares_grow_by_the_noise_of_the_step" in done.stdout
