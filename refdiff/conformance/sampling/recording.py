"""Running a target's sampler and recording all that it did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.loops import Recording
from refdiff.conformance.probe.draws import tagged_draws

__all__ = ["final_state", "name_of", "recorded"]

_ETAS = {0.0: "", 0.5: "-eta-half", 1.0: "-eta-one"}


def name_of(target: Any, eta: float | None = None) -> str:
    """Return the beginning of the ids of a sampler's checks: its own name, hyphenated."""
    name = getattr(target, "__name__", None) or type(target).__name__
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    hyphenated = re.sub(r"[^0-9a-z]+", "-", parted.lower()).strip("-") or "sampler"
    return hyphenated + ("" if eta is None else _ETAS.get(eta, f"-eta-{eta:g}"))


def recorded(call: Callable[[Any], Any], model: Any, x_T: NDArray[np.float64]) -> Recording:
    """Call a sampler with a recording model and return what it did.

    Parameters
    ----------
    call : callable
        ``call(model)`` runs the sampler and returns what it returns.
    model : ProbeModel
        The model.
    x_T : numpy.ndarray
        The state that the run begins with, float64.

    Returns
    -------
    Recording
        Calls, draws and the final state.
    """
    already = len(model.calls)
    with tagged_draws(model) as draws:
        result = final_state(call(model), x_T.shape)
    made = [replace(d, before_call=d.before_call - already) for d in draws.records]
    return Recording(x_T, model.calls[already:], made, result, tagged=draws.tagged)


def final_state(returned: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Find the final state in what a sampler returned.

    A list, a generator or a stack with one more axis holds all states, and the last one counts;
    of a tuple the first array that has the state's shape; of a dict or an object the entry or
    attribute ``x``, ``sample``, ``samples``, ``prev_sample`` or ``images``.
    """
    if isinstance(returned, Iterator):
        *_, returned = returned
    if isinstance(returned, dict):
        returned = next((returned[k] for k in _NAMES if k in returned), returned)
    for name in _NAMES:
        if not hasattr(returned, "shape") and hasattr(returned, name):
            returned = getattr(returned, name)
    if isinstance(returned, (list, tuple)):
        items = returned if isinstance(returned, tuple) else returned[::-1]
        fitting = [x for x in items if tuple(getattr(x, "shape", ())) == shape]
        returned = fitting[0] if fitting else final_state(items[0], shape)
    if hasattr(returned, "detach"):
        returned = returned.detach().cpu().double().numpy()
    array = np.array(returned, dtype=np.float64)
    return array[-1] if array.ndim == len(shape) + 1 and array.shape[1:] == shape else array


_NAMES = ("x", "sample", "samples", "prev_sample", "images")
