"""What guidance makes of a mixture of two classes, whose exact predictions are known."""

from pathlib import Path

import numpy as np
from drawing import save
from scipy.stats import norm

from refdiff.closed_form import GaussianMixture
from refdiff.equations import alpha_bars_from_betas, cosine_betas, trailing_timesteps
from refdiff.samplers import ddim, guided, last

CLASSES = GaussianMixture([0.5, 0.5], [[-1.0], [1.0]], 0.5)
ALPHA_BARS = alpha_bars_from_betas(cosine_betas(1000))
GRID = np.linspace(-2.5, 5.0, 1501)


def _model(data: GaussianMixture):
    return lambda x, t: data.optimal_v(x, alpha_bar_t=ALPHA_BARS[t])


def sampled_density(w: float, *, count: int = 801, steps: int = 250) -> tuple[np.ndarray, ...]:
    """Push quantiles of the noise through DDIM; in one dimension their distances are the law."""
    z = norm.ppf((np.arange(count) + 0.5) / count)
    model = guided(_model(CLASSES.conditional(1)), _model(CLASSES), w=w)
    times = trailing_timesteps(1000, steps)
    ends = ddim(model, z[:, None], alpha_bars=ALPHA_BARS, timesteps=times, eta=0.0, prediction="v")
    x = last(ends)[:, 0]
    return x, norm.pdf(z) / np.gradient(x, z)


def tilted_density(w: float) -> np.ndarray:
    """Normalise p(x | 1) (p(x | 1) / p(x))^w on the grid."""
    points = GRID[:, None]
    conditional = CLASSES.conditional(1).log_density(points)
    tilted = np.exp((1 + w) * conditional - w * CLASSES.log_density(points))
    return tilted / np.trapezoid(tilted, GRID)


def _plot(axes) -> None:
    for w, dashes in ((0.0, "-"), (1.0, "--"), (4.0, "-.")):
        (line,) = axes.plot(*sampled_density(w), ls=dashes, label=f"sampled, w = {w:g}")
        if w:
            label = f"tilted density, w = {w:g}"
            axes.plot(GRID, tilted_density(w), ls=dashes, lw=0.9, c=line.get_color(), label=label)
    axes.set(xlabel="x", ylabel="density", xlim=(-2.5, 5.0), ylim=(0, None))
    axes.legend(fontsize=9)


def draw(folder: Path) -> None:
    """Write the figure."""
    save(folder, "mixture", _plot)
