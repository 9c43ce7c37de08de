"""refdiff: the executable reference of diffusion-model mathematics.

One documented function per published equation, verified by laws, by 50-digit arithmetic and by
closed forms that were derived independently; and an image stack (network, training, sampling) made
of the same functions.

========================== ====================================================================
:mod:`refdiff.equations`   schedules, forward process, posterior, steps, guidance, objectives
:mod:`refdiff.catalogue`   what the papers print, as data, and which function implements it
:mod:`refdiff.closed_form` exact answers for Gaussian and Gaussian-mixture data
:mod:`refdiff.samplers`    DDPM and DDIM as loops over the equations
:mod:`refdiff.models`      the UNet
:mod:`refdiff.training`    data, training loop, checkpoints
:mod:`refdiff.evaluation`  figures of merit of samples
:mod:`refdiff.testing`     Hypothesis strategies, error budgets and the pytest plugin
========================== ====================================================================

Importing this package loads no library; the parts bring what they need. `refdiff.equations` needs
NumPy alone.
"""

from typing import TYPE_CHECKING, Any

from refdiff._errors import MachineError, UserError

if TYPE_CHECKING:
    from refdiff._checks import checks as checks

__all__ = ["MachineError", "UserError", "__version__", "checks"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # `checks` is fetched when first asked for, so that `import refdiff` costs nothing.
    if name == "checks":
        from refdiff._checks import checks

        return checks
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "checks"])
