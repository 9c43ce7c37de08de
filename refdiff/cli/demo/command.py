"""The command: what the terminal shows while the demonstration is made, and after."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from refdiff._extras import require
from refdiff.cli.options import OptionalWhole, Whole, default_hint
from refdiff.cli.outcome import argument_errors
from refdiff.cli.targets import check_folder

if TYPE_CHECKING:
    from refdiff.cli.demo.report import Findings

__all__ = ["Demo"]

_NEEDED = ("torch", "sklearn", "PIL", "safetensors", "einops")


@dataclass(frozen=True)
class Demo:
    """Train on real handwritten digits, sample, measure, and write a report with the pictures.

    Takes under three minutes on two processor cores, and no GPU.
    What it trained stays in DIR/run; the same command again goes on where it was stopped.

    $ refdiff demo
    $ refdiff sample refdiff-demo/run --labels 3 --guidance 1 --output threes.png
    """

    output: Annotated[Path, default_hint("refdiff-demo", metavar="DIR")] = Path("refdiff-demo")
    """Folder for report.html, samples.png and the trained network (run); made if missing."""
    seed: Whole = 0
    """Seed of the weights, the training and the samples."""
    steps: Annotated[OptionalWhole, default_hint("800")] = None
    """Training steps; fewer give a quick look at worse digits."""

    def run(self) -> int:
        """Train, sample, measure, write the report, and say where it lies."""
        check_folder("--output", self.output)
        for module in _NEEDED:
            require(module, extra="images", purpose="refdiff demo")
        from refdiff._files import atomic_write_files
        from refdiff.cli.demo.recipe import training
        from refdiff.cli.demo.report import chosen_guided, render
        from refdiff.cli.demo.sheets import png_sheet
        from refdiff.cli.demo.work import carry_out

        with argument_errors():
            given = {} if self.steps is None else {"steps": self.steps}
            config = training(seed=self.seed, **given)
        again = shlex.join(["refdiff", "demo", *self._options()])
        findings = carry_out(config, self.output / "run", again=again, say=_say)
        report = self.output / "report.html"
        sheet = png_sheet(chosen_guided(findings.measured))
        atomic_write_files({self.output / "samples.png": sheet, report: render(findings).encode()})
        print(_summary(findings))
        print(f"\nOpen {report} in a browser. More samples:\n  {findings.sampling}")
        return 0

    def _options(self) -> list[str]:
        """Options that are not at their defaults."""
        options: list[str] = []
        for name, value, usual in (
            ("--output", str(self.output), "refdiff-demo"),
            ("--seed", self.seed, 0),
            ("--steps", self.steps, None),
        ):
            if value != usual:
                options += [name, str(value)]
        return options


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _summary(findings: Findings) -> str:
    """A table of the figures, a line a method."""
    from refdiff.cli.demo.tables import percent

    first = findings.measured[0].figures
    head = ("", "recognised as asked", "Fréchet, classifier", "Fréchet, pixels", "seconds")
    rows: list[tuple[str, ...]] = [head]
    for entry in findings.measured:
        distances = (f"{distance.samples:.2f}" for distance in entry.figures.frechet)
        accuracy = percent(entry.figures.accuracy)
        rows.append((entry.method.name, accuracy, *distances, f"{entry.seconds:.1f}"))
    real = (f"{distance.held_out:.2f}" for distance in first.frechet)
    rows.append(("real held-out digits", percent(first.held_out_accuracy), *real, ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    seconds = sum(seconds for _, seconds in findings.times)
    return "\n".join(["", *lines, "", f"All of it took {seconds:.0f} s."])
