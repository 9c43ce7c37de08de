r"""The phi functions of exponential integrators.

An exponential integrator solves the linear part of an equation exactly. What it then has to
integrate is an exponential times a polynomial, and

.. math:: \varphi_k(h) = \int_0^1 e^{(1-u)h}\,\frac{u^{k-1}}{(k-1)!}\,du

are these integrals. Steps towards the data that predict the noise use them at the step h > 0 of
ln(alpha/sigma), steps that predict the data at -h.
"""

from __future__ import annotations

from refdiff._namespace import Array, phi
from refdiff.catalogue import implements

__all__ = ["phi_1", "phi_2", "phi_3", "phi_4"]


@implements("lu2022/phi-1")
def phi_1(*, h: Array) -> Array:
    r"""Return the first phi function.

    .. math:: \frac{e^h - 1}{h}

    Parameters
    ----------
    h : array_like
        Any real number, any shape.

    Returns
    -------
    array_like
        Same shape, positive; 1 at ``h`` = 0.

    Source
    ------
    Lu et al. 2022 (arXiv:2206.00927), the definition in the appendix; unnumbered here.

    Numerics
    --------
    Near 0 the quotient would lose all digits; there a power series is summed, so that the result
    has all its digits but the last for every h.

    Examples
    --------
    >>> phi_1(h=0.0)
    1.0
    """
    return phi(h, 1)


@implements("lu2022/phi-2")
def phi_2(*, h: Array) -> Array:
    r"""Return the second phi function.

    .. math:: \frac{e^h - 1 - h}{h^2}

    Parameters
    ----------
    h : array_like
        Any real number, any shape.

    Returns
    -------
    array_like
        Same shape, positive; 1/2 at ``h`` = 0.

    Source
    ------
    Lu et al. 2022 (arXiv:2206.00927), the definition in the appendix; unnumbered here.

    Numerics
    --------
    Near 0 the quotient would lose all digits; there a power series is summed, so that the result
    has all its digits but the last for every h.

    Examples
    --------
    >>> phi_2(h=0.0)
    0.5
    """
    return phi(h, 2)


@implements("lu2022/phi-3")
def phi_3(*, h: Array) -> Array:
    r"""Return the third phi function.

    .. math:: \frac{e^h - 1 - h - h^2/2}{h^3}

    Parameters
    ----------
    h : array_like
        Any real number, any shape.

    Returns
    -------
    array_like
        Same shape, positive; 1/6 at ``h`` = 0.

    Source
    ------
    Lu et al. 2022 (arXiv:2206.00927), the definition in the appendix; unnumbered here.

    Numerics
    --------
    Near 0 the quotient would lose all digits; there a power series is summed, so that the result
    has all its digits but the last for every h.

    Examples
    --------
    >>> phi_3(h=0.0)
    0.16666666666666666
    """
    return phi(h, 3)


@implements("lu2022/phi-4")
def phi_4(*, h: Array) -> Array:
    r"""Return the fourth phi function.

    .. math:: \frac{e^h - 1 - h - h^2/2 - h^3/6}{h^4}

    Parameters
    ----------
    h : array_like
        Any real number, any shape.

    Returns
    -------
    array_like
        Same shape, positive; 1/24 at ``h`` = 0.

    Source
    ------
    Lu et al. 2022 (arXiv:2206.00927), the definition in the appendix; unnumbered here. Needed by
    the corrector of third order of Zhao et al. 2023 (arXiv:2302.04867).

    Numerics
    --------
    Near 0 the quotient would lose all digits; there a power series is summed, so that the result
    has all its digits but the last for every h.

    Examples
    --------
    >>> phi_4(h=0.0)
    0.041666666666666664
    """
    return phi(h, 4)
