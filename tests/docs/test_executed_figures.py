"""The figures of the documentation: made once, again when their sources change, and right."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def loaded(path, monkeypatch):
    """Import a file of the documentation, which is no package."""
    monkeypatch.syspath_prepend(str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def figures(monkeypatch):
    pytest.importorskip("sphinx", reason="the documentation is built with Sphinx")
    return loaded(ROOT / "docs" / "_ext" / "executed_figures.py", monkeypatch)


@pytest.fixture
def script(tmp_path, monkeypatch, figures):
    """Write a script of a checkout of its own, where its sources may be changed."""
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    path = tmp_path / "docs" / "draws.py"
    path.parent.mkdir()
    path.write_text("def draw(folder):\n    (folder / 'a.png').write_bytes(b'a')\n")
    return path


def test_figures_are_fresh_until_a_source_changes(figures, script, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / "made"
    figures.run(script, folder)
    sys.modules.pop("draws")
    assert figures.is_fresh(folder, script)
    assert list(json.loads((folder / figures.STAMP).read_text())["sources"]) == ["docs/draws.py"]
    assert not figures.make(script, folder)
    script.write_text(script.read_text() + "\n")
    assert not figures.is_fresh(folder, script)


@pytest.mark.parametrize("harm", ["figure", "stamp", "version"])
def test_damaged_figures_are_made_again(figures, script, tmp_path, monkeypatch, harm):
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / "made"
    figures.run(script, folder)
    sys.modules.pop("draws")
    if harm == "figure":
        (folder / "a.png").unlink()
    elif harm == "stamp":
        (folder / figures.STAMP).write_text("{")
    else:
        monkeypatch.setattr(figures, "_versions", lambda: {"numpy": "another"})
    assert not figures.is_fresh(folder, script)


def test_the_walk_runs_and_draws_all_that_its_page_shows(tmp_path, monkeypatch):
    walk = loaded(ROOT / "docs" / "walk" / "from_paper_to_pixels.py", monkeypatch)
    monkeypatch.setattr(walk, "T", 20)
    monkeypatch.setattr(walk, "ALPHA_BARS", walk.eq.alpha_bars_from_betas(walk.eq.linear_betas(20)))
    monkeypatch.setattr(walk, "LEVELS", walk.torch.from_numpy(walk.ALPHA_BARS).float())
    monkeypatch.setattr(walk, "FORWARD", [0, 10, 20])
    monkeypatch.setattr(walk, "SHOWN", [10, 0])
    monkeypatch.setattr(walk, "DDIM_STEPS", 4)
    monkeypatch.setattr(walk, "FEW", 2)
    walk.draw(tmp_path, walk.Size(updates=3, batch=4, width=8, blocks=1, each=3))
    page = (ROOT / "docs" / "from-paper-to-pixels.rst").read_text("utf-8")
    wanted = [
        f"{line.split('/')[-1].strip()}.png" for line in page.splitlines() if ":: from_p" in line
    ]
    assert wanted
    assert {path.name for path in tmp_path.iterdir()} == {*wanted, "facts.txt"}


def test_ending_one_level_short_leaves_noise_behind(monkeypatch):
    walk = loaded(ROOT / "docs" / "walk" / "from_paper_to_pixels.py", monkeypatch)
    labels = walk.torch.arange(10)

    def exact(x, t, y):
        """Predict the noise for data that are all grey: eps = x / sqrt(1 - alpha_bar)."""
        return x / float(1.0 - walk.ALPHA_BARS[t]) ** 0.5

    assert walk.last(walk.draw_ddim(exact, labels, count=10)).abs().max() < 0.01
    left = walk.draw_ddim_to_first_level(exact, labels, count=10)
    level = float(np.sqrt(1.0 - walk.ALPHA_BARS[100]))
    assert 0.9 * level < left.std() < 1.1 * level


def test_the_orders_in_the_figure_are_those_in_its_legend(monkeypatch):
    orders = loaded(ROOT / "docs" / "figures" / "orders.py", monkeypatch)
    for name, sampler in orders.SAMPLERS.items():
        found = np.log2(orders.error(sampler, 128) / orders.error(sampler, 256))
        assert round(found) == int(name[-1]), name


def test_the_samples_of_the_guidance_figure_are_a_density(monkeypatch):
    guidance = loaded(ROOT / "docs" / "figures" / "guidance_weights.py", monkeypatch)
    x, density = guidance.sampled_density(0.0, steps=100)
    # Without guidance: the class itself, normal with mean 1 and variance 1/2.
    mass = np.trapezoid(density, x)
    mean = np.trapezoid(x * density, x)
    variance = np.trapezoid((x - mean) ** 2 * density, x)
    assert 0.99 < mass < 1.01
    assert 0.98 < mean < 1.02
    assert 0.45 < variance < 0.52
