"""What the tables and methods of a correct class hold, as a program over the parts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from refdiff._namespace import exp, log, maximum, minimum, sqrt
from refdiff.conformance.bounded import Bounded, bounded
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.gaussian_diffusion.target import Subject
from refdiff.testing import EPS

__all__ = ["Expected", "Moments", "expected"]

Array = np.ndarray


class Moments:
    """A reverse step's distribution and the prediction of x_0 that it came from."""

    def __init__(self, *, x_0: Any, mean: Any, variance: Any, log_variance: Any) -> None:
        self.x_0 = x_0
        self.mean = mean
        self.variance = variance
        self.log_variance = log_variance


class Expected:
    """The tables that follow from the target's betas, and what its methods make of them.

    Parameters
    ----------
    parts : Parts
        By which all is computed.
    subject : Subject
        Gives the betas.
    """

    def __init__(self, parts: Parts, subject: Subject) -> None:
        self.parts = parts
        held = subject.table_dtype

        def lift(values: Array) -> Any:
            """Take tables in their own precision, which may be finer than the methods'."""
            lifted = parts.lift(values)
            plain = not isinstance(lifted, Bounded) or parts.dtype == held or held != "float64"
            return lifted if plain else bounded(values, held)

        self.betas = lift(subject.betas)
        self._own = None
        if "betas" not in subject.tables:
            self._own = lift(subject.tables["alphas_cumprod"])

    @functools.cached_property
    def alphas_cumprod(self) -> Any:
        """Return alpha_bar at 1..T."""
        return self.parts.alphas_cumprod(self.betas) if self._own is None else self._own

    @functools.cached_property
    def alphas_cumprod_prev(self) -> Any:
        """Return alpha_bar at 0..T-1."""
        return self.parts.alphas_cumprod_prev(self.alphas_cumprod)

    @functools.cached_property
    def alphas_cumprod_next(self) -> Any:
        """Return alpha_bar at 2..T, and 0."""
        return self.parts.alphas_cumprod_next(self.alphas_cumprod)

    @functools.cached_property
    def sqrt_alphas_cumprod(self) -> Any:
        """Return the factor of x_0 in x_t."""
        return self.parts.sqrt_alphas_cumprod(self.alphas_cumprod)

    @functools.cached_property
    def sqrt_one_minus_alphas_cumprod(self) -> Any:
        """Return the factor of eps in x_t."""
        return self.parts.sqrt_one_minus_alphas_cumprod(self.alphas_cumprod)

    @functools.cached_property
    def one_minus_alphas_cumprod(self) -> Any:
        """Return the variance of x_t given x_0."""
        return self.parts.forward_variance(alpha_bar_t=self.alphas_cumprod)

    @functools.cached_property
    def log_one_minus_alphas_cumprod(self) -> Any:
        """Return its logarithm."""
        return self.parts.log_one_minus_alphas_cumprod(self.alphas_cumprod)

    @functools.cached_property
    def sqrt_recip_alphas_cumprod(self) -> Any:
        """Return the factor of x_t in x_0."""
        return self.parts.sqrt_recip_alphas_cumprod(self.alphas_cumprod)

    @functools.cached_property
    def sqrt_recipm1_alphas_cumprod(self) -> Any:
        """Return minus the factor of eps in x_0."""
        return self.parts.sqrt_recipm1_alphas_cumprod(self.alphas_cumprod)

    @property
    def _pair(self) -> dict[str, Any]:
        return {"alpha_bar_t": self.alphas_cumprod, "alpha_bar_s": self.alphas_cumprod_prev}

    @functools.cached_property
    def posterior_variance(self) -> Any:
        """Return beta-tilde."""
        return self.parts.posterior_variance(**self._pair)

    @functools.cached_property
    def posterior_log_variance_clipped(self) -> Any:
        """Return its logarithm, finite at the first time."""
        return self.parts.posterior_log_variance_clipped(self.posterior_variance)

    @functools.cached_property
    def posterior_mean_coef1(self) -> Any:
        """Return the factor of x_0 in the posterior mean."""
        return self.parts.posterior_mean_coef1(**self._pair)

    @functools.cached_property
    def posterior_mean_coef2(self) -> Any:
        """Return the factor of x_t in the posterior mean."""
        return self.parts.posterior_mean_coef2(**self._pair)

    @functools.cached_property
    def log_betas(self) -> Any:
        """Return ln beta."""
        return log(self.betas)

    @functools.cached_property
    def log_variance_fixed_large(self) -> Any:
        """Return ln beta with another first entry."""
        return self.parts.log_variance_fixed_large(self.betas, self.posterior_log_variance_clipped)

    @staticmethod
    def value_of(numbers: Any) -> Array:
        """Return numbers without their bounds."""
        return np.asarray(getattr(numbers, "value", numbers), np.float64)

    def table(self, name: str, t: Array, x: Array) -> Any:
        """Return entries of a table, one a sample, shaped to broadcast against x."""
        entries = getattr(self, name)[np.asarray(t)].reshape((-1,) + (1,) * (x.ndim - 1))
        if isinstance(entries, Bounded) and entries.dtype != self.parts.dtype:
            # What is looked up is rounded to the precision that the method goes on with.
            rounding = EPS[self.parts.dtype] * np.abs(entries.value).astype(np.float64)
            return Bounded(entries.value, entries.error + rounding, self.parts.dtype)
        return entries

    # ------------------------------------------------------------------ methods

    def noisy(self, x_0: Array, eps: Array, t: Array) -> Any:
        """Return x_t."""
        lift = self.parts.lift
        of_x_0 = self.table("sqrt_alphas_cumprod", t, x_0) * lift(x_0)
        return of_x_0 + self.table("sqrt_one_minus_alphas_cumprod", t, x_0) * lift(eps)

    def velocity(self, x_0: Array, eps: Array, t: Array) -> Any:
        """Return v of a pair."""
        level = self.table("alphas_cumprod", t, x_0)
        lift = self.parts.lift
        return self.parts.velocity_of_pair(
            lift(x_0), lift(eps), signal=sqrt(level), noise=sqrt(1 - level)
        )

    def velocity_by_tables(self, x_0: Array, eps: Array, t: Array) -> Any:
        """Return v of a pair, by the factors that the tables hold."""
        return self.parts.velocity_of_pair(
            self.parts.lift(x_0),
            self.parts.lift(eps),
            signal=self.table("sqrt_alphas_cumprod", t, x_0),
            noise=self.table("sqrt_one_minus_alphas_cumprod", t, x_0),
        )

    def x_0_from(self, prediction: str, output: Any, x_t: Any, t: Array) -> Any:
        """Return the x_0 that an output of the model implies."""
        if prediction == "eps":
            of_x_t = self.table("sqrt_recip_alphas_cumprod", t, x_t) * x_t
            return of_x_t - self.table("sqrt_recipm1_alphas_cumprod", t, x_t) * output
        if prediction == "v":
            level = self.table("alphas_cumprod", t, x_t)
            return self.parts.x_0_from_v(x_t, output, alpha_bar_t=level)
        if prediction == "x_s":
            coef1 = self.table("posterior_mean_coef1", t, x_t)
            return (output - self.table("posterior_mean_coef2", t, x_t) * x_t) / coef1
        return output

    def eps_from_x_0(self, x_t: Any, x_0: Any, t: Array) -> Any:
        """Return the eps that an x_0 implies."""
        level = self.table("alphas_cumprod", t, x_t)
        return self.parts.eps_from_x_0(x_t, x_0, alpha_bar_t=level)

    def posterior_mean(self, x_0: Any, x_t: Any, t: Array) -> Any:
        """Return the posterior mean."""
        of_x_0 = self.table("posterior_mean_coef1", t, x_t) * x_0
        return of_x_0 + self.table("posterior_mean_coef2", t, x_t) * x_t

    def reverse(
        self,
        output: Array,
        x_t: Array,
        t: Array,
        *,
        prediction: str,
        variance: str,
        raw: Array | None = None,
        clipped: bool = False,
    ) -> Moments:
        """Return p(x_s | x_t) for an output of the model.

        Parameters
        ----------
        output, x_t : numpy.ndarray
            Shape (B, ...).
        t : numpy.ndarray
            Indices, (B,).
        prediction, variance : str
            As the target's configuration names them.
        raw : numpy.ndarray, optional
            What the model says of the variance.
        clipped : bool
            Whether x_0 is clipped to [-1, 1].
        """
        x, m = self.parts.lift(x_t), self.parts.lift(output)
        x_0 = self.x_0_from(prediction, m, x, t)
        if clipped:
            x_0 = maximum(minimum(x_0, 1.0), -1.0)
        mean = m if prediction == "x_s" else self.posterior_mean(x_0, x, t)
        value, logarithm = self._variance(variance, raw, x_t, t)
        return Moments(x_0=x_0, mean=mean, variance=value, log_variance=logarithm)

    def _variance(self, kind: str, raw: Array | None, x: Array, t: Array) -> tuple[Any, Any]:
        if kind == "fixed-large":
            logarithm = self.table("log_variance_fixed_large", t, x)
            return exp(logarithm), logarithm
        if kind == "learned" and raw is not None:
            return exp(self.parts.lift(raw)), self.parts.lift(raw)
        if kind == "learned-range" and raw is not None:
            logarithm = self.parts.learned_log_variance(
                self.parts.lift(raw),
                log_betas=self.table("log_betas", t, x),
                log_posterior_variance=self.table("posterior_log_variance_clipped", t, x),
            )
            return exp(logarithm), logarithm
        small = self.table("posterior_variance", t, x)
        return small, self.table("posterior_log_variance_clipped", t, x)


_KNOWN: WeakKeyDictionary[Parts, Expected] = WeakKeyDictionary()


def expected(parts: Parts, subject: Subject) -> Expected:
    """Return the expectation of these parts; computed once for all cases of a check."""
    if parts not in _KNOWN:
        _KNOWN[parts] = Expected(parts, subject)
    return _KNOWN[parts]


Question = Callable[[Expected], Any]
"""A program over what is expected."""
