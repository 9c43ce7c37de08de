"""Bringing what a model predicts to the pair (x_0, eps)."""

from __future__ import annotations

from refdiff._namespace import Array
from refdiff.equations import eps_from_v, eps_from_x_0, x_0_from_eps, x_0_from_v
from refdiff.samplers._arguments import check_choice

__all__ = ["PREDICTIONS", "predicted_x_0", "predictions"]

PREDICTIONS = ("eps", "x_0", "v")
"""What a model may predict."""


def predicted_x_0(model_output: Array, x_t: Array, alpha_bar_t: Array, prediction: str) -> Array:
    """Return the x_0 alone that a model's output implies; arguments as in `predictions`."""
    if prediction == "eps":
        return x_0_from_eps(x_t, model_output, alpha_bar_t=alpha_bar_t)
    if prediction == "v":
        return x_0_from_v(x_t, model_output, alpha_bar_t=alpha_bar_t)
    check_choice("prediction", prediction, PREDICTIONS)
    return model_output


def predictions(
    model_output: Array, x_t: Array, alpha_bar_t: Array, prediction: str
) -> tuple[Array, Array]:
    """Return the predictions of x_0 and eps that a model's output implies.

    Parameters
    ----------
    model_output : array
        What the model returned for x_t, same shape.
    x_t : array
        The state that the model saw.
    alpha_bar_t : array_like
        The level of x_t, broadcastable against it: in (0, 1] for eps, in [0, 1) for x_0, in
        [0, 1] for v.
    prediction : {"eps", "x_0", "v"}
        What the model predicts.

    Returns
    -------
    x_0, eps : array
        Same shape as ``x_t``. They satisfy x_t = sqrt(alpha_bar_t) x_0 + sqrt(1-alpha_bar_t) eps.

    Raises
    ------
    ValueError
        If ``prediction`` is none of the three, or ``alpha_bar_t`` is outside its domain.

    Examples
    --------
    >>> predictions(1.0, 1.5, 0.25, "x_0")[1].__round__(12)
    1.154700538379
    """
    x_0 = predicted_x_0(model_output, x_t, alpha_bar_t, prediction)
    if prediction == "eps":
        return x_0, model_output
    if prediction == "v":
        return x_0, eps_from_v(x_t, model_output, alpha_bar_t=alpha_bar_t)
    return x_0, eps_from_x_0(x_t, x_0, alpha_bar_t=alpha_bar_t)
