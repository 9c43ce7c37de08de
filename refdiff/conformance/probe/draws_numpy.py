"""Stand-ins for `numpy.random` and `random`, as `tagged_draws` sets them up and takes them down."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from refdiff.conformance.probe.generators import numpy_state, plain_state

if TYPE_CHECKING:
    from refdiff.conformance.probe.draws import Draws

__all__ = ["tagged"]

_NORMAL = ("randn", "standard_normal", "normal")
_UNIFORM = ("rand", "random", "random_sample", "ranf", "sample", "uniform")
_INTEGERS = (
    "randint",
    "random_integers",
    "integers",
    "choice",
    "binomial",
    "multinomial",
    "poisson",
)
_PERMUTATION = ("permutation", "permuted", "shuffle")
_OTHER = ("exponential", "standard_exponential", "gamma", "beta", "laplace", "multivariate_normal")
_PLAIN = {  # module `random`
    "gauss": "normal",
    "normalvariate": "normal",
    "random": "uniform",
    "uniform": "uniform",
    "randint": "integers",
    "randrange": "integers",
    "choice": "integers",
    "choices": "integers",
    "getrandbits": "integers",
    "sample": "permutation",
    "shuffle": "permutation",
}


@contextmanager
def tagged(draws: Draws) -> Iterator[None]:
    """Record what is drawn through the modules' own names."""
    kept: list[tuple[Any, str, Any]] = []
    watch = _Watch(draws)

    def put(home: Any, name: str, value: Any) -> None:
        kept.append((home, name, getattr(home, name)))
        setattr(home, name, value)

    try:
        for name, kind in _kinds().items():
            if hasattr(np.random, name):
                original = getattr(np.random, name)
                put(np.random, name, _wrapped(draws, name, kind, original, watch.numpy))
        for name in ("seed", "set_state"):
            put(np.random, name, watch.allowed(getattr(np.random, name)))
            plain_name = {"seed": "seed", "set_state": "setstate"}[name]
            put(random, plain_name, watch.allowed(getattr(random, plain_name)))
        for name, kind in _PLAIN.items():
            put(random, name, _wrapped(draws, name, kind, getattr(random, name), watch.plain))
        put(np.random, "default_rng", _tagged_default_rng(draws, np.random.default_rng))
        put(np.random, "RandomState", _tagged_class(draws, np.random.RandomState))
        put(np.random, "Generator", _tagged_class(draws, np.random.Generator))
        watch.start()
        yield
        watch.numpy()
        watch.plain()
    finally:
        for home, name, value in reversed(kept):
            setattr(home, name, value)


class _Watch:
    """Notices draws from the global generators that nothing recorded."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        self.start()

    def start(self) -> None:
        """Remember where the generators stand."""
        self.at_numpy, self.at_plain = numpy_state(), plain_state()

    def numpy(self) -> None:
        """Compare NumPy's generator with where the last recorded draw left it."""
        if numpy_state() != self.at_numpy and "numpy.random" not in self.draws.unseen:
            self.draws.unseen.append("numpy.random")

    def plain(self) -> None:
        """Compare Python's generator with where the last recorded draw left it."""
        if plain_state() != self.at_plain and "random" not in self.draws.unseen:
            self.draws.unseen.append("random")

    def allowed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap what sets a state: no draw."""

        def call(*args: Any, **kwargs: Any) -> Any:
            self.numpy()
            self.plain()
            try:
                return function(*args, **kwargs)
            finally:
                self.start()

        return call


def _kinds() -> dict[str, str]:
    return {
        **dict.fromkeys(_NORMAL, "normal"),
        **dict.fromkeys(_UNIFORM, "uniform"),
        **dict.fromkeys(_INTEGERS, "integers"),
        **dict.fromkeys(_PERMUTATION, "permutation"),
        **{name: name for name in _OTHER},
    }


def _wrapped(
    draws: Draws,
    name: str,
    kind: str,
    original: Callable[..., Any],
    look: Callable[[], None] | None = None,
) -> Callable[..., Any]:
    """Return the function, recording what it draws; `look` watches a global generator."""
    watch = getattr(look, "__self__", None)

    def draw(*args: Any, **kwargs: Any) -> Any:
        if look is not None:
            look()
        try:
            return _recorded(draws, name, kind, original, args, kwargs)
        finally:
            if watch is not None:
                watch.start()

    return draw


def _recorded(
    draws: Draws, name: str, kind: str, original: Callable[..., Any], args: Any, kwargs: Any
) -> Any:
    count = len(draws.records)
    result = original(*args, **kwargs)
    if len(draws.records) > count:  # one of these functions calls another one
        return result
    values = args[0] if name == "shuffle" else result
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.asarray(np.nan)  # a choice among things that are no numbers
    low, width = _location_and_width(name, args, kwargs)
    standard = (numbers - low) / np.where(np.asarray(width) == 0, 1.0, width)
    given = draws.replacement(kind, standard.shape) if kind in ("normal", "uniform") else None
    if given is not None:
        result = _in_place_of(result, low + width * given, kwargs.get("out"))
        standard = given
    draws.record(kind, standard)
    return result


def _location_and_width(name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Return (a, b) of a + b z for the functions that scale what they draw."""
    if name in ("normal", "gauss", "normalvariate"):
        low = args[0] if args else kwargs.get("loc", kwargs.get("mu", 0.0))
        width = args[1] if len(args) > 1 else kwargs.get("scale", kwargs.get("sigma", 1.0))
        return np.asarray(low), np.asarray(width)
    if name == "uniform":
        low = args[0] if args else kwargs.get("low", kwargs.get("a", 0.0))
        high = args[1] if len(args) > 1 else kwargs.get("high", kwargs.get("b", 1.0))
        return np.asarray(low), np.asarray(high) - np.asarray(low)
    return np.asarray(0.0), np.asarray(1.0)


def _in_place_of(result: Any, values: Any, out: Any) -> Any:
    if out is not None:
        out[...] = values
        return out
    if isinstance(result, np.ndarray):
        return np.asarray(values).astype(result.dtype)
    return type(result)(values)


def _tagged_class(draws: Draws, base: Any) -> Any:
    """Return a subclass of NumPy's generator class whose draws are recorded."""
    members = {
        name: _method(draws, name, kind) for name, kind in _kinds().items() if hasattr(base, name)
    }
    # Code that asks isinstance(rng, numpy.random.Generator) must still accept NumPy's own.
    meta = type("_Meta", (type,), {"__instancecheck__": lambda _, thing: isinstance(thing, base)})
    return meta(base.__name__, (base,), {**members, "_untagged": base})


def _method(draws: Draws, name: str, kind: str) -> Callable[..., Any]:
    def draw(self: Any, *args: Any, **kwargs: Any) -> Any:
        original = getattr(super(type(self), self), name)
        return _recorded(draws, name, kind, original, args, kwargs)

    draw.__name__ = name
    return draw


def _tagged_default_rng(draws: Draws, original: Callable[..., Any]) -> Callable[..., Any]:
    def default_rng(seed: Any = None) -> Any:
        made = original(seed)
        if made is seed:  # a Generator passes through
            return made
        return np.random.Generator(made.bit_generator)

    return default_rng
