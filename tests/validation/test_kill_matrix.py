"""The kept kill matrix is complete and agrees with its page; small parts are measured anew."""

import pytest

from refdiff.conformance.planting import RESULTS, carriers
from refdiff.conformance.variants import all_variants
from validation import kill_matrix

ROWS = {row["carrier"]: row for row in kill_matrix.kept()}
FAST = ["functions", "denoiser-sampler (heun)", "denoiser-sampler (dpm-solver++-2m)"]


def test_all_implementations_are_in_it() -> None:
    assert [carrier.name for carrier in carriers()] == list(ROWS)


def test_every_variant_of_a_part_is_planted_somewhere() -> None:
    planted = {name for row in ROWS.values() for name in row["plantings"]}
    known = {n for n, v in all_variants().items() if v.replaces and v.kind != "form"}
    assert planted | kill_matrix.NOT_CARRIED.keys() == known
    assert not planted & kill_matrix.NOT_CARRIED.keys()


def test_every_variant_is_named_somewhere() -> None:
    named = {
        name
        for row in ROWS.values()
        for name, found in row["plantings"].items()
        if found["result"] in RESULTS[:3]
    }
    assert sorted({name for row in ROWS.values() for name in row["plantings"]} - named) == []


def test_what_is_not_named_has_a_reason() -> None:
    assert kill_matrix.unexplained(list(ROWS.values())) == []


@pytest.mark.parametrize("name", ROWS)
def test_no_correct_implementation_is_blamed(name: str) -> None:
    verdicts = {verdict for verdict, _ in ROWS[name]["untouched"].values()}
    assert verdicts <= {"convention", "approximation", "inconclusive"}


def test_page_is_up_to_date() -> None:
    rows = kill_matrix.kept()
    shown = kill_matrix.PAGE.read_text("utf-8")
    assert shown == kill_matrix.page(rows), "run python -m validation.kill_matrix --page"


@pytest.mark.parametrize("name", FAST)
def test_kept_numbers_are_measured_again(name: str) -> None:
    (carrier,) = (carrier for carrier in carriers() if carrier.name == name)
    measured = kill_matrix.measure(carrier)
    del measured["seconds"]
    assert measured == ROWS[name]
