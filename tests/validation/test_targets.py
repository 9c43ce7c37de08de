"""The evidence agrees with itself; none of the peers has to be installed for that."""

import json
import re
import sys

import pytest

from validation.targets import summary, table
from validation.targets.families import FAMILIES, family_of
from validation.targets.findings import KINDS, Finding, findings, unsettled
from validation.targets.listed import FOLDER, Listed, peers, targets

PEERS = peers()
LISTED = targets()


def test_targets_are_named_once_and_belong_to_peers() -> None:
    keys = [listed.key for listed in LISTED]
    assert len(set(keys)) == len(keys)
    assert {listed.peer for listed in LISTED} == PEERS.keys()
    for listed in LISTED:
        json.dumps(listed.kwargs)  # as --kwargs takes them


def test_listing_imports_no_peer() -> None:
    loaded = {"azula", "diffusers", "k_diffusion", "smalldiffusion"} & sys.modules.keys()
    assert not loaded


def test_pinned_releases_are_those_of_the_peers() -> None:
    lines = (FOLDER / "requirements.txt").read_text("utf-8").splitlines()
    pins = dict(re.split("==", line) for line in lines if "==" in line)
    for peer in PEERS.values():
        if peer.obtained == "release":
            assert pins[peer.name] == peer.version
        else:
            assert peer.obtained == "checkout"
            assert peer.contains


@pytest.mark.parametrize("name", PEERS)
def test_kept_report_is_of_the_listed_targets(name: str) -> None:
    report = summary.read(name)
    assert report["version"] == PEERS[name].version
    listed = {one.name: one for one in LISTED if one.peer == name}
    assert report["targets"].keys() <= listed.keys()
    assert report["targets"]
    for key, target in report["targets"].items():
        assert target["target"] == listed[key].target
        assert target["kwargs"] == listed[key].kwargs
        assert target["families"].keys() <= set(FAMILIES)
        counted = sum(sum(counts.values()) for counts in target["families"].values())
        assert counted == sum(len(found) for found in target["results"].values())


@pytest.mark.parametrize("name", PEERS)
def test_every_failing_verdict_has_a_finding_and_every_finding_a_verdict(name: str) -> None:
    assert unsettled(summary.read(name), findings(name)) == []


def test_findings_are_complete() -> None:
    shown = {path.name for path in (FOLDER / "reproductions").glob("*.py")}
    known = [finding for name in PEERS for finding in findings(name)]
    assert len({finding.id for finding in known}) == len(known)
    for finding in known:
        assert finding.kind in KINDS
        assert finding.covers or finding.reproduction
        assert not finding.reproduction or finding.reproduction in shown
        assert finding.reproduction or finding.kind != "defect", finding.id
        assert all(link.startswith("https://github.com/") for link in finding.links)
    assert shown <= {finding.reproduction for finding in known}


def test_table_is_up_to_date() -> None:
    for path, text in table.pages().items():
        assert path.read_text("utf-8") == text, "run python -m validation.targets.table"


def report_of(**results: list[str]) -> dict:
    return {"targets": {"ddim": {"results": results}}}


def finding_of(*covers: str) -> Finding:
    return Finding("peer", "one", "One.", "defect", "Why.", covers)


def test_verdict_without_a_finding_is_unsettled() -> None:
    report = report_of(deviates=["step/first"], conforms=["step/second"])
    assert unsettled(report, []) == ["ddim: step/first is deviates"]
    assert unsettled(report, [finding_of("dd* step/* deviates")]) == []


def test_finding_for_another_variant_does_not_cover_a_verdict() -> None:
    report = report_of(**{"known-deviation": ["step/first = eta-times-variance"]})
    problems = unsettled(report, [finding_of("ddim step/first another-name")])
    assert len(problems) == 2  # the verdict is not covered, and the finding fits nothing


def test_difference_is_seen_in_verdict_and_name() -> None:
    kept = report_of(convention=["step/first = a"], conforms=["step/second"])
    now = report_of(convention=["step/first = b"], deviates=["step/second"])
    assert summary.differences(kept, kept) == []
    assert len(summary.differences(kept, now)) == 2


def test_written_report_is_read_back(tmp_path) -> None:
    target = Listed("peer", "ddim", "module:ddim")
    entry = report_of(conforms=["a/b", "c/d"], deviates=["e/f"])["targets"]["ddim"]
    report = {"targets": {target.name: entry | {"families": {"steps": {"conforms": 2}}}}}
    summary.write(report, tmp_path / "peer.json")
    assert summary.read("peer", tmp_path) == report
    assert '"conforms": ["a/b", "c/d"]' in (tmp_path / "peer.json").read_text("utf-8")


def test_family_is_that_of_the_implementing_module() -> None:
    assert family_of("any/check", ["ho2020/posterior-variance"]) == "posterior"
    assert family_of("any/check", []) == "whole runs"
