"""Noise in which sample i depends on (seed, i) alone.

One generator for a whole batch would make a sample depend on its neighbours: on the batch size,
the order, the number of processes. Here every sample has generators of its own, derived from the
seed and its index, so that any split of the indices over batches gives the same bits. The numbers
are drawn by NumPy on the CPU in float32 and then converted, so they do not depend on the device
either. (torch's CPU generator is no choice for this: it uses only 32 bits of its seed, and among
100,000 samples two would probably be alike.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refdiff._checks import check_count

if TYPE_CHECKING:
    import torch

__all__ = ["NumpySampleNoise", "SampleNoise"]

_INITIAL, _STEPS = 0, 1


class NumpySampleNoise:
    """Standard normal noise for a batch of NumPy arrays, sample by sample.

    An object is a ``noise(t, s, like)`` callable for a sampler, and gives the first state.

    Parameters
    ----------
    seed : int
        At least 0.
    indices : sequence of int
        The index i >= 0 of each of the B samples in the batch, in any order.
    shape : sequence of int
        Shape of one sample, without the batch axis.
    dtype : numpy dtype
        What the float32 draws are converted to.

    Raises
    ------
    ValueError
        If the seed, an index or a length is no integer >= 0.

    Notes
    -----
    Sample i draws from ``SeedSequence(seed, spawn_key=(i, k))``, with k = 0 for the first state
    and k = 1 for the steps. The first state is therefore the same whatever was drawn before.
    """

    def __init__(
        self,
        seed: int,
        indices: Sequence[int],
        shape: Sequence[int],
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self._seed = check_count("seed", seed, low=0, cure="it starts the random numbers.")
        cure = "it is the number of a sample, counted over all batches."
        self._indices = [check_count("indices", i, low=0, cure=cure) for i in indices]
        cure = "shape is that of one sample, such as (3, 32, 32)."
        self._shape = tuple(check_count("shape", n, low=1, cure=cure) for n in shape)
        self._dtype: Any = dtype
        self._generators = self._derived(_STEPS)
        self._draws = 0

    @property
    def draws(self) -> int:
        """How often a step has asked for noise; the first state does not count."""
        return self._draws

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of what is drawn: ``(B, *shape)``."""
        return (len(self._indices), *self._shape)

    def initial(self) -> Any:
        """Return the first state x_T, shape ``(B, *shape)``; the same at every call."""
        return self._converted(self._drawn(self._derived(_INITIAL)))

    def __call__(self, t: int, s: int, like: Any) -> Any:
        """Return fresh noise for the step from t to s, shape ``(B, *shape)``.

        Raises
        ------
        ValueError
            If ``like``, the state, has another shape.
        """
        if tuple(like.shape) != self.batch_shape:
            raise ValueError(
                f"the state has shape {tuple(like.shape)} and the noise {self.batch_shape}; give "
                f"one index for each sample of the batch, and the shape of one sample."
            )
        self._draws += 1
        return self._converted(self._drawn(self._generators))

    def _derived(self, stream: int) -> list[np.random.Generator]:
        # spawn_key, unlike a longer seed, keeps every (seed, i, k) apart.
        return [
            np.random.Generator(
                np.random.PCG64(np.random.SeedSequence(self._seed, spawn_key=(i, stream)))
            )
            for i in self._indices
        ]

    def _drawn(self, generators: list[np.random.Generator]) -> npt.NDArray[np.float32]:
        values = np.empty(self.batch_shape, dtype=np.float32)
        rows = values.reshape(len(generators), math.prod(self._shape))  # a view, also for ()
        for sample, generator in zip(rows, generators, strict=True):
            generator.standard_normal(out=sample, dtype=np.float32)
        return values

    def _converted(self, values: npt.NDArray[np.float32]) -> Any:
        return values.astype(self._dtype, copy=False)


class SampleNoise(NumpySampleNoise):
    """Standard normal noise for a batch of torch tensors, sample by sample.

    The numbers are those of `NumpySampleNoise` with the same seed, index and shape of a sample.

    Parameters
    ----------
    seed : int
        At least 0.
    indices : sequence of int
        The index i >= 0 of each of the B samples in the batch, in any order.
    shape : sequence of int
        Shape of one sample, without the batch axis.
    dtype : torch.dtype, optional
        What the float32 draws are converted to; float32 by default.
    device : torch.device or str, optional
        Where the tensors are put after they were drawn on the CPU.

    Raises
    ------
    ValueError
        If the seed, an index or a length is no integer >= 0.

    Examples
    --------
    >>> together = SampleNoise(7, [0, 1, 2], (1, 8, 8)).initial()
    >>> alone = SampleNoise(7, [2], (1, 8, 8)).initial()
    >>> bool((together[2] == alone[0]).all())
    True
    """

    def __init__(
        self,
        seed: int,
        indices: Sequence[int],
        shape: Sequence[int],
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(seed, indices, shape)
        self._dtype, self._device = dtype, device

    def _converted(self, values: npt.NDArray[np.float32]) -> torch.Tensor:
        import torch  # here: whoever samples NumPy arrays needs none

        return torch.from_numpy(values).to(device=self._device, dtype=self._dtype)
