"""A session: the checks of one target, each judged when it is asked for, and at most once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refdiff.conformance.checks import Check, Settings
from refdiff.conformance.raised import full_traceback, is_own, sentence
from refdiff.conformance.results import Result, readable
from refdiff.conformance.shapes import checks_of, recognise
from refdiff.conformance.side_effects import LISTING, Effect, watched
from refdiff.conformance.verdicts import Outcome

__all__ = ["Session"]


class Session:
    """The checks of a live object.

    Parameters
    ----------
    target : object
        What is to be judged.
    settings : Settings
        What the user chose.
    shape : str, optional
        Its shape; recognised if left out.
    reproduce : callable, optional
        Takes a check's id and returns what repeats it.
    interrupts : bool
        Whether a KeyboardInterrupt is the user's; else it is one more thing that targets raise.

    Raises
    ------
    UserError
        If the shape is unknown or not recognised.
    """

    def __init__(
        self,
        target: Any,
        settings: Settings,
        shape: str | None = None,
        reproduce: Callable[[str], str] = lambda check: "",
        *,
        interrupts: bool = True,
    ) -> None:
        self.shape = recognise(target) if shape is None else shape
        # Even listing may look at the target's attributes, and those may draw or print.
        checks, effects = watched(lambda: checks_of(target, settings, shape=self.shape))
        self.checks: Sequence[Check] = checks
        self.effects: dict[str, Sequence[Effect]] = {LISTING: effects}
        self._reproduce = reproduce
        self._interrupts = interrupts
        self._by_id = {check.id: check for check in self.checks}
        self._judged: dict[str, Result] = {}

    @property
    def ids(self) -> list[str]:
        """Ids of all checks."""
        return [check.id for check in self.checks]

    def result(self, check_id: str) -> Result:
        """Judge one check, or return how it was judged before.

        Parameters
        ----------
        check_id : str
            One of `ids`.

        Returns
        -------
        Result
            The verdict is ``error`` if the target raised.
        """
        if check_id not in self._judged:
            check = self._by_id[check_id]
            result, effects = self._judge(check)
            self._judged[check_id] = result
            self.effects[check_id] = effects
        return self._judged[check_id]

    def _judge(self, check: Check) -> tuple[Result, list[Effect]]:
        began = time.perf_counter()
        traceback: str | None = None
        effects: list[Effect] = []
        try:
            with np.errstate(all="ignore"):  # what is not finite is judged, and not warned of
                outcome, effects = watched(check.judge)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and self._interrupts:
                raise
            who = "the check could not be carried out" if is_own(error) else "the target raised"
            outcome = Outcome("error", f"{who}: {sentence(error)}")
            traceback = readable(full_traceback(error))
        result = Result.of(
            check.id,
            check.equations,
            outcome,
            traceback=traceback,
            reproduce=self._reproduce(check.id),
            seconds=time.perf_counter() - began,
        )
        return result, effects
