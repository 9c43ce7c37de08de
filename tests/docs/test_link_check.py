"""The check of links within the documentation."""

import pytest

pytest.importorskip("sphinx", reason="Sphinx comes with the extra docs, and not with test")

from link_check import broken


@pytest.mark.parametrize(
    ("address", "is_broken"),
    [
        ("#here", False),
        ("#nowhere", True),
        ("sub/other.html#there%2D1", False),
        ("sub/other.html#nowhere", True),
        ("sub/other.html", False),
        ("missing.html", True),
        ("picture.png", False),
        ("missing.png", True),
        ("https://example.org/missing.html#nowhere", False),
        ("mailto:someone@example.org", False),
    ],
)
def test_a_link_needs_a_page_and_an_anchor(tmp_path, address, is_broken):
    (tmp_path / "sub").mkdir()
    (tmp_path / "picture.png").write_bytes(b"")
    page = f'<h1 id="here">Title</h1><a class="x" href="{address}">words</a>'
    (tmp_path / "index.html").write_text(page, "utf-8")
    other = '<p id="there-1"></p><a href="../index.html#here">back</a>'
    (tmp_path / "sub" / "other.html").write_text(other, "utf-8")
    found = [(str(where), what) for where, what in broken(tmp_path.resolve())]
    assert found == ([("index.html", address)] if is_broken else [])
