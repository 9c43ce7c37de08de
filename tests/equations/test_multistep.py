"""Linear multistep weights, PNDM's combinations and transfer, and the split of ancestral noise."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refdiff.equations as eq
from refdiff.equations import continuous, solvers
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.inputs import pairs, scales

grids = st.lists(st.integers(-40, 40), min_size=2, max_size=6, unique=True)
whole = st.integers(-9, 9)


@pytest.mark.property_id("P092")
@pytest.mark.verifies("liu2022/adams-bashforth")
@given(grids, st.data())
def test_weights_are_exact_for_polynomials_below_their_number(places, data):
    """In fractions, so that exact means equal: the integral of the slope over the step."""
    end, *nodes = [Fraction(place, 7) for place in places]
    weights = solvers.adams_bashforth_weights(nodes, end)
    powers = data.draw(st.lists(whole, min_size=len(nodes), max_size=len(nodes)))

    def slope(u):
        return sum(c * u**k for k, c in enumerate(powers))

    def integral(u):
        return sum(c * u ** (k + 1) / (k + 1) for k, c in enumerate(powers))

    found = sum(w * slope(u) for w, u in zip(weights, nodes, strict=True))
    assert found * (end - nodes[0]) == integral(end) - integral(nodes[0])
    assert sum(weights) == 1


@pytest.mark.verifies("liu2022/adams-bashforth", "liu2022/plms", "liu2022/s-pndm")
def test_equal_steps_give_the_classical_numbers():
    classical = {
        1: [1],
        2: [Fraction(3, 2), Fraction(-1, 2)],
        3: [Fraction(23, 12), Fraction(-16, 12), Fraction(5, 12)],
        4: [Fraction(55, 24), Fraction(-59, 24), Fraction(37, 24), Fraction(-9, 24)],
    }
    for order, wanted in classical.items():
        nodes = [Fraction(-k) for k in range(order)]
        assert list(solvers.adams_bashforth_weights(nodes, Fraction(1))) == wanted
    units = np.eye(4)
    found = [solvers.plms_eps(*unit) for unit in units]
    assert_close(found, [float(w) for w in classical[4]])
    assert_close([solvers.s_pndm_eps(*unit) for unit in units[:2, :2]], [1.5, -0.5])


@pytest.mark.parametrize(
    ("nodes", "end", "message"),
    [
        ([], 1.0, "nodes is empty"),
        ([0.0, 1.0, 0.0], 2.0, r"nodes\[2\]=0.0 stands twice"),
        ([1.0, 2.0], 1.0, "end=1.0 must differ"),
    ],
)
def test_impossible_nodes_are_refused(nodes, end, message):
    with pytest.raises(ValueError, match=message):
        solvers.adams_bashforth_weights(nodes, end)


@pytest.mark.verifies("liu2022/prk", "liu2022/s-pndm-start")
def test_with_addition_for_the_transfer_the_classical_methods_come_out():
    """On x' = x one step multiplies by the Taylor sum of exp(h) up to the order, in fractions."""
    h, x = Fraction(1, 3), Fraction(1)
    e_1 = x
    e_2 = x + h / 2 * e_1
    e_3 = x + h / 2 * e_2
    e_4 = x + h * e_3
    taylor = [Fraction(1), h, h**2 / 2, h**3 / 6, h**4 / 24]
    assert x + h * solvers.prk_eps(e_1, e_2, e_3, e_4) == sum(taylor)
    assert x + h * solvers.s_pndm_first_eps(e_1, x + h * e_1) == sum(taylor[:3])


@pytest.mark.property_id("P058")
@pytest.mark.verifies("liu2022/transfer")
@given(pairs(), strategies.images((3,)), strategies.images((3,)))
def test_the_transfer_is_deterministic_ddim(levels, x_t, eps):
    found = solvers.pndm_transfer(x_t, eps, **levels)
    ddim = eq.ddim_step(x_t, eps, 0.0, eta=0.0, **levels)
    size = (np.abs(x_t) + np.abs(eps)) / np.sqrt(levels["alpha_bar_t"])
    assert_law("P058", found, ddim, scale=1 + size)


@pytest.mark.property_id("P093")
@pytest.mark.verifies("liu2022/transfer")
@given(st.lists(strategies.alpha_bar(low=1e-4, high=0.999), min_size=3, max_size=3, unique=True))
def test_transfers_along_one_noise_compose(levels):
    t, s, u = sorted(levels)
    x_t, eps = np.array([1.3, -0.4]), np.array([0.7, 2.0])
    halfway = solvers.pndm_transfer(x_t, eps, alpha_bar_t=t, alpha_bar_s=s)
    twice = solvers.pndm_transfer(halfway, eps, alpha_bar_t=s, alpha_bar_s=u)
    once = solvers.pndm_transfer(x_t, eps, alpha_bar_t=t, alpha_bar_s=u)
    assert_close(twice, once, terms=8 / np.sqrt(t))


@pytest.mark.verifies("liu2022/transfer")
def test_a_short_transfer_loses_no_digits():
    """A step between neighbouring numbers moves by 1e-17, which the usual form cannot tell."""
    t = 0.3
    s = np.nextafter(t, 1.0)
    moved = solvers.pndm_transfer(0.0, 1.0, alpha_bar_t=t, alpha_bar_s=s)
    slope = -1 / (2 * t * np.sqrt(1 - t))
    assert_close(moved, slope * (s - t), units=16)


@pytest.mark.verifies("song2021ddim/fresh-noise-at-scales", "song2021ddim/kept-noise-at-scales")
@given(pairs(include_zero=True), strategies.etas())
def test_in_the_discrete_family_the_fresh_noise_is_that_of_ddim(levels, eta):
    t, s = levels["alpha_bar_t"], levels["alpha_bar_s"]
    at = {"alpha_t": np.sqrt(t), "sigma_t": np.sqrt(1 - t)}
    at |= {"alpha_s": np.sqrt(s), "sigma_s": np.sqrt(1 - s)}
    fresh = solvers.ancestral_fresh_noise(eta=eta, **at)
    kept = solvers.ancestral_kept_noise(eta=eta, **at)
    # Roots of small differences of the levels lose half of the digits lost by the differences.
    assert_close(fresh**2, eq.ddim_sigma(eta=eta, **levels) ** 2, terms=1.0, units=16)
    assert_close(kept, eq.ddim_mean(0.0, 1.0, eta=eta, **levels), terms=1.0, units=16)


@pytest.mark.verifies("song2021ddim/fresh-noise-at-scales", "song2021ddim/kept-noise-at-scales")
@given(scales(with_s=True), strategies.etas())
def test_fresh_and_kept_noise_make_up_all_noise_at_any_scales(levels, eta):
    fresh = solvers.ancestral_fresh_noise(eta=eta, **levels)
    kept = solvers.ancestral_kept_noise(eta=eta, **levels)
    total = levels["sigma_s"] ** 2
    assert_close(fresh**2 + kept**2, total, units=16)
    full = solvers.ancestral_fresh_noise(eta=1.0, **levels)
    assert_close(full**2, continuous.posterior_variance(**levels), terms=total, units=16)
    assert_close(fresh, eta * full, terms=full)
    assert solvers.ancestral_kept_noise(eta=0.0, **levels) == levels["sigma_s"]
