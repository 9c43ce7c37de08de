"""The equations on JAX arrays, where JAX is installed: within budget, and under jit."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from refdiff.equations import ddim_step
from refdiff.testing import assert_close
from tests.support.cases import drawn, every_function, fewer, within

jax = pytest.importorskip("jax", reason="JAX is not installed; it is no dependency of the tests")


@every_function
@fewer
@given(data=st.data())
def test_within_budget_of_the_textbook(case, data):
    args, values = drawn(data, case, "float32")
    # XLA takes subnormal numbers as 0, as no other array library does; squares stay above them.
    numbers = np.concatenate([np.ravel(value) for value in (*args, *values.values())])
    assume(not np.any((numbers != 0) & (np.abs(numbers) < 2.0**-63)))
    # XLA's expm1 is off by 2.5 units in the last place in float32, where others lose one.
    within(case, args, values, "float32", convert=jax.numpy.asarray, units=2.0)


@pytest.mark.property_id("P112")
def test_jit_traces_a_step_without_looking_at_the_schedule():
    x_t, eps, noise = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    levels = {"alpha_bar_t": np.float32(0.3), "alpha_bar_s": np.float32(0.6), "eta": 0.5}
    compiled = jax.jit(ddim_step)(x_t, eps, noise, **levels)
    assert_close(np.asarray(compiled), ddim_step(x_t, eps, noise, **levels), terms=8.0)
