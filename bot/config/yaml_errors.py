"""Explain errors in YAML to people who write rules, and suggest corrections.

libyaml reports what its grammar expected ("did not find expected key"), but people need to know their mistake. Each
``_explain_…`` function explains one of the mistakes that new users make: a tab, a mark at the start of a value, a
quote, a colon, a bracket, an indentation.
"""

from __future__ import annotations

import re

import msgspec
import yaml

from bot.patterns import LazyPattern

#: Characters that no text file has; libyaml reports them only by number.
_CONTROL = LazyPattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
NO_EXCLAMATION = "leave the ! out; to exclude a term, write it under none: [{}]"
_COMMENT = LazyPattern(r"(?<=[ \t])#.*")
_COMMENT_IN_LIST = LazyPattern(r"(?<=[ \t\[{,])#.*")
#: Characters that look like a space but are text to YAML, such as no-break spaces from word processors and web pages.
_ODD_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\ufeff\u200b"
_ODD_SPACE = LazyPattern(rf"^[ ]*(?:-[ ]+)*(?:[a-z_]+:[ ]*|-)?(?P<odd>[{_ODD_SPACES}]+)", re.MULTILINE)
#: A value that begins with a mark which YAML reserves.
_FIRST_MARK = LazyPattern(r"(?:^\s*(?:- +)*|(?:[:\[,]|- ) *)(?P<word>[*&!@%`][^\s,\]]*)")
_MARK_CODES = {
    "*": "star",
    "&": "ampersand",
    "!": "exclamation",
    "@": "at-sign",
    "%": "percent",
    "`": "backquote",
}
#: One of our keys and its value. Any other words before a colon are text.
_KEY = LazyPattern(r"(?P<front>\s*(?:- +)*[a-z_]+:\s+)(?P<value>\S.*)\Z", re.DOTALL)


class Flaw(msgspec.Struct, frozen=True):
    """A mistake or an oddity in YAML, with its offsets in the text."""

    code: str
    message: str
    help: str
    start: int
    end: int
    severity: str = "error"


class UnreadableYaml(Exception):
    """A file that is not valid YAML. It has one flaw, because the rest of the file cannot be trusted."""

    def __init__(self, code: str, message: str, advice: str, start: int, length: int = 1) -> None:
        super().__init__(message)
        self.flaw = Flaw(code, message, advice, start, start + max(length, 1))


def refuse_binary(text: str) -> None:
    """Raise UnreadableYaml with the position of the first character that no text has."""
    if match := _CONTROL.search(text):
        raise UnreadableYaml(
            "not-text",
            f"a character that is not text (U+{ord(match[0]):04X})",
            "is this a YAML file? Save it as plain text, UTF-8",
            match.start(),
        )


def find_odd_spaces(text: str) -> list[UnreadableYaml]:
    """Return the errors of unusual spaces before a value or in an indentation, where a plain space is needed."""
    if not any(space in text for space in _ODD_SPACES):
        return []
    return [
        UnreadableYaml(
            "odd-space",
            f"this space is not a plain one (U+{ord(match['odd'][0]):04X}), as pasted from a document or a web page",
            "delete it and press the space bar instead",
            match.start("odd"),
            len(match["odd"]),
        )
        for match in _ODD_SPACE.finditer(text)
    ]


def explain_error(error: yaml.YAMLError, text: str) -> UnreadableYaml:
    """Return a plain explanation of the mistake behind an error of libyaml."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        at = getattr(error, "position", 0)
        return UnreadableYaml(
            "not-text", "a character that YAML does not allow", "save the file as plain text, UTF-8", at
        )
    at = min(error.problem_mark.index, len(text))
    opened = error.context_mark.index if error.context_mark else at
    problem = error.problem or ""
    if "nesting" in problem:
        return UnreadableYaml("too-deep", "brackets nested a thousand deep", "no key needs that", at)
    if odd := [space for space in find_odd_spaces(text) if space.flaw.start <= max(at, opened)]:
        return odd[-1]
    slip = _Slip(text, at, opened, problem, error.context or "")
    for explain in (
        _explain_tab,
        _explain_first_mark,
        _explain_quote,
        _explain_colon,
        _explain_bracket,
        _explain_indent,
    ):
        if explanation := explain(slip):
            return explanation
    return UnreadableYaml(
        "yaml", "this is not readable as YAML", "compare its dashes, colons and quotes with the lines around it", at
    )


class _Slip:
    """The position at which libyaml stopped, and the text around it."""

    def __init__(self, text: str, at: int, opened: int, problem: str, context: str) -> None:
        self.text = text
        self.at = at
        #: Where the list, quote or block begins that libyaml was reading.
        self.opened = opened
        self.problem = problem
        self.context = context
        self.line_start = text.rfind("\n", 0, at) + 1
        self.line = text[self.line_start : _line_end(text, at)]
        #: The line up to the position at which libyaml stopped.
        self.before = text[self.line_start : at]
        self.char = text[at : at + 1]


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def quote(value: str) -> str:
    """Return the text in quotes, so that YAML reads it literally. Cut out the middle of a long text."""
    if len(value) > 100:
        value = f"{value[:40]} … {value[-40:]}"
    return f'"{value}"' if not set(value) & {'"', "\\"} else "'" + value.replace("'", "''") + "'"


def _explain_tab(slip: _Slip) -> UnreadableYaml | None:
    if slip.char != "\t" and "tab" not in slip.problem:
        return None
    at = slip.at if slip.char == "\t" else slip.line_start + max(slip.line.find("\t"), 0)
    return UnreadableYaml("tab", "a tab", "YAML accepts only spaces: replace the tab with spaces", at)


def _explain_first_mark(slip: _Slip) -> UnreadableYaml | None:
    """Explain a value that begins with a mark which YAML reserves: ``@user``, ``*phone calls``, ``!important``."""
    for match in _FIRST_MARK.finditer(slip.line):
        start = slip.line_start + match.start("word")
        if start > slip.at:
            break
        word, mark = match["word"].rstrip(",]}"), match["word"][0]
        if mark == "*" and len(word) > 1:
            advice = f"write a wildcard at the end of a word: {word.strip('*')}*; to write it as text, quote it"
        elif mark == "!" and len(word) > 1:
            advice = NO_EXCLAMATION.format(word[1:])
        else:
            following = slip.line[match.start("word") + len(word) :].strip()
            advice = f'quote it: "{word}"' if following[:1] in ("", ",", "]", "}") else f'quote it: "{word} …"'
        return UnreadableYaml(_MARK_CODES[mark], f"a value cannot begin with {mark}", advice, start, len(word))
    return None


def _explain_quote(slip: _Slip) -> UnreadableYaml | None:
    if "unknown escape" in slip.problem:
        return UnreadableYaml(
            "escape",
            f"{slip.text[slip.at : slip.at + 2]} is not a valid escape inside double quotes",
            "use single quotes, in which a backslash is plain text",
            slip.at,
            2,
        )
    start = slip.opened if "quoted scalar" in slip.context else _find_open_quote(slip)
    if start is not None:
        mark = slip.text[start]
        kind = "double" if mark == '"' else "single"
        return UnreadableYaml(
            "unclosed-quote", "this quote is never closed", f"end the value with a {kind} quote: {mark}", start
        )
    closed = slip.before.rstrip()
    if "expected" not in slip.problem or closed[-1:] not in ("'", '"') or slip.char in ("", *",:]}'\""):
        return None
    advice = "quote the whole value in single quotes: 'He said \"no\"'"
    if re.search(r"query:\s*[\"'][^\n]*$", slip.before):
        advice = "write the query below query: | , where quotes are plain text"
    elif closed[-1] == "'" and slip.char.isalnum() and closed == slip.before:
        advice = "inside single quotes an apostrophe is written twice (''), or use double quotes"
    return UnreadableYaml("text-after-quote", "text after the closing quote", advice, slip.at)


def _find_open_quote(slip: _Slip) -> int | None:
    """Return the offset of the quote that an earlier line left open and this line closes, or None."""
    for mark in "\"'":
        if "expected" in slip.problem and slip.before.count(mark) % 2:
            for line in reversed([*re.compile(r"^.*\n", re.MULTILINE).finditer(slip.text, 0, slip.line_start)][-40:]):
                starts = [match.end() for match in re.finditer(rf"(?:^|[\s\[,:{{-])(?={mark})", line[0])]
                if line[0].count(mark) % 2 and starts:
                    return line.start() + starts[-1]
    return None


def _explain_colon(slip: _Slip) -> UnreadableYaml | None:
    """Explain a missing space after a colon or dash, a missing colon, and a colon inside a value."""
    if "could not find expected ':'" in slip.problem:
        return _explain_line_without_colon(slip)
    if "mapping values are not allowed" not in slip.problem:
        return None
    previous_start = slip.text.rfind("\n", 0, max(slip.line_start - 1, 0)) + 1
    previous = slip.text[previous_start : max(slip.line_start - 1, 0)]
    for start, line in ((slip.line_start, slip.before + ":"), (previous_start, previous)):
        if dash := re.match(r"(\s*)-(\w[\w ]*):", line):
            return _dash_error(start + len(dash[1]), dash[2])
    if stuck := re.match(r"\s*(?:- +)?([A-Za-z_]+):(?=\S)", previous):
        return _stuck_colon(previous_start + stuck.end() - 1, f"{stuck[1]}: and then the value")
    if re.fullmatch(r"\s*(?:- +)?[\w -]+", slip.before):
        return UnreadableYaml(
            "indent",
            "this line is indented deeper than the previous line, which already has a value",
            "put it under the first letter of the key above",
            slip.line_start + len(slip.before) - len(slip.before.lstrip()),
            len(slip.before.strip()),
        )
    if re.match(r"\s*(?:- )?query:", slip.before):
        advice = "write the query below query: | and indent it; there, a colon is plain text"
    else:
        line = _COMMENT.sub("", slip.line).rstrip()
        match = _KEY.match(line) if ": " in slip.before else None
        advice = f"quote the whole value: {quote(match['value'] if match else line.strip(' -'))}"
    return UnreadableYaml("colon-in-value", "a colon and a space inside a value", advice, slip.at)


def _explain_line_without_colon(slip: _Slip) -> UnreadableYaml:
    start = slip.opened
    line = slip.text[start : _line_end(slip.text, start)]
    if stuck := re.match(r"([A-Za-z_]+):(?=\S)", line):
        return _stuck_colon(start + stuck.end() - 1, f"{stuck[1]}: {line[stuck.end() :].strip()}")
    if dash := re.match(r"-(\S[^\n]*)", line):
        return _dash_error(start, dash[1])
    if slip.text[: slip.text.rfind("\n", 0, start) + 1].rstrip().endswith(("|", ">")):
        message = "the text of a block must be indented deeper than its key"
        return UnreadableYaml(
            "indent", message, "indent this line by two spaces more than the key above", start, len(line)
        )
    return UnreadableYaml("no-colon", "a key without a colon", "write key: value", start, len(line.rstrip()))


def _stuck_colon(at: int, corrected: str) -> UnreadableYaml:
    return UnreadableYaml("colon", "a space is missing after the colon", f"write {corrected}", at)


def _dash_error(at: int, item: str) -> UnreadableYaml:
    return UnreadableYaml("dash", "a space is missing after the dash", f"write - {item.strip()}", at)


def _explain_bracket(slip: _Slip) -> UnreadableYaml | None:
    """Explain a bracket that is not closed or not opened, and a missing comma or quote inside brackets."""
    if not slip.context.startswith("while parsing a flow"):
        if slip.char and slip.char in "]}":
            advice = "remove it, or quote the whole value"
            return UnreadableYaml("bracket", f"a {slip.char} without an opening bracket", advice, slip.at)
        return None
    if slip.context == "while parsing a flow node":
        slip.opened = max(slip.text.rfind("[", 0, slip.at), slip.text.rfind("{", 0, slip.at), 0)
    opened_line_end = _line_end(slip.text, slip.opened)
    if comment := _COMMENT_IN_LIST.search(slip.text, slip.opened, opened_line_end):
        message = "a # begins a comment, so the list is never closed"
        return UnreadableYaml(
            "comment-in-list", message, 'quote the item that contains it, as in "C #" or "#PTA"', comment.start()
        )
    if slip.text[slip.at - 1 : slip.at + 1] == "${":
        advice = 'for a secret, write env:NAME, without $ and braces; quote any other value: "${NAME}"'
        return UnreadableYaml("variable", "${ inside braces or brackets", advice, slip.at - 1, 2)
    if slip.char not in ("", "\r", "\n") and slip.at <= opened_line_end:
        if slip.char == ":":
            message = "a colon and a space inside an item"
            return UnreadableYaml("colon-in-value", message, "quote the whole item", slip.at)
        advice = "separate the items of a list in brackets by commas"
        return UnreadableYaml("comma", "a comma is missing before this", advice, slip.at)
    opener = slip.text[slip.opened : slip.opened + 1]
    closer = {"[": "]", "{": "}"}.get(opener, "]")
    return UnreadableYaml(
        "unclosed-bracket", f"this {opener} is never closed", f"end the list with {closer}", slip.opened
    )


def _explain_indent(slip: _Slip) -> UnreadableYaml | None:
    """Explain a line, a list or a block of text that begins in the wrong place."""
    if slip.context == "while scanning a block scalar":
        mark = slip.text[slip.opened]
        advice = (
            "after | begin a new line, and indent the text" if mark == "|" else f"quote a value that begins with {mark}"
        )
        return UnreadableYaml("block-text", f"text after {mark} on the same line", advice, slip.at)
    if "sequence entries are not allowed" in slip.problem:
        message = "a list cannot begin on the line of its key"
        return UnreadableYaml("dash", message, "begin a new line before the dash", slip.at)
    if re.match(r"-[^\s-]", slip.text[slip.at : slip.at + 2]):
        return _dash_error(slip.at, slip.text[slip.at + 1 : _line_end(slip.text, slip.at)])
    if "expected" not in slip.problem:
        return None
    if slip.before.strip():
        return UnreadableYaml(
            "yaml", "unexpected text", "quote the whole value, or write a query below query: |", slip.at
        )
    if slip.char == "-" and slip.context == "while parsing a block mapping":
        message, advice = "a list item where a key was expected", "indent the dash under its key"
        return UnreadableYaml("indent", message, advice, slip.at)
    message = "this line does not line up with the ones above"
    length = len(slip.text[slip.at : _line_end(slip.text, slip.at)].split(":")[0])
    return UnreadableYaml(
        "indent", message, "keys of one block begin in the same column; count the spaces", slip.at, length
    )
