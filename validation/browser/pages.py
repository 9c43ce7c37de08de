"""The pages that are looked at, and what is asked of a page that is open in the browser."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "docs" / "html"

# The first ten are the ones that people land on; the rest hold what is widest.
PAGES = [
    "index.html",
    "importer.html",
    "reader.html",
    "validator.html",
    "from-paper-to-pixels.html",
    "concepts/forward.html",
    "equations.html",
    "notation.html",
    "generated/equations/ho2020.html",
    "generated/api/refdiff.equations.html",
    "concepts/solvers.html",
    "peers.html",
    "numerics.html",
    "generated/deviations/steps.html",
]

# Each is the body of a function that runs in the page and returns a list of faults in words.

FORMULAS = r"""
    const faults = [];
    const formulas = document.querySelectorAll(".math");
    for (const formula of formulas) {
        const drawn = formula.querySelectorAll("mjx-container > svg");
        const shown = formula.textContent.trim().slice(0, 60);
        if (!drawn.length) { faults.push("not drawn: " + shown); }
        for (const svg of drawn) {
            const box = svg.viewBox.baseVal;
            if (!svg.querySelector("path, use, rect, text") || !box || !box.width) {
                faults.push("drawn empty: " + shown);
            }
        }
    }
    for (const broken of document.querySelectorAll(
        "[data-mml-node='merror'], merror, mjx-merror, [data-mjx-error]"
    )) {
        faults.push("an error in: " + broken.closest(".math")?.textContent.slice(0, 60));
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode;
        const apart = text.parentElement.closest("pre, code, script, style, mjx-container");
        if (!apart && /\\[()[\]]/.test(text.data)) {
            faults.push("raw: " + text.data.slice(0, 60));
        }
    }
    return faults;
"""

SIDEWAYS = r"""
    const faults = [];
    const page = document.documentElement;
    const width = page.clientWidth;
    if (page.scrollWidth > width) {
        faults.push(`the page is ${page.scrollWidth} wide and the window ${width}`);
    }
    const boxes = "mjx-container[display='true'], .math, .table-wrapper, pre, .equation-graph-box";
    for (const element of document.querySelectorAll("article, article *")) {
        const style = getComputedStyle(element);
        const name = element.tagName.toLowerCase() + "." + element.getAttribute("class");
        const words = `${name}: ${element.textContent.trim().slice(0, 50)}`;
        const scrolls = ["auto", "scroll"].includes(style.overflowX);
        if (scrolls && element.scrollWidth > element.clientWidth && element.clientWidth
            && !element.matches(boxes)) {
            faults.push(`scrolls sideways: ${words}`);
        }
        if (!element.parentElement.closest(boxes) && !element.closest("svg, mjx-assistive-mml")) {
            const box = element.getBoundingClientRect();
            if (box.width > 1 && box.right > width + 1) {
                faults.push(`ends at ${Math.round(box.right)} of ${width}: ${words}`);
            }
        }
    }
    return faults;
"""

# Contrast as WCAG 2 defines it, from the computed colours of a text and of what lies behind it.
CONTRAST = r"""
    const parse = (colour) => {
        const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
        return [r, g, b, a];
    };
    const over = (top, below) => {
        const mix = (i) => top[i] * top[3] + below[i] * (1 - top[3]);
        return [mix(0), mix(1), mix(2), 1];
    };
    const behind = (element) => {
        const layers = [];
        for (let e = element; e; e = e.parentElement) {
            layers.unshift(parse(getComputedStyle(e).backgroundColor));
        }
        return layers.reduce((below, top) => over(top, below), [255, 255, 255, 1]);
    };
    const luminance = (colour) => {
        const linear = colour.slice(0, 3).map((c) => c / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const faults = new Set();
    let looked = 0;
    const elements = new Set();
    const article = document.querySelector("article");
    const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const seen = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
        const apart = element.closest("mjx-container, .headerlink, .copybtn");
        if (seen && !apart && walker.currentNode.data.trim()) { elements.add(element); }
    }
    for (const element of elements) {
        looked += 1;
        const style = getComputedStyle(element);
        const below = behind(element);
        const ink = element.closest("svg") ? style.fill : style.color;
        const pair = [luminance(over(parse(ink), below)), luminance(below)].sort((x, y) => y - x);
        const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (contrast < (large ? 3 : 4.5)) {
            const name = element.tagName.toLowerCase() + "." + element.getAttribute("class");
            const words = `${name} "${element.textContent.trim().slice(0, 30)}"`;
            faults.add(`${contrast.toFixed(2)} for ${ink} on ${below.slice(0, 3)}: ${words}`);
        }
    }
    if (!looked) { faults.add("no text was found"); }
    return [...faults];
"""


def faults(page, script: str) -> list[str]:
    """Run one of the scripts above in an open page."""
    return page.evaluate(f"() => {{ {script} }}")
