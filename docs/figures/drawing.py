"""Line charts for the pages: each drawn twice, to be read on a light page and on a dark one."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes

# Lines differ in colour and in dashes, so that nobody needs to tell the colours apart.
DASHES = ["-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1))]
INK = {"light": "#24292f", "dark": "#d7dbe0"}
FAINT = {"light": "#d0d4d9", "dark": "#3d434a"}
COLOURS = {
    "light": ["#0062a3", "#b34700", "#00735a", "#8a3a73", "#555555"],
    "dark": ["#6cb8f0", "#f0a04b", "#3ed1a5", "#e69ac9", "#bbbbbb"],
}


def save(
    folder: Path, name: str, plot: Callable[[Axes], None], *, size: tuple[float, float] = (5.2, 3.5)
) -> None:
    """Draw ``plot(axes)`` for both kinds of page, on no background."""
    for kind, ink in INK.items():
        style = {
            "axes.prop_cycle": cycler(color=COLOURS[kind], linestyle=DASHES),
            "axes.edgecolor": ink,
            "axes.labelcolor": ink,
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "font.size": 11,
            "grid.color": FAINT[kind],
            "legend.frameon": False,
            "lines.linewidth": 2,
            "text.color": ink,
            "xtick.color": ink,
            "ytick.color": ink,
        }
        with plt.rc_context(style):
            figure, axes = plt.subplots(figsize=size, layout="constrained")
            plot(axes)
            figure.savefig(folder / f"{name}-{kind}.png", dpi=200, transparent=True)
            plt.close(figure)
