"""One step of training, and the state that a checkpoint keeps of it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from refdiff._errors import UserError
from refdiff.models import ExponentialAverage, UNet
from refdiff.training.batches import (
    ImageStore,
    entropy,
    epoch_and_position,
    seeded,
    stream_indices,
)
from refdiff.training.checkpoints import Checkpoint
from refdiff.training.config import TrainConfig
from refdiff.training.data import ImageData
from refdiff.training.launch import Launch
from refdiff.training.objective import Objective
from refdiff.training.records import deciding_digest
from refdiff.training.schedule import alpha_bars_of

__all__ = ["Figures", "Trainer"]


@dataclass(frozen=True)
class Figures:
    """What is known of the newest steps.

    Parameters
    ----------
    loss : float
        Mean over the steps since `Trainer.forget_figures`.
    grad_norm, learning_rate : float
        Of the last step; the norm is that before clipping.
    """

    loss: float
    grad_norm: float
    learning_rate: float


class Trainer:
    """The network, its average, the optimizer, and how they take a step.

    Parameters
    ----------
    config : TrainConfig
        What to train.
    data : ImageData
        The images.
    launch : Launch
        The other processes, if any.

    Raises
    ------
    ValueError
        If the schedule's parameters do not describe a schedule.
    """

    def __init__(self, config: TrainConfig, data: ImageData, launch: Launch) -> None:
        self.config, self.launch = config, launch
        self.step = 0
        self.seconds = 0.0
        self.alpha_bars = alpha_bars_of(config.schedule)
        self.objective = Objective(
            config.objective,
            self.alpha_bars,
            null_label=config.model.null_label,
            learned_variance=config.model.learned_variance,
            device=launch.device,
        )
        self._store = ImageStore(data, device=launch.device, channels_last=config.channels_last)
        torch.manual_seed(entropy(config.seed, "weights"))
        self.network = UNet(config.model).to(launch.device)
        if config.channels_last:
            # torch's stubs leave this overload out.
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.train()
        self._parameters = list(self.network.parameters())  # the walk to them takes milliseconds
        self.average = ExponentialAverage(self.network, decay=config.ema_decay)
        self.optimizer = self._new_optimizer()
        self._distributed = launch.distribute(self.network)
        self._forward = torch.compile(self._distributed) if config.compile else self._distributed
        self._loss_sum = torch.zeros((), dtype=torch.float32, device=launch.device)
        self._loss_count = 0
        self._grad_norm = torch.zeros((), device=launch.device)

    @property
    def averaged(self) -> UNet:
        """The network with averaged weights, which is the one to sample with."""
        return cast(UNet, self.average.model)

    @property
    def _fused(self) -> bool:
        return self.launch.device.type in ("cpu", "cuda")

    def _new_optimizer(self) -> torch.optim.AdamW:
        settings = self.config.optimizer
        return torch.optim.AdamW(
            self._parameters,
            lr=settings.learning_rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
            fused=self._fused,
        )

    def learning_rate(self, step: int) -> float:
        """Learning rate of the step after `step` steps: a linear warm-up, then constant."""
        settings = self.config.optimizer
        return settings.learning_rate * min(1.0, (step + 1) / max(1, settings.warmup_steps))

    def advance(self) -> None:
        """Take one step."""
        settings, seed = self.config.optimizer, self.config.seed
        device, step = self.launch.device, self.step
        share = self.launch.share(settings.batch_size)
        indices = stream_indices(
            seed, step * settings.batch_size, settings.batch_size, len(self._store)
        )
        model = self.config.model
        shape = (settings.batch_size, model.in_channels, model.image_size, model.image_size)
        # Drawn for the whole batch in every process, so that the run does not depend on how many.
        draws = self.objective.draw(shape, seeded(seed, "noise", step, device=device)).part(share)
        batch = self._store.batch(indices[share], mirrored=self._mirrored(share))
        if model.dropout:
            torch.manual_seed(entropy(seed, "dropout", step, self.launch.index))
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(step)
        self.optimizer.zero_grad(set_to_none=True)
        size = (share.stop - share.start) // settings.micro_batches
        for part in range(settings.micro_batches):
            rows = slice(part * size, (part + 1) * size)
            labels = None if batch.labels is None else batch.labels[rows]
            last = part == settings.micro_batches - 1
            with nullcontext() if last else self.launch.without_averaging(self._distributed):
                losses = self.objective.losses(
                    self._predict, batch.x_0[rows], labels, draws.part(rows)
                )
                # The mean over this process's share; gradients are averaged over processes.
                loss = losses.total.mean() / settings.micro_batches
                loss.backward()
            self._loss_sum += loss.detach()
        limit = float("inf") if settings.clip_norm is None else settings.clip_norm
        self._grad_norm = nn.utils.clip_grad_norm_(self._parameters, limit)
        self.optimizer.step()
        self.average.update(self.network)
        self._loss_count += 1
        self.step += 1

    def _predict(self, x: Tensor, t: Tensor, y: Tensor | None) -> Tensor:
        with torch.autocast(
            x.device.type, dtype=torch.bfloat16, enabled=self.config.precision == "bf16"
        ):
            return self._forward(x, t, y)

    def _mirrored(self, share: slice) -> Tensor | None:
        if not self.config.data.horizontal_flip:
            return None
        generator = seeded(self.config.seed, "flip", self.step, device=self.launch.device)
        batch_size = self.config.optimizer.batch_size
        draws = torch.rand(batch_size, generator=generator, device=self.launch.device)
        return (draws < 0.5)[share]

    def figures(self) -> Figures:
        """Figures of the newest steps; waits for the device.

        Raises
        ------
        UserError
            If the loss is no longer a number.
        """
        loss = float(self.launch.mean(self._loss_sum)) / max(1, self._loss_count)
        norm = float(self._grad_norm)
        if not (abs(loss) < float("inf") and norm < float("inf")):
            raise UserError(
                f"the training has diverged: at step {self.step} the loss is {loss:g} and the norm "
                f"of the gradient {norm:g}; lower optimizer.learning_rate (now "
                f"{self.config.optimizer.learning_rate:g}), warm up for longer or clip the "
                "gradient, and train in another folder."
            )
        return Figures(loss, norm, self.learning_rate(self.step - 1))

    def forget_figures(self) -> None:
        """Begin a new mean of the loss."""
        self._loss_sum = torch.zeros_like(self._loss_sum)
        self._loss_count = 0

    def snapshot(self) -> Checkpoint:
        """State of the run; every process must call it, and one may write it."""
        self.figures()  # a diverged network must not take the place of a good one
        num_images, batch_size = len(self._store), self.config.optimizer.batch_size
        epoch, position = epoch_and_position(self.step, batch_size, num_images)
        return Checkpoint(
            step=self.step,
            tensors={
                "weights": dict(self.network.state_dict()),
                "ema": dict(self.average.state_dict()),
                "optimizer": self._optimizer_tensors(),
            },
            state={
                "epoch": epoch,
                "position": position,
                "seed": self.config.seed,
                "loss_sum": float(self.launch.mean(self._loss_sum)),
                "loss_count": self._loss_count,
                "seconds": self.seconds,
                "config": deciding_digest(self.config),
            },
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a snapshot.

        Raises
        ------
        UserError
            If it is of another configuration.
        """
        state = checkpoint.state
        if state["config"] != deciding_digest(self.config):
            raise UserError(
                f"the checkpoint of step {checkpoint.step} was written with another configuration "
                "than config.json holds: restore that file, or train in another folder."
            )
        self.network.load_state_dict(checkpoint.tensors["weights"])
        self.average.load_state_dict(checkpoint.tensors["ema"])
        self._restore_optimizer(checkpoint.tensors["optimizer"])
        self.step = checkpoint.step
        self._loss_sum.fill_(state["loss_sum"])
        self._loss_count = state["loss_count"]
        self.seconds = state["seconds"]

    def _optimizer_tensors(self) -> dict[str, Tensor]:
        return {
            f"{kind}/{name}": value
            for name, parameter in self.network.named_parameters()
            for kind, value in self.optimizer.state[parameter].items()
        }

    def _restore_optimizer(self, tensors: dict[str, Tensor]) -> None:
        parameters = dict(self.network.named_parameters())
        for key, saved in tensors.items():
            kind, _, name = key.partition("/")
            parameter = parameters[name]
            if kind == "step":  # a number, which only the fused kernel wants on the device
                value = saved.to(parameter.device if self._fused else "cpu")
            else:
                # In the memory format of the parameter: the kernel walks through both at once.
                value = torch.empty_like(parameter, requires_grad=False).copy_(saved)
            self.optimizer.state[parameter][kind] = value
