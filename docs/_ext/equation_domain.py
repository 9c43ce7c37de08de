"""A Sphinx domain whose objects are equations, named by id: ``ho2020/posterior-mean``.

``.. eqn:equation:: ho2020/posterior-mean``
    A section of its own that is the equation's place; stands wherever a section may.
``:eqn:ref:`ho2020/posterior-mean```
    A link to it, with its title.
``:eqn:page:`text <_modules/refdiff/equations/posterior#posterior_mean>```
    A link to a page that the build makes without a source file, such as highlighted code.
``:eqn:status:`verified```
    A status as a badge.

The ids stand in the search index and in ``objects.inv``. Each equation has a label of the standard
domain too, ``eqn-ho2020-posterior-mean``, so that a project without this extension can link to it.
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.domains import Domain, Index, IndexEntry, ObjType
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

logger = logging.getLogger(__name__)


def label_of(equation_id: str) -> str:
    """Return the label, and anchor, of an equation."""
    return "eqn-" + equation_id.replace("/", "-")


class EquationDirective(SphinxDirective):
    """A section that is the place of one equation."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {
        "title": directives.unchanged,
        "paper": directives.unchanged,
        "citation": directives.unchanged,
        "status": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        equation_id = self.arguments[0]
        title = self.options.get("title", equation_id)
        anchor = label_of(equation_id)
        section = nodes.section(ids=[anchor], names=[], classes=["equation"])
        self.set_source_info(section)
        parsed, messages = self.parse_inline(title)
        section += nodes.title(title, "", *parsed)
        section += messages
        # What a reader would type: the search puts entries of the index before words of the text.
        words = equation_id.rpartition("/")[2].replace("-", " ")
        entry = f"{words}; {self.options.get('paper', equation_id.partition('/')[0])}"
        section += addnodes.index(entries=[("single", entry, anchor, "main", None)])
        section += self.parse_content_to_nodes()
        self.state.document.note_explicit_target(section, section)
        plain = section[0].astext()
        domain = self.env.get_domain("eqn")
        domain.note(
            equation_id,
            {
                "docname": self.env.docname,
                "anchor": anchor,
                "title": plain,
                "paper": self.options.get("paper", equation_id.partition("/")[0]),
                "citation": self.options.get("citation", ""),
                "status": self.options.get("status", ""),
            },
            location=section,
        )
        standard = self.env.get_domain("std")
        standard.note_hyperlink_target(anchor, self.env.docname, anchor, plain)
        return [section]


class PageRole(XRefRole):
    """A link to a page without a source file; its words stay as they are written."""

    innernodeclass = nodes.inline


def status_badge(name, rawtext, text, lineno, inliner, options=None, content=None):
    """Show a status: the word, and a mark whose colour and shape depend on it."""
    kind = text.partition(":")[0].split(",")[0].strip().replace(" ", "-")
    classes = ["equation-status", f"equation-status-{kind}"]
    return [nodes.inline(rawtext, text, classes=classes)], []


class EquationIndex(Index):
    """All equations, by paper."""

    name = "index"
    localname = "Index of equations"
    shortname = "equations"

    def generate(self, docnames: Iterable[str] | None = None):
        groups: dict[str, list[IndexEntry]] = {}
        for equation_id, known in self.domain.equations.items():
            if docnames is None or known["docname"] in docnames:
                entry = IndexEntry(
                    known["title"],
                    0,
                    known["docname"],
                    known["anchor"],
                    known["citation"],
                    known["status"],
                    equation_id,
                )
                groups.setdefault(known["paper"], []).append(entry)
        content = [
            (paper, sorted(entries, key=lambda entry: entry.name.lower()))
            for paper, entries in sorted(groups.items())
        ]
        return content, False


class EquationDomain(Domain):
    """Equations, by id."""

    name = "eqn"
    label = "Equation"
    object_types: ClassVar = {"equation": ObjType("equation", "ref")}
    directives: ClassVar = {"equation": EquationDirective}
    roles: ClassVar = {
        "ref": XRefRole(warn_dangling=True),
        "page": PageRole(),
        "status": status_badge,
    }
    indices: ClassVar = [EquationIndex]
    initial_data: ClassVar = {"equations": {}}
    data_version = 1

    @property
    def equations(self) -> dict[str, dict[str, str]]:
        return self.data["equations"]

    def note(self, equation_id: str, known: dict[str, str], location=None) -> None:
        """Take in an equation; a second place for the same id is a mistake."""
        other = self.equations.get(equation_id)
        if other is not None and other["docname"] != known["docname"]:
            message = "equation %s stands in %s too"
            logger.warning(message, equation_id, other["docname"], location=location)
        self.equations[equation_id] = known

    def clear_doc(self, docname: str) -> None:
        for equation_id in [k for k, v in self.equations.items() if v["docname"] == docname]:
            del self.equations[equation_id]

    def merge_domaindata(self, docnames, otherdata) -> None:
        for equation_id, known in otherdata["equations"].items():
            if known["docname"] in docnames:
                self.note(equation_id, known)

    def resolve_xref(self, env, fromdocname, builder, typ, target, node, contnode):
        if typ == "page":
            # The words are kept without a link where the builder makes no such pages.
            if builder.format != "html":
                return contnode
            page, _, anchor = target.partition("#")
            return make_refnode(builder, fromdocname, page, anchor, contnode)
        known = self.equations.get(target)
        if known is None:
            return None
        if not node.get("refexplicit"):
            contnode = nodes.inline("", known["title"], classes=["eqn", "eqn-ref"])
        return make_refnode(
            builder, fromdocname, known["docname"], known["anchor"], contnode, known["title"]
        )

    def resolve_any_xref(self, env, fromdocname, builder, target, node, contnode):
        found = self.resolve_xref(env, fromdocname, builder, "ref", target, node, contnode)
        return [("eqn:ref", found)] if found else []

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        for equation_id, known in self.equations.items():
            place = known["docname"], known["anchor"]
            yield equation_id, known["title"], "equation", *place, 1


def setup(app) -> dict[str, bool | int]:
    app.add_domain(EquationDomain)
    return {"env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
