"""The report as JUnit's XML, one test case a check."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from refdiff.conformance.report import Report
from refdiff.conformance.reports.terminal import finding
from refdiff.conformance.results import Result

__all__ = ["render"]

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """Write the report.

    Parameters
    ----------
    report : Report
        What to report.

    Returns
    -------
    str
        XML. What fails the report is a failure, what raised an error, what could not be judged
        skipped; an incomplete run has one more test case, which fails.
    """
    failing = {result.check for result in report.failures}
    suite = ET.Element("testsuite", name=_clean(f"refdiff check {report.target}"))
    for result in report.results:
        _case(suite, result, failing=result.check in failing)
    for number, sentence in enumerate(report.stale):
        case = _test_case(suite, f"accepted/{number}", 0.0)
        ET.SubElement(case, "failure", message=_clean(sentence))
    if not report.complete:
        case = _test_case(suite, "report/complete", 0.0)
        ET.SubElement(case, "error", message="the run was broken off")
    for kind, tag in (("tests", "testcase"), ("failures", "*/failure"), ("errors", "*/error")):
        suite.set(kind, str(len(suite.findall(tag))))
    suite.set("skipped", str(len(suite.findall("*/skipped"))))
    suite.set("time", f"{sum(result.seconds for result in report.results):.3f}")
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _test_case(suite: ET.Element, name: str, seconds: float) -> ET.Element:
    subject, _, case = name.partition("/")
    return ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"refdiff.{subject}"),
        name=_clean(case or subject),
        time=f"{seconds:.3f}",
    )


def _case(suite: ET.Element, result: Result, *, failing: bool) -> None:
    case = _test_case(suite, result.check, result.seconds)
    said = f"{result.verdict}: {result.message}"
    if result.verdict in ("not-provided", "inconclusive"):
        ET.SubElement(case, "skipped", message=_clean(said))
    elif failing:
        tag = "error" if result.verdict == "error" else "failure"
        inner = ET.SubElement(case, tag, message=_clean(said), type=result.verdict)
        inner.text = _clean(
            finding(result) + (f"\n\n{result.traceback}" if result.traceback else "")
        )
    elif result.verdict != "conforms":
        ET.SubElement(case, "system-out").text = _clean(said)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
