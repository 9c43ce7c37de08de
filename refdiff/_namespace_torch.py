"""The torch side of :mod:`refdiff._namespace`; imported when the first tensor arrives.

Module-level functions, so that ``torch.compile`` can follow a call from its first trace on.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import arctan, cos, exp, expm1, log, log1p, sin, sqrt, where
from torch.special import log_ndtr

from refdiff._namespace_phi import array_phi

__all__ = [
    "add_log_two_pi",
    "arctan",
    "cos",
    "divide",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log_ndtr",
    "maximum",
    "minimum",
    "phi",
    "sin",
    "sort_last",
    "sqrt",
    "to_bits",
    "where",
]


def divide(a: Any, b: Any) -> Any:
    """Return ``a / b``."""
    return a / b


def minimum(a: Any, b: Any) -> Any:
    """Return the smaller; a Python number takes the tensor's dtype and device."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.minimum(a, b)
    return a.clamp(max=b) if isinstance(a, torch.Tensor) else b.clamp(max=a)


def maximum(a: Any, b: Any) -> Any:
    """Return the larger; a Python number takes the tensor's dtype and device."""
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.maximum(a, b)
    return a.clamp(min=b) if isinstance(a, torch.Tensor) else b.clamp(min=a)


def phi(x: Any, order: int) -> Any:
    """Return phi_k(x)."""
    return array_phi(x, order, expm1, where)


def sort_last(x: Any) -> Any:
    """Return ``x`` sorted along its last axis."""
    return x.sort(dim=-1).values


def to_bits(nats: Any) -> Any:
    """Return ``nats / ln 2``."""
    return nats / math.log(2)


def add_log_two_pi(x: Any) -> Any:
    """Return ``x + ln(2 pi)``."""
    return x + math.log(2 * math.pi)
