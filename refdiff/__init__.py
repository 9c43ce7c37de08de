"""refdiff: the executable reference of diffusion-model mathematics.

One documented function per published equation, verified by laws, by 50-digit arithmetic and by closed forms
that were derived independently; and an image stack (network, training, sampling) made of the same functions.

============================ ===============================================================================
`refdiff.equations`          the equations: schedules, forward process, posterior, steps, guidance, objectives
`refdiff.catalogue`          what the papers print, as data, and which function implements it
`refdiff.closed_form`        exact answers for Gaussian and Gaussian-mixture data
`refdiff.samplers`           DDPM and DDIM as loops over the equations
`refdiff.models`             the UNet
`refdiff.training`           data, training loop, checkpoints
`refdiff.evaluation`         figures of merit of samples
`refdiff.testing`            Hypothesis strategies, error budgets and the pytest plugin
============================ ===============================================================================

Importing this package imports nothing else; the parts bring what they need. `refdiff.equations` needs NumPy alone.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refdiff._checks import checks as checks

__all__ = ["__version__", "checks"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # `checks` is fetched when first asked for, so that `import refdiff` costs nothing.
    if name == "checks":
        from refdiff._checks import checks

        return checks
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "checks"])
