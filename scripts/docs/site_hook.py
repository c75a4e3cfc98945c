"""Adapt pages that are written for a git host to the documentation site.

The hook lists the decision records, adds a blank line before lists, sets the weight of pages in the search, and keeps
options such as ``--json`` on one line.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_INDEX = "decisions/index.md"
#: Most searches are for a message or a key. The examples contain many words of articles.
_WEIGHTS = {
    "troubleshooting.md": 3,
    "reference/keys.md": 2,
    "reference/messages.md": 2,
    "reference/commands.md": 2,
    "reference/examples.md": 0.3,
}
_CODE = re.compile(r"<code>[^<]*</code>")
_OPTION = re.compile(r"(?<=[ >\[])--[a-z][a-z-]*")
_FENCE = re.compile(r"^\s*(```|~~~)")
_ITEM = re.compile(r"^([-*]|\d+\.) ")
#: A paragraph's line, after which a list may begin: no list, table, heading, quote, and no code.
_PROSE = re.compile(r"^(?!([-*] |\d+\. |[|#>]|\s))\S")


def on_config(config: Any, **_: object) -> Any:
    records = [{title: f"decisions/{name}"} for name, title in _records(Path(config.docs_dir))]
    for part in config.nav:
        for pages in part.values():
            if isinstance(pages, list) and {"Decisions": _INDEX} in pages:
                pages[pages.index({"Decisions": _INDEX})] = {"Decisions": [_INDEX, *records]}
    return config


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: object) -> str:
    name = page.file.src_uri
    if name in _WEIGHTS:
        page.meta["search"] = {"boost": _WEIGHTS[name]}
    elif name.startswith("decisions/0"):
        page.meta["search"] = {"boost": 0.3}
    if name == _INDEX:
        rows = [f"- [{title}]({file})" for file, title in _records(Path(config.docs_dir))]
        markdown += "\n" + "\n".join(rows) + "\n"
    return _with_lists_apart(markdown)


def on_page_content(html: str, **_: object) -> str:
    return _CODE.sub(lambda code: _OPTION.sub(r'<span class="option">\g<0></span>', code.group()), html)


def on_post_page(output: str, **_: object) -> str:
    # The theme's search is a dialog without a name, which screen readers need.
    return output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )


def _with_lists_apart(markdown: str) -> str:
    lines: list[str] = []
    is_code = False
    for line in markdown.splitlines():
        if _FENCE.match(line):
            is_code = not is_code
        elif not is_code and _ITEM.match(line) and lines and _PROSE.match(lines[-1]) and not _continues(lines):
            lines.append("")
        lines.append(line)
    return "\n".join(lines) + "\n"


def _continues(lines: list[str]) -> bool:
    """Return whether the last line continues an item of a list."""
    for line in reversed(lines):
        if not line.strip():
            return False
        if _ITEM.match(line):
            return True
    return False


def _records(docs: Path) -> list[tuple[str, str]]:
    """Return the file name and title of each record, by number."""
    found = []
    for path in sorted((docs / "decisions").glob("[0-9]*.md")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        found.append((path.name, f"{int(path.name[:4])}. " + re.sub(r"^#\s*(\d+[.:]\s*)?", "", first)))
    return found
