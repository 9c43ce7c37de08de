"""A proof fails when a sign, a root or a factor changes, in the formula or in the function."""

import pytest

from tests.support.cases import ROWS
from tests.support.latex import FormulaError
from tests.support.planting import chosen, formula_mutants, function_mutants
from tests.support.proof import ProofError, prove_equal
from tests.support.reading import reading

every_case = pytest.mark.parametrize("case", [pytest.param(*row.values, id=row.id) for row in ROWS])


def few_points(found):
    """Return enough points to know the signs, and all where a mistake may hide in a branch."""
    return found.points if found.branches else found.points[:6]


def prove_all(pairs, points):
    for left, right in pairs:
        prove_equal(left, right, points)


@every_case
def test_a_changed_formula_is_not_proved(case):
    found = reading(case)
    planted = []
    for mutant in chosen(case.name, formula_mutants(found.formula)):
        try:
            pairs = found.stated(mutant)
        except FormulaError:  # the change has hit the name of something
            continue
        if pairs != found.stated():  # or the name of the result
            planted.append(pairs)
        if len(planted) == 2:
            break
    assert planted
    for pairs in planted:
        with pytest.raises(ProofError):
            prove_all(pairs, few_points(found))


@every_case
def test_a_changed_function_is_not_proved(case):
    found = reading(case)
    mutants = chosen(case.name, function_mutants(case.function))[:2]
    assert mutants
    for mutant in mutants:
        changed = found.evaluated(mutant)
        pairs = [
            (changed if left == found.expression else left, right) for left, right in found.stated()
        ]
        with pytest.raises(ProofError):
            prove_all(pairs, few_points(found))
