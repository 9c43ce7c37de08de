"""Links to equations: within a project, and from another one with and without the extension."""

import re

import pytest

pytest.importorskip("sphinx", reason="Sphinx comes with the extra docs, and not with test")

ADDRESS = "https://example.org/refdiff/"
PLACE = "index.html#eqn-ho2020-posterior-mean"

PAGE = """
Paper
=====

.. eqn:equation:: ho2020/posterior-mean
   :title: Mean of the forward posterior, :math:`\\tilde\\mu_t`
   :paper: Ho et al. 2020
   :citation: equation (7)
   :status: verified

   Where x at the earlier time lies, and a link back: :eqn:ref:`ho2020/alpha-bar`.

.. eqn:equation:: ho2020/alpha-bar
   :title: Cumulative product
   :paper: Ho et al. 2020
   :status: stale

   See :eqn:ref:`the posterior <ho2020/posterior-mean>`, :any:`ho2020/posterior-mean` and
   :ref:`eqn-index`.
"""


def linked(html, words):
    """Return the addresses of the links that show these words."""
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', html, re.DOTALL)
    return [address for address, inner in found if words in re.sub(r"<[^>]+>", "", inner)]


@pytest.fixture
def inventory(build):
    """Build the project that has the equations; return its inventory."""
    return build("reference", PAGE) / "objects.inv"


def abroad(inventory, extensions):
    mapping = {"refdiff": (ADDRESS, str(inventory))}
    return {
        "extensions": ["sphinx.ext.intersphinx", *extensions],
        "intersphinx_mapping": mapping,
    }


def test_links_within_a_project_show_the_title_or_the_words_given(build):
    html = (build("reference", PAGE) / "index.html").read_text("utf-8")
    assert set(linked(html, "Cumulative product")) == {"#eqn-ho2020-alpha-bar"}
    assert linked(html, "the posterior") == ["#eqn-ho2020-posterior-mean"]
    assert "#eqn-ho2020-posterior-mean" in linked(html, "Mean of the forward posterior")
    assert html.count('id="eqn-ho2020-posterior-mean"') == 1


def test_the_index_lists_each_equation_with_its_number_and_status(build):
    out = build("reference", PAGE)
    html = (out / "eqn-index.html").read_text("utf-8")
    assert linked(html, "Cumulative product") == ["index.html#eqn-ho2020-alpha-bar"]
    assert "Ho et al. 2020" in html
    assert "equation (7)" in html
    assert "verified" in html
    assert "stale" in html


def test_the_search_knows_the_ids_as_objects(build):
    index = (build("reference", PAGE) / "searchindex.js").read_text("utf-8")
    assert '"eqn:equation"' in index
    assert "Mean of the forward posterior" in index
    assert '"posterior mean"' in index


def test_a_project_with_the_extension_links_by_id(build, inventory):
    page = """
Elsewhere
=========

:eqn:ref:`ho2020/posterior-mean` and :external+refdiff:eqn:ref:`so <ho2020/posterior-mean>`.
"""
    out = build("abroad", page, **abroad(inventory, ["equation_domain"]))
    html = (out / "index.html").read_text("utf-8")
    assert linked(html, "Mean of the forward posterior") == [ADDRESS + PLACE]
    assert linked(html, "so") == [ADDRESS + PLACE]


def test_a_project_without_the_extension_links_by_label(build, inventory):
    page = """
Elsewhere
=========

:ref:`eqn-ho2020-posterior-mean`, :external+refdiff:ref:`so <eqn-ho2020-posterior-mean>` and
:any:`thus <eqn-ho2020-posterior-mean>`.
"""
    out = build("abroad", page, **abroad(inventory, []))
    html = (out / "index.html").read_text("utf-8")
    assert linked(html, "Mean of the forward posterior") == [ADDRESS + PLACE]
    assert linked(html, "so") == [ADDRESS + PLACE]
    assert linked(html, "thus") == [ADDRESS + PLACE]


def test_a_link_to_an_equation_that_is_not_there_is_a_warning(build):
    page = "Page\n====\n\n:eqn:ref:`ho2020/posterior-meen`\n"
    with pytest.raises(AssertionError, match="posterior-meen"):
        build("reference", page)
