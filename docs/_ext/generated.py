"""Writing pages that are made from the package before Sphinx reads its source folder."""

from pathlib import Path


def write_pages(folder: Path, pages: dict[str, str]) -> None:
    """Make ``folder`` hold exactly these pages; a page that did not change keeps its time stamp."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in set(folder.iterdir()) - {folder / name for name in pages}:
        stale.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def heading(text: str, underline: str) -> str:
    return f"{text}\n{underline * len(text)}\n"


def directive(name: str, argument: str = "", body: str = "", **options: str) -> str:
    """Compose a directive; ``body`` and the options are indented below it."""
    lines = [f".. {name}:: {argument}".rstrip()]
    lines += [f"   :{key.replace('_', '-')}: {value}".rstrip() for key, value in options.items()]
    if body:
        lines += ["", *(f"   {line}".rstrip() for line in body.splitlines())]
    return "\n".join(lines) + "\n"
