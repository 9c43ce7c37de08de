"""What people and programs read: terminal, HTML, JUnit."""

import html.parser
import io
import re
import xml.etree.ElementTree as ET

import pytest
from rich.console import Console

from refdiff.conformance.accepted import Acceptance
from refdiff.conformance.baseline import Baseline
from refdiff.conformance.report import Report
from refdiff.conformance.reports.pictures import error_chart, series_of
from refdiff.conformance.reports.terminal import finding, show
from refdiff.conformance.reports.wording import budgets, inputs, numbers
from refdiff.conformance.results import Result

EVIL = "<script>alert('&')</script>"


def result(check, verdict, variant=None, message="it does so", **known):
    known = {"reproduce": f"refdiff check t --only {check}"} | known
    return Result(check, (), verdict, message, variant, **known)


SMALL = result(
    *("ddim-step/eta-half", "deviates"),
    error_units=50.0,
    at={"t": 500, "eta": 0.5},
    expected=0.1,
    observed=0.1000000001,
)
NAMED = [
    result("ddim-sigma/eta-one", "known-deviation", "eta-times-variance", error_units=4e5),
    result("ddim-sigma/eta-half", "known-deviation", "eta-times-variance", error_units=2e5),
]
RAISED = result(
    *("p-sample/shapes", "error"),
    message=f"the target raised: ValueError: {EVIL}",
    traceback=f"Traceback\n  File 'x'\nValueError: {EVIL}\x1b[31m\x00",
)
OTHERS = [
    result("table/betas", "conforms", error_units=0.5),
    result("table/side", "convention", "prints"),
    result("table/more", "convention", "prints"),
    result("table/rough", "approximation", "no-such-name", message="it is rough", error_units=7.0),
    result("loop/end", "inconclusive", message="one step cannot show it; five would"),
    result("loop/guided", "not-provided", message="it has no guidance"),
]
ALL = Report("my.module:Thing", "functions", (*NAMED, SMALL, RAISED, *OTHERS), command="refdiff x")


def test_the_first_line_counts_what_ran_and_what_was_not_provided():
    first, second, *_ = ALL.to_text().splitlines()
    assert first == "9 checks ran, 1 not provided (loop/guided), 1 inconclusive."
    assert second == "my.module:Thing, judged as functions."


def test_what_deviates_comes_next_and_the_worst_of_it_first():
    text = ALL.to_text()
    places = [
        text.index(words)
        for words in (
            "known-deviation  ddim-sigma/eta-one  4.0e+05 budgets of rounding",
            "deviates  ddim-step/eta-half  50.0 budgets of rounding",
            "error  p-sample/shapes",
            "Conventions",
            "Approximations",
            "Inconclusive",
            "Fails: 1 deviates, 2 known-deviation, 1 error.",
        )
    ]
    assert places == sorted(places)
    assert "also in    ddim-sigma/eta-half" in text
    assert text.count("known-deviation  ") == 1  # one cause is shown once
    assert "cure       take the square root" in text
    assert "reproduce  refdiff check t --only ddim-step/eta-half" in text
    assert "at         t=500, eta=0.5" in text
    assert "expected   0.1\n" in text
    assert "observed   0.1000000001\n" in text
    assert (
        "prints: The target prints to standard output or standard error. (table/side and 1" in text
    )
    assert "loop/end: one step cannot show it; five would" in text


@pytest.mark.parametrize("width", [40, 60, 100])
def test_lines_end_where_the_terminal_does_but_commands_stay_whole(width):
    for line in ALL.to_text(width=width).splitlines():
        unbroken = "reproduce" in line or line.startswith("    ") or " " not in line.strip()
        assert len(line) <= width or unbroken, line


def test_two_causes_together_are_not_shown_again_where_each_was_seen_alone():
    first, second = NAMED[0], result("b", "known-deviation", "reseeds")
    both = result("c", "known-deviation", "eta-times-variance+reseeds", error_units=9e9)
    text = Report("t", "functions", (first, second, both)).to_text()
    assert "known-deviation  c" not in text
    assert "also in    c" in text
    assert "known-deviation  c" in Report("t", "functions", (first, both)).to_text()


def test_no_colour_where_nobody_looks():
    plain, coloured = io.StringIO(), io.StringIO()
    show(ALL, Console(file=plain, width=90))
    show(ALL, Console(file=coloured, width=90, force_terminal=True, color_system="standard"))
    assert "\x1b" not in plain.getvalue().replace("\x1b[31m\x00", "")
    assert plain.getvalue().startswith("9 checks ran")
    assert "\x1b[" in coloured.getvalue()


def test_a_message_is_no_markup_for_the_terminal():
    said = io.StringIO()
    odd = result("a/b", "deviates", message="[bold]as it is[/bold] [/]")
    show(Report("t", "functions", (odd,)), Console(file=said, width=90))
    assert "[bold]as it is[/bold] [/]" in said.getvalue()


def test_incomplete_stale_accepted_and_known_are_said():
    report = Report(
        "t",
        "functions",
        (NAMED[0], SMALL, OTHERS[0]),
        complete=False,
        accepted=(
            Acceptance("ddim-sigma/*", "eta-times-variance", reason="as published"),
            Acceptance("table/betas", "gone"),
        ),
        baseline=Baseline(
            frozenset({("ddim-step/eta-half", "deviates", ""), ("table/betas", "error", "")}), "old"
        ),
        notes=("on Windows nothing is limited",),
    )
    text = report.to_text()
    assert "INCOMPLETE" in text
    assert "ddim-sigma/eta-one=eta-times-variance: accepted: as published" in text
    assert "ddim-step/eta-half=deviates: known from old" in text
    assert "table/betas fails no longer" in text
    assert "--accept table/betas=gone no longer fits" in text
    assert "Note: on Windows nothing is limited." in text
    assert text.splitlines()[-1] == "Fails: 1 accepted that no longer fit, incomplete."
    page = report.to_html()
    assert "Incomplete" in page
    assert "as published" in page
    assert "no longer fits" in page


def test_last_lines():
    def last(*results, **known):
        return Report("t", "functions", results, **known).to_text().splitlines()[-1]

    assert last(OTHERS[0]) == "Nothing deviates (1 conforms)."
    assert last(OTHERS[-1]).startswith("Nothing was compared")
    assert last(OTHERS[3], strict=True) == "Fails: 1 approximation."
    assert "Approximations" not in Report("t", "f", (OTHERS[3],), strict=True).to_text()


def test_many_findings_do_not_flood_the_terminal():
    many = tuple(result(f"a/{n}", "deviates", error_units=9.0 + n) for n in range(30))
    text = Report("t", "functions", many).to_text()
    assert text.count("reproduce") == 12
    assert "18 more, which --json and --html show in full:" in text
    assert "  a/0: it does so" in text
    assert Report("t", "functions", many).to_html().count('class="finding"') == 30


class Page(html.parser.HTMLParser):
    EMPTY = frozenset({"meta", "line", "circle"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.attributes = [], [], "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_holds_everything_and_escapes_it():
    series = tuple(({"t": t}, 10.0**t) for t in range(6))
    drawn = result("loop/steps", "deviates", error_units=1e5, series=series)
    report = Report(f"{EVIL}:A", "functions", (*ALL.results, drawn), command="refdiff check <x>")
    page = Page(report.to_html())
    assert "script" not in page.tags
    assert EVIL in page.text
    assert page.tags.count("circle") == len(series)
    for found in report.results:
        assert found.check in page.text
        assert found.message in page.text
    for words in (
        "eta-times-variance",
        "take the square root",
        "refdiff check <x>",
        "500, eta=0.5",
    ):
        assert words in page.text
    assert not {"src", "onload", "onclick"} & {name for name, _ in page.attributes}
    style = re.search("<style>(.*?)</style>", report.to_html(), re.DOTALL)[1]
    assert "prefers-color-scheme: dark" in style
    assert "url(" not in style
    assert "@import" not in style


def test_the_chart_needs_one_number_that_varies():
    def of(*inputs):
        return series_of(result("a", "deviates", series=tuple((at, 1.0) for at in inputs)))

    assert of(*({"t": t, "eta": 0.5} for t in (3, 2, 1, 4))) == (
        "t",
        [(1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0)],
    )
    assert of(*({"t": 1, "eta": e} for e in range(9))) is None
    assert of({"t": 1}, {"t": 2}, {"t": 3}, {"s": 4}) is None
    assert of(*({"t": [t]} for t in range(9))) is None
    assert of() is None


def test_the_chart_draws_larger_errors_higher():
    points = [(0.0, 0.0), (1.0, 10.0), (2.0, 1e6), (3.0, float("inf"))]
    chart = error_chart("t", points)
    heights = [float(y) for y in re.findall(r'cy="([^"]+)"', chart)]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 4
    limit = float(re.search(r'y1="([^"]+)"[^>]*class="limit"', chart)[1])
    assert heights[0] > limit > heights[1]


def test_junit_counts_and_survives_what_xml_cannot_hold():
    root = ET.fromstring(ALL.to_junit())
    (suite,) = root
    assert dict(suite.items()) == {
        "name": "refdiff check my.module:Thing",
        "tests": "10",
        "failures": "3",
        "errors": "1",
        "skipped": "2",
        "time": "0.000",
    }
    cases = {(case.get("classname"), case.get("name")): case for case in suite}
    failed = cases["refdiff.ddim-sigma", "eta-one"].find("failure")
    assert failed.get("type") == "known-deviation"
    assert "cure       take the square root" in failed.text
    assert EVIL in cases["refdiff.p-sample", "shapes"].find("error").text
    assert cases["refdiff.table", "betas"].find("failure") is None
    broken = ET.fromstring(Report("t", "f", (OTHERS[0],), complete=False).to_junit())
    assert broken[0].get("errors") == "1"


@pytest.mark.parametrize(
    ("expected", "observed", "shown"),
    [
        (1.0, 1.0 + 2.0**-52, ("1", "1.0000000000000002")),
        (1 / 3, 0.5, ("0.33333333", "0.5")),
        ("no number", 2.0, ("no number", "2")),
        ([1.0, 2.0], [1.0], ("[1, 2]", "[1]")),
        (3, None, ("3", "None")),
    ],
)
def test_numbers_show_where_they_differ(expected, observed, shown):
    assert numbers(expected, observed) == shown


def test_words():
    assert inputs({"t": 500, "eta": 0.5, "x": [1.0, 0.1]}) == "t=500, eta=0.5, x=[1, 0.1]"
    assert budgets(None) == ""
    assert budgets(3.14159) == "3.1 budgets of rounding"
    assert budgets(4.1e5) == "4.1e+05 budgets of rounding"
    assert budgets(float("inf")) == budgets(float("nan")) == "beyond any budget of rounding"
    assert finding(SMALL).splitlines()[0].startswith("deviates  ddim-step/eta-half")
