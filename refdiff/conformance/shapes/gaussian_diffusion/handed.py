"""The network that the target is given, or finds in the place of its own."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["Handed", "OwnNetworkNeeded"]


class OwnNetworkNeeded(AttributeError):
    """The target asked its network for something that only its own network has."""


class Handed(torch.nn.Module):
    """A callable as a module: with a parameter, since loops ask for its device.

    Parameters
    ----------
    answer : callable
        What it does.
    own : object or None
        The target's own network, whose plain attributes (channels, sizes, flags) it shows.
    """

    def __init__(self, answer: Any, own: Any) -> None:
        super().__init__()
        self.answer = answer
        self._own = [own]
        self.anchor = torch.nn.Parameter(torch.zeros(()))

    def forward(self, *arguments: Any, **named: Any) -> Any:
        """Answer."""
        return self.answer(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            own = self.__dict__["_own"][0]
            found = getattr(own, name, None) if own is not None else None
            if found is None or callable(found):
                raise OwnNetworkNeeded(
                    f"the target asks its network for {name!r}, which only its own network has"
                ) from None
            return found
