"""The probe: a model that knows the right answer and remembers what it was asked.

* `data`: worlds of known data, for which every prediction, the probability flow and the law of the
  noisy states are exact;
* `model`: `ProbeModel`, which answers from such a world, or from a script, and records its calls;
* `draws`: `tagged_draws`, which records or replaces the random numbers that a target draws;
* `guard`: `guarded`, which says what a call changed that it should have left alone.

Importing this package imports none of its modules: two of them need torch only when used.
"""
