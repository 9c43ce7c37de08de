r"""A decision procedure for equality of the formulas that the equations are made of.

An expression is rewritten as a quotient of polynomials in *generators*: the arguments, roots of
irreducible polynomials, logarithms of irreducible polynomials, exponentials of monomials, and
values of special functions. A root obeys r^n = f and no other relation; logarithms and
exponentials of different irreducible things obey none. So two expressions are equal if and only
if the numerator of their difference, with the powers of the roots reduced, is the zero polynomial:
nothing is simplified by luck, and a wrong formula cannot pass.

Roots and logarithms split over products because their factors are positive. Which sign a factor
has is read off points of the domain, where it must be the same at all of them. The branch of a
minimum, an absolute value or a case is read off each point, and each combination met is proved.
"""

import functools
import math

import mpmath as mp
import sympy as sp

__all__ = ["ProofError", "prove_equal", "value_at"]

DIGITS = 100


class ProofError(AssertionError):
    """Two expressions are not equal, or the procedure cannot say."""


class VanishingError(ProofError):
    """A factor under a root or a logarithm is 0 at all points: they are ends of the domain."""


class SignError(ProofError):
    """A factor under a root or a logarithm is positive at some points and negative at others."""


def prove_equal(left, right, points):
    """Prove two expressions equal where the points are; a point maps symbols to numbers."""
    left, right = (_exact(sp.sympify(side)) for side in (left, right))
    branches = {}
    for point in points:
        pair = tuple(_on_branch(side, point) for side in (left, right))
        branches.setdefault(pair, []).append(point)
    with mp.workdps(DIGITS):
        proved = sum(_proved(one, other, met) for (one, other), met in branches.items())
    if not proved:
        raise ProofError("all points are ends, where factors vanish")
    return proved


def _proved(one, other, points):
    """Prove one branch equal and return at how many points; ends prove nothing."""
    order = _root_order(one, other)
    try:
        _Field(points, order).check_zero(one - other)
    except VanishingError:
        return 0
    except SignError:  # then the proof is another one here and there
        if len(points) == 1:
            raise
        return sum(_proved(one, other, [point]) for point in points)
    return len(points)


def _exact(expression):
    """Take decimal constants of a source, such as 0.5, for what they mean."""
    numbers = {f: sp.nsimplify(f, rational=True) for f in expression.atoms(sp.Float)}
    return expression.xreplace(numbers)


def _root_order(*expressions):
    """Return the common denominator of all rational exponents."""
    roots, exponents = 1, 1
    for expression in expressions:
        for power in expression.atoms(sp.Pow):
            if power.exp.is_Rational:
                roots = math.lcm(roots, int(power.exp.q))
        for power in expression.atoms(sp.exp):
            for term in sp.Add.make_args(sp.expand(power.exp)):
                exponents = math.lcm(exponents, int(term.as_coeff_Mul()[0].q))
    return roots * exponents  # a root may be of an exponential with a fraction


@functools.lru_cache(maxsize=4096)
def _compiled(expression):
    symbols = tuple(sorted(expression.free_symbols, key=str))
    return symbols, sp.lambdify(symbols, expression, "mpmath")


def value_at(expression, point):
    """Evaluate an expression at a point; NaN where it is not defined."""
    with mp.workdps(DIGITS):
        symbols, evaluate = _compiled(expression)
        try:
            return evaluate(*(point[s] for s in symbols))
        except ZeroDivisionError:
            return mp.nan


def _on_branch(expression, point):
    """Replace what depends on an order by what it is at a point."""
    if not expression.args:
        return expression
    if isinstance(expression, sp.Piecewise):
        for value, condition in expression.args:
            if condition == True or bool(value_at(condition, point)):  # noqa: E712 (of SymPy)
                return _on_branch(value, point)
        raise ProofError(f"no case of {expression} holds")
    args = [_on_branch(arg, point) for arg in expression.args]
    if isinstance(expression, sp.Abs):
        return args[0] if value_at(args[0], point) >= 0 else -args[0]
    if isinstance(expression, (sp.Min, sp.Max)):
        choose = min if isinstance(expression, sp.Min) else max
        # In a fixed order, so that a tie is broken the same way on both sides.
        return choose(sorted(args, key=str), key=lambda arg: value_at(arg, point))
    return expression.func(*args)


class _Field:
    """Rational functions of generators, with the generators' values at some points."""

    def __init__(self, points, order):
        self.points, self.order = points, order
        self.generators = {}
        self.values = {}
        self.roots = {}
        self.logs = {}
        self.exponents = {}
        self.memory = {}

    def check_zero(self, difference):
        try:
            numerator = self.fraction(self.convert(difference))[0]
        except sp.PolynomialError as error:
            raise ProofError(f"beyond the procedure: {error}") from None
        if numerator != 0:
            raise ProofError(f"the difference has the numerator {str(numerator)[:300]}")

    # ------------------------------------------------------------------ generators

    def generator(self, kind, key, values):
        if (kind, key) not in self.generators:
            symbol = sp.Symbol(f"g{len(self.generators)}_{kind}")
            self.generators[kind, key] = symbol
            self.values[symbol] = values()
        return self.generators[kind, key]

    def at_points(self, expression):
        """Evaluate an expression of generators at every point."""
        found = []
        for place, point in enumerate(self.points):
            known = {s: values[place] for s, values in self.values.items()}
            found.append(value_at(expression, {**point, **known}))
        return found

    def sign(self, factor):
        """Return the one sign that a factor has; where it vanishes it has none."""
        signs = {int(mp.sign(mp.re(value))) for value in self.at_points(factor) if value == value}
        signs.discard(0)
        if not signs:
            raise VanishingError(f"{factor} is 0 at the points")
        if len(signs) != 1:
            raise SignError(f"{factor} has no one sign on the domain")
        return signs.pop()

    # ------------------------------------------------------------------ polynomials

    def reduced(self, polynomial):
        """Expand, and replace powers of roots; later roots may be of earlier ones."""
        polynomial = sp.expand(polynomial)
        for root, (order, radicand) in reversed(self.roots.items()):
            if not polynomial.has(root):
                continue
            terms = sp.Poly(polynomial, root).terms()
            polynomial = sp.expand(
                sum(c * root ** (k % order) * radicand ** (k // order) for (k,), c in terms)
            )
        return polynomial

    def fraction(self, expression):
        numerator, denominator = sp.fraction(sp.together(expression))
        return self.reduced(numerator), self.reduced(denominator)

    def factors(self, expression):
        """Yield factors that are positive on the domain, with their exponents, or raise."""
        numerator, denominator = self.fraction(expression)
        sign, found = 1, []
        for polynomial, direction in ((numerator, 1), (denominator, -1)):
            content, factors = sp.factor_list(polynomial)
            sign *= -1 if content < 0 else 1
            found += [(sp.Integer(p), direction * k) for p, k in _primes(content)]
            for factor, exponent in factors:
                if self.sign(factor) < 0:
                    factor, sign = sp.expand(-factor), sign * (-1) ** exponent
                found.append((factor, direction * exponent))
        if sign < 0:
            raise ProofError(f"{expression} is negative under a root or a logarithm")
        return found

    # ------------------------------------------------------------------ conversion

    def convert(self, expression):
        if expression not in self.memory:
            self.memory[expression] = self._convert(expression)
        return self.memory[expression]

    def _convert(self, e):
        if e.is_Rational or e.is_Symbol:
            return e
        if e is sp.pi:
            return self.generator("pi", "", lambda: [mp.pi] * len(self.points))
        if e.is_Add or e.is_Mul:
            return e.func(*(self.convert(arg) for arg in e.args))
        if e is sp.E or isinstance(e, sp.exp):
            return self.exponential(self.convert(e.exp))
        if e.is_Pow:
            return self.power(e.base, e.exp)
        if isinstance(e, sp.log):
            return self.logarithm(self.convert(e.args[0]))
        return self.special(e)

    def power(self, base, exponent):
        if exponent.is_Integer:
            return self.convert(base) ** exponent
        if exponent.is_Rational:
            return self.root(self.convert(base), exponent)
        return self.exponential(self.convert(exponent) * self.logarithm(self.convert(base)))

    def root(self, expression, exponent):
        if expression == 0:
            return expression
        result = sp.Integer(1)
        for factor, times in self.factors(expression):
            count = self.order * exponent * times
            if not count.is_Integer:
                raise ProofError(f"a root of {factor} of an order that the formula does not show")
            whole, part = divmod(abs(int(count)), self.order)
            value = factor**whole * self.basic_root(factor) ** part
            result = result * value if count > 0 else result / value
        return result

    def basic_root(self, factor):
        def values():
            return [mp.root(abs(value), self.order) for value in self.at_points(factor)]

        symbol = self.generator("root", factor, values)
        self.roots.setdefault(symbol, (self.order, factor))
        return symbol

    def logarithm(self, expression):
        return sp.Add(*(n * self.basic_log(factor) for factor, n in self.factors(expression)))

    def basic_log(self, factor):
        if factor in self.exponents:
            return self.exponents[factor]
        if factor in self.roots:
            order, radicand = self.roots[factor]
            return self.logarithm(radicand) / order

        def values():
            return [mp.log(abs(v)) if v else mp.nan for v in self.at_points(factor)]

        symbol = self.generator("log", factor, values)
        self.logs.setdefault(symbol, factor)
        return symbol

    def exponential(self, exponent):
        numerator, denominator = self.fraction(exponent)
        result = sp.Integer(1)
        for term in sp.Add.make_args(numerator):
            number, monomial = self.normal(term, denominator).as_coeff_Mul()
            if monomial in self.logs:
                result *= self.root(self.logs[monomial], number)
            else:
                result *= self.root(self.basic_exp(monomial), number)
        return result

    def normal(self, numerator, denominator=1):
        return sp.factor(sp.cancel(numerator / denominator))

    def basic_exp(self, monomial):
        if monomial == 0:
            return sp.Integer(1)
        symbol = self.generator(
            "exp", monomial, lambda: [mp.exp(value) for value in self.at_points(monomial)]
        )
        self.exponents[symbol] = monomial
        return symbol

    def special(self, e):
        """Name the value of a function that has symmetries only: Phi, sine, cosine ..."""
        if len(e.args) != 1:
            raise ProofError(f"unknown function: {e}")
        argument = self.normal(*self.fraction(self.convert(e.args[0])))
        if isinstance(e, sp.tanh):
            grown = self.exponential(2 * argument)
            return (grown - 1) / (grown + 1)
        if isinstance(e, sp.tan):
            return self.sine(argument) / self.cosine(argument)
        if isinstance(e, sp.sin):
            return self.sine(argument)
        if isinstance(e, sp.cos):
            return self.cosine(argument)
        if isinstance(e, (sp.erfc, sp.erf)):
            return (
                self.complement(argument)
                if isinstance(e, sp.erfc)
                else 1 - self.complement(argument)
            )
        if isinstance(e, sp.atan):
            positive, sign = _oriented(argument)
            return sign * self.generator("atan", positive, lambda: self.mapped(mp.atan, positive))
        raise ProofError(f"unknown function: {e}")

    def mapped(self, function, argument):
        return [function(value) for value in self.at_points(argument)]

    def complement(self, argument):
        positive, sign = self.oriented(argument)
        tail = self.generator("erfc", positive, lambda: self.mapped(mp.erfc, positive))
        return tail if sign > 0 else 2 - tail

    def oriented(self, argument):
        """Take the side on which a tail is small, where it is one side."""
        try:
            sign = self.sign(argument)
        except SignError:
            return _oriented(argument)
        return sign * argument, sign

    def cosine(self, argument):
        positive, _ = _oriented(argument)
        return self.generator("cos", positive, lambda: self.mapped(mp.cos, positive))

    def sine(self, argument):
        positive, sign = _oriented(argument)
        symbol = self.generator("sin", positive, lambda: self.mapped(mp.sin, positive))
        self.roots.setdefault(symbol, (2, 1 - self.cosine(argument) ** 2))
        return sign * symbol


def _oriented(argument):
    negative = argument.could_extract_minus_sign()
    return (-argument, -1) if negative else (argument, 1)


def _primes(content):
    """Yield the primes of a rational number with their exponents."""
    content = abs(sp.Rational(content))
    for prime, times in sp.factorint(content.p).items():
        yield prime, times
    for prime, times in sp.factorint(content.q).items():
        yield prime, -times
