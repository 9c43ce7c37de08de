"""Terms of variational bounds, as numbers and as functions of what a network predicts."""

from __future__ import annotations

from refdiff.equations.bounds.analytic import (
    optimal_mean,
    optimal_variance,
    optimal_variance_from_x_0,
    optimal_variance_upper,
    optimal_variance_upper_bounded,
    score_mean_square,
    x_0_variance,
)
from refdiff.equations.bounds.coding import (
    hybrid_loss,
    importance_weighted_loss,
    progressive_distortion,
)
from refdiff.equations.bounds.entropies import (
    entropy_form,
    normal_entropy,
    reverse_entropy_lower,
    reverse_entropy_upper,
)
from refdiff.equations.bounds.non_markovian import ddim_posterior_weight_eps, weighted_eps_loss
from refdiff.equations.bounds.reconstruction import density_bits_per_dim, reconstruction_term
from refdiff.equations.bounds.tables import importance_probabilities, progressive_rates
from refdiff.equations.bounds.terms import (
    eps_term,
    mean_term,
    mean_term_from_eps,
    posterior_term,
    posterior_weight_eps,
    posterior_weight_x_0,
    variance_term,
)

__all__ = [
    "ddim_posterior_weight_eps",
    "density_bits_per_dim",
    "entropy_form",
    "eps_term",
    "hybrid_loss",
    "importance_probabilities",
    "importance_weighted_loss",
    "mean_term",
    "mean_term_from_eps",
    "normal_entropy",
    "optimal_mean",
    "optimal_variance",
    "optimal_variance_from_x_0",
    "optimal_variance_upper",
    "optimal_variance_upper_bounded",
    "posterior_term",
    "posterior_weight_eps",
    "posterior_weight_x_0",
    "progressive_distortion",
    "progressive_rates",
    "reconstruction_term",
    "reverse_entropy_lower",
    "reverse_entropy_upper",
    "score_mean_square",
    "variance_term",
    "weighted_eps_loss",
    "x_0_variance",
]
