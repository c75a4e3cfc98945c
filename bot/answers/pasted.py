"""A pasted rule, a list of them or a whole rule file → compiled rules, and problems with their places in the text."""

from __future__ import annotations

import re
from dataclasses import replace

from bot import config, model, rules
from bot.config import files, rules_file
from bot.config.settings import Stamp
from bot.config.yaml.nodes import Mapping, Sequence
from bot.config.yaml.problems import ProblemReport

#: What the text is called in its problems.
NAME = "rule"
#: Each is compiled, and compared with a score of looser versions of itself.
MOST_RULES = 10
_WHOLE_FILE = re.compile(r"^(rules|sets)[ \t]*:", re.MULTILINE)


class TooManyRulesError(Exception):
    """More rules than are tried at once."""

    def __init__(self, count: int) -> None:
        super().__init__(f"at most {MOST_RULES} rules at a time; these are {count}")
        self.count = count


def parse_pasted(
    written: str, settings: config.Settings, steps: rules.Steps | None = None
) -> tuple[tuple[rules.CompiledRule, ...], tuple[model.Problem, ...]]:
    """The rules that can be used, and the problems of all; their examples are tried within ``steps``.

    Takes processor time: not for the event loop. Raises TooManyRulesError.
    """
    text, lines, columns = _as_file(written.replace("\r\n", "\n"))
    content = text.encode("utf-8", "replace")
    stamp = Stamp(modified_ns=0, changed_ns=0, size=len(content), inode=0)
    report = files.parse(files.Bytes(path=NAME, stamp=stamp, digest="", content=content))
    feeds = frozenset[str]().union(*(state.names for state in settings.files.values()))
    context = rules_file.Context(
        channels=frozenset(settings.bot.channels),
        feeds=feeds or None,
        zone=settings.bot.timezone,
        has_routes=bool(settings.bot.routes),
        steps=steps,
    )
    if (count := _count(report)) > MOST_RULES:
        raise TooManyRulesError(count)
    desk = None if report.error_count else rules_file.parse_rules_file(report, context)
    problems = tuple(_moved(problem, lines, columns) for problem in report.finish())
    return tuple(entry.compiled for entry in desk.rules) if desk else (), problems


def _count(report: ProblemReport) -> int:
    root = report.document.root
    items = root.get("rules") if isinstance(root, Mapping) else None
    return len(items.items) if isinstance(items, Sequence) else 0


def _as_file(written: str) -> tuple[str, int, int]:
    """A whole rule file, and by how many lines and columns the text has moved in it."""
    if _WHOLE_FILE.search(written):
        return written, 0, 0
    if re.match(r"\s*-", written):
        return f"rules:\n{written}", 1, 0
    first, *others = written.strip("\n").split("\n")
    return "\n".join(["rules:", f"- {first}", *(f"  {line}" for line in others)]), 1, 2


def _moved(problem: model.Problem, lines: int, columns: int) -> model.Problem:
    source = problem.source[columns:] if problem.source is not None else None
    return replace(problem, line=max(1, problem.line - lines), column=max(1, problem.column - columns), source=source)


def example(settings: config.Settings) -> str:
    """A rule to begin with, to a channel that there is."""
    channel = next(iter(settings.bot.channels), "alerts")
    return f"""\
name: Any backdoor law
query: |
  (backdoor* OR "exceptional access") NEAR/10 (law OR bill OR regulator*)
notify: {channel}
must_match: ["New bill demands a backdoor in every messenger"]
must_not_match: ["Thieves enter by the back door"]
"""
