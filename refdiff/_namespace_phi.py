r"""The phi functions of exponential integrators, without the cancellation near 0.

.. math:: \varphi_0(x) = e^x, \qquad
          \varphi_k(x) = \frac{\varphi_{k-1}(x) - 1/(k-1)!}{x}
                       = \sum_{n \ge 0} \frac{x^n}{(n+k)!}

The quotient loses k digits for each digit by which x is below 1, and the sum none: arrays and
floats take the sum up to \|x\| = k - 1 and the quotient beyond, more digits take what they need.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

__all__ = ["array_phi", "float_phi", "mpmath_phi", "symbolic_phi"]

_TERMS = 30  # of the sum at |x| = 3: the first left out is 1e-18 of the first


def _quotient(x: Any, order: int, expm1: Callable[[Any], Any]) -> Any:
    value = expm1(x) / x
    for k in range(1, order):
        value = (value - 1 / math.factorial(k)) / x
    return value


def _sum(x: Any, order: int) -> Any:
    value = 0 * x + 1
    for n in range(_TERMS, order, -1):
        value = 1 + x / n * value
    return value / math.factorial(order)


def float_phi(x: float, order: int, expm1: Callable[[Any], Any]) -> float:
    """Return phi of a Python number."""
    if abs(x) <= order - 1:
        return float(_sum(x, order))
    return float(_quotient(x, order, expm1))


def array_phi(
    x: Any, order: int, expm1: Callable[[Any], Any], where: Callable[[Any, Any, Any], Any]
) -> Any:
    """Return phi of an array, element by element, in its own dtype."""
    near = (x <= order - 1) & (x >= 1 - order)
    # Each branch gets numbers that it can take, also where the other one is chosen.
    close = where(near, x, 0.0)
    far = _quotient(where(near, 0 * close + order, x), order, expm1)
    return where(near, _sum(close, order), far)


def mpmath_phi(x: Any, order: int) -> Any:
    """Return phi of an mpmath number, to the working precision."""
    import mpmath as mp

    if x == 0:
        return mp.mpf(1) / mp.factorial(order)
    lost = order * max(0, 1 - int(mp.frexp(abs(x))[1]))
    with mp.workprec(mp.mp.prec + lost + 20):
        value = mp.expm1(x) / x
        for k in range(1, order):
            value = (value - mp.mpf(1) / mp.factorial(k)) / x
    return +value


def symbolic_phi(x: Any, order: int) -> Any:
    """Return phi of a symbol, as the quotient; of the number 0 its limit."""
    import sympy as sp

    if x == 0:
        return sp.Rational(1, math.factorial(order))
    value = (sp.exp(x) - 1) / x
    for k in range(1, order):
        value = (value - sp.Rational(1, math.factorial(k))) / x
    return value
