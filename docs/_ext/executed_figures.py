"""Figures made by scripts that the build runs: once, and again when what they are made of changes.

A script defines ``draw(folder)`` and writes PNG files, and what else a page includes, there. The
files of refdiff and of the documentation that it has imported are recorded with their hashes, and a
build in which none of them has changed does not run it again.

The directive ``executed-figure`` shows such a file. Where there is one for a light page and one for
a dark page (``name-light.png``, ``name-dark.png``), the reader sees the one that fits.
"""

import contextlib
import hashlib
import importlib
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives

ROOT = Path(__file__).resolve().parents[2]
STAMP = "made-of.json"
PACKAGES = ("matplotlib", "numpy", "pillow", "scikit-learn", "torch")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _versions() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _imported() -> list[Path]:
    """List the files of refdiff and of the documentation that this process has imported."""
    files = {
        Path(module.__file__).resolve()
        for module in list(sys.modules.values())
        if getattr(module, "__file__", None)
    }
    ours = (ROOT / "refdiff", ROOT / "docs")
    return sorted(f for f in files if f.is_file() and any(f.is_relative_to(o) for o in ours))


def is_fresh(folder: Path, script: Path) -> bool:
    """Say whether a folder holds the figures of a script as it is now."""
    try:
        stamp = json.loads((folder / STAMP).read_text("utf-8"))
        same = all(_digest(ROOT / name) == seen for name, seen in stamp["sources"].items())
    except (OSError, ValueError):
        return False
    known = script.resolve().relative_to(ROOT).as_posix() in stamp["sources"]
    there = all((folder / name).is_file() for name in stamp["files"])
    return known and same and there and stamp["versions"] == _versions()


def run(script: Path, folder: Path) -> None:
    """Run a script in this process and record what it was made of."""
    folder.mkdir(parents=True)
    sys.path.insert(0, str(script.parent))
    importlib.import_module(script.stem).draw(folder)
    sources = {path.relative_to(ROOT).as_posix(): _digest(path) for path in _imported()}
    files = sorted(path.name for path in folder.iterdir())
    stamp = {"sources": sources, "files": files, "versions": _versions()}
    (folder / STAMP).write_text(json.dumps(stamp, indent=1) + "\n", "utf-8")


def make(script: Path, folder: Path) -> bool:
    """Make the figures of a script unless they are there; say whether the script was run."""
    if is_fresh(folder, script):
        return False
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    # One thread and a process of its own: the same figures whatever the build has imported.
    surroundings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
    }
    done = subprocess.run(
        [sys.executable, __file__, str(script), str(new)],
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script.name} failed and its figures are missing:\n{done.stderr}")
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    return True


def generate(app) -> None:
    source = Path(app.srcdir)
    for name in app.config.figure_scripts:
        script = source / name
        make(script, source / "generated" / "figures" / script.stem)


class ExecutedFigure(Directive):
    """``.. executed-figure:: script/name`` with an alternative text and a caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        if "alt" not in self.options:
            raise self.error("executed-figure needs :alt:, for those who cannot see it")
        environment = self.state.document.settings.env
        folder, name = self.arguments[0].split("/")
        made = Path(environment.srcdir) / "generated" / "figures" / folder
        kinds = ["light", "dark"] if (made / f"{name}-light.png").is_file() else [""]
        figure = nodes.figure(classes=["executed-figure"])
        for kind in kinds:
            file = f"{name}-{kind}.png" if kind else f"{name}.png"
            if not (made / file).is_file():
                raise self.error(f"no script has made the figure {folder}/{file}")
            image = nodes.image(uri=f"/generated/figures/{folder}/{file}", alt=self.options["alt"])
            image["classes"].append(f"only-{kind}" if kind else "always-light")
            figure += image
        caption = nodes.caption()
        parsed = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        if parsed.children:
            caption += parsed.children[0].children
            figure += caption
        return [figure]


def trim(app, doctree) -> None:
    """Drop the empty lines that stand between two parts of a script, of which one is shown."""
    for block in doctree.findall(nodes.literal_block):
        text = block.astext().strip("\n")
        if "source" in block and text != block.astext():
            block.rawsource = text
            block.children = []
            block += nodes.Text(text)


def setup(app) -> dict[str, bool]:
    app.add_config_value("figure_scripts", [], "env", list)
    app.add_directive("executed-figure", ExecutedFigure)
    app.connect("builder-inited", generate)
    app.connect("doctree-read", trim)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    run(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
