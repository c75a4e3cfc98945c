"""Explain errors in YAML to people who write rules, and suggest corrections.

libyaml reports what its grammar expected ("did not find expected key"), but people need to know their mistake. Each
``_explain_…`` function explains one family of mistakes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

#: Characters that no text file has; libyaml reports them only by number.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
NO_EXCLAMATION = "leave the ! out; to exclude a term, write it under none: [{}]"
_COMMENT = re.compile(r"(?<=[ \t])#.*")
_COMMENT_IN_LIST = re.compile(r"(?<=[ \t\[{,])#.*")
#: Characters that look like a space but are text to YAML, such as no-break spaces from word processors and web pages.
_ODD_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\ufeff\u200b"
_ODD_SPACE = re.compile(rf"^[ ]*(?:-[ ]+)*(?:[a-z_]+:[ ]*|-)?(?P<odd>[{_ODD_SPACES}]+)", re.MULTILINE)
#: One of our keys and its value. Any other words before a colon are text.
_KEY = re.compile(r"(?P<front>\s*(?:- +)*[a-z_]+:\s+)(?P<value>\S.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Flaw:
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
    for look in (
        _explain_tab,
        _explain_bad_start,
        _explain_sigil,
        _explain_quote,
        _explain_colon,
        _explain_block_mark,
        _explain_bracket,
        _explain_dash,
        _explain_indent,
    ):
        if explanation := look(slip):
            return explanation
    return UnreadableYaml(
        "yaml", "this is not readable as YAML", "compare its dashes, colons and quotes with the lines around it", at
    )


class _Slip:
    """The position at which libyaml stopped, and the text around it."""

    def __init__(self, text: str, at: int, opened: int, problem: str, context: str) -> None:
        self.text = text
        self.at = at
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


def _explain_tab(slip: _Slip) -> UnreadableYaml | None:
    if slip.char != "\t" and "tab" not in slip.problem:
        return None
    at = slip.at if slip.char == "\t" else slip.line_start + max(slip.line.find("\t"), 0)
    return UnreadableYaml("tab", "a tab", "YAML accepts only spaces: replace the tab with spaces", at)


def _explain_bad_start(slip: _Slip) -> UnreadableYaml | None:
    if "cannot start any token" not in slip.problem:
        return None
    word = re.match(r"\S*", slip.text[slip.at :])
    shown = word[0].rstrip(",]}") if word else slip.char
    following = slip.text[slip.at + len(shown) : _line_end(slip.text, slip.at)].strip()
    return UnreadableYaml(
        {"@": "at-sign", "%": "percent", "`": "backquote"}.get(slip.char, "yaml"),
        f"a value cannot begin with {slip.char}",
        f'quote it: "{shown}"' if not following or following[0] in ",]}" else f'quote it: "{shown} …"',
        slip.at,
        len(shown),
    )


def _explain_sigil(slip: _Slip) -> UnreadableYaml | None:
    """Explain a ``*``, ``&`` or ``!`` at the start of a value that libyaml cannot read."""
    if slip.context not in ("while scanning an alias", "while scanning an anchor", "while scanning a tag"):
        line = slip.text[slip.line_start :].splitlines()[0] if slip.line else ""
        match = re.search(r"(?:^|[:\-\[,]\s+|\[)([*&!])\S*\s", line[: slip.at - slip.line_start])
        if not match or "expected" not in slip.problem:
            return None
        slip_at = slip.line_start + match.start(1)
    else:
        slip_at = slip.opened
    mark = slip.text[slip_at]
    word = re.match(r"[^\s,\]]*", slip.text[slip_at:])
    shown = word[0] if word else mark
    code = {"*": "star", "&": "ampersand", "!": "exclamation"}[mark]
    advice = f'quote it: "{shown}"'
    if mark == "*" and len(shown) > 1:
        advice = f"write a wildcard at the end of a word: {shown.strip('*')}*; to write it as text, quote it"
    if mark == "!" and len(shown) > 1:
        advice = NO_EXCLAMATION.format(shown[1:])
    return UnreadableYaml(code, f"a value cannot begin with {mark}", advice, slip_at, len(shown))


def _explain_quote(slip: _Slip) -> UnreadableYaml | None:
    if "unknown escape" in slip.problem:
        escape = slip.text[slip.at : slip.at + 2]
        whole = re.compile(r'"((?:[^"\\\n]|\\.)*)"').match(slip.text, slip.opened)
        single = ": '" + whole[1].replace("'", "''") + "'" if whole else ""
        return UnreadableYaml(
            "escape",
            f"{escape} is not a valid escape inside double quotes",
            f"use single quotes, in which a backslash is plain text{single}",
            slip.at,
            2,
        )
    if "end of stream" in slip.problem or "document indicator" in slip.problem:
        return _unclosed_quote(slip, slip.opened)
    if "expected" not in slip.problem:
        return None
    for quote in "\"'":
        if slip.before.count(quote) % 2 and (start := _find_open_quote(slip.text, slip.line_start, quote)) is not None:
            return _unclosed_quote(slip, start)
    return _explain_text_after_quote(slip)


def _explain_text_after_quote(slip: _Slip) -> UnreadableYaml | None:
    """Explain ``"a" b`` and ``'it's'``, in which the quote is closed too early."""
    closed = slip.before.rstrip()
    if not closed or closed[-1] not in "\"'" or slip.char == "" or slip.char in ",:]}":
        return None
    quote = closed[-1]
    if re.search(r"query:\s*[\"'][^\n]*$", slip.before):
        advice = "write the query below query: | , where quotes are plain text"
    elif slip.context.startswith("while parsing a flow") and slip.char in "\"'":
        return UnreadableYaml(
            "comma", "a comma is missing before this", "separate the items of a list in brackets by commas", slip.at
        )
    elif quote == "'" and slip.char.isalnum() and closed == slip.before:
        advice = "inside single quotes an apostrophe is written twice (''), or use double quotes"
    else:
        advice = "quote the whole value in single quotes: 'He said \"no\"'"
    return UnreadableYaml("text-after-quote", "text after the closing quote", advice, slip.at)


def _find_open_quote(text: str, line_start: int, quote: str) -> int | None:
    """Return the offset of the quote that a line before ``line_start`` left open, or None."""
    end = line_start
    for _ in range(40):
        if end <= 0:
            return None
        start = text.rfind("\n", 0, end - 1) + 1
        line = text[start : end - 1]
        if line.count(quote) % 2 and re.search(rf"(?:^|[\s\[,:{{-]){quote}", line):
            starts = [match.end() - 1 for match in re.finditer(rf"(?:^|[\s\[,:{{-]){quote}", line)]
            return start + starts[-1]
        end = start
    return None


def _unclosed_quote(slip: _Slip, at: int) -> UnreadableYaml:
    quote = slip.text[at : at + 1]
    kind = "double" if quote == '"' else "single"
    return UnreadableYaml(
        "unclosed-quote", "this quote is never closed", f"end the value with a {kind} quote: {quote}", at
    )


def _explain_colon(slip: _Slip) -> UnreadableYaml | None:
    if "could not find expected ':'" in slip.problem:
        return _explain_no_colon(slip)
    if "found unexpected ':'" in slip.problem:
        return UnreadableYaml(
            "quote-needed", "a : or brace inside a list in brackets", "quote the whole item", slip.opened
        )
    if "mapping values are not allowed" not in slip.problem:
        return None
    previous_start = slip.text.rfind("\n", 0, max(slip.line_start - 1, 0)) + 1
    previous = slip.text[previous_start : max(slip.line_start - 1, 0)]
    key = re.match(r"(\s*(?:- +)?)([\w -]+?)\Z", slip.before)
    if dash := re.match(r"(\s*)-(\w[\w ]*)\Z", slip.before):
        return _dash_error(slip.line_start + len(dash[1]), dash[2])
    if stuck := re.match(r"\s*(?:- +)?([A-Za-z_]+):(?=\S)", previous):
        at = previous_start + stuck.end() - 1
        return UnreadableYaml(
            "colon", "a space is missing after the colon", f"write {stuck[1]}: and then the value", at
        )
    if dash := re.match(r"(\s*)-(\w[\w ]*):", previous):
        return _dash_error(previous_start + len(dash[1]), dash[2])
    if key and ":" not in slip.before:
        indent = len(slip.before) - len(slip.before.lstrip())
        return UnreadableYaml(
            "indent",
            "this line is indented deeper than the previous line, which already has a value",
            "put it under the first letter of the key above",
            slip.line_start + indent,
            len(slip.before.strip()),
        )
    value = slip.before.partition(":")[2].strip() or slip.before.strip(" -")
    return UnreadableYaml(
        "colon-in-value",
        "a colon and a space inside a value",
        _help_with_colon(slip, value),
        slip.at,
    )


def _help_with_colon(slip: _Slip, value: str) -> str:
    if re.match(r"\s*(?:- )?query:", slip.before):
        return "write the query below query: | and indent it; there, a colon is plain text"
    line = _COMMENT.sub("", slip.line).rstrip()
    match = _KEY.match(line) if ": " in slip.before else None
    return f"quote the whole value: {quote(match['value'] if match else line.strip(' -'))}"


def quote(value: str) -> str:
    """Return the text in quotes, so that YAML reads it literally. Cut out the middle of a long text."""
    if len(value) > 100:
        value = f"{value[:40]} … {value[-40:]}"
    return f'"{value}"' if not set(value) & {'"', "\\"} else "'" + value.replace("'", "''") + "'"


def _explain_no_colon(slip: _Slip) -> UnreadableYaml | None:
    start = slip.opened
    line = slip.text[start : _line_end(slip.text, start)]
    if stuck := re.match(r"([A-Za-z_]+):(?=\S)", line):
        return UnreadableYaml(
            "colon",
            "a space is missing after the colon",
            f"write {stuck[1]}: {line[stuck.end() :].strip()}",
            start + stuck.end() - 1,
        )
    if dash := re.match(r"-(\S[^\n]*)", line):
        return _dash_error(start, dash[1])
    preceding = slip.text[: slip.text.rfind("\n", 0, start) + 1].rstrip()
    if preceding.endswith(("|", ">")):
        return UnreadableYaml(
            "indent",
            "the text of a block must be indented deeper than its key",
            "indent this line by two spaces more than the key above",
            start,
            len(line),
        )
    return UnreadableYaml("no-colon", "a key without a colon", "write key: value", start, len(line.rstrip()))


def _dash_error(at: int, item: str) -> UnreadableYaml:
    return UnreadableYaml("dash", "a space is missing after the dash", f"write - {item.strip()}", at)


def _explain_block_mark(slip: _Slip) -> UnreadableYaml | None:
    if slip.context != "while scanning a block scalar":
        return None
    mark = slip.text[slip.opened]
    if mark == "|":
        advice = "after | begin a new line, and indent the text"
    else:
        advice = f"a value that begins with {mark} needs quotes"
    return UnreadableYaml("block-text", f"text after {mark} on the same line", advice, slip.at)


def _explain_bracket(slip: _Slip) -> UnreadableYaml | None:
    if slip.char and slip.char in "]}" and not slip.context.startswith("while parsing a flow"):
        return UnreadableYaml(
            "bracket", f"a {slip.char} without an opening bracket", "remove it, or quote the whole value", slip.at
        )
    if not slip.context.startswith("while parsing a flow"):
        preceding = slip.before.rstrip()
        if "expected" in slip.problem and preceding.endswith(("]", "}")):
            return UnreadableYaml(
                "text-after-bracket",
                f"text after the closing {preceding[-1]}",
                "a value that begins with a bracket is a list: quote the whole value, or write it below query: |",
                slip.at,
            )
        return None
    if slip.context == "while parsing a flow node":
        if slip.char and slip.char in ",]}":
            return UnreadableYaml("bracket", "nothing between two commas", "remove one comma", slip.at)
        slip.opened = max(slip.text.rfind("[", 0, slip.at), slip.text.rfind("{", 0, slip.at), 0)
    opened_line_end = _line_end(slip.text, slip.opened)
    opener = slip.text[slip.opened : slip.opened + 1]
    closer = {"[": "]", "{": "}"}.get(opener, "]")
    if comment := _COMMENT_IN_LIST.search(slip.text, slip.opened, opened_line_end):
        return UnreadableYaml(
            "comment-in-list",
            "a # begins a comment, so the list is never closed",
            'quote the item that contains it, as in "C #" or "#PTA"',
            comment.start(),
        )
    if slip.text[slip.at - 1 : slip.at + 1] == "${":
        return UnreadableYaml(
            "variable",
            "${ inside braces or brackets",
            'for a secret, write env:NAME, without $ and braces; quote any other value: "${NAME}"',
            slip.at - 1,
            2,
        )
    if slip.at <= opened_line_end and slip.at < len(slip.text) and slip.char not in "\r\n":
        if slip.char == ":":
            return UnreadableYaml(
                "colon-in-value", "a colon and a space inside an item", "quote the whole item", slip.at
            )
        return UnreadableYaml(
            "comma", "a comma is missing before this", "separate the items of a list in brackets by commas", slip.at
        )
    return UnreadableYaml(
        "unclosed-bracket", f"this {opener} is never closed", f"end the list with {closer}", slip.opened
    )


def _explain_dash(slip: _Slip) -> UnreadableYaml | None:
    if "sequence entries are not allowed" in slip.problem:
        return UnreadableYaml(
            "dash", "a list cannot begin on the line of its key", "begin a new line before the dash", slip.at
        )
    if stuck := re.match(r"-(?=[^\s-])", slip.text[slip.at : slip.at + 2]):
        item = slip.text[slip.at + stuck.end() : _line_end(slip.text, slip.at)]
        return _dash_error(slip.at, item)
    return None


def _explain_indent(slip: _Slip) -> UnreadableYaml | None:
    if "expected" not in slip.problem:
        return None
    if slip.char == "-" and slip.context == "while parsing a block mapping" and not slip.before.strip():
        return UnreadableYaml(
            "indent", "a list item where a key was expected", "indent the dash under its key", slip.at
        )
    if slip.before.strip():
        return UnreadableYaml("yaml", "unexpected text", "quote the whole value", slip.at)
    length = len(slip.text[slip.at : _line_end(slip.text, slip.at)].split(":")[0])
    return UnreadableYaml(
        "indent",
        "this line does not line up with the ones above",
        "keys of one block begin in the same column; count the spaces",
        slip.at,
        length,
    )
