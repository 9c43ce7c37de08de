"""The markers, their refusals, and the ledger, in small runs of pytest inside pytest."""

import json

import pytest

from refdiff.catalogue import implementations
from refdiff.testing import ledger

ID = "ho2020/posterior-mean"

THREE_TESTS = f"""
import pytest
from hypothesis import given, strategies as st

@pytest.mark.verifies("{ID}", kind="oracle")
@pytest.mark.property_id("P012", "P013")
def test_by_example():
    pass

@pytest.mark.verifies("{ID}", kind="oracle")
@given(st.integers())
def test_by_property(n):
    pass

@pytest.mark.verifies("{ID}")
def test_that_fails():
    raise AssertionError

def test_of_something_else():
    pass
"""


@pytest.fixture
def run(pytester):
    """Run pytest on a source, with nothing of this repository's settings but the plugin."""

    def run_source(source, *options):
        pytester.makepyfile(source)
        pytester.makeconftest(
            "from refdiff.testing import plugin\n"
            "def pytest_addoption(pluginmanager):\n"
            "    if not pluginmanager.is_registered(plugin):\n"
            "        pluginmanager.register(plugin)\n"
        )
        return pytester.runpytest_inprocess("-p", "no:randomly", "--strict-markers", *options)

    return run_source


def entries(pytester):
    text = (pytester.path / "ledger.json").read_text(encoding="utf-8")
    tests = json.loads(text)["equations"][ID]["tests"]
    return {entry["nodeid"].rpartition("::")[2]: entry for entry in tests}


def test_the_ledger_records_kind_outcome_and_laws(run, pytester):
    run(THREE_TESTS, "--ledger", "ledger.json").assert_outcomes(passed=3, failed=1)
    found = entries(pytester)
    assert {name: (e["kind"], e["outcome"]) for name, e in found.items()} == {
        "test_by_example": ("oracle", "passed"),
        "test_by_property": ("property", "passed"),
        "test_that_fails": ("example", "failed"),
    }
    assert found["test_by_example"]["properties"] == ["P012", "P013"]
    assert len({e["source_sha256"] for e in found.values()}) == 3
    assert all(e["duration"] >= 0 for e in found.values())


def test_the_ledger_names_the_function_and_lists_what_has_no_test(run, pytester):
    run(THREE_TESTS, "--ledger", "ledger.json")
    written = json.loads((pytester.path / "ledger.json").read_text(encoding="utf-8"))
    function = implementations()[ID]
    entry = written["equations"][ID]
    assert entry["function"] == f"{function.__module__}.{function.__name__}"
    assert entry["function_sha256"] == ledger.source_hash(function)
    assert set(written["equations"]) == set(implementations())
    assert written["properties"]["P012"] == [
        entry["nodeid"] for entry in written["equations"][ID]["tests"] if entry["properties"]
    ]
    assert {"refdiff", "python", "numpy", "pytest", "hypothesis-profile"} <= set(
        written["versions"]
    ) | {"refdiff"}  # refdiff has a version only where it is installed


def test_workers_of_xdist_send_and_the_controller_writes(run, pytester):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    run(THREE_TESTS, "--ledger", "alone.json")
    run(THREE_TESTS, "--ledger", "ledger.json", "-n", "1").assert_outcomes(passed=3, failed=1)
    alone = json.loads((pytester.path / "alone.json").read_text(encoding="utf-8"))
    spread = json.loads((pytester.path / "ledger.json").read_text(encoding="utf-8"))
    for contents in (alone, spread):
        for entry in contents["equations"][ID]["tests"]:
            entry.pop("duration")
    assert spread == alone


def test_an_error_in_set_up_or_tear_down_is_a_failure(run, pytester):
    source = f"""
import pytest

@pytest.fixture
def broken():
    yield
    raise RuntimeError

@pytest.mark.verifies("{ID}")
def test_torn_down(broken):
    pass

@pytest.mark.verifies("{ID}")
@pytest.mark.skip(reason="shown to the ledger")
def test_skipped():
    pass

@pytest.mark.verifies("{ID}")
@pytest.mark.xfail(reason="shown to the ledger", strict=True)
def test_expected_to_fail():
    raise AssertionError
"""
    run(source, "--ledger", "ledger.json")
    assert {name: e["outcome"] for name, e in entries(pytester).items()} == {
        "test_torn_down": "failed",
        "test_skipped": "skipped",
        "test_expected_to_fail": "xfailed",
    }


def test_a_failed_write_leaves_the_old_ledger_alone(tmp_path, monkeypatch):
    path = tmp_path / "ledger.json"
    path.write_text("old", encoding="utf-8")
    record = ledger.Ledger(path)
    monkeypatch.setattr(record, "contents", lambda: {"not": {"json": object()}})
    with pytest.raises(TypeError):
        record.write()
    monkeypatch.setattr(ledger.os, "fdopen", lambda *args, **kwargs: 1 / 0)
    monkeypatch.setattr(record, "contents", dict)
    with pytest.raises(ZeroDivisionError):
        record.write()
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.json"]


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ('verifies("ho2020/posterior-maen")', ["no equation", "'ho2020/posterior-mean'"]),
        ("verifies()", ["must name equations"]),
        ("verifies(7)", ["must name equations"]),
        (f'verifies("{ID}", sort="oracle")', ["not sort="]),
        ('property_id("P114")', ["no numbered law", "'P11"]),
    ],
)
def test_a_wrong_marker_stops_the_collection(run, marker, words):
    result = run(f"import pytest\n@pytest.mark.{marker}\ndef test_it():\n    pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    message = "".join(result.errlines)
    assert "test_it" in message
    for word in words:
        assert word in message


def test_a_ledger_in_no_folder_is_refused_before_the_run(run):
    result = run(THREE_TESTS, "--ledger", "nowhere/ledger.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "nowhere/ledger.json: there is no such folder" in "".join(result.errlines)


def test_without_the_option_nothing_is_written(run, pytester):
    run(THREE_TESTS)
    assert not list(pytester.path.glob("*.json"))
