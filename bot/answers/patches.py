"""Rules that were tried → a patch of the rule files, which ``git apply`` takes in the folder of the configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from bot import config

#: Lines of the file before and after what is changed.
_AROUND = 3


def patch_of(items: Sequence[config.RuleItem], settings: config.Settings) -> str:
    """A loaded rule takes the place of its older version; a new one gets a file. Empty: nothing differs.

    Reads the rule files: not for the event loop.
    """
    parts = []
    # A second rule of one file would have to know by how many lines the first has moved it.
    taken: set[str] = set()
    for item in items:
        found = config.rule_source(settings, item.name)
        if found is None:
            parts.append(_added(item))
        elif found.item.yaml != item.yaml and found.path not in taken:
            taken.add(found.path)
            parts.append(_replaced(item, found, os.path.relpath(found.path, settings.bot.folder)))
    return "".join(parts)


def _added(item: config.RuleItem) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", item.name.lower()).strip("-")[:60] or "rule"
    lines = ["rules:", *_written(item, indent=2)]
    head = f"--- /dev/null\n+++ b/rules/{name}.yaml\n@@ -0,0 +1,{len(lines)} @@\n"
    return head + "".join(f"+{line}\n" for line in lines)


def _replaced(item: config.RuleItem, found: config.RuleSource, path: str) -> str:
    old = found.item
    # What follows the last line's end is no line.
    lines = list(found.lines[:-1] if found.lines and not found.lines[-1] else found.lines)
    before = lines[max(0, old.first_line - 1 - _AROUND) : old.first_line - 1]
    gone = lines[old.first_line - 1 : old.last_line]
    after = lines[old.last_line : old.last_line + _AROUND]
    new = _written(item, indent=old.indent)
    start = old.first_line - len(before)
    around = len(before) + len(after)
    head = f"--- a/{path}\n+++ b/{path}\n@@ -{start},{around + len(gone)} +{start},{around + len(new)} @@\n"
    return head + "".join(
        [
            *(f" {line}\n" for line in before),
            *(f"-{line}\n" for line in gone),
            *(f"+{line}\n" for line in new),
            *(f" {line}\n" for line in after),
        ]
    )


def _written(item: config.RuleItem, *, indent: int) -> list[str]:
    """The rule as lines of a list."""
    first, *others = item.yaml.rstrip("\n").split("\n")
    return [f"{' ' * indent}- {first}", *(f"{' ' * (indent + 2)}{line}" if line else "" for line in others)]
