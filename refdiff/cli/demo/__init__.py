"""`refdiff demo`: train on real digits, sample, measure, and write a report.

``command`` runs the parts in order, ``recipe`` says what is trained and sampled, ``measuring``
draws the samples and measures them, ``levels`` compares the loss at each noise level with a
closed form, ``exact`` computes facts about samplers without any draw, ``judging`` has code by
others checked (``faulty_ddim`` is one), ``work`` does all of that and
``report`` puts it on one page, out of ``sheets``, ``tables``, ``charts`` and ``markup``.
"""

from __future__ import annotations

from refdiff.cli.demo.command import Demo

__all__ = ["Demo"]
