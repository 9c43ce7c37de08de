"""The graphs of what rests on what: their order, their arcs and their links."""

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sphinx", reason="Sphinx comes with the extra docs, and not with test")

from equation_graph import Node, draw, neighbourhood, ordered

from refdiff.catalogue import load

LETTERS = str.maketrans("", "", "MC")
SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def graphs(draw_):
    """Draw what each of a few statements uses, without circles, in any order."""
    size = draw_(st.integers(1, 8))
    uses = {f"n{i}": [f"n{j}" for j in range(i) if draw_(st.booleans())] for i in range(size)}
    return {name: uses[name] for name in draw_(st.permutations(list(uses)))}


@given(uses=graphs())
def test_nothing_stands_above_what_it_uses(uses):
    order = ordered(uses)
    assert sorted(order) == sorted(uses)
    for name, used in uses.items():
        assert all(order.index(other) < order.index(name) for other in used)


def test_a_circle_is_named():
    with pytest.raises(ValueError, match="a -> b -> a"):
        ordered({"a": ["b"], "b": ["a"]})


@given(uses=graphs(), data=st.data())
def test_a_neighbourhood_is_all_below_and_one_step_above(uses, data):
    focus = data.draw(st.sampled_from(list(uses)))
    found = set(neighbourhood(focus, uses))
    assert focus in found
    for name in found - {n for n, used in uses.items() if focus in used}:
        assert set(uses[name]) <= found
    assert {n for n, used in uses.items() if focus in used} <= found


@given(uses=graphs())
def test_each_use_is_an_arc_between_the_two_rows(uses):
    order = ordered(uses)
    nodes = [Node(n, f"Title of {n}", "verified", tuple(uses[n]), f"#{n}") for n in order]
    svg = ElementTree.fromstring(draw(nodes, label="all"))
    marks = {float(mark.get("cy")): i for i, mark in enumerate(svg.iter(f"{SVG}circle"))}
    arcs = [path.get("d").translate(LETTERS).split() for path in svg.iter(f"{SVG}path")]
    drawn = {(order[marks[float(arc[1])]], order[marks[float(arc[-1])]]) for arc in arcs}
    assert drawn == {(used, name) for name in uses for used in uses[name]}
    assert len(arcs) == len(drawn)


def test_every_node_but_the_focus_is_a_link_with_its_status_in_words():
    nodes = [
        Node("a", "A < B & C", "verified", (), "page.html#a"),
        Node("b", "Focus", "stale", ("a",), "page.html#b"),
    ]
    svg = ElementTree.fromstring(draw(nodes, focus="b", label='with "quotes"'))
    links = list(svg.iter(f"{SVG}a"))
    assert [link.get("href") for link in links] == ["page.html#a"]
    assert "".join(links[0].itertext()) == "A < B & Cverified"
    assert "stale" in "".join(svg.itertext())
    assert svg.get("aria-label") == 'with "quotes"'


@given(uses=graphs())
def test_nothing_is_drawn_outside_the_frame(uses):
    order = ordered(uses)
    nodes = [Node(n, "A rather long title of it", "not run", tuple(uses[n])) for n in order]
    svg = ElementTree.fromstring(draw(nodes))
    height = float(svg.get("height"))
    for path in svg.iter(f"{SVG}path"):
        left, top, *_ = map(float, path.get("d").replace("M", "").replace("C", "").split())
        assert left > 0
        assert 0 < top < height
        # The two inner points of the curve are the farthest left; the curve is 3/4 of the way.
        inner = float(path.get("d").split("C")[1].split()[0])
        assert left - 3 / 4 * (left - inner) > 0


def test_the_catalogue_has_no_circles():
    uses = {name: equation.uses for name, equation in load().equations.items()}
    assert len(ordered(uses)) == len(uses)
