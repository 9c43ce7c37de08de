"""Exact answers for data whose law is known, derived without the papers' formulas.

Everything here follows from the definition of the forward process and the rule for conditioning
joint Gaussians; nothing is taken from `refdiff.equations`, and the two packages never import each
other, so that agreement between them is evidence.

Objects. The data x_0 are a `Gaussian` N(m, S) or a `GaussianMixture`. At time t they are seen as
x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps (the discrete family, named by alpha_bar_t),
or x_t = alpha_t x_0 + sigma_t eps (`Gaussian.at_scales`). Tables `alpha_bars` have T+1 entries
indexed by time, with alpha_bars[0] = 1 at the data. Time t is noisier than time s.

What can be asked:

* of the law at one level: marginals, optimal predictions of eps, x_0 and v, scores, posteriors of
  x_0, smallest reachable losses, densities, mutual information;
* between two levels: the exact reverse kernel q(x_s | x_t), the probability-flow map;
* of a chain: the variational bound term by term (`exact_bound`), the moments of DDIM and DDPM
  (`ddim_moments`, `ddpm_moments`), and those of any sampler that is affine in its state
  (`affine_model` with `output_moments`).

Arrays are NumPy float64; logarithms are nats.
"""

from refdiff.closed_form.affine import AffineMap, Basis
from refdiff.closed_form.bound import ExactBound, exact_bound
from refdiff.closed_form.gaussian import Gaussian
from refdiff.closed_form.mixture import GaussianMixture
from refdiff.closed_form.moments import AffineFunction, Moments, ReverseKernel
from refdiff.closed_form.noisy import NoisyGaussian
from refdiff.closed_form.pushing import (
    affine_model,
    chain_moments,
    optimal_model,
    output_map,
    output_moments,
)
from refdiff.closed_form.recursions import ddim_moments, ddpm_moments
from refdiff.closed_form.tilting import guided_gaussian

__all__ = [
    "AffineFunction",
    "AffineMap",
    "Basis",
    "ExactBound",
    "Gaussian",
    "GaussianMixture",
    "Moments",
    "NoisyGaussian",
    "ReverseKernel",
    "affine_model",
    "chain_moments",
    "ddim_moments",
    "ddpm_moments",
    "exact_bound",
    "guided_gaussian",
    "optimal_model",
    "output_map",
    "output_moments",
]
