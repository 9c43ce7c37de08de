r"""Weights of linear multistep methods over steps of any length, exactly.

For steps of equal length they are the classical numbers, 3/2 and -1/2, 23/12, -16/12 and 5/12, and
so on. A sampler's steps rarely are: in u = sigma / alpha, where the probability-flow ODE of
x / alpha has the predicted noise as its slope, they shrink towards the data.
"""

from __future__ import annotations

from collections.abc import Sequence

from refdiff._namespace import Array
from refdiff.catalogue import implements

__all__ = [
    "adams_bashforth_weights",
]


@implements("liu2022/adams-bashforth")
def adams_bashforth_weights(nodes: Sequence[Array], end: Array) -> tuple[Array, ...]:
    r"""Return the weights of a linear multistep over steps of any length.

    .. math:: w_k = \frac{1}{u_e-u_0} \int_{u_0}^{u_e}
              \prod_{j \ne k} \frac{u-u_j}{u_k-u_j}\,du

    The slopes at the nodes define a polynomial in u, and this is how much of each its mean over
    the step holds: x(u_e) = x(u_0) + (u_e - u_0) sum_k w_k f_k is exact where the slope is a
    polynomial of a degree below their number.

    Parameters
    ----------
    nodes : sequence of numbers
        u_0, where the step starts, and before it the earlier u_1, u_2, ...; all different.
        Fractions give fractions.
    end : number
        u_e, where the step ends; not u_0.

    Returns
    -------
    tuple of numbers
        One weight for each node; they sum to 1.

    Raises
    ------
    ValueError
        If there is no node, two are equal, or the step has no length.

    Source
    ------
    Liu et al. 2022 (arXiv:2202.09778), of which the combinations for equal steps are cases; the
    derivation is Adams's, by integration of Lagrange's polynomial.

    Examples
    --------
    >>> adams_bashforth_weights([0.0, -1.0], 1.0)
    (1.5, -0.5)
    """
    points = list(nodes)
    _check_nodes(points, end)
    length = end - points[0]
    # In units of the step, from its start: all integrals then run over 0..1.
    places = [(node - points[0]) / length for node in points]
    return tuple(_mean_of_basis(k, places) for k in range(len(places)))


def _check_nodes(points: list[Array], end: Array) -> None:
    if not points:
        raise ValueError("nodes is empty; it must hold at least the start of the step.")
    for k, node in enumerate(points):
        if node in points[:k]:
            raise ValueError(
                f"nodes[{k}]={node} stands twice; the slopes must be known at different places."
            )
    if end == points[0]:
        raise ValueError(f"end={end} must differ from nodes[0], where the step starts.")


def _mean_of_basis(k: int, places: list[Array]) -> Array:
    """Integrate over 0..1 the Lagrange polynomial that is 1 at place k and 0 at the others."""
    # Coefficients of the product of (u - place) over the other places, lowest power first.
    one = 1 + 0 * places[k]  # of the nodes' own kind: Python would divide two ints to a float
    coefficients: list[Array] = [one]
    scale: Array = one
    for j, place in enumerate(places):
        if j != k:
            shifted = [0, *coefficients]
            scaled = [*(place * c for c in coefficients), 0]
            coefficients = [up - down for up, down in zip(shifted, scaled, strict=True)]
            scale = scale * (places[k] - place)
    total = coefficients[0]
    for power, coefficient in enumerate(coefficients[1:], start=1):
        total = total + coefficient / (power + 1)
    return total / scale
