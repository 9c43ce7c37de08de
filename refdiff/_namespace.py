"""Elementary functions dispatched on their argument, so that one source has many readings.

A pointwise equation in :mod:`refdiff.equations` is written with operators and the functions of
this module. What it computes then depends only on what it is given:

=====================  ======================================================================
argument               reading
=====================  ======================================================================
Python ``float, int``  a float; ``0``, ``inf`` and overflow follow IEEE 754, as in NumPy
NumPy, torch, JAX      arrays of the argument's own dtype and device
``mpmath.mpf``         as many digits as ``mpmath.mp.dps`` asks for
SymPy                  a symbolic expression
any other array        its ``__array_namespace__()`` (the Python array API standard)
any other number       its own methods: ``x.sqrt()``, ``x.exp()``, ``x.minimum(y)`` ...
=====================  ======================================================================

No library but NumPy is imported here before a value of that library arrives: it is then in
memory already.
"""

from __future__ import annotations

import importlib
import math
import numbers
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from refdiff._namespace_phi import array_phi, float_phi, mpmath_phi, symbolic_phi

__all__ = [
    "Array",
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
    "ndim",
    "phi",
    "sin",
    "sort_last",
    "sqrt",
    "to_bits",
    "where",
]

Array: TypeAlias = Any
"""A number or an array of any supported library."""


def _guarded(function: Callable[..., float], *, overflow: float = math.inf) -> Callable[..., float]:
    def evaluate(*arguments: float) -> float:
        try:
            return function(*arguments)
        except OverflowError:
            return overflow

    return evaluate


def _float_sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


def _float_log(x: float) -> float:
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def _float_log1p(x: float) -> float:
    if x > -1:
        return math.log1p(x)
    return -math.inf if x == -1 else math.nan


def _float_divide(a: float, b: float) -> float:
    return a / b if b != 0 else float(np.divide(np.float64(a), np.float64(b)))


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the IEEE result (``log(0) = -inf``) without NumPy's warning: it is documented."""

    def evaluate(*arguments: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return function(*arguments)

    return evaluate


def _scipy_log_ndtr(x: Any) -> Any:
    from scipy.special import log_ndtr as evaluate  # here: importing scipy costs 0.1 s

    return evaluate(x)


_FLOAT = SimpleNamespace(
    sqrt=_float_sqrt,
    exp=_guarded(math.exp),
    log=_float_log,
    log1p=_float_log1p,
    expm1=_guarded(math.expm1),
    sin=math.sin,
    cos=math.cos,
    arctan=math.atan,
    minimum=min,
    maximum=max,
    divide=_quiet(_float_divide),
    log_ndtr=lambda x: float(_scipy_log_ndtr(x)),
    phi=lambda x, order: float_phi(x, order, _guarded(math.expm1)),
    to_bits=lambda nats: nats / math.log(2),
    add_log_two_pi=lambda x: x + math.log(2 * math.pi),
)

_NUMPY = SimpleNamespace(
    sqrt=np.sqrt,
    exp=_quiet(np.exp),
    log=_quiet(np.log),
    log1p=_quiet(np.log1p),
    expm1=_quiet(np.expm1),
    sin=np.sin,
    cos=np.cos,
    arctan=np.arctan,
    minimum=np.minimum,
    maximum=np.maximum,
    divide=_quiet(np.divide),
    log_ndtr=_scipy_log_ndtr,
    phi=_quiet(lambda x, order: array_phi(x, order, np.expm1, np.where)),
    where=np.where,
    sort_last=np.sort,
    to_bits=_FLOAT.to_bits,
    add_log_two_pi=_FLOAT.add_log_two_pi,
)


def _torch_backend() -> Any:
    from refdiff import _namespace_torch

    return _namespace_torch


def _jax_backend() -> SimpleNamespace:
    jnp = importlib.import_module("jax.numpy")
    special = importlib.import_module("jax.scipy.special")
    names = ("sqrt", "exp", "log", "log1p", "expm1", "sin", "cos", "minimum", "maximum", "divide")
    return SimpleNamespace(
        **{name: getattr(jnp, name) for name in names},
        arctan=jnp.arctan,
        log_ndtr=special.log_ndtr,
        phi=lambda x, order: array_phi(x, order, jnp.expm1, jnp.where),
        where=jnp.where,
        sort_last=jnp.sort,
        to_bits=_FLOAT.to_bits,
        add_log_two_pi=_FLOAT.add_log_two_pi,
    )


def _mpmath_backend() -> SimpleNamespace:
    mp = importlib.import_module("mpmath")

    def divide(a: Any, b: Any) -> Any:
        if b == 0:
            return mp.nan if a == 0 else mp.sign(a) * mp.inf
        return mp.mpf(a) / b

    return SimpleNamespace(
        sqrt=mp.sqrt,
        exp=mp.exp,
        log=lambda x: mp.log(x) if x != 0 else -mp.inf,
        log1p=mp.log1p,
        expm1=mp.expm1,
        sin=mp.sin,
        cos=mp.cos,
        arctan=mp.atan,
        minimum=min,
        maximum=max,
        divide=divide,
        # 1 - Phi(-x) where Phi is close to 1, so that all digits of the tail stay.
        log_ndtr=lambda x: mp.log1p(-mp.ncdf(-x)) if x > 0 else mp.log(mp.ncdf(x)),
        phi=mpmath_phi,
        to_bits=lambda nats: nats / mp.log(2),
        add_log_two_pi=lambda x: x + mp.log(2 * mp.pi),
    )


def _sympy_backend() -> SimpleNamespace:
    sp = importlib.import_module("sympy")
    return SimpleNamespace(
        sqrt=sp.sqrt,
        exp=sp.exp,
        log=sp.log,
        log1p=lambda x: sp.log(1 + x),
        expm1=lambda x: sp.exp(x) - 1,
        sin=sp.sin,
        cos=sp.cos,
        arctan=sp.atan,
        minimum=sp.Min,
        maximum=sp.Max,
        divide=lambda a, b: a / b,
        log_ndtr=lambda x: sp.log(sp.erfc(-x / sp.sqrt(2)) / 2),
        where=lambda condition, a, b: sp.Piecewise((a, condition), (b, True)),
        phi=symbolic_phi,
        to_bits=lambda nats: nats / sp.log(2),
        add_log_two_pi=lambda x: x + sp.log(2 * sp.pi),
    )


def _standard_backend(namespace: Any) -> SimpleNamespace:
    names = ("sqrt", "exp", "log", "log1p", "expm1", "sin", "cos", "minimum", "maximum", "where")
    return SimpleNamespace(
        **{name: getattr(namespace, name) for name in names},
        arctan=namespace.atan,
        phi=lambda x, order: array_phi(x, order, namespace.expm1, namespace.where),
        divide=namespace.divide,
        sort_last=namespace.sort,
        to_bits=_FLOAT.to_bits,
        add_log_two_pi=_FLOAT.add_log_two_pi,
    )


class _Methods:
    """Numbers that know their own functions: ``sqrt(x)`` is ``x.sqrt()``."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            for position, owner in enumerate(arguments):
                method = getattr(owner, name, None)
                if method is not None:
                    return method(*arguments[:position], *arguments[position + 1 :])
            if name == "divide":
                return arguments[0] / arguments[1]
            if name == "to_bits" and hasattr(arguments[0], "__truediv__"):
                return arguments[0] / math.log(2)
            if name == "add_log_two_pi" and hasattr(arguments[0], "__add__"):
                return arguments[0] + math.log(2 * math.pi)
            kind = type(arguments[0]).__name__
            raise TypeError(
                f"{name}() got a {kind}: pass a number or an array (NumPy, torch, JAX, mpmath, "
                f"SymPy), for example numpy.asarray(values)."
            )

        return call


_FACTORIES: dict[str, Callable[[], Any]] = {
    "numpy": lambda: _NUMPY,
    "torch": _torch_backend,
    "jax": _jax_backend,
    "jaxlib": _jax_backend,
    "mpmath": _mpmath_backend,
    "sympy": _sympy_backend,
}
_BACKENDS: dict[type, Any] = {float: _FLOAT, int: _FLOAT, bool: _FLOAT, np.ndarray: _NUMPY}


def _resolve(value: Any) -> Any:
    """Find the backend of a type not met before, by the library that defines it or a base."""
    for base in type(value).__mro__:
        library = base.__module__.split(".")[0]
        if library in _FACTORIES:
            return _FACTORIES[library]()
    if hasattr(value, "__array_namespace__"):
        return _standard_backend(value.__array_namespace__())
    if isinstance(value, numbers.Real):
        return _FLOAT
    return _Methods()


def _backend(value: Any) -> Any:
    kind = type(value)
    if kind not in _BACKENDS:
        _BACKENDS[kind] = _resolve(value)
    return _BACKENDS[kind]


def _common(a: Any, b: Any) -> Any:
    """Take the backend of the argument that is not a plain number."""
    backend = _backend(a)
    return _backend(b) if backend is _FLOAT else backend


def sqrt(x: Array) -> Array:
    """Return the non-negative square root."""
    return _backend(x).sqrt(x)


def exp(x: Array) -> Array:
    """Return e to the power ``x``."""
    return _backend(x).exp(x)


def log(x: Array) -> Array:
    """Return the natural logarithm; ``-inf`` at 0."""
    return _backend(x).log(x)


def log1p(x: Array) -> Array:
    """Return ``log(1 + x)`` without losing the digits of a small ``x``."""
    return _backend(x).log1p(x)


def expm1(x: Array) -> Array:
    """Return ``exp(x) - 1`` without losing the digits of a small ``x``."""
    return _backend(x).expm1(x)


def phi(x: Array, order: int) -> Array:
    """Return phi_k(x), the sum of x^n / (n + k)! over n >= 0, for the order k >= 1."""
    return _backend(x).phi(x, order)


def sin(x: Array) -> Array:
    """Return the sine."""
    return _backend(x).sin(x)


def cos(x: Array) -> Array:
    """Return the cosine."""
    return _backend(x).cos(x)


def arctan(x: Array) -> Array:
    """Return the angle in (-pi/2, pi/2) with this tangent."""
    return _backend(x).arctan(x)


def log_ndtr(x: Array) -> Array:
    """Return ``log(Phi(x))``, Phi the standard normal distribution function."""
    return _backend(x).log_ndtr(x)


def minimum(a: Array, b: Array) -> Array:
    """Return the elementwise smaller of two values."""
    return _common(a, b).minimum(a, b)


def maximum(a: Array, b: Array) -> Array:
    """Return the elementwise larger of two values."""
    return _common(a, b).maximum(a, b)


def divide(a: Array, b: Array) -> Array:
    """Return ``a / b`` where a zero ``b`` is meant: ``inf`` instead of an exception."""
    return _common(a, b).divide(a, b)


def sort_last(x: Array) -> Array:
    """Return an array sorted in ascending order along its last axis."""
    return _backend(x).sort_last(x)


def to_bits(nats: Array) -> Array:
    """Return ``nats / ln 2``, with as many digits of ln 2 as the argument's arithmetic has."""
    return _backend(nats).to_bits(nats)


def add_log_two_pi(x: Array) -> Array:
    """Return ``x + ln(2 pi)``, with as many digits of it as the argument's arithmetic has."""
    return _backend(x).add_log_two_pi(x)


def where(condition: Array, a: Array, b: Array) -> Array:
    """Return ``a`` where the condition holds and ``b`` elsewhere."""
    if isinstance(condition, bool):
        return a if condition else b
    return _backend(condition).where(condition, a, b)


def ndim(x: Array) -> int:
    """Return the number of axes; 0 for a number."""
    return int(getattr(x, "ndim", 0))
