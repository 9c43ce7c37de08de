"""Correct, plain implementations of each shape, in which any variant can be planted.

Each module has ``build(parts)``, and ``BUILDS`` where there are several: written the way public
code is written, with the formulas taken from `Parts`. They are what the checks must leave alone,
and, built with a variant, what they must recognise.
"""
