"""The target behind one face: its tables as arrays, its methods by meaning, its configuration."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from refdiff.conformance.shapes.gaussian_diffusion.handed import Handed
from refdiff.conformance.shapes.gaussian_diffusion.names import (
    METHODS,
    MODEL_ATTRIBUTES,
    SWITCHES,
    TABLES,
    MethodNames,
)

__all__ = ["Missing", "Subject", "recognises"]

_PRECISION = ("bfloat16", "float16", "float32", "float64")
Array = np.ndarray


class Missing(Exception):
    """What a check needs and the target does not offer; its text is the sentence to say so."""


@dataclass(frozen=True)
class Method:
    """A method of the target and the names of its arguments by meaning."""

    name: str
    call: Callable[..., Any]
    arguments: Mapping[str, str]
    switches: Mapping[str, Any]
    whole_times: bool
    """Whether it takes one time, a Python int, for the whole batch."""

    def takes(self, role: str) -> bool:
        """Say whether it has an argument of this meaning."""
        return role in self.arguments


def recognises(target: object) -> bool:
    """Say whether an object has a table of betas or alpha_bars, and a method of this shape."""
    if inspect.isclass(target) or inspect.ismodule(target):
        return False
    tables = [name for key in ("betas", "alphas_cumprod") for name in TABLES[key]]
    if not any(_is_table(getattr(target, name, None)) for name in tables):
        return False
    return any(_find(target, names) is not None for names in METHODS.values())


def _is_table(value: object) -> bool:
    try:
        return np.ndim(_numbers(value)) == 1 and value is not None
    except (TypeError, ValueError, RuntimeError):
        return False


def _numbers(value: Any) -> Array:
    if isinstance(value, torch.Tensor):
        value = value.detach().to("cpu", torch.float64).numpy()
    return np.array(value, dtype=np.float64)


def _dtype_name(value: Any) -> str:
    name = str(getattr(value, "dtype", "float64")).rpartition(".")[2]
    return name if name in _PRECISION else "float64"


class Subject:
    """A target of this shape.

    Parameters
    ----------
    target : object
        The object.

    Attributes
    ----------
    tables : dict of str to numpy.ndarray
        Its tables, float64, by the names of the OpenAI class.
    betas : numpy.ndarray
        Shape (T,).
    """

    def __init__(self, target: Any) -> None:
        self.target = target
        self.tables: dict[str, Array] = {}
        self.dtypes: dict[str, str] = {}
        self._kept: dict[str, Any] = {}
        for name, known in TABLES.items():
            for attribute in known:
                value = getattr(target, attribute, None)
                if value is not None and not callable(value) and _is_table(value):
                    self.tables[name] = _numbers(value)
                    self.dtypes[name] = _dtype_name(value)
                    break
        self.count = len(self.tables.get("betas", self.tables.get("alphas_cumprod", ())))

    def cached(self, name: str, make: Callable[[], Any]) -> Any:
        """Return ``make()``, made at the first call with this name."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @property
    def betas(self) -> Array:
        """Return the betas, formed from the alpha_bars if the target keeps only those."""
        if "betas" in self.tables:
            return self.tables["betas"]
        table = self.tables["alphas_cumprod"]
        before = np.concatenate([[1.0], table[:-1]])
        return np.asarray((before - table) / before)

    @property
    def alpha_bars(self) -> Array:
        """Return alpha_bar of the times 0..T, from the target's own betas."""
        return np.concatenate([[1.0], np.cumprod(1.0 - self.betas)])

    @property
    def table_dtype(self) -> str:
        """Return the coarsest dtype of its tables."""
        return min(self.dtypes.values(), key=_PRECISION.index, default="float64")

    @functools.cached_property
    def computes(self) -> str:
        """Return the coarser dtype of its tables and of what its methods look up in them."""
        if self.table_dtype != "float64" or not self.has("q_sample"):
            return self.table_dtype
        t = np.arange(self.count)
        if self.method("q_sample").whole_times or not self.method("q_sample").takes("eps"):
            return self.table_dtype
        ones = np.ones((self.count, 1, 1, 1))
        factors = _numbers(self.call("q_sample", x_0=ones, t=t, eps=0 * ones))
        coarse = factors.astype(np.float32).astype(np.float64)
        return "float32" if np.array_equal(factors, coarse) else self.table_dtype

    # ------------------------------------------------------------------ configuration

    @property
    def prediction(self) -> str | None:
        """Return what its model predicts, ``"eps"``, ``"x_0"``, ``"v"`` or ``"x_s"``; or None."""
        return _told(
            self.target,
            ("model_mean_type", "objective", "parameterization", "prediction_type", "pred_type"),
            {
                "eps": ("eps", "epsilon", "pred_noise", "noise"),
                "x_0": ("x_0", "x0", "start_x", "pred_x0", "sample", "xstart", "x_start"),
                "v": ("v", "pred_v", "v_prediction", "velocity"),
                "x_s": ("previous_x", "mean", "xprev"),
            },
        )

    @property
    def variance(self) -> str | None:
        """Return which reverse variance its configuration names, or None."""
        return _told(
            self.target,
            ("model_var_type", "var_type", "variance_type"),
            {
                "fixed-small": ("fixed_small", "fixedsmall", "fixed-small"),
                "fixed-large": ("fixed_large", "fixedlarge", "fixed-large"),
                "learned": ("learned",),
                "learned-range": ("learned_range", "learned-range"),
            },
        )

    @property
    def loss(self) -> str | None:
        """Return which loss its configuration names, or None."""
        return _told(
            self.target,
            ("loss_type", "loss_fn", "criterion"),
            {
                "mse": ("mse", "l2"),
                "rescaled-mse": ("rescaled_mse",),
                "kl": ("kl",),
                "rescaled-kl": ("rescaled_kl",),
                "l1": ("l1", "mae"),
                "huber": ("huber", "smooth_l1"),
            },
        )

    @property
    def rescales_times(self) -> bool:
        """Say whether it says that it tells its model times in units of T/1000."""
        return bool(getattr(self.target, "rescale_timesteps", False))

    @property
    def time_map(self) -> Array | None:
        """Return the training times that a respaced schedule tells its model, or None."""
        found = getattr(self.target, "timestep_map", None)
        return None if found is None or not _is_table(found) else _numbers(found)

    # ------------------------------------------------------------------ methods

    @functools.cache  # noqa: B019  (a subject lives as long as its checks)
    def method(self, name: str) -> Method:
        """Return a method.

        Raises
        ------
        Missing
            If the target does not offer it, or it needs arguments whose meaning is not known.
        """
        found = _find(self.target, METHODS[name])
        if found is None:
            raise Missing(f"the target has no method like {METHODS[name].names[0]}")
        return found

    def has(self, name: str) -> bool:
        """Say whether the target offers a method."""
        return _find(self.target, METHODS[name]) is not None

    def call(self, name: str, *, model: Any = None, **given: Any) -> Any:
        """Call a method with arguments by meaning; those that it does not take are left out.

        Parameters
        ----------
        name : str
            Of `METHODS`.
        model : callable, optional
            What the method is given as the network, or what stands in for the target's own.
        **given
            ``x_0``, ``x_t``, ``t``, ``eps``, ``clip`` ...: arrays become torch tensors.
        """
        method = self.method(name)
        arguments = dict(method.switches)
        for role, value in given.items():
            if role in arguments:
                arguments[role] = value
            elif method.takes(role):
                arguments[method.arguments[role]] = _as_torch(role, value, method)
        if model is None:
            return method.call(**arguments)
        if method.takes("model"):
            return method.call(**{method.arguments["model"]: Handed(model, None), **arguments})
        with self._own_network(model):
            return method.call(**arguments)

    @contextmanager
    def _own_network(self, model: Any) -> Iterator[None]:
        for attribute in MODEL_ATTRIBUTES:
            own = getattr(self.target, attribute, None)
            if callable(own):
                break
        else:
            raise Missing("the target's methods take no model, and it keeps none")
        handed = Handed(model, own)
        if not isinstance(self.target, torch.nn.Module):
            setattr(self.target, attribute, handed)
        else:
            self.target._modules[attribute] = handed
        try:
            yield
        finally:
            if not isinstance(self.target, torch.nn.Module):
                setattr(self.target, attribute, own)
            else:
                self.target._modules[attribute] = own


def _told(target: Any, attributes: tuple[str, ...], meanings: dict[str, tuple[str, ...]]) -> Any:
    for attribute in attributes:
        value = getattr(target, attribute, None)
        said = str(getattr(value, "name", value)).lower()
        for meaning, words in meanings.items():
            if said in words:
                return meaning
    return None


def _find(target: Any, known: MethodNames) -> Method | None:
    for name in known.names:
        function = getattr(target, name, None)
        if not callable(function) or isinstance(function, torch.nn.Module):
            continue
        try:
            found = _understood(name, function, known)
        except (TypeError, ValueError):  # no signature
            continue
        if found is not None:
            return found
    return None


def _understood(name: str, function: Any, known: MethodNames) -> Method | None:
    parameters = inspect.signature(function).parameters
    if any(other in parameters for other in known.without):
        return None
    arguments: dict[str, str] = {}
    for role, words in known.roles.items():
        meaning = role.rstrip("?")
        word = next((w for w in words if w in parameters and w not in arguments.values()), None)
        if word is not None:
            arguments[meaning] = word
        elif not role.endswith("?"):
            return None
    taken = {*arguments.values(), *SWITCHES}
    for parameter in parameters.values():
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.default is parameter.empty and not variadic and parameter.name not in taken:
            return None
    switches = {word: value for word, value in SWITCHES.items() if word in parameters}
    time = parameters.get(arguments.get("t", ""))
    whole = time is not None and time.annotation in (int, "int")
    return Method(name, function, arguments, switches, whole)


def _as_torch(role: str, value: Any, method: Method) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    if role == "t" and method.whole_times:
        if len(set(value.tolist())) > 1:
            raise Missing(f"{method.name} takes one time for the whole batch")
        return int(value[0])
    return torch.from_numpy(value.copy())
