"""The LaTeX reader: what it reads, and what it refuses to guess."""

import pytest
import sympy as sp

from tests.support.latex import FormulaError, read_statement
from tests.support.latex_tokens import tokens

a, b, x, sigma_t = sp.symbols("a b x sigma_t", positive=True)
KNOWN = {"a": a, "b": b, "x": x, r"\sigma_t": sigma_t, r"\nabla \log q(x_t)": sp.Symbol("score")}


def read(latex):
    (member,) = read_statement(latex, KNOWN).members
    return member


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"-a + b - \frac{a}{b}", -a + b - a / b),
        (r"\tfrac12 a^2 - \frac14\,b^{2x}", a**2 / 2 - b ** (2 * x) / 4),
        (r"\sqrt{a}\,b / x", sp.sqrt(a) * b / x),
        (r"\sqrt2 + \sqrt[3]{a}", sp.sqrt(2) + a ** sp.Rational(1, 3)),
        (r"2\left(a - (b + x)\right)^2", 2 * (a - b - x) ** 2),
        (r"e^{-\frac12 a}", sp.exp(-a / 2)),
        (r"x\,\exp\!\left(-a\right) b", x * sp.exp(-a) * b),
        (r"\ln\frac{a}{b} + 1", sp.log(a / b) + 1),
        (r"\ln 2 a + b", sp.log(2 * a) + b),
        (r"\ln(a) b", sp.log(a) * b),
        (r"a \log x \log b", a * sp.log(x) * sp.log(b)),
        (r"\sin^2\!\left(\frac{\pi}{2} x\right)", sp.sin(sp.pi * x / 2) ** 2),
        (r"\min(a, b) - \max\left(a,\ b\right)", sp.Min(a, b) - sp.Max(a, b)),
        (r"\sigma_{t}^2", sigma_t**2),
        (r"a\,\nabla \ln q(x_t)", a * sp.Symbol("score")),
        (r"\mathrm{expm1}(a)\,\mathrm{sigmoid}(b)", (sp.exp(a) - 1) / (1 + sp.exp(-b))),
        (r"\varphi_2(a)", (sp.exp(a) - 1 - a) / a**2),
        (r"|a - b|", sp.Abs(a - b)),
        (r"12.5\,a", sp.Rational(25, 2) * a),
    ],
)
def test_it_reads_what_formulas_are_made_of(latex, expected):
    assert sp.simplify(read(latex) - expected) == 0


def test_it_reads_cases():
    found = read(r"\begin{cases} a & x \in (a, b] \\ 1 & \text{otherwise} \end{cases}")
    assert found == sp.Piecewise((a, sp.And(x > a, x <= b)), (1, True))
    found = read(
        r"\begin{cases} a & a \le x \le b \\ 0 & x < a \\ b & \text{otherwise} \end{cases}"
    )
    assert [found.subs({a: 2, b: 3, x: n}) for n in (1, 2, 3, 4)] == [0, 2, 2, 3]


def test_definitions_replace_names_in_any_order():
    latex = (
        r"y = q\,\tau, \qquad \tau = r + 1, \quad q^2 = a, \quad r = \frac{a}{b} = \frac{2a}{2b}"
    )
    found = read_statement(latex, KNOWN)
    assert found.members == (sp.sqrt(a) * (a / b + 1),)
    assert found.names == (("y",),)
    assert found.claims == ((a / b, a / b),)


@pytest.mark.parametrize("name", ["y_t", r"D(x;\sigma)", r"\mathrm{SNR}_t", "g(t)^2", r"\sigma_t"])
def test_a_name_before_the_first_sign_is_no_member(name):
    assert read_statement(f"{name} = a + b", KNOWN).members == (a + b,)


def test_a_chain_has_all_members():
    found = read_statement(r"\frac{a}{b} = \frac{2a}{2b}", KNOWN)
    assert len(found.members) == 2
    assert found.names == ()


@pytest.mark.parametrize(
    "latex",
    [
        r"c",
        r"\sigma_s",
        r"a +",
        r"\frac{a}{c}",
        r"(a + b",
        r"a \oplus b",
        r"a, b",
        r"x_0",
        r"\ln c = a",
    ],
)
def test_what_is_unknown_is_refused(latex):
    with pytest.raises(FormulaError):
        read(latex)


def test_spacing_and_spelling_make_no_difference():
    assert tokens(r"\log\left( x_{t} \right)\;") == tokens(r"\ln(x_t)")
