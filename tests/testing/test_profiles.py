"""The Hypothesis profiles: what they ask for, and which one the environment chooses."""

import pytest
from hypothesis import Phase, settings

from refdiff.testing import profiles


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv(profiles.VARIABLE, raising=False)
    return monkeypatch


def test_the_profiles_differ_as_they_say():
    profiles.register_profiles()
    found = {name: settings.get_profile(name) for name in profiles.PROFILES}
    assert {name: s.max_examples for name, s in found.items()} == {
        "dev": 25,
        "ci": 50,
        "thorough": 1000,
        "mutation": 25,
    }
    assert [name for name, s in found.items() if s.derandomize] == ["ci", "mutation"]
    assert all(s.deadline is None for s in found.values())
    assert found["mutation"].phases == (Phase.explicit, Phase.generate)
    assert Phase.shrink in found["ci"].phases
    assert found["mutation"].database is None


def test_the_documented_numbers_are_the_real_ones():
    profiles.register_profiles()
    rows = [line.split() for line in (profiles.__doc__ or "").splitlines()]
    documented = {row[0].strip("`"): int(row[1]) for row in rows if row and row[0][:2] == "``"}
    assert documented == {
        name: settings.get_profile(name).max_examples for name in profiles.PROFILES
    }


def test_the_environment_chooses(environment):
    assert profiles.profile_name() == "dev"
    environment.setenv("CI", "true")
    assert profiles.profile_name() == "ci"
    environment.setenv(profiles.VARIABLE, "thorough")
    assert profiles.profile_name() == "thorough"


def test_an_unknown_profile_is_refused(environment):
    environment.setenv(profiles.VARIABLE, "fast")
    with pytest.raises(ValueError, match="REFDIFF_HYPOTHESIS_PROFILE='fast' must be one of dev"):
        profiles.profile_name()


def test_loading_makes_it_the_default(environment):
    before = settings.get_current_profile_name()
    environment.setenv(profiles.VARIABLE, "thorough")
    try:
        assert profiles.load_profile() == "thorough"
        assert settings.default.max_examples == 1000
    finally:
        settings.load_profile(before)
