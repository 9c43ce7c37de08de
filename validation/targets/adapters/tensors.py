"""Tensors of one dtype from the arrays and numbers that functions are called with."""

from typing import Any

import torch


def tensors(*values: Any) -> tuple[torch.Tensor, ...]:
    """Return values as tensors of the dtype of the first, broadcast against each other."""
    first = torch.as_tensor(values[0])
    return torch.broadcast_tensors(*(torch.as_tensor(v, dtype=first.dtype) for v in values))
