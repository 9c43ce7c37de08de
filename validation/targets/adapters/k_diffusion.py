"""k-diffusion: its sampling functions have a shape that refdiff recognises.

Only the module with the sampling functions is imported: the package would import networks for
scores and training too.
"""

from validation.targets.adapters.absent import stand_in, without_init

stand_in("torchvision", "torchvision.transforms")
without_init("k_diffusion")

from k_diffusion.sampling import (  # noqa: E402
    get_sigmas_karras,
    sample_dpm_2,
    sample_dpm_2_ancestral,
    sample_dpmpp_2m,
    sample_dpmpp_2m_sde,
    sample_dpmpp_2s_ancestral,
    sample_dpmpp_3m_sde,
    sample_dpmpp_sde,
    sample_euler,
    sample_euler_ancestral,
    sample_heun,
    sample_lms,
)

__all__ = [
    "Functions",
    "sample_dpm_2",
    "sample_dpm_2_ancestral",
    "sample_dpmpp_2m",
    "sample_dpmpp_2m_sde",
    "sample_dpmpp_2s_ancestral",
    "sample_dpmpp_3m_sde",
    "sample_dpmpp_sde",
    "sample_euler",
    "sample_euler_ancestral",
    "sample_heun",
    "sample_lms",
]


class Functions:
    """The functions that have a counterpart in `refdiff.equations`."""

    def karras_sigmas(self, num_steps, *, sigma_min, sigma_max, rho=7.0):
        """Return the sigmas of Karras et al. (2022), the final 0 included."""
        return get_sigmas_karras(num_steps, sigma_min, sigma_max, rho)
