"""A loaded rule as its file writes it."""

from __future__ import annotations

import textwrap

from bot.config import files
from bot.config.settings import Settings
from bot.config.yaml.nodes import Mapping, Scalar, Sequence


def rule_source(settings: Settings, name: str) -> tuple[str, str] | None:
    """The path of the file and the rule's YAML, without its indentation; None: the file no longer has it.

    Reads and parses the file: not for the event loop.
    """
    holds = (each for each in settings.files.values() for one in each.rules if one.compiled.rule.name == name)
    state = next(holds, None)
    if state is None:
        return None
    try:
        document = files.parse(files.fetch(state.path, None)).document
    except OSError:
        return None
    listed = document.root.get("rules") if isinstance(document.root, Mapping) else None
    for item in listed.items if isinstance(listed, Sequence) else ():
        found = item.get("name") if isinstance(item, Mapping) else None
        if isinstance(found, Scalar) and found.value == name:
            line_start = document.text.rfind("\n", 0, item.start) + 1
            text = " " * (item.start - line_start) + document.text[item.start : item.end]
            return state.path, textwrap.dedent(text).rstrip() + "\n"
    return None
