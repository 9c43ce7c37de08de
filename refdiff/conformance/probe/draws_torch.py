"""The function mode by which `tagged_draws` sees torch's random functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from refdiff.conformance.probe.generators import torch_state
from refdiff.conformance.probe.model import as_array

if TYPE_CHECKING:
    from refdiff.conformance.probe.draws import Draws

__all__ = ["tagged"]

_KINDS: dict[str, str] = {
    "randn": "normal",
    "randn_like": "normal",
    "normal": "normal",
    "normal_": "normal",
    "rand": "uniform",
    "rand_like": "uniform",
    "uniform_": "uniform",
    "randint": "integers",
    "randint_like": "integers",
    "random_": "integers",
    "bernoulli": "integers",
    "bernoulli_": "integers",
    "multinomial": "integers",
    "poisson": "integers",
    "binomial": "integers",
    "geometric_": "integers",
    "randperm": "permutation",
    "exponential_": "exponential",
    "cauchy_": "cauchy",
    "log_normal_": "lognormal",
    "dropout": "dropout",
    "dropout_": "dropout",
    "feature_dropout": "dropout",
    "alpha_dropout": "dropout",
    "_standard_gamma": "gamma",
}
_STATES = {"manual_seed", "set_rng_state", "seed"}
_SCALED = {"normal", "normal_", "uniform_"}


@contextmanager
def tagged(draws: Draws) -> Iterator[None]:
    """Record what is drawn by torch."""
    with _Mode(draws) as mode, _states_announced(mode):
        yield
        mode.look()


@contextmanager
def _states_announced(mode: _Mode) -> Iterator[None]:
    """Tell the mode of seeds that the target sets: they are no draws."""
    originals = {name: getattr(torch, name) for name in sorted(_STATES)}

    def announced(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            mode.look()
            try:
                return function(*args, **kwargs)
            finally:
                mode.start()

        return call

    try:
        for home in (torch, torch.random):
            for name, original in originals.items():
                setattr(home, name, announced(original))
        yield
    finally:
        for home in (torch, torch.random):
            for name, original in originals.items():
                setattr(home, name, original)


class _Mode(TorchFunctionMode):
    def __init__(self, draws: Draws) -> None:
        super().__init__()
        self.draws = draws
        self.start()

    def start(self) -> None:
        """Remember where the global generator stands."""
        self.state = torch_state()

    def look(self) -> None:
        """Compare the generator with where the last recorded draw left it."""
        moved = not torch.equal(torch_state(), self.state)
        if moved and "torch" not in self.draws.unseen:
            self.draws.unseen.append("torch")

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        kind = _KINDS.get(name)
        if kind is None:
            return func(*args, **kwargs)
        # Calls in here are not seen by the mode: it is off while it handles one.
        self.look()
        try:
            result = func(*args, **kwargs)
            self._record(name, kind, result, args, kwargs)
        finally:
            self.start()
        return result

    def _record(self, name: str, kind: str, result: Any, args: Any, kwargs: Any) -> None:
        if kind == "dropout" and torch.equal(self.state, torch_state()):
            return  # switched off, or with probability 0
        low, width = _location_and_width(name, args, kwargs)
        given = (
            self.draws.replacement(kind, result.shape) if kind in ("normal", "uniform") else None
        )
        if given is None:
            safe = np.where(np.asarray(width) == 0, 1.0, width)
            self.draws.record(kind, (as_array(result) - low) / safe)
            return
        with torch.no_grad():
            # Through the dtype of the result first: the values are what the target gets.
            values = torch.from_numpy(np.array(given)).to(result.device, result.dtype)
            self.draws.record(kind, as_array(values))
            if name in _SCALED:
                values = values.to(torch.float64) * torch.as_tensor(width) + torch.as_tensor(low)
            result.copy_(values)


def _location_and_width(name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Return (a, b) of a + b z for the functions that scale what they draw."""
    if name == "normal":
        mean, std = [*args[:2], None, None][:2]
        mean = kwargs.get("mean", 0.0) if mean is None else mean
        std = kwargs.get("std", 1.0) if std is None else std
        return _numbers(mean), _numbers(std)
    if name == "normal_":
        mean, std = [*args[1:3], None, None][:2]
        mean = kwargs.get("mean", 0.0) if mean is None else mean
        std = kwargs.get("std", 1.0) if std is None else std
        return _numbers(mean), _numbers(std)
    if name == "uniform_":
        low, high = [*args[1:3], None, None][:2]
        low = kwargs.get("from", 0.0) if low is None else low
        high = kwargs.get("to", 1.0) if high is None else high
        return _numbers(low), _numbers(high) - _numbers(low)
    return np.asarray(0.0), np.asarray(1.0)


def _numbers(value: Any) -> Any:
    return as_array(value) if isinstance(value, torch.Tensor) else np.asarray(float(value))
