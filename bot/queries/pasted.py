"""Read rules that were pasted to be tried: a whole file, a list of rules, one rule, or only a query."""

from __future__ import annotations

import dataclasses
import re

from msgspec.structs import replace

from bot import config, rules
from bot.config import blocks, files, nodes, rules_file
from bot.config.rules_file import RuleContext
from bot.model.rules import Rule
from bot.model.settings import Problem
from bot.patterns import LazyPattern

#: The file name in the problems of pasted text.
PASTED_FILE = "rule"
#: Maximum rules in one trial. Each rule is compiled and compared with about 20 looser versions of itself.
MOST_RULES = 10
_WHOLE_FILE = LazyPattern(r"^(rules|sets)[ \t]*:", re.MULTILINE)
#: Matches a rule's key at the beginning of a line. A query does not match, because its fields have other names.
_KEY = LazyPattern(rf"^\{{?[ \t]*({'|'.join(blocks.types_of(Rule))})[ \t]*:", re.MULTILINE)
_LIST_OF_RULES = LazyPattern(r"[ \t]{0,40}-[ \t]{0,40}\{?[ \t]{0,40}\w{1,40}[ \t]{0,8}:")
#: The name of a rule that was pasted without one.
UNNAMED = "Pasted"


class TooManyRulesError(Exception):
    """More rules were pasted than may be tried at once."""

    def __init__(self, count: int) -> None:
        super().__init__(f"at most {MOST_RULES} rules can be tried at a time; these are {count}")


def parse_pasted(
    written: str, settings: config.Settings, steps: rules.Steps | None = None
) -> tuple[tuple[rules.CompiledRule, ...], tuple[Problem, ...]]:
    """Return the usable rules of the pasted text, and all problems. ``steps`` limits the testing of examples.

    CPU-bound: do not call it on the event loop. Raises TooManyRulesError.
    """
    text, lines, columns = _as_file(written, settings)
    report = files.parse_file(PASTED_FILE, text.encode("utf-8", "replace"))
    items = nodes.value_of(report.document.root, "rules")
    if isinstance(items, nodes.SequenceNode) and len(items.items) > MOST_RULES:
        raise TooManyRulesError(len(items.items))
    context = replace(RuleContext.of(settings.bot, settings.files), steps=steps)
    reader = rules_file.parse_rules_file(report, context)
    # Omit warnings about the lines that _as_file adds before the pasted text.
    shown = [problem for problem in report.finish() if problem.line > lines or problem.severity == "error"]
    problems = tuple(_shift_problem(problem, lines, columns) for problem in shown)
    return tuple(entry.compiled for entry in reader.loaded) if reader else (), problems


def _as_file(written: str, settings: config.Settings) -> tuple[str, int, int]:
    """Return a complete rule file, and the number of lines and columns by which it shifts the pasted text."""
    written = written.replace("\r\n", "\n").strip("\n")
    if _WHOLE_FILE.search(written):
        return written, 0, 0
    if _LIST_OF_RULES.match(written):
        return f"rules:\n{written}", 1, 0
    lines = written.split("\n")
    keys = {match[1] for match in _KEY.finditer(written)}
    if "name" in keys or written.startswith("{"):
        return "\n".join(["rules:", f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]), 1, 2
    if keys:  # a rule without a name, such as only a query key
        head = ["rules:", f"- name: {UNNAMED}", *([] if "notify" in keys else [f"  notify: {_channel(settings)}"])]
        return "\n".join([*head, *(f"  {line}" for line in lines)]), len(head), 2
    is_list = written.lstrip().startswith(("-", "["))
    head = ["rules:", f"- name: {UNNAMED}", f"  notify: {_channel(settings)}", "  any:" if is_list else "  query: |"]
    return "\n".join([*head, *(f"    {line}" for line in lines)]), len(head), 4


def _channel(settings: config.Settings) -> str:
    return next(iter(settings.bot.channels), "alerts")


def _shift_problem(problem: Problem, lines: int, columns: int) -> Problem:
    source = problem.source[columns:] if problem.source is not None else None
    return dataclasses.replace(
        problem, line=max(1, problem.line - lines), column=max(1, problem.column - columns), source=source
    )


def example_rule(settings: config.Settings) -> str:
    """Return an example rule that notifies an existing channel."""
    return f"""\
name: Any backdoor law
query: |
  (backdoor* OR "exceptional access") NEAR/10 (law OR bill OR regulator*)
notify: {_channel(settings)}
must_match: ["New bill demands a backdoor in every messenger"]
must_not_match: ["Thieves enter by the back door"]
"""
