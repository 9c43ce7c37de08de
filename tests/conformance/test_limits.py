"""What a process can be limited by, and what is said where it cannot."""

import os
import subprocess
import sys

import pytest

from refdiff.conformance.isolation import limits

linux_only = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory is limited on Linux only"
)


@pytest.mark.parametrize(
    ("platform", "words"),
    [("darwin", "on macOS the memory"), ("win32", "on Windows the memory"), ("linux", None)],
)
def test_what_cannot_be_limited_is_said(monkeypatch, platform, words):
    monkeypatch.setattr(sys, "platform", platform)
    said = limits.unlimited_here()
    assert said is None if words is None else words in said


def test_the_default_is_most_of_the_memory_or_unknown(monkeypatch):
    known = {"SC_PHYS_PAGES": 1 << 20, "SC_PAGE_SIZE": 1 << 12}  # 4 GiB
    monkeypatch.setattr(os, "sysconf", known.__getitem__, raising=False)
    assert 3.0 < limits.default_memory() < 4.0
    monkeypatch.delattr(os, "sysconf")
    assert limits.default_memory() is None


def test_other_platforms_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)  # as it is there
    limits.limit_memory(1.0)


@linux_only
def test_too_much_memory_is_refused_and_a_crash_leaves_no_file(tmp_path):
    code = (
        "import resource\n"
        "from refdiff.conformance.isolation.limits import limit_memory, prefer_as_victim\n"
        "limit_memory(0.5); prefer_as_victim()\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0\n"
        "assert open('/proc/self/oom_score_adj').read().strip() == '1000'\n"
        "bytearray(1 << 28)\n"
        "try: bytearray(1 << 30)\n"
        "except MemoryError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
