"""One source, many readings: shapes, libraries, symbols and compilation give one result."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.testing import assert_close, assert_law, budget
from refdiff.testing import strategies as own
from refdiff.testing.budgets import evaluate
from tests.support import cases_sde
from tests.support.cases import POSITIONAL, ROWS, drawn, every_dtype, every_function, fewer

# In these a Python number goes through the C library's exp, log or pow and an array through
# NumPy's, which may differ in the last place.
TRANSCENDENTAL = {
    "weights.log_snr_from_uniform",
    "solvers.dpm_solver_2_step",
    "solvers.dpm_solver_3_step",
    "solvers.phi_1",
    "solvers.phi_2",
    "solvers.phi_3",
    "solvers.phi_4",
    "solvers.unipc_b2",
    "solvers.unipc_weight_2",
    "solvers.unipc_weight_3",
    "flow.angle_step",
    "flow.angular_velocity",
    "flow.variance_preserving_field",
    "alpha_bar_from_log_snr",
    "bounds.density_bits_per_dim",
    "bounds.entropy_form",
    "bounds.posterior_term",
    "bounds.reconstruction_term",
    "bounds.reverse_entropy_lower",
    "bounds.reverse_entropy_upper",
    "bounds.variance_term",
    "discretized_gaussian_log_likelihood",
    "edm_c_noise",
    "learned_range_variance",
    "log_snr",
    "continuous.log_snr",
    "normal_kl",
    "p2_weight_eps",
    "prior_kl",
    "shifted_log_snr",
    "solvers.training_sigma",
    "solvers.ve_c_noise",
    "solvers.vp_c_noise",
    "solvers.vp_scale",
    "solvers.vp_sigma",
    "solvers.vp_time",
} | cases_sde.TRANSCENDENTAL
SHAPE = (2, 3, 2, 2)


def same(case, actual, expected, *, terms):
    """Assert equality; where NumPy and the C library differ, to a few last places of the terms."""
    if case.name in TRANSCENDENTAL:
        assert_close(actual, expected, units=8, terms=terms)
    else:
        assert_law("P111", actual, expected)


@pytest.mark.property_id("P111")
@every_function
@fewer
@given(data=st.data())
def test_a_number_a_value_per_sample_and_a_full_array_give_one_result(case, data):
    tensors = [data.draw(own.images(SHAPE)) for _ in range(case.count)]
    pair = [data.draw(case.values) for _ in range(SHAPE[0])]
    first = {name: np.array([point[name] for point in pair]) for name in pair[0]}
    columns = {name: value.reshape(-1, 1, 1, 1) for name, value in first.items()}
    full = {name: np.broadcast_to(value, SHAPE) for name, value in columns.items()}

    def call(tensors, values):
        positional, named = case.split(values)
        return case.function(*positional, *tensors, **named)

    whole = np.asarray(call(tensors, full))
    assert whole.shape == (SHAPE if full or tensors else ())
    per_sample = np.broadcast_to(call(tensors, columns), SHAPE)
    assert_law("P111", per_sample, whole)
    for index, point in enumerate(pair):
        number = np.broadcast_to(call([t[index] for t in tensors], point), SHAPE[1:])
        for at in ((0, 0, 0), (2, 1, 1)):
            args = [float(t[index][at]) for t in tensors]
            positional, named = case.split(point)
            _, allowed = budget(case.function, *positional, *args, **named)
            terms = max(abs(float(whole[index][at])), allowed / 2.0**-52)
            same(case, number[at], whole[index][at], terms=terms)


@every_dtype
@every_function
@fewer
@given(data=st.data())
def test_arguments_are_left_alone_and_the_dtype_is_kept(case, dtype, data):
    args, values = drawn(data, case, dtype)
    args = [np.asarray(arg, dtype=dtype) for arg in args]
    values = {name: np.asarray(value, dtype=dtype) for name, value in values.items()}
    before = [arg.copy() for arg in (*args, *values.values())]
    for arg in (*args, *values.values()):
        arg.flags.writeable = False
    result = case.function(*args, **values)
    assert str(np.asarray(result).dtype) == dtype
    for old, arg in zip(before, (*args, *values.values()), strict=True):
        assert np.array_equal(old, arg)


@pytest.mark.property_id("P112")
@every_function
@fewer
@given(data=st.data())
def test_numpy_and_torch_agree(case, data):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    args, values = drawn(data, case)
    expected = np.asarray(case.function(*args, **values))
    actual = case.function(
        *(torch.as_tensor(arg) for arg in args),
        **{name: torch.as_tensor(value) for name, value in values.items()},
    )
    assert actual.dtype == torch.float64
    # Where terms cancel, a last place of exp or log is magnified: by the conditioning.
    for k, (one, other) in enumerate(zip(actual.tolist(), expected.tolist(), strict=True)):
        named = {name: float(value[k]) for name, value in values.items()}
        _, allowed = budget(case.function, *(float(arg[k]) for arg in args), **named)
        size = max(abs(one), abs(other))
        condition = allowed / 2.0**-52 / size if 0 < size < math.inf else 1.0
        assert_law("P112", one, other, scale=max(1.0, condition))


@every_function
def test_symbols_give_an_expression_with_the_right_value(case):
    sympy = pytest.importorskip("sympy", reason="SymPy is not installed")
    point = symbol_values(case)
    args = [sympy.Symbol(f"a{k}", positive=True) for k in range(case.count)]
    named = {name: sympy.Symbol(name, positive=True) for name in point}
    positional, keywords = case.split(named)
    expression = sympy.sympify(case.function(*positional, *args, **keywords))
    numbers = {symbol: sympy.Rational(k + 3, 7) for k, symbol in enumerate(args)}
    numbers |= {named[name]: value for name, value in point.items()}
    assert expression.free_symbols <= set(numbers)
    assert expression.free_symbols, "nothing symbolic is left"
    found = expression.subs(numbers).evalf(30)
    mp_args = [float(numbers[symbol]) for symbol in args]
    positional, keywords = case.split({name: float(value) for name, value in point.items()})
    expected = evaluate(case.textbook, *positional, *mp_args, **keywords)
    assert_close(float(found), float(expected), units=64)


def symbol_values(case):
    """Return one benign point: exact fractions within every domain."""
    from sympy import Rational

    special = {
        "r_1": Rational(1),
        "r_2": Rational(-1, 2),
        "r_3": Rational(-2),
        "alpha_bar_t": Rational(1, 4),
        "alpha_bar_s": Rational(1, 2),
        "alpha_t": Rational(1, 2),
        "sigma_t": Rational(3, 4),
        "alpha_s": Rational(3, 4),
        "sigma_s": Rational(1, 4),
        "sigma": Rational(3, 4),
        "sigma_lo": Rational(1, 4),
        "sigma_hi": Rational(5, 4),
        "churn_hi": Rational(5, 4),
        "mean": Rational(1, 8),
        "levels": Rational(17),
        "x_0": Rational(0),
        "sigma_max": Rational(5, 2),
        "gamma_s": Rational(1, 8),
    }
    return {name: special.get(name, Rational(1, 2)) for name in drawn_names(case)}


def drawn_names(case):
    """Return the names of the arguments that are no free tensors."""
    parameters = inspect.signature(case.function).parameters.values()
    keyword_only = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    return [*POSITIONAL.get(case.name, ()), *keyword_only]


COMPILED = (
    "posterior_mean",
    "ddim_step",
    "learned_range_variance",
    "discretized_gaussian_log_likelihood",
    "classifier_free_guidance",
    "min_snr_weight_eps",
    "edm_c_out",
    "continuous.posterior_variance",
)


@pytest.mark.parametrize("name", COMPILED)
def test_torch_compiles_a_function_into_one_graph(name):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    case = next(row.values[0] for row in ROWS if row.values[0].name == name)
    point = {key: float(value) for key, value in symbol_values(case).items()}
    generator = torch.Generator().manual_seed(0)
    tensors = [
        torch.randn(2, 3, generator=generator, dtype=torch.float64) for _ in range(case.count)
    ]
    columns = {key: torch.full((2, 1), value, dtype=torch.float64) for key, value in point.items()}
    positional, named = case.split(columns)
    args = [*positional, *tensors]
    torch._dynamo.reset()
    # aot_eager: the whole graph is traced and differentiated, without a C++ compiler.
    compiled = torch.compile(case.function, fullgraph=True, backend="aot_eager")
    assert_close(compiled(*args, **named), case.function(*args, **named), terms=8.0)
