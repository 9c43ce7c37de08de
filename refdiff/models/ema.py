r"""Averaged weights: the ones to sample with.

After update n = 1, 2, ... the average is

.. math:: \bar\theta_1 = \theta_1, \qquad
          \bar\theta_{n+1} = d_n \bar\theta_n + (1 - d_n)\,\theta_{n+1},
          \qquad d_n = \min\Big(d, \frac{1 + n}{10 + n}\Big)

with the wanted decay d. The second argument of the minimum is the warm-up: early on, the average
forgets the poor first weights; without it, d_n = d. The decay d itself is never overwritten.

The average lives in a network of its own, so evaluation and sampling read it there, and the
weights in training are never swapped out and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["ExponentialAverage"]

_COUNT = "num_updates"


class ExponentialAverage:
    """An exponential moving average of a network's weights.

    Parameters
    ----------
    model : nn.Module
        The network in training, before any `torch.compile`. Until the first update the average
        is a copy of it.
    decay : float
        The decay d, in [0, 1).
    warm_up : bool
        Begin with shorter averages; see the formula above.

    Raises
    ------
    ValueError
        If `decay` is outside [0, 1).
    """

    def __init__(self, model: nn.Module, *, decay: float, warm_up: bool = True) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay={decay!r} must be in [0, 1): 0 follows the weights themselves")
        self.decay = decay
        self.warm_up = warm_up
        self._averaged = AveragedModel(model, multi_avg_fn=self._blend)
        self._averaged.requires_grad_(False).eval()

    @property
    def model(self) -> nn.Module:
        """The network that holds the averaged weights, in evaluation mode, without gradients."""
        return self._averaged.module

    @property
    def num_updates(self) -> int:
        """Number of updates so far."""
        return int(self._averaged.n_averaged)

    def decay_at(self, num_updates: int) -> float:
        """Return d_n, the decay of the update that follows `num_updates` others."""
        if not self.warm_up:
            return self.decay
        return min(self.decay, (1 + num_updates) / (10 + num_updates))

    def update(self, model: nn.Module) -> None:
        """Take the weights of the network in training into the average."""
        self._averaged.update_parameters(model)

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the averaged weights, by name, and the number of updates."""
        state = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        return {**state, _COUNT: torch.tensor(self.num_updates, dtype=torch.int64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from what `state_dict` gave.

        Raises
        ------
        ValueError
            If a tensor is missing, unexpected or of another shape.
        """
        if _COUNT not in state:
            raise ValueError(f"the state of the averaged weights lacks {_COUNT!r}")
        weights = {name: value for name, value in state.items() if name != _COUNT}
        try:
            self.model.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(f"the state is of another network: {error}") from error
        self._averaged.n_averaged.fill_(int(state[_COUNT]))

    def _blend(
        self, averaged: Sequence[Tensor], current: Sequence[Tensor], num_updates: int | Tensor
    ) -> None:
        share = 1 - self.decay_at(int(num_updates))
        torch._foreach_lerp_(list(averaged), list(current), share)
