"""What the site adds to the pages: the decision records in the navigation and on their page.

Whoever writes a record touches no list: its number and its first line say where it belongs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_INDEX = "decisions/index.md"


def on_config(config: Any, **_: object) -> Any:
    records = [{title: f"decisions/{name}"} for name, title in _records(Path(config.docs_dir))]
    for part in config.nav:
        for pages in part.values():
            if isinstance(pages, list) and {"Decisions": _INDEX} in pages:
                pages[pages.index({"Decisions": _INDEX})] = {"Decisions": [_INDEX, *records]}
    return config


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: object) -> str:
    if page.file.src_uri != _INDEX:
        return markdown
    rows = [f"- [{title}]({name})" for name, title in _records(Path(config.docs_dir))]
    return markdown + "\n" + "\n".join(rows) + "\n"


def _records(docs: Path) -> list[tuple[str, str]]:
    """File name and title, by number. Their first lines number themselves in two ways: ``# 0012: …``, ``# 12. …``."""
    found = []
    for path in sorted((docs / "decisions").glob("[0-9]*.md")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        found.append((path.name, f"{int(path.name[:4])}. " + re.sub(r"^#\s*(\d+[.:]\s*)?", "", first)))
    return found
