"""`refdiff sample`: images from a trained network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import tyro

from refdiff._errors import UserError
from refdiff._extras import require
from refdiff.cli.options import (
    Flag,
    Labels,
    OptionalPath,
    OptionalReal,
    OptionalText,
    OptionalWhole,
    Real,
    Whole,
    choice,
    default_hint,
    required,
)

__all__ = ["Sample"]


_Sampler: TypeAlias = Literal["ddim", "ddpm", "dpm-solver++", "sde-dpm-solver++", "unipc", "lms"]
_Spacing: TypeAlias = Literal["trailing", "leading", "linspace"]
_Variance: TypeAlias = Literal["fixed-small", "fixed-large", "learned-range"]


@dataclass(frozen=True)
class Sample:
    """Sample images from a trained network.

    Sample i depends on the seed and on i alone, whatever the batch size or the count.

    $ refdiff sample runs/digits --guidance 1 --output digits.png
    $ refdiff sample runs/digits --sampler ddpm --labels 3,8 --count 1000 --output some.npz
    $ refdiff sample runs/digits --sampler dpm-solver++ --steps 20 --output single --path path.png
    """

    network: Annotated[
        OptionalText,
        tyro.conf.Positional,
        required("RUN_DIR|digits|fashion-mnist"),
    ] = None
    """Run folder of `refdiff train` or `refdiff demo`, or the name of shipped weights."""
    output: Annotated[OptionalPath, required("FILE.png|FILE.npz|DIR")] = None
    """FILE.png: all samples on one sheet, a row a class.
    FILE.npz: `images`, uint8 (N,H,W) or (N,H,W,3), and `labels` where there are classes.
    DIR: one PNG a sample."""
    count: Whole = 100
    """How many samples."""
    labels: Annotated[Labels, default_hint("all classes")] = None
    """Classes to ask for, in turn: sample i is of the (i mod K)-th of these K."""
    seed: Whole = 0
    """Seed of the noise."""
    sampler: Annotated[_Sampler, choice(_Sampler)] = "ddim"
    """DDIM; DDPM's ancestral sampler; or a solver that needs fewer steps: DPM-Solver++ 2M and its
    SDE form, UniPC of order 2, Adams-Bashforth of order 4."""
    steps: Annotated[OptionalWhole, default_hint("all T for ddpm, else 50")] = None
    """Steps of the sampler, at most the network's number of noise levels, T."""
    eta: Annotated[OptionalReal, default_hint("0")] = None
    """Noise of DDIM, from 0 for none to 1 for as much as DDPM adds."""
    guidance: Real = 0.0
    """Weight w of classifier-free guidance, as Ho and Salimans count it.
    The prediction is (1 + w) times the conditional minus w times the unconditional one.
    0 is the conditional model alone; the "guidance scale" of other programs is 1 + w."""
    spacing: Annotated[_Spacing, choice(_Spacing)] = "trailing"
    """Which of the T times are visited; leading does not begin at T."""
    variance: Annotated[
        _Variance | None,
        choice(_Variance),
        default_hint("learned-range if the network learned it, else fixed-small"),
    ] = None
    """Variance of DDPM's steps: beta-tilde, beta, or the network's own."""
    no_clip: Flag = False
    """Leave the predicted image as it is, in place of clipping it to [-1, 1] at each step."""
    threshold: Annotated[OptionalReal, default_hint("none", metavar="P")] = None
    """Dynamic thresholding at this percentile, such as 99.5, in place of clipping."""
    batch_size: Whole = 256
    """Samples computed together; changes no noise."""
    path: Annotated[OptionalPath, default_hint("none", metavar="FILE.png")] = None
    """Also draw the way from noise to image: the first ten samples in rows, times in columns."""
    device: str = "auto"
    """cpu, cuda, cuda:1 ..., or auto for an accelerator where there is one."""

    def run(self) -> int:
        """Sample and write the files, after every argument is checked."""
        if self.network is None:
            raise UserError("refdiff sample needs a run folder, such as runs/digits.")
        if self.output is None:
            raise UserError(
                "refdiff sample needs --output: FILE.png for one sheet, FILE.npz for arrays, or a "
                "folder."
            )
        if self.eta is not None and self.sampler != "ddim":
            raise UserError(
                f"--eta {self.eta:g} belongs to --sampler ddim, not to {self.sampler}: leave it "
                "out."
            )
        if self.variance is not None and self.sampler != "ddpm":
            raise UserError(
                f"--variance {self.variance} belongs to --sampler ddpm, not to {self.sampler}: "
                "leave it out, or for ddim give --eta."
            )
        if self.no_clip and self.threshold is not None:
            raise UserError("--no-clip and --threshold contradict each other: give one of them.")
        require("torch", extra="images", purpose="refdiff sample")
        from refdiff.cli.sampling import draw_and_write

        draw_and_write(self, self.network, self.output)
        return 0
