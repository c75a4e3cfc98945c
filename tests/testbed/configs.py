"""Configuration folders, written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

#: A rule of one word, for tests in which the rules do not matter.
RULES = "rules:\n  - {name: A, all: [BlackBerry], notify: alerts}\n"


def write(
    folder: Path, *, bot: str, feeds: str | Iterable[str | Mapping[str, object]] = (), rules: str = RULES
) -> Path:
    """Write bot.yaml, feeds.yaml and a file of rules. ``feeds``: the file's text, or its feeds. Return the folder."""
    listed = feeds if isinstance(feeds, str) else json.dumps({"feeds": list(feeds)}, indent=1)
    for name, text in {"bot.yaml": bot, "feeds.yaml": listed, "rules/a.yaml": rules}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
