"""The files hold what the schema says, agree with themselves, and cover every function."""

import json
import re
from importlib import resources

import pytest

from refdiff import equations
from refdiff.conformance import vectors
from refdiff.equations import continuous
from refdiff.testing.running import FORMATS

PACKAGE = resources.files("refdiff.conformance.vectors")
SCHEMA = json.loads((PACKAGE / "schema.json").read_text("utf-8"))
every_file = pytest.mark.parametrize("name", vectors.names())

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}
# What this reading of a schema understands; anything else in it would go unchecked.
KEYWORDS = {"type", "const", "enum", "anyOf", "$ref", "pattern", "minLength", "minItems", "items"}
KEYWORDS |= {"minimum", "required", "properties", "additionalProperties", "propertyNames"}
KEYWORDS |= {"$schema", "title", "$defs"}


def faults(value, schema, at="file"):
    """Return what is wrong with a value by a schema: the part of JSON Schema that is used here."""
    assert schema.keys() <= KEYWORDS, schema.keys() - KEYWORDS
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    if "anyOf" in schema:
        found = [faults(value, choice, at) for choice in schema["anyOf"]]
        return [] if [] in found else [f"{at} is none of what it may be", *min(found, key=len)]
    kind = TYPES.get(schema.get("type"))
    if kind and (not isinstance(value, kind) or isinstance(value, bool)):
        return [f"{at} is no {schema['type']}"]
    wrong = []
    if ("const" in schema and value != schema["const"]) or value not in schema.get("enum", [value]):
        wrong.append(f"{at} is {value!r}")
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        wrong.append(f"{at} is {value!r}")
    if isinstance(value, (str, list)):
        least = schema.get("minLength" if isinstance(value, str) else "minItems", 0)
        wrong += [f"{at} is too short"] * (len(value) < least)
    if "minimum" in schema and value < schema["minimum"]:
        wrong.append(f"{at} is {value!r}")
    if isinstance(value, list):
        each = (faults(v, schema.get("items", {}), f"{at}[{i}]") for i, v in enumerate(value))
        wrong += [fault for found in each for fault in found]
    if isinstance(value, dict):
        wrong += _faults_of_keys(value, schema, at)
    return wrong


def _faults_of_keys(value, schema, at):
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    wrong = [f"{at} lacks {key}" for key in schema.get("required", ()) if key not in value]
    for key, inner in value.items():
        wrong += faults(key, schema.get("propertyNames", {}), f"a key of {at}")
        if key not in known and others is False:
            wrong.append(f"{at} has a key {key}")
        else:
            wrong += faults(inner, known.get(key, others or {}), f"{at}.{key}")
    return wrong


def read(name):
    return json.loads((PACKAGE / "data" / f"{name}.json").read_text("utf-8"))


@every_file
def test_a_file_follows_the_schema(name):
    assert faults(read(name), SCHEMA) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.pop("edition"),
        lambda file: file.update(schema=2),
        lambda file: file.update(extra=1),
        lambda file: file["vectors"].clear(),
        lambda file: file["vectors"][0].pop("budget"),
        lambda file: file["vectors"][0].update(expected=0.25),
        lambda file: file["vectors"][0].update(id="No Slug"),
        lambda file: file["vectors"][0]["budget"].update(float64=-1.0),
        lambda file: file["vectors"][0]["inputs"].update(alpha_bar_t=0.5),
        lambda file: file["vectors"][0]["separates"].update({"a-name": 1.0}),
    ],
)
def test_the_schema_refuses(spoil):
    file = read("posterior_variance")
    spoil(file)
    assert faults(file, SCHEMA)


def test_every_public_function_has_vectors():
    wanted = [*equations.__all__, *(f"continuous.{name}" for name in continuous.__all__)]
    assert list(vectors.names()) == sorted(wanted)


def test_there_are_many_and_they_are_small():
    assert len(list(vectors.iterate())) >= 900
    sizes = [len((PACKAGE / "data" / f"{name}.json").read_bytes()) for name in vectors.names()]
    assert sum(sizes) < 1_500_000


def test_ids_are_unique_and_say_their_function():
    ids = [vector.id for vector in vectors.iterate()]
    assert len(ids) == len(set(ids))
    for vector in vectors.iterate():
        name = vector.function.replace(".", "-").replace("_", "-")
        assert vector.id.partition("/")[0] == name


@every_file
def test_a_header_counts_and_its_file_agrees(name):
    file = read(name)
    assert file["function"] == name
    assert file["count"] == len(file["vectors"])
    assert len({v["edition"] for v in map(read, vectors.names())}) == 1
    assert not set(file["retired"]) & {vector["id"] for vector in file["vectors"]}
    for vector in file["vectors"]:
        assert vector["inputs"].keys() == file["arguments"].keys()
        forms = {n for n, about in file["variants"].items() if about["kind"] == "form"}
        measured = vector["separates"].keys() | set(vector["blind_to"])
        assert measured == file["variants"].keys() - forms
        assert {n for names in vector.get("beyond", {}).values() for n in names} <= forms
        assert not vector["separates"].keys() & set(vector["blind_to"])


def leaves(tree):
    return (
        [leaf for branch in tree for leaf in leaves(branch)] if isinstance(tree, list) else [tree]
    )


@every_file
def test_decimal_and_hexadecimal_inputs_are_the_same_number(name):
    for vector in read(name)["vectors"]:
        for value in vector["inputs"].values():
            if isinstance(value, dict):
                hexadecimal = [float.fromhex(text) for text in leaves(value["hex"])]
                assert hexadecimal == [float(number) for number in leaves(value["decimal"])]


@every_file
def test_float32_is_promised_only_where_it_holds_the_inputs(name):
    for vector in vectors.load(name):
        numbers = [leaf for value in vector.inputs.values() for leaf in leaves(value)]
        floats = [n for n in numbers if isinstance(n, float) and abs(n) != float("inf")]
        if "float32" in vector.budget:
            assert all(FORMATS["float32"].represents(number) for number in floats)


def test_most_vectors_serve_float32_too():
    found = ["float32" in vector.budget for vector in vectors.iterate()]
    assert sum(found) > 0.85 * len(found)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"name='posterior' must be .*posterior_variance"):
        vectors.load("posterior")
