"""Formulas are drawn, nothing but wide boxes scrolls sideways, and every word can be read."""

import pytest

from validation.browser.pages import CONTRAST, FORMULAS, PAGES, SIDEWAYS, faults

OPEN_ALL = "document.querySelectorAll('details').forEach(box => { box.open = true; })"


@pytest.mark.parametrize("path", PAGES)
def test_formulas_are_drawn(new_page, path):
    page = new_page(path)
    page.evaluate(OPEN_ALL)
    assert faults(page, FORMULAS) == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PAGES)
def test_only_wide_boxes_scroll_sideways(new_page, path, width):
    page = new_page(path, width=width)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert faults(page, SIDEWAYS) == [], scheme
    page.evaluate(OPEN_ALL)
    assert faults(page, SIDEWAYS) == [], "with everything unfolded"


@pytest.mark.parametrize("chosen", ["by the system", "by the reader"])
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_words_stand_out_from_what_is_behind_them(new_page, path, colours, chosen):
    other = {"light": "dark", "dark": "light"}[colours]
    if chosen == "by the system":
        page = new_page(path, scheme=colours)
    else:
        page = new_page(path, scheme=other, theme=colours)
    page.evaluate(OPEN_ALL)
    assert faults(page, CONTRAST) == []
