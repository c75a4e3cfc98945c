"""Find rules in their file: the lines of a rule, and its YAML text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from bot.config import files
from bot.config.settings import Settings
from bot.config.yaml.nodes import Document, Scalar, Sequence, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleItem:
    """One rule of a file."""

    name: str
    #: Without the dash of the list and its indentation.
    yaml: str
    #: Line numbers in the file, from 1; both are part of the rule.
    first_line: int
    last_line: int
    #: Characters before the dash.
    indent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSource:
    """A loaded rule in the current text of its file."""

    path: str
    lines: tuple[str, ...]
    item: RuleItem


def rule_items(document: Document) -> Iterator[RuleItem]:
    """Yield the named rules of a rule file."""
    listed = value_of(document.root, "rules")
    for item in listed.items if isinstance(listed, Sequence) else ():
        name = value_of(item, "name")
        if not isinstance(name, Scalar):
            continue
        text = document.text[item.start : item.end].rstrip()
        line, column = document.place(item.start)
        yield RuleItem(
            name=name.value,
            yaml=textwrap.dedent(" " * (column - 1) + text) + "\n",
            first_line=line,
            last_line=document.place(item.start + len(text) - 1)[0],
            indent=max(0, document.line(line).find("-")),
        )


def rule_source(settings: Settings, name: str) -> RuleSource | None:
    """Return the source of a rule, or None if its file no longer has it.

    Reads and parses the file: not for the event loop.
    """
    states = (state for state in settings.files.values() for entry in state.rules if entry.compiled.rule.name == name)
    state = next(states, None)
    if state is None:
        return None
    try:
        document = files.parse(files.fetch(state.path, None)).document
    except OSError:
        return None
    item = next((item for item in rule_items(document) if item.name == name), None)
    if item is None:
        return None
    lines = tuple(document.line(number) for number in range(1, len(document.line_starts) + 1))
    return RuleSource(path=state.path, lines=lines, item=item)
