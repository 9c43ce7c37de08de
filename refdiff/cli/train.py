"""`refdiff train`: train a network on images, or continue a run."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from refdiff._errors import UserError
from refdiff._extras import require
from refdiff.cli.options import (
    Flag,
    OptionalPath,
    OptionalReal,
    OptionalText,
    OptionalWhole,
    choice,
    default_hint,
    required,
)

if TYPE_CHECKING:
    from refdiff.training.data import ImageData

__all__ = ["Train"]

_BY_DATA = default_hint("chosen for the data")


_Prediction: TypeAlias = Literal["eps", "x_0", "v"]
_Weighting: TypeAlias = Literal["simple", "min-snr"]
_Schedule: TypeAlias = Literal["linear", "scaled-linear", "cosine", "sigmoid"]
_Precision: TypeAlias = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Train:
    """Train a network on images; the same command again goes on where it ended.

    Settings that are left out are chosen for the data; what was chosen stands in the run folder's
    config.json. Ctrl-C ends a run with a checkpoint.

    $ refdiff train --data digits --output runs/digits
    $ refdiff train --data ~/photos --image-size 64 --output runs/photos
    """

    output: Annotated[OptionalPath, required("DIR")] = None
    """Run folder: made if missing, continued if it holds this run."""
    data: Annotated[OptionalText, default_hint("required for a new run", metavar="NAME|PATH")] = (
        None
    )
    """digits, fashion-mnist, mnist, cifar10, or a folder.
    A folder holds IDX files, CIFAR-10's python batches, or pictures (a subfolder a class)."""
    config: Annotated[OptionalPath, default_hint("none")] = None
    """JSON file with a configuration, or a run's config.json.
    Options given here go before it."""
    fresh: Flag = False
    """Refuse to continue a run that the folder already holds."""
    strict: Flag = False
    """Refuse a folder with a picture that cannot be read, in place of skipping the picture."""
    image_size: Annotated[OptionalWhole, default_hint("that of the pictures")] = None
    """Cut a folder's pictures to squares and resize them to this side."""
    channels: Annotated[OptionalWhole, default_hint("what most pictures have")] = None
    """Read a folder's pictures as grey (1) or colour (3)."""

    steps: Annotated[OptionalWhole, _BY_DATA] = None
    """Updates of the weights in the whole run; a longer run may be asked for later."""
    batch_size: Annotated[OptionalWhole, _BY_DATA] = None
    """Images an update."""
    micro_batches: Annotated[OptionalWhole, _BY_DATA] = None
    """Parts in which a batch is computed, to save memory."""
    learning_rate: Annotated[OptionalReal, _BY_DATA] = None
    """Learning rate of AdamW after the warm-up."""
    ema_decay: Annotated[OptionalReal, _BY_DATA] = None
    """Decay a step of the averaged weights that one samples with."""

    prediction: Annotated[_Prediction | None, choice(_Prediction), _BY_DATA] = None
    """What the network predicts: the noise, the clean image, or the velocity."""
    weighting: Annotated[_Weighting | None, choice(_Weighting), _BY_DATA] = None
    """Weight of the noise levels in the loss: all alike, or min-SNR."""
    learned_variance: Flag = False
    """Learn the variance of the reverse steps too, with the hybrid loss."""
    label_dropout: Annotated[OptionalReal, _BY_DATA] = None
    """Chance that an image is shown without its label, which guidance needs."""
    unconditional: Flag = False
    """Leave the labels out altogether."""
    schedule: Annotated[_Schedule | None, choice(_Schedule), _BY_DATA] = None
    """Noise schedule."""
    noise_levels: Annotated[OptionalWhole, _BY_DATA] = None
    """Number of noise levels, T."""
    zero_terminal_snr: Flag = False
    """Rescale the schedule so that nothing of the image is left at time T."""

    precision: Annotated[_Precision | None, choice(_Precision), _BY_DATA] = None
    """Arithmetic of the network."""
    compile: Flag = False
    """Compile the network with torch.compile: slow to start, faster after."""
    device: str = "auto"
    """cpu, cuda, cuda:1 ..., or auto for an accelerator where there is one."""
    seed: Annotated[OptionalWhole, default_hint("0")] = None
    """Seed of the first weights and of every random draw."""
    log_every: Annotated[OptionalWhole, _BY_DATA] = None
    """Steps between two lines of log.jsonl."""
    checkpoint_every: Annotated[OptionalWhole, _BY_DATA] = None
    """Steps between two checkpoints."""
    sample_every: Annotated[OptionalWhole, _BY_DATA] = None
    """Steps between two sheets of samples; 0 for none."""

    def run(self) -> int:
        """Train, then say what to type next."""
        if self.output is None:
            raise UserError("refdiff train needs --output DIR, the folder for the run.")
        require("torch", extra="images", purpose="refdiff train")
        from refdiff.cli.train_settings import data_of, settings
        from refdiff.training import Interrupted, train

        base, data = settings(self)
        if data is None:
            data = data_of(self, base)
        _tell_skipped(data)
        try:
            train(base, self.output, data=data, resume=not self.fresh, device=self.device)
        except Interrupted as stop:
            print(
                f"\nrefdiff: stopped after step {stop.step}; the checkpoint is written. To go on:\n"
                f"  refdiff train --output {shlex.quote(str(self.output))}",
                file=sys.stderr,
            )
            return stop.exit_status
        folder = shlex.quote(str(self.output))
        guidance = "" if base.model.num_classes is None else " --guidance 1"
        print(
            f"Trained {base.optimizer.steps} steps; the run is in {self.output}. Next:\n"
            f"  refdiff sample {folder}{guidance} --output samples.png"
        )
        return 0


def _tell_skipped(data: ImageData) -> None:
    if not data.skipped:
        return
    shown = "; ".join(data.skipped[:5]) + (" ..." if len(data.skipped) > 5 else "")
    print(
        f"refdiff: {len(data.skipped)} of {len(data) + len(data.skipped)} pictures are skipped, "
        f"as they cannot be read (--strict refuses them): {shown}",
        file=sys.stderr,
    )
