"""The charts of the losses, each beside the least loss of the Gaussian with the digits' moments."""

from __future__ import annotations

from collections.abc import Sequence

from refdiff.cli.demo.charts import Line, line_chart
from refdiff.cli.demo.levels import LevelLosses
from refdiff.cli.demo.markup import Markup
from refdiff.training.log import LogEntry

__all__ = ["level_chart", "ratio_chart", "training_chart"]

_TIME = "time t (0: the digit, T: pure noise)"
_TOLD, _UNTOLD = "network, told the class", "network, not told the class"


def training_chart(log: Sequence[LogEntry], bound: float, prediction: str) -> Markup:
    """Draw the training loss by step.

    Parameters
    ----------
    log : sequence of LogEntry
        The log of the training, at least one entry.
    bound : float
        Least loss of the Gaussian, over all times alike.
    prediction : str
        What the network predicts.

    Returns
    -------
    Markup
        A chart.
    """
    curve = [(float(entry.step), entry.loss) for entry in log]
    gaussian = [(0.0, bound), (curve[-1][0], bound)]
    return line_chart(
        [
            Line("training loss", "first", curve),
            Line("least loss of the Gaussian", "reference", gaussian),
        ],
        title="Training loss by step, beside the least loss of the Gaussian",
        across="training step",
        up=f"mean square error of {prediction}",
    )


def level_chart(levels: LevelLosses) -> Markup:
    """Draw the loss of the predicted noise by noise level."""
    return line_chart(
        [
            _line(_TOLD, "first", levels, levels.with_class),
            _line(_UNTOLD, "second", levels, levels.without_class),
            _line("least loss of the Gaussian", "reference", levels, levels.affine),
        ],
        title="Loss of the predicted noise by time, beside the least loss of the Gaussian",
        across=_TIME,
        up="mean square error of eps",
    )


def ratio_chart(levels: LevelLosses) -> Markup:
    """Draw the same as a share of the Gaussian's least loss, which shows where the two meet."""

    def share(values: Sequence[float]) -> list[float]:
        return [value / least for value, least in zip(values, levels.affine, strict=True)]

    return line_chart(
        [
            _line(_TOLD, "first", levels, share(levels.with_class)),
            _line(_UNTOLD, "second", levels, share(levels.without_class)),
            _line("the Gaussian", "reference", levels, [1.0] * len(levels.times)),
        ],
        title="Loss of the predicted noise by time, as a share of the Gaussian's least loss",
        across=_TIME,
        up="share of the Gaussian's least loss",
    )


def _line(name: str, style: str, levels: LevelLosses, values: Sequence[float]) -> Line:
    return Line(name, style, [(float(t), v) for t, v in zip(levels.times, values, strict=True)])
