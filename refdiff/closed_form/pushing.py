"""Pushing Gaussian data through samplers: models that answer affine values, and their moments.

For Gaussian data the optimal prediction at each time is affine in x_t, so a sampler with fixed
steps is an affine function of x_T and of the noises it draws. `affine_model` is the exact model as
a sampler sees one, `model(x, t)`; `output_moments` hands an affine x_T and an affine noise source
to a sampler and reads mean and covariance off what it returns::

    model = affine_model(data, alpha_bars)
    output_moments(
        lambda x_T, noise: ddim(model, x_T, alpha_bars=alpha_bars, ..., noise=noise), data
    )

Guidance needs nothing more: combine two such models linearly. A draw is independent of all
others, and its name "noise t->s" tells which step made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from refdiff.closed_form import _arguments
from refdiff.closed_form._arguments import Array
from refdiff.closed_form.affine import AffineMap, Basis
from refdiff.closed_form.gaussian import Gaussian
from refdiff.closed_form.mixture import GaussianMixture
from refdiff.closed_form.moments import AffineFunction, Moments
from refdiff.closed_form.noisy import PREDICTIONS

__all__ = [
    "affine_model",
    "chain_moments",
    "optimal_model",
    "output_map",
    "output_moments",
]

Noise: TypeAlias = Callable[[int, int, object], AffineMap]
Run: TypeAlias = Callable[[AffineMap, Noise], object]


def _time(t: int, num_steps: int) -> int:
    if int(t) != t or not 0 <= t <= num_steps:
        raise ValueError(f"t={t!r} must be an integer in 0..{num_steps}")
    return int(t)


def affine_model(
    data: Gaussian,
    alpha_bars: ArrayLike,
    *,
    prediction: str = "eps",
    learned: ArrayLike | None = None,
) -> Callable[[AffineMap, int], AffineMap | tuple[AffineMap, Array]]:
    """Return the exact model of Gaussian data, `model(x, t)` for an affine x and an integer t.

    Parameters
    ----------
    data : Gaussian
        The law of x_0; an affine x stands for its flattened event.
    alpha_bars : array_like, shape (T+1,)
        The noise levels by time.
    prediction : {"eps", "x_0", "v"}
        What the model predicts.
    learned : array_like, optional
        Where given, the model returns (prediction, v) with this v in [0, 1] for the learned-range
        variance: a number, one for each element (d,), or one for each time (T+1, 1 or d).

    Returns
    -------
    callable
        The model.

    Raises
    ------
    ValueError
        If an argument is outside its domain; from the model, if t is not in 0..T.
    """
    table = _arguments.alpha_bar_table(alpha_bars)
    _arguments.choice("prediction", prediction, PREDICTIONS)
    fractions = None if learned is None else _checked_fractions(learned, table.size, data.dimension)
    cache: dict[int, AffineFunction] = {}

    def model(x: AffineMap, t: int) -> AffineMap | tuple[AffineMap, Array]:
        time = _time(t, table.size - 1)
        if time not in cache:
            matrix, offset = data.at(alpha_bar_t=table[time]).predictor(prediction)
            flat = matrix if matrix.ndim == 2 else _flat(matrix, data)
            cache[time] = AffineFunction(flat, offset.ravel())
        answer = x.apply(*cache[time])
        return answer if fractions is None else (answer, fractions[time])

    return model


def _flat(factors: Array, data: Gaussian) -> Array:
    """Factors of the event's elements, one for each or one for all."""
    return factors if factors.ndim == 0 else np.broadcast_to(factors, data.event_shape).ravel()


def _checked_fractions(learned: ArrayLike, length: int, dimension: int) -> Array:
    values = _arguments.real_array("learned", learned)
    fits = values.shape in ((), (dimension,), (length, 1), (length, dimension))
    if not fits or np.any(values < 0.0) or np.any(values > 1.0):
        raise ValueError(
            f"learned={learned!r} must hold numbers in [0, 1] of shape (), ({dimension},), "
            f"({length}, 1) or ({length}, {dimension})"
        )
    return np.broadcast_to(values, (length, *values.shape[-1:]))


def optimal_model(
    data: Gaussian | GaussianMixture, alpha_bars: ArrayLike, *, prediction: str = "eps"
) -> Callable[[ArrayLike, int], Array]:
    """Return the exact model of known data, `model(x, t)` for x of shape ``(..., *event)``.

    Parameters
    ----------
    data : Gaussian or GaussianMixture
        The law of x_0.
    alpha_bars : array_like, shape (T+1,)
        The noise levels by time.
    prediction : {"eps", "x_0", "v", "score"}
        What the model predicts.

    Returns
    -------
    callable
        The model; it raises a `ValueError` for t outside 0..T.
    """
    table = _arguments.alpha_bar_table(alpha_bars)
    _arguments.choice("prediction", prediction, PREDICTIONS)
    method = {
        "eps": data.optimal_eps,
        "x_0": data.optimal_x_0,
        "v": data.optimal_v,
        "score": data.score,
    }[prediction]

    def model(x: ArrayLike, t: int) -> Array:
        return method(x, alpha_bar_t=float(table[_time(t, table.size - 1)]))

    return model


def _start(data: Gaussian, mean: ArrayLike, covariance: ArrayLike) -> tuple[AffineMap, Noise]:
    basis = Basis()
    x_T = basis.vector("x_T", data.dimension, mean=mean, covariance=covariance)

    def noise(t: int, s: int, like: object = None) -> AffineMap:
        return basis.vector(f"noise {t}->{s}", data.dimension)

    return x_T, noise


def _value(item: object) -> AffineMap:
    """Return what a sampler yields, or its attribute x, as an affine value."""
    value = item if isinstance(item, AffineMap) else getattr(item, "x", None)
    if not isinstance(value, AffineMap):
        raise TypeError(
            f"run must return or yield AffineMaps, or steps whose x is one, not "
            f"{type(item).__name__}; does the sampler turn its state into an array?"
        )
    return value


def _states(result: object) -> Iterable[AffineMap]:
    if isinstance(result, AffineMap) or not isinstance(result, Iterable):
        yield _value(result)
        return
    for item in result:
        yield _value(item)


def output_map(
    run: Run,
    data: Gaussian,
    *,
    prior_mean: ArrayLike = 0.0,
    prior_covariance: ArrayLike = 1.0,
) -> AffineMap:
    """Return the sampler's output as an affine value.

    `output.coefficient("x_T")` is what multiplies the (standardised) prior,
    `output.coefficient("noise 2->1")` what multiplies a noise, and `output.basis.names` tells
    which noises were drawn.

    Parameters
    ----------
    run : callable
        `run(x_T, noise)`: the sampler, given x_T and `noise(t, s, like)`; it returns the final x,
        or yields states x (or steps with an attribute x), of which the last counts.
    data : Gaussian
        Gives the dimension.
    prior_mean, prior_covariance : array_like
        Law of x_T; N(0, I) by default.

    Returns
    -------
    AffineMap
        The output.

    Raises
    ------
    TypeError
        If the sampler does something that is not affine, or returns something else.
    """
    x_T, noise = _start(data, prior_mean, prior_covariance)
    output = x_T
    for state in _states(run(x_T, noise)):
        output = state
    return output


def output_moments(
    run: Run,
    data: Gaussian,
    *,
    prior_mean: ArrayLike = 0.0,
    prior_covariance: ArrayLike = 1.0,
) -> Moments:
    """Return the exact mean (d,) and covariance (d, d) of the sampler's output.

    Parameters, returns and errors as in `output_map`, of which this is the law.
    """
    output = output_map(run, data, prior_mean=prior_mean, prior_covariance=prior_covariance)
    return output.moments()


def chain_moments(
    run: Run,
    data: Gaussian,
    *,
    prior_mean: ArrayLike = 0.0,
    prior_covariance: ArrayLike = 1.0,
) -> list[Moments]:
    """Return the moments of x_T and of every state that the sampler yields after it.

    Parameters and errors as in `output_map`; `run` has to yield its states.
    """
    x_T, noise = _start(data, prior_mean, prior_covariance)
    return [x_T.moments(), *(state.moments() for state in _states(run(x_T, noise)))]
