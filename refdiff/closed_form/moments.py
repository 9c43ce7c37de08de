"""The three small results that closed forms return.

A *moment pair* is the mean and the covariance of a Gaussian vector, conditional or not. An
*affine function* is ``x -> matrix x + offset``. A *reverse kernel* is the Gaussian conditional
``x_s | x_t ~ N(gain x_t + offset, covariance)``.

A linear operator on the values of a Gaussian is stored in the form of that Gaussian's covariance:
a number (the same factor on every element), a vector (one factor for each element), or a matrix.
"""

from __future__ import annotations

from typing import NamedTuple

from refdiff.closed_form._arguments import Array

__all__ = ["AffineFunction", "Moments", "ReverseKernel"]


class Moments(NamedTuple):
    """Mean and covariance of a Gaussian vector.

    Attributes
    ----------
    mean : ndarray
        The mean; leading axes, if any, run over the points that were conditioned on.
    covariance : ndarray
        The covariance, shared by all those points for a Gaussian prior.
    """

    mean: Array
    covariance: Array


class AffineFunction(NamedTuple):
    """The function ``x -> matrix x + offset``.

    Attributes
    ----------
    matrix : ndarray
        A number, a vector of factors, or a square matrix.
    offset : ndarray
        The value at x = 0.
    """

    matrix: Array
    offset: Array


class ReverseKernel(NamedTuple):
    """The Gaussian conditional ``x_s | x_t ~ N(gain x_t + offset, covariance)``.

    Attributes
    ----------
    gain, covariance : ndarray
        A number, a vector of factors, or a square matrix.
    offset : ndarray
        The value of the mean at x_t = 0.
    """

    gain: Array
    offset: Array
    covariance: Array
