r"""The decoder of Variational Diffusion Models: grey levels given the least noisy latent.

A pixel x takes one of L levels, evenly spaced on [-1, 1]. Given its latent
z_0 = alpha_0 x + sigma_0 eps, Bayes' rule says how probable each level is, before anything is known
of the image:

.. math:: p(x \mid z_0) = \frac{q(z_0 \mid x)}{\sum_{k} q(z_0 \mid x_k)}

There is nothing to learn in it. With little noise at time 0 the reconstruction costs almost
nothing, and the diffusion loss holds nearly the whole bound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_count, check_in

__all__ = ["level_log_probabilities", "reconstruction_nats"]

_Array = NDArray[np.float64]


def level_log_probabilities(
    z_0: ArrayLike, *, alpha_0: float, sigma_0: float, levels: int = 256
) -> _Array:
    """Return the log-probability of every grey level given the latent of a pixel.

    Parameters
    ----------
    z_0 : array_like
        Latents at time 0, any shape (...).
    alpha_0 : float
        Signal scale at time 0, not negative.
    sigma_0 : float
        Noise scale (standard deviation) at time 0, positive.
    levels : int
        L, the number of levels, at least 2.

    Returns
    -------
    ndarray of float64, shape (..., L)
        Nats. Level k is the pixel 2 k/(L - 1) - 1.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), section 3.3.

    Examples
    --------
    >>> level_log_probabilities(0.0, alpha_0=0.0, sigma_0=1.0, levels=2).round(4).tolist()
    [-0.6931, -0.6931]
    """
    check_in(NON_NEGATIVE, "it is the scale of the data in z_0.", alpha_0=alpha_0)
    check_in(POSITIVE, "without noise in z_0 the level is certain.", sigma_0=sigma_0)
    count = check_count("levels", levels, low=2, cure="pixels of 8 bits have 256 levels.")
    pixels = 2.0 * np.arange(count) / (count - 1) - 1.0
    latents = np.asarray(z_0, dtype=np.float64)[..., None]
    distances = (latents - alpha_0 * pixels) / sigma_0
    return np.asarray(log_softmax(-distances * distances / 2.0, axis=-1))


def reconstruction_nats(
    x_0: ArrayLike, z_0: ArrayLike, *, alpha_0: float, sigma_0: float, levels: int = 256
) -> _Array:
    """Return what it costs to say the pixels of images once their latents are known.

    Parameters
    ----------
    x_0 : array_like, shape (B, ...)
        Images on the L levels of [-1, 1].
    z_0 : array_like, shape (B, ...)
        Their latents at time 0.
    alpha_0, sigma_0, levels : float, float, int
        As in `level_log_probabilities`.

    Returns
    -------
    ndarray of float64, shape (B,)
        Nats for each image: the reconstruction term of the bound, for these latents.

    Raises
    ------
    ValueError
        If an argument is outside its domain, or a pixel is not on a level.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (11), second term.

    Examples
    --------
    >>> images = np.array([[-1.0, 1.0]])
    >>> reconstruction_nats(images, images, alpha_0=1.0, sigma_0=1e-4).tolist()
    [0.0]
    """
    table = level_log_probabilities(z_0, alpha_0=alpha_0, sigma_0=sigma_0, levels=levels)
    images = np.asarray(x_0, dtype=np.float64)
    if images.ndim < 1 or images.shape != table.shape[:-1]:
        raise ValueError(
            f"x_0 of shape {images.shape} must have a batch axis and the shape "
            f"{table.shape[:-1]} of z_0."
        )
    position = (images + 1.0) * (levels - 1) / 2.0
    index = np.rint(position)
    off = ~(np.abs(position - index) < 1e-3) | (index < 0) | (index > levels - 1)
    if off.any():
        raise ValueError(
            f"x_0 holds {images[off][0]:g}, which is none of the {levels} levels of [-1, 1]; scale "
            f"pixels by 2 k/(levels - 1) - 1."
        )
    each = np.take_along_axis(table, index.astype(np.intp)[..., None], axis=-1)[..., 0]
    return np.asarray(0.0 - each.reshape(len(images), -1).sum(axis=1))
