"""Oracles of `refdiff.equations.solvers`; see `tests.support.textbook`."""

from tests.support import textbook_solvers_ddim, textbook_solvers_dpm, textbook_solvers_edm

ORACLES = {
    **textbook_solvers_ddim.ORACLES,
    **textbook_solvers_dpm.ORACLES,
    **textbook_solvers_edm.ORACLES,
}
"""By the names of ``refdiff.equations.solvers``."""
