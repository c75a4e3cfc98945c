"""Find the YAML text of one rule in its file."""

from __future__ import annotations

import textwrap

import msgspec

from bot.config.files import parse_file, read_content
from bot.config.nodes import ScalarNode, SequenceNode, value_of
from bot.config.settings import Settings


class RuleText(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded rule in the current text of its file."""

    path: str
    #: The YAML text of the rule, without the dash and the indentation of the list.
    yaml: str
    #: Line of the file, from 1, on which the rule begins.
    first_line: int


def find_rule_text(settings: Settings, name: str) -> RuleText | None:
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
    listed = value_of(document.root, "rules")
    for item in listed.items if isinstance(listed, SequenceNode) else ():
        written_name = value_of(item, "name")
        if isinstance(written_name, ScalarNode) and written_name.value == name:
            line, column = document.place(item.start)
            text = " " * (column - 1) + document.text[item.start : item.end].rstrip()
            return RuleText(path=state.path, yaml=textwrap.dedent(text) + "\n", first_line=line)
    return None
