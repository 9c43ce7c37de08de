"""The steps by which a deviation and a peer are added, done in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import contributing_pages  # noqa: E402

# The project that the page supposes: its noise is multiplied by the variance.
TOY = """
import numpy as np


class Toy:
    def __init__(self, num_timesteps=1000):
        self.num_timesteps = num_timesteps
        self.betas = np.linspace(1e-4, 0.02, num_timesteps)
        self.alphas_cumprod = np.cumprod(1 - self.betas)

    def q_sample(self, x_start, t, noise):
        a = self.alphas_cumprod[np.asarray(t)].reshape(-1, *[1] * (x_start.ndim - 1))
        return x_start * a**0.5 + noise * (1 - a)
"""


def blocks(page: str) -> dict[str, str]:
    """Return the code blocks of a page by their captions."""
    text = (ROOT / "docs" / "contributing" / f"{page}.rst").read_text("utf-8")
    pattern = r"^\.\. code-block:: \w+\n   :caption: (.*)\n\n((?:   .*\n|\n)+)"
    found = re.findall(pattern, text, re.MULTILINE)
    return {name: re.sub(r"^   ", "", body, flags=re.MULTILINE) for name, body in found}


def copy_of(folder: Path, *names: str) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", "generated", "_build")
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n\n{text}")


def python(folder: Path, *arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def test_page_on_equations_has_every_step_and_block_of_the_one_source() -> None:
    source = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    steps = source.partition("## Add an equation")[2].partition("\n## ")[0]
    page = contributing_pages.page(source)
    assert page.count(".. code-block:: ") == steps.count("```") // 2
    assert re.findall(r"^\*\*\d\. .*?\*\*", page, re.M) == re.findall(
        r"^\*\*\d\. .*?\*\*", steps, re.M
    )
    assert "``refdiff/catalogue/papers/doe2031.toml``" in page
    assert "\n   def noise_to_signal(*, alpha_bar_t: Array) -> Array:\n" in page
    assert "Add a data set" not in page


@pytest.fixture
def with_the_deviation(tmp_path: Path) -> Path:
    written = blocks("deviation")
    copy = copy_of(tmp_path, "refdiff")
    module = copy / next(name for name in written if name.startswith("in "))[len("in ") :]
    append(module, written[f"in {module.relative_to(copy)}"])
    (copy / "judge.py").write_text(written["judge.py"], "utf-8")
    return copy


def test_a_deviation_is_named_after_the_steps_as_written(with_the_deviation: Path) -> None:
    python(with_the_deviation, "judge.py")


def test_without_the_first_step_it_has_no_name(tmp_path: Path) -> None:
    script = tmp_path / "judge.py"
    script.write_text(blocks("deviation")["judge.py"], "utf-8")
    with pytest.raises(AssertionError, match="AssertionError"):
        python(ROOT, str(script))


def test_a_peer_is_added_by_the_steps_as_written(tmp_path: Path) -> None:
    written = blocks("peer")
    names = ("refdiff", "validation", "tests/validation", "docs", "README.md", "pyproject.toml")
    copy = copy_of(tmp_path / "copy", *names)
    targets, project = copy / "validation" / "targets", tmp_path / "toy"
    project.mkdir()
    (project / "toy_diffusion.py").write_text(TOY, "utf-8")

    append(targets / "peers.toml", written["peers.toml"])
    listed = targets / "listed.py"
    append(listed, written["listed.py"])
    text, last = listed.read_text("utf-8"), "        *_others(),\n"
    assert last in text
    listed.write_text(text.replace(last, f"{last}        *_toy(),\n"), "utf-8")

    judge = ("-m", "validation.targets", "toy", "--checkout", f"toy={project}")
    # A failing verdict asks for a finding.
    assert "! default: q-sample/" in python(copy, *judge, "--keep", status=1)
    (targets / "accepted" / "toy.toml").write_text(written["accepted/toy.toml"], "utf-8")
    python(copy, *judge, "--keep")
    python(copy, *judge)
    page = (copy / "docs" / "peers.rst").read_text("utf-8")
    assert "`toy <https://github.com/someone/toy>`__" in page
    assert "multiplies the noise by the variance" in page
    python(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/validation/test_targets.py")
