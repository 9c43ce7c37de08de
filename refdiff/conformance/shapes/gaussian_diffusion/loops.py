"""The target's sampling loops, as all that is judged about sampling reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from refdiff.conformance.checks import Check
from refdiff.conformance.free import free_checks
from refdiff.conformance.loops import Coordinates, Model, Recording
from refdiff.conformance.probe.draws import current_script, tagged_draws
from refdiff.conformance.sampling import final_state, step_checks
from refdiff.conformance.shapes.gaussian_diffusion.asking import Asked, check, judged, numbers
from refdiff.conformance.shapes.gaussian_diffusion.questions import times_told
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.verdicts import Outcome, conforms

__all__ = ["DiffusionLoop", "loop_checks"]

Array = np.ndarray
_KNOWN = ("eps", "x_0", "v")
_COUNTS = ("num_timesteps", "timesteps", "n_timesteps", "num_steps", "n_steps", "T")
_SHORT = 100
"""Times of a shortened loop: the questions that take many runs are put to its last ones."""
_WHOLE = ("finite", "first-level", "order-of-times", "initial-scale", "steps-taken")


def loop_checks(subject: Subject) -> list[Check]:
    """Return the checks of the sampling loops."""
    loops = [
        DiffusionLoop(subject, "p_sample_loop", None),
        DiffusionLoop(subject, "ddim_sample_loop", 0.0),
        DiffusionLoop(subject, "ddim_sample_loop", 0.5),
    ]
    made = [one for loop in loops for one in _checks_of(loop)]
    return [
        check("normalize/round-trip", (), lambda: _normalised(subject)),
        *(check(one.id, one.equations, one.judge) for one in made),
    ]


def _normalised(subject: Subject) -> Outcome:
    """Judge whether pictures come back through the mappings before and after."""
    there = getattr(subject.target, "normalize", None)
    back = getattr(subject.target, "unnormalize", None)
    if not callable(there) or not callable(back):
        raise Missing("the target has no pair of normalize and unnormalize")
    x = np.linspace(0, 1, 9).reshape(1, 1, 3, 3)
    inside = numbers(there(torch.from_numpy(x.copy())))
    found = numbers(back(torch.from_numpy(inside.copy())))
    mapped = Asked({"what": "normalize"}, inside, lambda e: e.parts.lift(x) * 2.0 - 1.0)
    returned = Asked({"what": "unnormalize"}, found, lambda e: e.parts.lift(x) + 1.0 - 1.0)
    if np.array_equal(inside, x) and np.array_equal(found, x):
        return conforms("pictures are used as they are")
    return judged(subject, "the mapping of pictures to [-1, 1] and back", [mapped, returned])


def _checks_of(loop: DiffusionLoop) -> list[Check]:
    """Return the checks of one loop; those that take many runs look at a shortened one."""
    short = loop.shortened()
    free = zip(free_checks(loop), free_checks(short), strict=True)
    chosen = [a if a.id.removeprefix(f"{loop.name}/") in _WHOLE else b for a, b in free]
    return [*step_checks(loop), *chosen]


class DiffusionLoop:
    """One loop of the target; satisfies `refdiff.conformance.loops.Loop`.

    Parameters
    ----------
    subject : Subject
        The target.
    method : str
        ``"p_sample_loop"`` or ``"ddim_sample_loop"``.
    eta : float or None
        What a DDIM loop is asked for.
    """

    tells: Literal["time", "sigma"] = "time"
    coordinates: Coordinates = "vp"
    time_base = 0

    def __init__(self, subject: Subject, method: str, eta: float | None) -> None:
        self.subject = subject
        self.method = method
        self.eta = eta
        self.name = method.replace("_", "-") + ("-eta-half" if eta == 0.5 else "")
        self.alpha_bars = subject.alpha_bars
        self.deterministic: bool | None = eta == 0.0
        self.order: int | None = 1 if eta == 0.0 else None
        known = subject.prediction or "eps"
        self.predictions: Sequence[str] = (known if known in _KNOWN else "eps",)
        self.learned = subject.variance in ("learned", "learned-range")
        self.full = subject.count
        chosen = getattr(subject.target, "sampling_timesteps", None)
        by_attribute = method == "ddim_sample_loop" and isinstance(chosen, int)
        self.steps: Sequence[int] = range(1, subject.count + 1) if by_attribute else ()
        self.shortened_by = ""

    def shortened(self) -> DiffusionLoop:
        """Return the same loop over its last `_SHORT` times, if the target can be told so.

        Those are the first entries of its tables; the level of the last of them is where such a
        run begins.
        """
        subject = self.subject
        known = [n for n in _COUNTS if getattr(subject.target, n, None) == subject.count]
        plain = not subject.rescales_times and subject.time_map is None
        if self.steps or not known or not plain or subject.count <= _SHORT:
            return self
        short = DiffusionLoop(subject, self.method, self.eta)
        short.shortened_by = known[0]
        short.full = _SHORT
        short.alpha_bars = self.alpha_bars[: _SHORT + 1]
        return short

    @property
    def dtype(self) -> str:
        """Return the coarser dtype of the tables, of what is looked up, and of the states."""
        try:
            begins = self.subject.method(self.method).takes("x_T")
        except Missing:
            begins = True
        return self.subject.computes if begins else "float32"

    def initial_scale(self, steps: int) -> float:
        """Return 1: such loops begin with standard normal noise."""
        return 1.0

    def run(self, model: Any, x_T: Array, *, steps: int, prediction: str) -> Recording:
        """Run the loop.

        Parameters
        ----------
        model : ProbeModel
            The model, told indices 0..T-1.
        x_T : numpy.ndarray
            The state to begin with.
        steps : int
            Number of steps.
        prediction : str
            What the model predicts.
        """
        subject = self.subject
        if (subject.prediction or "eps") not in _KNOWN:
            raise Missing("the loop's model predicts the previous state, which no probe knows")
        method = subject.method(self.method)
        if self.eta not in (None, 0.0) and not self._takes_eta():
            raise Missing(f"{method.name} takes no eta")
        begins = method.takes("x_T")
        already = len(model.calls)
        outer = current_script()

        def script(index: int, kind: str, shape: tuple[int, ...]) -> Array | None:
            if not begins and index == 0:
                return x_T if kind == "normal" and shape == x_T.shape else None
            return None if outer is None else outer(index - (not begins), kind, shape)

        with self._settings(steps), tagged_draws(model, script=script) as draws:
            returned = subject.call(
                self.method,
                model=_untranslated(subject, model),
                shape=tuple(x_T.shape),
                x_T=x_T,
                clip=False,
                labels=np.zeros(len(x_T), np.int64),
                eta=self.eta,
            )
        if len(model.calls) == already:
            raise Missing(f"{method.name} does not ask the model that can be put into the target")
        records = list(draws.records)
        if not begins:
            if not records or not _same_start(records[0].values, x_T):
                raise Missing(f"{method.name} does not begin with noise that can be replaced")
            x_T, records = records[0].values, records[1:]
        made = [replace(d, before_call=d.before_call - already) for d in records]
        calls = model.calls[already:]
        result = final_state(returned, x_T.shape)
        return Recording(x_T, calls, made, result, tagged=draws.tagged)

    def _takes_eta(self) -> bool:
        method = self.subject.method(self.method)
        return method.takes("eta") or hasattr(self.subject.target, "ddim_sampling_eta")

    @contextmanager
    def _settings(self, steps: int) -> Iterator[None]:
        """Choose, for one run, what the target keeps as attributes."""
        wanted: dict[str, Any] = {"clip_denoised": False, "sampling_timesteps": steps}
        if self.eta is not None:
            wanted["ddim_sampling_eta"] = self.eta
        if self.shortened_by:
            wanted[self.shortened_by] = self.full
        target = self.subject.target
        before = {
            name: getattr(target, name)
            for name in wanted
            if isinstance(getattr(target, name, None), (bool, int, float))
        }
        for name in before:
            setattr(target, name, wanted[name])
        # Pictures in [0, 1] are judged by a check of their own: here the mapping would round.
        maps = callable(getattr(target, "unnormalize", None))
        own = vars(target).get("unnormalize")
        if maps:
            target.unnormalize = lambda x: x
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(target, name, value)
            if maps:
                del target.unnormalize
            if own is not None:
                target.unnormalize = own


def _same_start(drawn: Array, x_T: Array) -> bool:
    """Say whether the first draw is the state to begin with, rounded to the target's dtype."""
    return drawn.shape == x_T.shape and bool(
        np.array_equal(drawn.astype(np.float32), x_T.astype(np.float32))
    )


def _untranslated(subject: Subject, model: Model) -> Callable[..., Any]:
    """Return the model, told indices where the target tells a scaled or respaced time."""
    all_told = times_told(subject, np.arange(subject.count))
    plain = bool((all_told == np.arange(subject.count)).all())

    def asked(x: Any, t: Any, *others: Any, **named: Any) -> Any:
        if not plain:
            told = numbers(t).reshape(-1)
            nearest = np.argmin(np.abs(told[:, None] - all_told[None, :]), axis=1)
            exact = np.isclose(told, all_told[nearest], rtol=float(np.finfo(np.float32).eps))
            t = np.where(exact, nearest, told)
        labels = named.get("y", others[0] if others else None)
        return model(x, t, labels)

    return asked
