"""Collect the problems of one file, and render problems as text, JSON or workflow annotations."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from bot import keys, plugins
from bot.config.nodes import Node, ScalarNode, YamlDocument
from bot.config.yaml_errors import Flaw
from bot.model import visible
from bot.model.settings import Problem
from bot.patterns import LazyPattern

#: Maximum number of problems of one file. Further problems are usually copies of one mistake.
_MAX_PROBLEMS = 1000
#: Maximum length of a shown line, in characters. Of a longer line, only the part around the caret is shown.
_MAX_SHOWN = 160
_BEFORE_CARET = 60
#: Secrets, which are never shown: Slack tokens, passwords in addresses, webhooks, and values of keys such as "token".
_SECRETS = LazyPattern(
    r"""xox[a-z]-[^\s"',}\]]+ | xapp-[^\s"',}\]]+
    | (?<=://)[^\s/@:"']*:[^\s@"']+(?=@)
    | (?<=hooks\.slack\.com/)[^\s"',}\]]+
    | (?i:token|secret|password|passwd|api_?key|webhook)["']?\s*[:=]\s*(?!["']?(?:env|file):)\K_
    """.replace(r"\K_", r"(?P<value>[^\s,}\]#]+)"),
    re.VERBOSE,
)


#: Minimum length of a piece of a variable's value that is concealed wherever a message quotes it.
_MIN_CONCEALED = 4
_QUOTED = LazyPattern(r'"([^"]+)"')


class _Variable(msgspec.Struct, frozen=True):
    """The value of an environment variable that a value of the file refers to, as ``reference``."""

    start: int
    end: int
    value: str
    reference: str

    def conceal_in(self, text: str, at: int) -> str:
        """Return the text, for a problem at the offset ``at``, with the reference in place of the value."""
        for value in (self.value, keys.shorten(self.value)):
            if len(value) >= _MIN_CONCEALED:
                text = text.replace(value, self.reference)
        if self.start <= at < self.end:
            # A message may quote a part of the value.
            text = _QUOTED.sub(lambda part: f'"{self.reference}"' if self._holds(part[1]) else part[0], text)
        return text

    def _holds(self, part: str) -> bool:
        return len(part) >= _MIN_CONCEALED and part.rstrip("…").casefold() in self.value.casefold()


class ProblemReport:
    """The problems of one file. ``finish`` returns them."""

    def __init__(self, path: str, document: YamlDocument) -> None:
        self.path = path
        self.document = document
        self._problems: list[Problem] = []
        self._variables: list[_Variable] = []
        self._secret_spans: list[tuple[int, int]] = []
        self._seen: set[tuple[int, str]] = set()
        self._left_out = 0
        #: Name of the rule that is being read, which is added to problems.
        self.rule: str | None = None
        self.error_count = 0

    def add(
        self,
        place: Node | Flaw | tuple[int, int],
        code: str,
        message: str,
        help: str | None = None,  # noqa: A002 (the name that people see)
        *,
        severity: str = "error",
    ) -> None:
        """Report one problem of a value, a key or a stretch of the file, unless it is already reported there."""
        start, end = place if isinstance(place, tuple) else (place.start, place.end)
        if (start, message) in self._seen:
            return
        self.error_count += severity == "error"
        if len(self._problems) >= _MAX_PROBLEMS:
            self._left_out += 1
            return
        self._seen.add((start, message))
        for variable in self._variables:
            message = variable.conceal_in(message, start)
            help = help and variable.conceal_in(help, start)  # noqa: A001 (the name that people see)
        line, column = self.document.place(start)
        problem = Problem(
            severity=severity,
            file=self.path,
            line=line,
            column=column,
            length=_length(self.document, line, start, end),
            rule=self.rule,
            code=code,
            message=message,
            help=help or None,
        )
        self._problems.append(problem)

    def add_flaw(self, flaw: Flaw) -> None:
        """Report a flaw of the YAML itself."""
        self.add(flaw, flaw.code, flaw.message, flaw.help, severity=flaw.severity)

    def conceal(self, scalar: ScalarNode, value: str, reference: str) -> None:
        """Let messages show ``reference`` in place of the value of a variable, which ``scalar`` uses."""
        self._variables.append(_Variable(scalar.start, scalar.end, value, reference))

    def has_flaw_in(self, node: Node) -> bool:
        """Return whether the YAML has an error inside the node."""
        return self.document.has_flaw_in(node.start, node.end)

    def hide(self, start: int, end: int) -> None:
        """Mark a stretch of the file that may be a secret, so that asterisks are shown instead."""
        self._secret_spans.append((start, end))

    def finish(self) -> tuple[Problem, ...]:
        """Return all problems, sorted by position, each with the text of its line."""
        ordered = sorted(self._problems, key=lambda problem: (problem.line, problem.column, problem.code))
        shown_lines = functools.cache(self._shown_line)
        problems = [_with_line(problem, shown_lines(problem.line)) for problem in ordered]
        if self._left_out:
            message = f"{self._left_out:,} more problems in this file are not shown"
            last = replace(problems[-1], severity="error", rule=None, source=None)
            problems.append(replace(last, code="too-many", message=message, help="correct these first"))
        return tuple(problems)

    def _shown_line(self, number: int) -> str:
        first = self.document.line_starts[number - 1]
        text = list(self.document.line(number))
        for start, end in self._secret_spans:
            for at in range(max(start - first, 0), min(end - first, len(text))):
                text[at] = "*"
        return mask_secrets("".join(text))


def _length(document: YamlDocument, line: int, start: int, end: int) -> int:
    """Return the length to underline, at most to the end of the line."""
    starts = document.line_starts
    line_end = starts[line] if line < len(starts) else len(document.text)
    if end < line_end:
        return max(1, end - start)
    return max(1, len(document.text[start:line_end].rstrip()))


def _with_line(problem: Problem, line: str) -> Problem:
    if problem.rule and len(problem.rule) > _MAX_SHOWN:
        problem = replace(problem, rule=problem.rule[: _MAX_SHOWN - 1] + "…")
    return replace(problem, source=line[_window_start(problem.column) :][: _MAX_SHOWN * 2])


def mask_secrets(line: str) -> str:
    """Replace text that looks like a secret by asterisks, one for each character, so that carets stay in place."""

    def hide(match: re.Match[str]) -> str:
        value = match["value"]
        kept = "" if value is None else match[0][: -len(value)]
        return kept + "*" * (len(match[0]) - len(kept))

    return _SECRETS.sub(hide, line)


def _window_start(column: int) -> int:
    """Return the offset at which the shown part of a line begins, which is 0 unless the column is far right."""
    return 0 if column <= _MAX_SHOWN - _BEFORE_CARET else column - 1 - _BEFORE_CARET


def sort_by_place(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Sort by file, line and column."""
    return tuple(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column, problem.code)))


def render_problems(problems: Sequence[Problem]) -> str:
    """Render all problems for people."""
    return "\n".join(_render_text(problem) for problem in problems)


def list_problems(problems: Sequence[Problem]) -> str:
    """Return all problems as a JSON document."""
    names = ("severity", "file", "line", "column", "rule", "code", "message", "help")
    objects = [{name: getattr(problem, name) for name in names} for problem in problems]
    return json.dumps(objects, ensure_ascii=False, indent=2) + "\n"


def _render_text(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    lines = [f"{place}: {problem.severity}: {_printable(problem.message)}"]
    gutter = " " * (len(str(problem.line)) + 1)
    if problem.line and problem.source is not None:
        start = _window_start(problem.column)
        front, at = ("…", problem.column - 1 - start) if start else ("", problem.column - 1)
        shown = problem.source[:_MAX_SHOWN]
        back = "…" if len(problem.source) > _MAX_SHOWN else ""
        length = max(1, min(problem.length, len(shown) - at))
        # Masking shortens the secrets of addresses.
        before, marked = visible.masked(shown[:at]), visible.masked(shown[at : at + length])
        space = " " * len(front) + "".join("\t" if c == "\t" else " " * _count_cells(c) for c in before)
        carets = "^" * (sum(map(_count_cells, marked)) or 1)
        lines.append(f" {problem.line} | {front}{_printable(visible.masked(shown))}{back}".rstrip())
        lines.append(f"{gutter} | {space}{carets}")
    if problem.help:
        lines.append(f"{gutter} = help: {_printable(problem.help)}")
    return "\n".join(lines) + "\n"


def _printable(text: str) -> str:
    """Replace characters that can control a terminal, such as direction marks, by a visible character."""
    return "".join(
        "�" if (c != "\t" and unicodedata.category(c) in ("Cc", "Cs", "Co")) or c in _STEERING else c for c in text
    )


_STEERING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def _count_cells(char: str) -> int:
    """Return the number of terminal columns that a character takes."""
    if char in _STEERING:
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def report_broken(report: ProblemReport, broken: plugins.Broken, node: Node) -> None:
    """Report a plug-in that cannot be loaded, where the configuration names it."""
    advice = "install a version that fits this Wirewatch, or uninstall it"
    report.add(node, "plug-in", str(broken), advice)
