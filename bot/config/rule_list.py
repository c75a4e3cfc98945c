"""Find the YAML text of one rule in its file, and write a patch that changes rules in their files."""

from __future__ import annotations

import difflib
import os
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.config.files import parse_file, read_content
from bot.config.nodes import ScalarNode, SequenceNode, YamlDocument, value_of
from bot.config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleItem:
    name: str
    #: The YAML text of the rule, without the dash and the indentation of the list.
    yaml: str
    #: Line of the file, from 1, on which the rule begins.
    first_line: int
    #: Line on which the rule ends.
    last_line: int
    #: Number of characters before the dash.
    indent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSource:
    """A loaded rule in the current text of its file."""

    path: str
    lines: tuple[str, ...]
    item: RuleItem


def find_rule_items(document: YamlDocument) -> Iterator[RuleItem]:
    """Yield the named rules of a rule file."""
    listed = value_of(document.root, "rules")
    for item in listed.items if isinstance(listed, SequenceNode) else ():
        name = value_of(item, "name")
        if not isinstance(name, ScalarNode):
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


def find_rule_source(settings: Settings, name: str) -> RuleSource | None:
    """Return the source of a rule, or None if its file no longer has it.

    This reads and parses the file, so do not call it in the event loop.
    """
    states = (state for state in settings.files.values() for entry in state.rules if entry.compiled.rule.name == name)
    state = next(states, None)
    if state is None:
        return None
    try:
        document = parse_file(state.path, read_content(state.path)).document
    except OSError:
        return None
    item = next((item for item in find_rule_items(document) if item.name == name), None)
    if item is None:
        return None
    lines = tuple(document.line(number) for number in range(1, len(document.line_starts) + 1))
    return RuleSource(path=state.path, lines=lines, item=item)


def make_patch(items: Iterable[RuleItem], settings: Settings) -> str:
    """Return a patch that replaces loaded rules and adds a file for each new rule. Return "" if nothing differs.

    Reads the rule files.
    """
    patch: list[str] = []
    replaced: dict[str, list[tuple[RuleSource, RuleItem]]] = {}
    for item in items:
        source = find_rule_source(settings, item.name)
        if source is None:
            name = re.sub(r"[^a-z0-9]+", "-", item.name.lower()).strip("-")[:60] or "rule"
            patch += _diff((), ["rules:", *_item_lines(item, indent=2)], "/dev/null", f"b/rules/{name}.yaml")
        elif source.item.yaml != item.yaml:
            replaced.setdefault(source.path, []).append((source, item))
    for path, changes in replaced.items():
        old_lines = changes[0][0].lines
        new_lines = list(old_lines)
        # Replace rules from the end of the file, so that the line numbers of earlier rules stay valid.
        for source, item in sorted(changes, key=lambda change: -change[0].item.first_line):
            old = source.item
            new_lines[old.first_line - 1 : old.last_line] = _item_lines(item, indent=old.indent)
        relative = os.path.relpath(path, settings.bot.folder)
        patch += _diff(old_lines, new_lines, f"a/{relative}", f"b/{relative}")
    return "".join(patch)


def _diff(old: Sequence[str], new: Sequence[str], old_path: str, new_path: str) -> Iterator[str]:
    # If a text ends with a line break, the last element of its lines is an empty string, which must be removed.
    old, new = ([f"{line}\n" for line in (lines[:-1] if lines and not lines[-1] else lines)] for lines in (old, new))
    return difflib.unified_diff(old, new, old_path, new_path)


def _item_lines(item: RuleItem, *, indent: int) -> list[str]:
    """Return the rule as lines of a list item."""
    first, *continuation = item.yaml.rstrip("\n").split("\n")
    return [f"{' ' * indent}- {first}", *(f"{' ' * (indent + 2)}{line}" if line else "" for line in continuation)]
