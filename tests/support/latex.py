r"""A reader of the LaTeX that docstrings use: formulas become SymPy expressions.

The reader knows the grammar of formulas and no symbol: the caller says which sequences of LaTeX
stand for what. The longest one wins, so that ``\sigma_t^2`` may be a symbol or the square of
``\sigma_t``. What is not known is an error and never a guess.

A statement is ``A = B = C, \qquad D = E, \quad ...``: a chain of equal members, the first of which
may be the name of the result, and then definitions of names that the chain uses.
"""

from dataclasses import dataclass

import sympy as sp

from tests.support.latex_tokens import CLOSE, depths, length, split, tokens

__all__ = ["FormulaError", "Statement", "read_statement"]

_QUAD = (r"\qquad", r"\quad")
_FUNCTIONS = {
    r"\ln": sp.log,
    r"\exp": sp.exp,
    r"\sin": sp.sin,
    r"\cos": sp.cos,
    r"\tan": sp.tan,
    r"\arctan": sp.atan,
    r"\tanh": sp.tanh,
    r"\Phi": lambda x: sp.erfc(-x / sp.sqrt(2)) / 2,
    "expm1": lambda x: sp.exp(x) - 1,
    "log1p": lambda x: sp.log(1 + x),
    "sigmoid": lambda x: 1 / (1 + sp.exp(-x)),
}
_RELATIONS = {
    "<": sp.Lt,
    ">": sp.Gt,
    r"\le": sp.Le,
    r"\leq": sp.Le,
    r"\ge": sp.Ge,
    r"\geq": sp.Ge,
}

_STOPS = {"", "+", "-", "/", "=", ",", "&", "|", r"\\", r"\in", r"\text", r"\end"}
_STOPS |= CLOSE | set(_RELATIONS)


class FormulaError(ValueError):
    """A formula holds something that the reader, or its caller, does not know."""


@dataclass(frozen=True)
class Statement:
    """What a formula states: members that are equal, as expressions."""

    members: tuple
    claims: tuple
    """Pairs of expressions that definitions, such as q = a/b = exp(-h), say are equal."""
    names: tuple
    """Left sides that are no expressions of the known symbols, as tokens."""


def read_statement(latex, symbols):
    """Read a formula; ``symbols`` maps LaTeX to expressions."""
    known = {tokens(name): value for name, value in symbols.items()}
    chain, *definitions = (part for part in split(tokens(latex), _QUAD) if part)
    definitions = [_strip(part) for part in definitions]
    _define_all(definitions, known)
    sides = [split(part, {"="}) for part in definitions]
    claims = [
        (_Reader(a, known).whole(), _Reader(b, known).whole())
        for _, a, *more in sides
        for b in more
    ]
    members = split(_strip(chain), {"="})
    names, read = [], []
    for place, member in enumerate(members):
        if place == 0 and len(members) > 1 and _is_name(member, known):
            names.append(member)
        else:
            read.append(_Reader(member, known).whole())
    return Statement(tuple(read), tuple(claims), tuple(names))


def _strip(part):
    while part and part[-1] in {",", ".", ";"}:
        part = part[:-1]
    return part


def _define_all(definitions, known):
    """Define names; a definition may use one that stands before or after it."""
    waiting, error = definitions, None
    while waiting:
        left = []
        for definition in waiting:
            try:
                _define(definition, known)
            except FormulaError as found:
                error = found
                left.append(definition)
        if len(left) == len(waiting):
            raise error
        waiting = left


def _define(definition, known):
    left, *right = split(definition, {"="})
    if not right:
        raise FormulaError(f"no definition: {' '.join(definition)}")
    value = _Reader(right[0], known).whole()
    known[left] = value
    if left[-2:] == ("^", "2"):  # the square is defined, and its root is meant to be positive
        known[left[:-2]] = sp.sqrt(value)


def _is_name(member, known):
    """Say whether this is one symbol with decorations, such as x_s or D(x; t): a result's name."""
    if member in known:
        return True
    if member[0] in _FUNCTIONS or {"+", "-", r"\frac"} & {
        t for t, depth in depths(member) if not depth
    }:
        return False
    scripts = 1
    while scripts < len(member) and member[scripts] in {"_", "^", "'"}:
        scripts += 1 if member[scripts] == "'" else 1 + length(member[scripts + 1 :])
    if (
        member[scripts : scripts + 1] == ("(",)
        and length(member[scripts:]) == len(member) - scripts
    ):
        return True
    try:
        _Reader(member, known).whole()
    except FormulaError:
        return True
    return False


def _phi(x, order):
    """Return the phi function of an exponential integrator."""
    return (sp.exp(x) - sum(x**n / sp.factorial(n) for n in range(order))) / x**order


class _Reader:
    def __init__(self, found, known):
        self.tokens, self.known, self.at = tuple(found), known, 0

    # ------------------------------------------------------------------ tokens

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected):
        token = self.peek()
        if not token or (expected and token not in expected):
            rest = " ".join(self.tokens[self.at :]) or "the end"
            raise FormulaError(f"expected {' or '.join(expected) or 'more'} at: {rest}")
        self.at += 1
        return token

    def symbol(self):
        """Return the value of the longest symbol here, or None."""
        for count in range(len(self.tokens) - self.at, 0, -1):
            piece = self.tokens[self.at : self.at + count]
            if piece in self.known:
                self.at += count
                if self.peek() in {"_", "'"}:
                    raise FormulaError(f"unknown symbol: {' '.join((*piece, self.peek()))} ...")
                return self.known[piece]
        return None

    def inner(self, closing):
        """Read an expression up to a closing bracket, and the bracket."""
        value = self.sum()
        self.take(closing)
        return value

    # ------------------------------------------------------------------ grammar

    def whole(self):
        value = self.sum()
        if self.peek():
            raise FormulaError(f"cannot read from: {' '.join(self.tokens[self.at :])}")
        return value

    def sum(self):
        value = self.product(signed=True)
        while self.peek() in {"+", "-"}:
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self, *, signed=False):
        sign = 1
        while signed and self.peek() in {"-", "+"}:
            sign = -sign if self.take() == "-" else sign
        value = sign * self.power()
        while True:
            token = self.peek()
            if token == "/":
                self.take()
                value = value / self.power()
            elif token in {r"\cdot", r"\times"}:
                self.take()
                value = value * self.power()
            elif self.starts_factor():
                value = value * self.power()
            else:
                return value

    def starts_factor(self):
        token = self.peek()
        stops = {
            "",
            "+",
            "-",
            ",",
            "&",
            "|",
            r"\\",
            "=",
            "/",
            r"\in",
            r"\text",
            r"\end",
            *_RELATIONS,
        }
        return token not in stops | CLOSE

    def power(self):
        value = self.primary()
        while self.peek() == "^":
            self.take()
            value = value ** self.argument()
        return value

    def argument(self):
        """Read what a command or a script applies to: one token, or a group."""
        if self.peek() == "{":
            self.take()
            return self.inner("}")
        found = self.symbol()
        if found is not None:
            return found
        token = self.take()
        if token.isdigit():
            return sp.Integer(token)
        raise FormulaError(f"unknown argument: {token}")

    def number(self):
        digits = ""
        while self.peek().isdigit() or (self.peek() == "." and digits):
            digits += self.take()
        return sp.Rational(digits)

    def primary(self):
        found = self.symbol()
        if found is not None:
            return found
        if self.peek().isdigit():
            return self.number()
        token = self.take()
        if token in {"(", "["}:
            return self.inner(")" if token == "(" else "]")
        if token == "{":
            return self.inner("}")
        if token == "|":
            return sp.Abs(self.inner("|"))
        if token == r"\frac":
            over = self.argument()
            return over / self.argument()
        if token == r"\sqrt":
            return self.root()
        if token in {r"\min", r"\max"}:
            return self.extreme(sp.Min if token == r"\min" else sp.Max)
        if token == r"\pi":
            return sp.pi
        if token == "e" and self.peek() == "^":
            self.take()
            return sp.exp(self.argument())
        if token in {r"\mathrm", r"\operatorname"}:
            self.take("{")
            token = ""
            while self.peek() != "}":
                token += self.take()
            self.take("}")
        if token in _FUNCTIONS:
            return self.function(_FUNCTIONS[token])
        if token == r"\varphi":
            self.take("_")
            order = int(self.argument())
            return self.function(lambda x: _phi(x, order))
        if token == r"\begin":
            return self.cases()
        raise FormulaError(
            f"unknown symbol: {token} {' '.join(self.tokens[self.at : self.at + 4])}"
        )

    def root(self):
        degree = sp.Integer(2)
        if self.peek() == "[":
            self.take()
            degree = self.inner("]")
        return self.argument() ** (1 / degree)

    def extreme(self, function):
        self.take("(")
        values = [self.sum()]
        while self.peek() == ",":
            self.take()
            values.append(self.sum())
        self.take(")")
        return function(*values)

    def function(self, function):
        """Read a function's argument: a bracket alone, or all factors up to the next function."""
        exponent = 1
        if self.peek() == "^":
            self.take()
            exponent = self.argument()
        if self.peek() == "(":
            return function(self.power()) ** exponent
        value = self.power()
        while self.starts_factor() and self.peek() not in _FUNCTIONS:
            value = value * self.power()
        return function(value) ** exponent

    def cases(self):
        r"""Read ``\begin{cases} a & condition \\ b & \text{otherwise} \end{cases}``."""
        self.take("{")
        if "".join(self.take() for _ in range(6)) != "cases}":
            raise FormulaError("unknown environment")
        branches = []
        while True:
            value = self.sum()
            self.take("&")
            if self.peek() == r"\text":
                while self.take() != "}":
                    pass
                branches.append((value, True))
            else:
                branches.append((value, self.condition()))
            if self.take(r"\\", r"\end") == r"\end":
                break
        while self.take() != "}":
            pass
        return sp.Piecewise(*branches)

    def condition(self):
        left, parts = self.sum(), []
        if self.peek() == r"\in":
            self.take()
            low_open = self.take("(", "[") == "("
            low = self.sum()
            self.take(",")
            high = self.sum()
            high_open = self.take(")", "]") == ")"
            parts = [
                (sp.Gt if low_open else sp.Ge)(left, low),
                (sp.Lt if high_open else sp.Le)(left, high),
            ]
        while self.peek() in _RELATIONS:
            relation = _RELATIONS[self.take()]
            right = self.sum()
            parts.append(relation(left, right))
            left = right
        if not parts:
            raise FormulaError("a case without a condition")
        return sp.And(*parts)
