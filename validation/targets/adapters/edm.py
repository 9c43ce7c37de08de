"""NVlabs/edm: the user's own copy of ``generate.py`` (its licence forbids commercial use)."""

from typing import Any

from validation.targets.adapters.absent import stand_in
from validation.targets.adapters.script import definitions

stand_in("dnnlib", "torch_utils")


class Network:
    """A denoiser as the sampler expects its network: it bounds and rounds the noise levels."""

    sigma_min, sigma_max = 0.0, float("inf")

    def __init__(self, denoiser: Any) -> None:
        self.denoiser = denoiser

    def round_sigma(self, sigma: Any) -> Any:
        """Return it as it is."""
        return sigma

    def __call__(self, x: Any, sigma: Any, labels: Any = None) -> Any:
        """Return the denoised x_0."""
        return self.denoiser(x, sigma)


def _sampler(name: str) -> Any:
    return getattr(definitions("generate.py"), name)


def heun(model, x, sigmas):
    """Sample with `edm_sampler`, which makes its own sigmas between the given ends."""
    ends = {"sigma_max": float(sigmas[0]), "sigma_min": float(sigmas[-2])}
    run = _sampler("edm_sampler")
    return run(Network(model), x / sigmas[0], num_steps=len(sigmas) - 1, **ends)
