"""The global generators themselves, reached past whatever stands in their functions' places.

The probe seeds them and puts their states back while a target is watched for doing just that; what
it does itself must not be seen.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["kept", "numpy_state", "plain_state", "seed_all", "torch_state"]

# Methods of the one hidden instance behind each module's functions.
_NUMPY: Any = np.random.mtrand._rand
_PLAIN: Any = random._inst


def _torch() -> Any:
    import torch

    return torch.default_generator


def numpy_state() -> tuple[Any, ...]:
    """Return the state of NumPy's legacy generator in a form that can be compared."""
    name, keys, *rest = _NUMPY.get_state()
    return (name, keys.tobytes(), *rest)


def plain_state() -> Any:
    """Return the state of Python's generator."""
    return _PLAIN.getstate()


def torch_state() -> Any:
    """Return the state of torch's CPU generator, a byte tensor."""
    return _torch().get_state()


def seed_all(seed: int) -> None:
    """Seed all three."""
    _NUMPY.seed(seed % 2**32)
    _PLAIN.seed(seed)
    _torch().manual_seed(seed)


@contextmanager
def kept() -> Iterator[None]:
    """Put all three back where they stood."""
    numpy, plain, torch = _NUMPY.get_state(), _PLAIN.getstate(), torch_state()
    try:
        yield
    finally:
        _NUMPY.set_state(numpy)
        _PLAIN.setstate(plain)
        _torch().set_state(torch)
