"""The files are what the generator writes, ids are for good, and every variant is separated."""

import copy
import json

import pytest

from refdiff._errors import UserError
from refdiff.conformance import vectors
from refdiff.conformance.variants import all_variants
from refdiff.conformance.vectors import measuring, separating, writing
from refdiff.conformance.vectors.__main__ import FOLDER, main
from refdiff.conformance.vectors.cases import Case

ANEW = "run: python -m refdiff.conformance.vectors"
VARIANTS = [
    pytest.param(variant, function, id=f"{function}-{variant.name}")
    for function in vectors.names()
    for variant in separating.variants_of(function)
]


@pytest.fixture(scope="module")
def previous():
    return {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}


@pytest.fixture(scope="module")
def made(previous):
    return writing.contents(previous)


def test_the_files_are_what_the_generator_writes(made):
    """Bit for bit. A variant or an equation that is new or changed needs them written anew."""
    assert writing.differences(FOLDER, made) == [], ANEW


@pytest.mark.parametrize(("variant", "function"), VARIANTS)
def test_some_vector_separates_a_variant(variant, function):
    units = [vector.separates.get(variant.name, 0.0) for vector in vectors.load(function)]
    known = {name for v in vectors.load(function) for name in (*v.separates, *v.blind_to)}
    assert variant.name in known, ANEW
    assert max(units) > 2 * vectors.load(function).header["limit"], (
        f"no vector of {function} sees {variant.name}: add a case to cases/ that does, and {ANEW}"
    )


def test_recorded_variants_exist():
    recorded = {name for v in vectors.iterate() for name in (*v.separates, *v.blind_to)}
    assert recorded <= all_variants().keys(), ANEW


def test_writing_and_comparing(tmp_path, made):
    folder = tmp_path / "data"
    (tmp_path / "data").mkdir()
    (folder / "no_function.json").write_text("{}")
    assert len(writing.differences(folder, made)) == len(made) + 1
    writing.write(folder, made)
    assert writing.differences(folder, made) == []
    assert not (folder / "no_function.json").exists()
    path = folder / "snr.json"
    path.write_text(path.read_text("utf-8").replace('"count": ', '"count": 1'), encoding="utf-8")
    (line,) = writing.differences(folder, made)
    assert line.startswith("snr.json, line ")


def test_an_id_keeps_its_inputs(previous):
    changed = copy.deepcopy(previous)
    vector = changed["snr"]["vectors"][3]
    vector["inputs"]["alpha_bar_t"] = {"hex": "0x1.0000000000000p-1", "decimal": 0.5}
    with pytest.raises(UserError, match=rf"{vector['id']} stood for other inputs"):
        writing._retired(previous["snr"]["vectors"], changed["snr"])


def test_an_id_that_went_is_never_used_again(previous):
    before = previous["snr"]
    gone, *kept = before["vectors"]
    assert writing._retired(kept, before) == [gone["id"]]
    with pytest.raises(UserError, match=rf"{gone['id']} stood for other inputs"):
        writing._retired(before["vectors"], {"vectors": kept, "retired": [gone["id"]]})


def test_inputs_that_determine_nothing_are_refused():
    near = 1 - 2.0**-53  # one minus it may be nothing at all
    case = Case("score_from_eps", "undetermined", {"eps": 1.0, "alpha_bar_t": near})
    assert measuring.budget(case, "float64") is None
    with pytest.raises(ValueError, match="score-from-eps/undetermined: float64 does not determine"):
        writing._vector(case)


def test_the_command_says_whether_files_are_up_to_date(capsys, monkeypatch, tmp_path, made):
    module = "refdiff.conformance.vectors"
    monkeypatch.setattr(f"{module}.writing.contents", lambda previous: made)
    monkeypatch.setattr(f"{module}.__main__.FOLDER", tmp_path)
    assert main(["--check"]) == 1
    assert "write the files anew: python -m refdiff.conformance.vectors" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""
