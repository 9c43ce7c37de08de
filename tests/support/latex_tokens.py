r"""LaTeX as tokens, without what only makes space, and where brackets and groups end."""

import re

__all__ = ["CLOSE", "OPEN", "depths", "length", "split", "tokens"]

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d|\s+|.", re.DOTALL)
_SPACING = {r"\,", r"\;", r"\:", r"\!", r"\ ", r"\left", r"\right", "~", r"\displaystyle"}
_SIZES = re.compile(r"\\[bB]igg?[lr]?$")
OPEN, CLOSE = {"(", "[", "{"}, {")", "]", "}"}
_SAME = {
    r"\log": r"\ln",
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
    r"\lVert": r"\|",
    r"\rVert": r"\|",
}


def tokens(latex):
    r"""Split LaTeX into tokens, without spacing: ``x_{t}`` and ``x_t`` are the same."""
    found = [t for t in _TOKEN.findall(latex) if not t.isspace()]
    found = [_SAME.get(t, t) for t in found if t not in _SPACING and not _SIZES.match(t)]
    result = []
    for token in found:
        result.append(token)
        if result[-4:-2] in (["_", "{"], ["^", "{"]) and token == "}":
            result[-3:] = [result[-2]]
    return tuple(result)


def depths(found):
    """Yield each token with the number of brackets and environments around it."""
    depth = 0
    for token in found:
        if token in CLOSE or token == r"\end":
            depth -= 1
        yield token, depth
        if token in OPEN or token == r"\begin":
            depth += 1


def split(found, separators):
    parts, current = [], []
    for token, depth in depths(found):
        if token in separators and depth == 0:
            parts.append(tuple(current))
            current = []
        else:
            current.append(token)
    return [*parts, tuple(current)]


def length(found):
    """Return how many tokens the first token, or the group that it opens, takes."""
    for place, (_, depth) in enumerate(depths(found)):
        if depth == 0 and (place or found[0] not in OPEN):
            return place + 1
    return len(found)
