"""A pasted rule, list, query or whole rule file → compiled rules, and problems with their places in the text."""

from __future__ import annotations

import re
from dataclasses import replace

from bot import config, model, rules
from bot.config import files, rule_context, rule_sources, rules_file
from bot.config.rules_shape import RuleShape
from bot.config.settings import Stamp
from bot.config.yaml.nodes import Mapping, Sequence
from bot.config.yaml.problems import ProblemReport

#: What the text is called in its problems.
NAME = "rule"
#: Each is compiled, and compared with a score of looser versions of itself.
MOST_RULES = 10
_WHOLE_FILE = re.compile(r"^(rules|sets)[ \t]*:", re.MULTILINE)
#: A key of a rule at the beginning of a line; no field of a query is called like one.
_KEY = re.compile(rf"^\{{?[ \t]*({'|'.join(RuleShape.model_fields)})[ \t]*:", re.MULTILINE)
_LIST_OF_RULES = re.compile(r"[ \t]{0,40}-[ \t]{0,40}\{?[ \t]{0,40}\w{1,40}[ \t]{0,8}:")
#: What a rule is called that was pasted without a name.
UNNAMED = "Pasted"


class TooManyRulesError(Exception):
    """More rules than are tried at once."""

    def __init__(self, count: int) -> None:
        super().__init__(f"at most {MOST_RULES} rules at a time; these are {count}")


def parse_pasted(
    written: str, settings: config.Settings, steps: rules.Steps | None = None
) -> tuple[tuple[rules.CompiledRule, ...], tuple[model.Problem, ...]]:
    """The rules that can be used, and the problems of all; their examples are tried within ``steps``.

    Takes processor time: not for the event loop. Raises TooManyRulesError.
    """
    text, lines, columns = _as_file(written, settings)
    report = _parsed(text)
    if (count := _count(report)) > MOST_RULES:
        raise TooManyRulesError(count)
    context = rule_context.Context.of(settings, steps=steps)
    desk = None if report.error_count else rules_file.parse_rules_file(report, context)
    # No warning of lines that were put before what was pasted.
    shown = [each for each in report.finish() if each.line > lines or each.severity == "error"]
    problems = tuple(_moved(problem, lines, columns) for problem in shown)
    return tuple(entry.compiled for entry in desk.rules) if desk else (), problems


def _count(report: ProblemReport) -> int:
    root = report.document.root
    items = root.get("rules") if isinstance(root, Mapping) else None
    return len(items.items) if isinstance(items, Sequence) else 0


def items(written: str, settings: config.Settings) -> list[config.RuleItem]:
    """The rules of the text, each with its YAML."""
    return list(rule_sources.rule_items(_parsed(_as_file(written, settings)[0]).document))


def _parsed(text: str) -> ProblemReport:
    content = text.encode("utf-8", "replace")
    stamp = Stamp(modified_ns=0, changed_ns=0, size=len(content), inode=0)
    return files.parse(files.Bytes(path=NAME, stamp=stamp, digest="", content=content))


def _as_file(written: str, settings: config.Settings) -> tuple[str, int, int]:
    """A whole rule file, and by how many lines and columns the text has moved in it."""
    written = written.replace("\r\n", "\n").strip("\n")
    if _WHOLE_FILE.search(written):
        return written, 0, 0
    if _LIST_OF_RULES.match(written):
        return f"rules:\n{written}", 1, 0
    lines = written.split("\n")
    keys = {found[1] for found in _KEY.finditer(written)}
    if "name" in keys or written.startswith("{"):
        return "\n".join(["rules:", f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]), 1, 2
    if keys:  # a part of a rule, such as the line of its query
        head = ["rules:", f"- name: {UNNAMED}", *([] if "notify" in keys else [f"  notify: {_channel(settings)}"])]
        return "\n".join([*head, *(f"  {line}" for line in lines)]), len(head), 2
    is_list = written.lstrip().startswith(("-", "["))
    head = ["rules:", f"- name: {UNNAMED}", f"  notify: {_channel(settings)}", "  any:" if is_list else "  query: |"]
    return "\n".join([*head, *(f"    {line}" for line in lines)]), len(head), 4


def _channel(settings: config.Settings) -> str:
    return next(iter(settings.bot.channels), "alerts")


def _moved(problem: model.Problem, lines: int, columns: int) -> model.Problem:
    source = problem.source[columns:] if problem.source is not None else None
    return replace(problem, line=max(1, problem.line - lines), column=max(1, problem.column - columns), source=source)


def example(settings: config.Settings) -> str:
    """A rule to begin with, to a channel that there is."""
    return f"""\
name: Any backdoor law
query: |
  (backdoor* OR "exceptional access") NEAR/10 (law OR bill OR regulator*)
notify: {_channel(settings)}
must_match: ["New bill demands a backdoor in every messenger"]
must_not_match: ["Thieves enter by the back door"]
"""
