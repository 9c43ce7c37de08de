r"""Tables over the times of a chain: rates of progressive coding, probabilities of times."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refdiff.catalogue import implements

__all__ = ["importance_probabilities", "progressive_rates"]


@implements("ho2020/progressive-rate")
def progressive_rates(terms: ArrayLike) -> NDArray[np.float64]:
    r"""Return the nats (or bits) that a receiver has got when it holds x_t.

    .. math:: R_t = \sum_{i=t}^{T} L_i

    Parameters
    ----------
    terms : array_like
        Shape (T+1, ...): the terms L_0..L_T of the bound, entry t for L_t, where L_{t-1} pays for
        x_{t-1} once x_t is known and L_T for x_T.

    Returns
    -------
    numpy.ndarray
        float64, same shape and unit; entry t for x_t, entry 0 for the data without loss.

    Raises
    ------
    ValueError
        If ``terms`` has no time, or a term is not finite.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), section 4.3: the total of L_1..L_T is the rate and
    L_0 what is left to pay.

    Examples
    --------
    >>> progressive_rates([1.0, 2.0, 4.0]).tolist()
    [7.0, 6.0, 4.0]
    """
    values = np.asarray(terms, dtype=np.float64)
    if values.ndim < 1 or len(values) < 1 or not np.isfinite(values).all():
        raise ValueError(
            f"terms of shape {values.shape} must be finite numbers, one row for each time 0..T: "
            f"with a last step without noise L_0 is infinite."
        )
    return np.cumsum(values[::-1], axis=0)[::-1]


@implements("nichol2021/importance-probabilities")
def importance_probabilities(mean_squares: ArrayLike) -> NDArray[np.float64]:
    r"""Return the probabilities of drawing each time that make the loss least noisy.

    .. math:: p_t = \frac{\sqrt{m_t}}{\sum_{i=1}^{T} \sqrt{m_i}}

    Parameters
    ----------
    mean_squares : array_like
        Shape (T,): the mean m_t of the squared loss L_t^2 at each time, not negative, not all 0;
        the paper averages the last ten losses of each time.

    Returns
    -------
    numpy.ndarray
        float64, shape (T,), sum 1.

    Raises
    ------
    ValueError
        If a mean square is negative or not finite, or all are 0.

    Source
    ------
    Nichol and Dhariwal 2021 (arXiv:2102.09672v1), section 3.3.

    Examples
    --------
    >>> importance_probabilities([1.0, 9.0]).tolist()
    [0.25, 0.75]
    """
    values = np.asarray(mean_squares, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise ValueError(
            f"mean_squares={values.tolist()!r} must be finite numbers >= 0, one for each time and "
            f"not all 0: squared losses, averaged."
        )
    roots = np.sqrt(values)
    return np.asarray(roots / roots.sum(), dtype=np.float64)
