"""A reader's way: index, search, equation, function, source, test; and LaTeX to take along."""

import re

import pytest
from playwright.sync_api import expect

from validation.browser.conftest import wait_for_formulas

SECTION = "#eqn-ho2020-posterior-variance"
PAGE = "generated/equations/ho2020.html"


def test_a_reader_finds_the_posterior_variance_and_its_evidence(new_page, site):
    page = new_page("index.html")
    box = page.get_by_role("textbox", name="Search").first
    box.fill("posterior variance")
    box.press("Enter")
    results = page.locator("ul.search > li > a")
    equation = page.locator(f"ul.search > li > a[href$='{PAGE}{SECTION}']").first
    expect(equation).to_be_visible()
    found = results.evaluate_all("links => links.map(link => link.href)")
    shown = found.index(equation.evaluate("link => link.href"))
    assert shown < 5, "equations come before the pages that have the same words"

    equation.click()
    expect(page).to_have_url(re.compile(re.escape(f"{site}{PAGE}") + ".*" + re.escape(SECTION)))
    section = page.locator(SECTION)
    expect(section).to_be_in_viewport()
    expect(section).to_contain_text("equation (7)")

    section.locator(
        "dl.equation-facts a[href*='/api/']", has_text="posterior_variance"
    ).first.click()
    wait_for_formulas(page)
    function = page.locator("[id='refdiff.equations.posterior_variance']")
    expect(function).to_be_in_viewport()

    source = function.get_by_role("link", name="[source]")
    source.focus()
    source.press("Enter")
    expect(page.locator("[id$='posterior_variance']:target")).to_be_in_viewport()
    expect(page.locator("article")).to_contain_text("def posterior_variance(")

    page.goto(f"{site}{PAGE}{SECTION}")
    tests = section.locator("details", has=page.locator("summary", has_text="Tests"))
    tests.locator("summary").focus()
    page.keyboard.press("Enter")
    test = tests.get_by_role("link").first
    expect(test).to_be_visible()
    name = test.inner_text().split()[0]
    test.click()
    expect(page.locator(":target")).to_be_in_viewport()
    expect(page.locator("article")).to_contain_text(f"def {name.split('::')[-1]}(")


WITHOUT_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"


def pasted(page):
    """Paste what was copied, as a reader would, into a field made for it."""
    page.evaluate("document.body.append(document.createElement('textarea'))")
    field = page.locator("body > textarea")
    field.focus()
    page.keyboard.press("Control+V")
    return field.input_value()


@pytest.mark.parametrize("how", ["mouse", "Enter", "Space"])
@pytest.mark.parametrize("prepare", ["", WITHOUT_CLIPBOARD], ids=["clipboard", "selection"])
def test_latex_is_copied(new_page, how, prepare):
    page = new_page(PAGE + SECTION, prepare=prepare)
    button = page.locator(f"{SECTION} button.equation-copy").first
    latex = button.get_attribute("data-latex")
    assert "\\bar\\alpha" in latex
    if how == "mouse":
        button.click()
    else:
        page.locator(f"{SECTION} p.equation-source a").last.focus()
        page.keyboard.press("Tab")
        expect(button).to_be_focused()
        assert button.evaluate("b => getComputedStyle(b).outlineStyle") == "solid"
        page.keyboard.press(how)
    expect(button).to_have_text("Copied")
    expect(button).to_be_focused()
    assert pasted(page) == latex
