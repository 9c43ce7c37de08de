"""The built documentation in a real browser: links, formulas, layout, contrast."""
