"""What is written about the papers: one text a paper, true links, no number from memory."""

import re
from pathlib import Path

import pytest

from refdiff.catalogue import Equation, load

FOLDER = Path(__file__).parents[2] / "docs" / "papers"
CATALOGUE = load()
LABELS = {"eqn-" + name.replace("/", "-"): name for name in CATALOGUE.equations}
# An equation's number, such as (7), and what else a paper numbers.
NUMBERED = re.compile(
    r"(?<![\w`)])\((\d+)\)|\b(equation|eq\.|theorem|lemma|algorithm|table|section|appendix) "
    r"([A-Z]\b|\(?\d+(?:\.\d+)*\)?)",
    re.IGNORECASE,
)


def quoted_numbers(text: str) -> list[str]:
    """Return the numbers of equations and sections that a text quotes from its paper."""
    return [match[0] for match in NUMBERED.finditer(text)]


def may_be_quoted(quoted: str, equations: tuple[Equation, ...]) -> bool:
    seen = [e for e in equations if e.number_status in ("SEEN", "SEEN-2")]
    wanted = re.sub(r"^(equation|eq\.) \(?(\d+)\)?$", r"(\2)", quoted.lower())
    return any(wanted in e.number.lower() for e in seen)


@pytest.mark.parametrize("key", CATALOGUE.papers)
def test_every_paper_has_prose_a_table_of_symbols_and_pitfalls(key: str) -> None:
    text = (FOLDER / f"{key}.rst").read_text("utf-8")
    assert text.count("   * - ") >= 3
    assert ".. rubric:: Pitfalls" in text
    assert len(text.split(".. rubric::")[0].split("\n\n")[0]) > 150
    links = re.findall(r":ref:`[^<`]+ <([\w-]+)>`", text)
    assert any(LABELS[link].startswith(f"{key}/") for link in links)


def test_no_text_is_about_a_paper_that_is_not_there() -> None:
    assert {path.stem for path in FOLDER.glob("*.rst")} == CATALOGUE.papers.keys()


@pytest.mark.parametrize("key", CATALOGUE.papers)
def test_quoted_numbers_were_read_in_the_paper(key: str) -> None:
    text = (FOLDER / f"{key}.rst").read_text("utf-8")
    for quoted in quoted_numbers(text):
        assert may_be_quoted(quoted, CATALOGUE.of_paper(key)), f"{key}: {quoted}"


def test_a_number_from_memory_may_not_be_quoted() -> None:
    nichol = CATALOGUE.of_paper("nichol2021")
    text = "The variance of section 3.1, the schedule (17) and Theorem 2."
    assert quoted_numbers(text) == ["section 3.1", "(17)", "Theorem 2"]
    assert not may_be_quoted("section 3.1", nichol)  # MEM
    assert may_be_quoted("(17)", nichol)  # SEEN-2
    assert not may_be_quoted("(16)", nichol)
    assert may_be_quoted("equation (8)", nichol)
