r"""What flow matching and rectified flow minimize, and what rectifying improves."""

from __future__ import annotations

from refdiff._namespace import Array
from refdiff.catalogue import implements
from refdiff.equations.shapes import mean_per_sample, sum_per_sample

__all__ = [
    "flow_matching_loss",
    "squared_transport_cost",
    "straightness",
]


@implements("lipman2023/conditional-flow-matching", "liu2023/objective")
def flow_matching_loss(velocity: Array, velocity_pred: Array) -> Array:
    r"""Return the mean squared error of the velocity, of each sample.

    .. math:: \frac{1}{N} \sum_{n=1}^{N} (u_n - \hat u_n)^2

    Parameters
    ----------
    velocity : array
        The target, shape (B, ...): `velocity`, `optimal_transport_velocity` or
        `straight_velocity`.
    velocity_pred : array
        Predicted velocity, shape (B, ...).

    Returns
    -------
    array
        Shape (B,): the mean over all axes but the first. The papers write the squared norm, N
        times this, and take its expectation over t uniform in [0, 1].

    Raises
    ------
    ValueError
        If the input has no batch axis.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), equation (9); Liu, Gong and Liu 2023
    (arXiv:2209.03003), equation (1). With the conditional velocity as target; with the marginal
    one it is Lipman's equation (5), which has the same gradient (Theorem 2).

    Examples
    --------
    >>> import numpy as np
    >>> flow_matching_loss(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]]))
    array([5.])
    """
    return mean_per_sample((velocity - velocity_pred) ** 2)


@implements("liu2023/transport-cost")
def squared_transport_cost(x_0: Array, eps: Array) -> Array:
    r"""Return the squared distance that each sample travels.

    .. math:: \|x_0 - \epsilon\|^2

    Parameters
    ----------
    x_0 : array
        Data ends of the paths, shape (B, ...).
    eps : array
        Their noise ends, shape (B, ...).

    Returns
    -------
    array
        Shape (B,): the sum over all axes but the first.

    Raises
    ------
    ValueError
        If the input has no batch axis.

    Source
    ------
    Liu, Gong and Liu 2023 (arXiv:2209.03003), the convex cost :math:`|x|^2` of a coupling of data
    and noise.

    Examples
    --------
    >>> import numpy as np
    >>> squared_transport_cost(np.array([[1.0, 3.0]]), np.array([[0.0, 1.0]]))
    array([5.])
    """
    return sum_per_sample((x_0 - eps) ** 2)


@implements("liu2023/straightness")
def straightness(x_0: Array, eps: Array, velocity: Array) -> Array:
    r"""Return how far a velocity along a path is from the path's whole displacement.

    .. math:: \|(\epsilon - x_0) - u_t\|^2

    Parameters
    ----------
    x_0 : array
        Data ends of the paths of the flow, shape (B, ...).
    eps : array
        Their noise ends, shape (B, ...).
    velocity : array
        dx_t/dt at one time on the same paths, shape (B, ...).

    Returns
    -------
    array
        Shape (B,): the squared norm at one time; its mean over times uniform in [0, 1] and over
        paths is the paper's S, 0 where all paths are straight.

    Raises
    ------
    ValueError
        If the input has no batch axis.

    Source
    ------
    Liu, Gong and Liu 2023 (arXiv:2209.03003), section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> straightness(np.array([[1.0]]), np.array([[4.0]]), np.array([[2.0]]))
    array([1.])
    """
    return sum_per_sample((eps - x_0 - velocity) ** 2)
