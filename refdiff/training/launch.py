"""One process or many: what the training loop needs to know of the others.

A single process needs no library for this. Under ``accelerate launch`` or ``torchrun`` (both set
``WORLD_SIZE``) the work is shared through `accelerate`: every process computes its share of each
batch, and the gradients are averaged.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from refdiff._errors import UserError
from refdiff._extras import require

__all__ = ["Launch", "start"]


class Launch:
    """A process that trains alone.

    Parameters
    ----------
    device : torch.device
        Where it computes.

    Attributes
    ----------
    index, count : int
        Which process this is, and of how many.
    """

    index = 0
    count = 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.index == 0

    def share(self, total: int) -> slice:
        """The part of this process in a row of `total` things, which the count divides."""
        size = total // self.count
        return slice(self.index * size, (self.index + 1) * size)

    def distribute(self, network: nn.Module) -> nn.Module:
        """Make the backward pass average the gradients over the processes."""
        return network

    def without_averaging(self, network: nn.Module) -> AbstractContextManager[Any]:
        """Context for all backward passes of a step but the last."""
        return nullcontext()

    def mean(self, value: Tensor) -> Tensor:
        """Average a value over the processes."""
        return value

    def any(self, flag: bool) -> bool:  # noqa: FBT001 - it is the value, not an option
        """Whether the flag is set in any process."""
        return flag

    def wait(self) -> None:
        """Wait until every process is here."""


class _Shared(Launch):
    """One of several processes that train together."""

    def __init__(self, device: str) -> None:
        accelerate = require("accelerate", extra="images", purpose="training in several processes")
        self._accelerator = accelerate.Accelerator(
            cpu=device == "cpu" or not torch.cuda.is_available()
        )
        super().__init__(self._accelerator.device)
        self.index = self._accelerator.process_index
        self.count = self._accelerator.num_processes

    def distribute(self, network: nn.Module) -> nn.Module:
        return self._accelerator.prepare_model(network)

    def without_averaging(self, network: nn.Module) -> AbstractContextManager[Any]:
        return self._accelerator.no_sync(network)

    def mean(self, value: Tensor) -> Tensor:
        return self._accelerator.reduce(value, reduction="mean")

    def any(self, flag: bool) -> bool:  # noqa: FBT001 - it is the value, not an option
        total = self._accelerator.reduce(
            torch.tensor(float(flag), device=self.device), reduction="sum"
        )
        return bool(total > 0)

    def wait(self) -> None:
        self._accelerator.wait_for_everyone()


def start(device: str) -> Launch:
    """Find out how this process was launched.

    Parameters
    ----------
    device : str
        ``"auto"`` for an accelerator where there is one, or a name such as ``"cpu"``, ``"cuda:0"``.

    Returns
    -------
    Launch
        Alone, or one of several.

    Raises
    ------
    UserError
        If the device does not exist here, or `accelerate` is needed and missing.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return _Shared(device)
    return Launch(find_device(device))


def find_device(name: str) -> torch.device:
    """Device of that name.

    Parameters
    ----------
    name : str
        ``"auto"`` for an accelerator where there is one, or torch's name of a device.

    Returns
    -------
    torch.device
        A device that tensors can be put on.

    Raises
    ------
    UserError
        If there is no such device here.
    """
    if name == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        return torch.device("cpu") if found is None else found
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(
            f"device {name!r} cannot be used here ({str(error).splitlines()[0]}): use 'cpu', or "
            "leave it at 'auto'."
        ) from error
