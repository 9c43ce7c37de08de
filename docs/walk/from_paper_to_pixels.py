"""From paper to pixels: a diffusion model of handwritten digits, whole, on refdiff's functions."""

from dataclasses import dataclass
from pathlib import Path

import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor, nn

from refdiff import equations as eq
from refdiff.models import ExponentialAverage
from refdiff.models.embeddings import sinusoidal_embedding
from refdiff.pictures import denoising_path, labelled_grid, save_png, to_uint8
from refdiff.samplers import (
    SampleNoise,
    at_times,
    classifier_free,
    ddim,
    ddpm,
    last,
)
from refdiff.training.data import load_data, to_tensor

# [settings]
T = 1000  # times 1..T are noisy, time 0 is the data
CLASSES = 10
NULL = CLASSES  # the label that says: no label
PIXELS = (1, 8, 8)
DDIM_STEPS = 50
FEW = 5  # steps, where mistakes are to be seen
FORWARD = [0, 50, 150, 300, 500, 1000]  # times of the forward process to show
SHOWN = [800, 600, 400, 200, 0]  # times on the way back to show


@dataclass(frozen=True)
class Size:
    """How long to train, and how many samples of each digit to draw."""

    updates: int = 1000
    batch: int = 128
    width: int = 256
    blocks: int = 3
    each: int = 20  # samples of each digit, to count how many are recognised


# [schedule]
ALPHA_BARS = eq.alpha_bars_from_betas(eq.linear_betas(T))  # NumPy, float64, T + 1 entries
assert ALPHA_BARS[0] == 1.0  # time 0 is the data and has no noise
LEVELS = torch.from_numpy(ALPHA_BARS).float()  # rounded once, at the end


# [data]
def load_digits() -> tuple[Tensor, Tensor]:
    """Return real handwritten digits, (N, 1, 8, 8) in [-1, 1], and their labels."""
    data = load_data("digits")
    return to_tensor(data.images, data.levels), torch.from_numpy(data.labels)


# [forward]
def noisy_path(x_0: Tensor, times: list[int]) -> list[Tensor]:
    """Return the digits at some times of the forward process, all with the same noise."""
    eps = SampleNoise(1, range(len(x_0)), PIXELS).initial()
    return [eq.forward_sample(x_0, eps, alpha_bar_t=float(ALPHA_BARS[t])) for t in times]


# [network]
class Block(nn.Module):
    """A residual block that the time and the label scale and shift."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.modulate = nn.Linear(width, 2 * width)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, h: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulate(condition).chunk(2, dim=1)
        inner = self.first(self.norm(h) * (1 + scale) + shift)
        return h + self.second(nn.functional.silu(inner))


class Network(nn.Module):
    """Predict the noise in x at time t, given the label y or none."""

    def __init__(self, width: int, blocks: int, *, table_of_times: bool = False) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(64, width), nn.Linear(width, 64)
        self.blocks = nn.ModuleList([Block(width) for _ in range(blocks)])
        self.label = nn.Embedding(CLASSES + 1, width)
        # A table has a row for each time, which learns nothing from its neighbours.
        self.time = nn.Embedding(T + 1, width) if table_of_times else nn.Linear(64, width)

    def forward(self, x: Tensor, t: Tensor | int, y: Tensor) -> Tensor:
        t = torch.as_tensor(t).expand(len(x))
        in_time = t if isinstance(self.time, nn.Embedding) else sinusoidal_embedding(t, 64)
        condition = nn.functional.silu(self.time(in_time) + self.label(y))
        h = self.enter(x.flatten(1))
        for block in self.blocks:
            h = block(h, condition)
        return self.leave(h).view_as(x)


# [training]
def train(
    size: Size,
    *,
    label_dropout: float = 0.1,
    last_time: int | None = None,
    table_of_times: bool = False,
) -> nn.Module:
    """Train a network to predict the noise, and return it with averaged weights."""
    torch.manual_seed(0)
    digits, labels = load_digits()
    network = Network(size.width, size.blocks, table_of_times=table_of_times)
    average = ExponentialAverage(network, decay=0.99)
    optimizer = torch.optim.AdamW(network.parameters())
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, size.updates)
    for _ in range(size.updates):
        chosen = torch.randint(len(digits), (size.batch,))
        x_0, y = digits[chosen], labels[chosen]
        # Hide some labels, each by a coin of its own, so that the network learns both answers.
        y = torch.where(torch.rand(size.batch) < label_dropout, NULL, y)
        # randint leaves its upper end out, so 1..T needs T + 1.
        t = torch.randint(1, (last_time or T) + 1, (size.batch,))
        eps = torch.randn_like(x_0)
        alpha_bar_t = eq.per_sample(LEVELS[t], x_0)
        x_t = eq.forward_sample(x_0, eps, alpha_bar_t=alpha_bar_t)
        loss = eq.simple_loss(eps, network(x_t, t, y)).mean()  # one value a picture
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        average.update(network)
    return average.model


# [sampling]
def draw_ddpm(network: nn.Module, y: Tensor, *, w: float = 0.0):
    """Sample with fresh noise in each of T steps; the last one, to time 0, adds none."""
    noise = SampleNoise(0, range(len(y)), PIXELS)
    model = classifier_free(network, y, null_label=NULL, w=w)
    times = range(T, 0, -1)
    return ddpm(model, noise.initial(), alpha_bars=ALPHA_BARS, timesteps=times, noise=noise)


def draw_ddim(
    network: nn.Module,
    y: Tensor,
    *,
    w: float = 0.0,
    count: int | None = None,
    start: int | None = None,
):
    """Sample without fresh noise in few steps, from the noisiest time to time 0."""
    x_T = SampleNoise(0, range(len(y)), PIXELS).initial()
    model = classifier_free(network, y, null_label=NULL, w=w)
    _, *following = eq.trailing_timesteps(T, count or DDIM_STEPS)
    times = [start or T, *following]
    return ddim(model, x_T, alpha_bars=ALPHA_BARS, timesteps=times, eta=0.0)


# [wrong end]
def draw_ddim_to_first_level(network: nn.Module, y: Tensor, *, count: int) -> Tensor:
    """Stop at the last time of the list, as code does whose tables have no time 0."""
    *_, at_first_level, _ = draw_ddim(network, y, count=count)
    return at_first_level.x


# [judging]
def judge():
    """Return a function that says how many samples are the digit asked for, and how far off range.

    A recogniser alone is easily pleased: a digit with too much contrast is still a digit.
    """
    digits, labels = load_digits()
    nearest = KNeighborsClassifier(3).fit(digits.flatten(1).numpy(), labels.numpy())

    def judged(name: str, x: Tensor, y: Tensor) -> str:
        found = nearest.predict(x.clamp(-1, 1).flatten(1).numpy())
        beyond = (x.abs() > 1.2).float().mean()
        return f"{name:<28}{(found == y.numpy()).mean():>6.0%}{beyond:>6.0%}"

    return judged


def loss_at(network: nn.Module, t: int) -> float:
    """Return the loss at one time, over all digits."""
    digits, labels = load_digits()
    eps = SampleNoise(2, range(len(digits)), PIXELS).initial()
    x_t = eq.forward_sample(digits, eps, alpha_bar_t=float(ALPHA_BARS[t]))
    return float(eq.simple_loss(eps, network(x_t, t, labels)).mean())


# [pictures]
def sheet(rows: list[Tensor]):
    """Put rows of ten pictures on a sheet."""
    return labelled_grid(
        to_uint8(torch.cat([row[:CLASSES] for row in rows])), columns=CLASSES, scale=7
    )


@torch.no_grad()
def draw(folder: Path, size: Size | None = None) -> None:
    """Make everything that the page shows."""
    size = size or Size()
    torch.set_num_threads(1)
    judged = judge()
    facts = [f"{'':<28}{'right':>6}{'off':>6}"]
    digits, labels = load_digits()
    y = torch.arange(CLASSES).repeat(size.each)

    # The forward process.
    first = torch.stack([digits[labels == digit][0] for digit in (3, 5, 8)])
    save_png(folder / "forward.png", denoising_path(noisy_path(first, FORWARD), FORWARD, scale=9))

    # A network, and samples from it.
    with torch.enable_grad():
        network = train(size)
    ancestral, direct = last(draw_ddpm(network, y)), last(draw_ddim(network, y))
    facts += [judged(f"DDPM, {T} steps", ancestral, y)]
    facts += [judged(f"DDIM, {DDIM_STEPS} steps", direct, y)]
    save_png(folder / "ddpm.png", sheet([ancestral, ancestral[10:], ancestral[20:]]))
    save_png(folder / "ddim.png", sheet([direct, direct[10:], direct[20:]]))

    # The denoising path: the states, and what the network takes the data to be.
    steps = list(at_times(draw_ddim(network, y[:CLASSES]), SHOWN))
    for name, states in (("path", [s.x for s in steps]), ("predicted", [s.x_0 for s in steps])):
        few = [state[[3, 5, 8]] for state in states]
        save_png(folder / f"{name}.png", denoising_path(few, SHOWN, scale=9))

    # Guidance.
    guided = {w: last(draw_ddim(network, y, w=w)) for w in (-1.0, 0.0, 1.0, 4.0)}
    facts += [judged(f"guided, w = {w:g}", x, y) for w, x in guided.items()]
    save_png(folder / "guidance.png", sheet(list(guided.values())))

    # The usual mistakes: labels never hidden; time T never drawn, with a table of times.
    with torch.enable_grad():
        hasty = train(size, label_dropout=0.0, last_time=T - 1, table_of_times=True)
    unheard = {w: last(draw_ddim(hasty, y, w=w, start=T - 1)) for w in (-1.0, 1.0)}
    facts += [judged(f"labels never hidden, w = {w:g}", x, y) for w, x in unheard.items()]
    save_png(
        folder / "no-dropout.png", sheet([guided[-1.0], unheard[-1.0], guided[1.0], unheard[1.0]])
    )

    seen = last(draw_ddim(hasty, y, count=FEW, start=T - 1))
    unseen = last(draw_ddim(hasty, y, count=FEW))
    facts += [judged(f"T unseen, {FEW} steps from T - 1", seen, y)]
    facts += [judged(f"T unseen, {FEW} steps from T", unseen, y)]
    save_png(folder / "last-time.png", sheet([seen, unseen]))

    # The wrong end: most visible with few steps.
    clear = last(draw_ddim(network, y, count=2 * FEW))
    veiled = draw_ddim_to_first_level(network, y, count=2 * FEW)
    facts += [judged(f"{2 * FEW} steps, to time 0", clear, y)]
    facts += [judged(f"{2 * FEW} steps, one level short", veiled, y)]
    save_png(folder / "wrong-end.png", sheet([clear, veiled]))

    losses = [f"{t}: {loss_at(hasty, t):.4f}" for t in (T - 1, T)]
    facts += ["", f"T unseen, loss at time {', at time '.join(losses)}"]
    (folder / "facts.txt").write_text("\n".join(facts) + "\n", "utf-8")
