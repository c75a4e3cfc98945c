"""Parse one term of a query, one item of a list or one set: the leaves of the tree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import NoReturn

import msgspec

from bot.keys import find_nearest
from bot.patterns import LazyPattern
from bot.rules import expression, lexer, regex
from bot.rules.errors import QueryError
from bot.rules.lexer import Lexeme, LexemeKind
from bot.rules.memo import Memo
from bot.text import tokens

#: Maximum terms of a query, with all sets expanded.
MAX_TERMS = 10_000
MAX_WINDOW_PARTS = 10
MAX_SET_DEPTH = 10
Sets = Mapping[str, tuple[str, ...]]
_HOST = LazyPattern(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)*[^\W_](?:[\w-]*[^\W_])?\Z")
_LANGUAGE = LazyPattern(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z")
_ITEM_FIELD = LazyPattern(rf"({'|'.join(expression.FIELDS)}):\s*")
_ITEM_NEAR = LazyPattern(r"\bO?NEAR(?:/\d+f?)?\b")
_ITEM_OPERATOR = LazyPattern(r"(?<!\S)(AND|OR|NOT)(?!\S)")
#: Escapes that occur only in regular expressions.
_ESCAPE = LazyPattern(r"(?:(?<!\S)\\[bB](?=\w)|\\[bB](?!\S)|\\[dwsDWS][+*{]|\\\.)")
#: A set, a regular expression, an exact term or a phrase.
_MARKED_ITEM = LazyPattern(r'\$[\w-]+|/(?:[^/\\\n]|\\.)+/i?|\{[^{}]*\}|"[^"]*"')
_ITEM_WINDOW = LazyPattern(r'".*"~\d*\Z', re.DOTALL)


class SetReader(msgspec.Struct):
    """A reader of named sets, which also counts the terms of one query."""

    sets: Sets
    count: int = 0
    path: tuple[str, ...] = ()

    def add(self, start: int, end: int) -> None:
        """Count one more term, from ``start`` to ``end``. Raises QueryError past the limit."""
        self.count += 1
        if self.count > MAX_TERMS:
            self.refuse(start, end)

    def refuse(self, start: int, end: int) -> NoReturn:
        raise QueryError(f"more than {MAX_TERMS:,} terms", start, end, "too-many-terms", "split it into several rules")

    def named(self, name: str, field: str | None) -> expression.Expression:
        """Return the set as an expression. Raises QueryError with offsets into ``$name``."""
        start, end = 0, len(name) + 1
        if name not in self.sets:
            raise self._unknown(name, start, end)
        if name in self.path or len(self.path) >= MAX_SET_DEPTH:
            raise QueryError(
                f"the set ${name} contains itself: {' > '.join((*self.path, name))}",
                start,
                end,
                "circular-set",
                "write its terms out",
            )
        if not self.sets[name]:
            raise QueryError(f"the set ${name} is empty", start, end, "empty-set", "add a term to it")
        self.path += (name,)
        parts = tuple(
            self._member(name, number, written, field, start, end) for number, written in enumerate(self.sets[name])
        )
        self.path = self.path[:-1]
        return expression.Named(name, parts, field)

    def _member(
        self, name: str, number: int, written: str, field: str | None, start: int, end: int
    ) -> expression.Expression:
        try:
            return read_item(tokens.normalise(written), self, field)
        except QueryError as error:
            if error.code == "too-many-terms":
                raise error.at(start, end) from None
            message = f'set ${name}, item {number + 1} "{written[:60]}": {error.message}'
            raise QueryError(message, start, end, error.code, error.help) from None

    def _unknown(self, name: str, start: int, end: int) -> QueryError:
        guess = find_nearest(name, self.sets)
        if guess:
            help_ = f"did you mean ${guess}?"
        elif self.sets:
            help_ = "defined sets: " + ", ".join(f"${set_name}" for set_name in sorted(self.sets)[:10])
        else:
            help_ = "define it under sets: at the top of the file; to match a literal $, quote the term"
        return QueryError(f'unknown set "${name}"', start, end, "unknown-set", help_)


def read_leaf(lexeme: Lexeme, field: str | None) -> expression.Expression:
    """Parse one term other than a set. Raises QueryError with offsets into the lexeme as written."""
    try:
        return _read_leaf(lexeme, field)
    except QueryError as error:
        start, end = lexeme.inside + error.start, lexeme.inside + error.end
        raise error.at(start, max(end, start)) from None


def _read_leaf(lexeme: Lexeme, field: str | None) -> expression.Expression:
    if field in ("site", "lang"):
        return _read_value(lexeme, field)
    if lexeme.kind is LexemeKind.REGEX:
        regex.check(lexeme.text)
        return expression.Regex(lexeme.text, lexeme.ignores_case, field)
    if lexeme.words is None and lexeme.text.isalnum():
        return expression.make_words(lexeme.text, is_exact=lexeme.kind is LexemeKind.EXACT, field=field)
    text = " ".join(lexeme.text.replace("\u200b", " ").split())
    shift = len(lexeme.text) - len(lexeme.text.lstrip())
    try:
        if lexeme.words is not None:
            return _read_window(text, lexeme.words, field)
        return expression.make_words(text, is_exact=lexeme.kind is LexemeKind.EXACT, field=field)
    except QueryError as error:
        if len(text) == len(lexeme.text.strip()):
            raise error.moved(shift) from None
        raise error.at(0, len(lexeme.text)) from None


def _read_window(text: str, words: int, field: str | None) -> expression.Window:
    parts = tuple(expression.make_words(part, field=field) for part in text.split())
    if not 2 <= len(parts) <= MAX_WINDOW_PARTS:
        raise QueryError(
            f'"…"~{words} with {"one word" if len(parts) == 1 else f"{len(parts)} words"}',
            0,
            len(text),
            "bad-window",
            f"~ joins two to {MAX_WINDOW_PARTS} words",
        )
    return expression.Window(parts, words, field)


def _read_value(lexeme: Lexeme, field: str) -> expression.Value:
    text = lexeme.text.strip().casefold()
    length = len(lexeme.text)
    if lexeme.kind in (LexemeKind.REGEX, LexemeKind.EXACT) or lexeme.words is not None:
        raise QueryError(f"{field}: takes a plain word", 0, length, "bad-value", _help_with_value(field))
    if field == "site":
        text = text.removeprefix("www.").rstrip(".")
        is_valid = _HOST.match(text) is not None
    else:
        text = text.replace("_", "-")
        is_valid = _LANGUAGE.match(text) is not None
    if not is_valid:
        message = f'"{lexeme.text.strip()}" is not a {_NOUNS[field]}'
        host = text.partition("/")[0]
        is_address = field == "site" and host != text and _HOST.match(host)
        raise QueryError(
            message, 0, length, "bad-value", f"write site:{host}" if is_address else _help_with_value(field)
        )
    return expression.Value(field, text)


def _help_with_value(field: str) -> str:
    return f"write a {_NOUNS[field]}, as in {field}:{_EXAMPLES[field]}"


_EXAMPLES = {"site": "bbc.co.uk", "lang": "en"}
_NOUNS = {"site": "host name", "lang": "language code"}


def read_item(text: str, sets: SetReader, outer: str | None) -> expression.Expression:
    """Parse one normalised list item. Raises QueryError with offsets into the item."""
    sets.add(0, len(text))
    return ITEM_MEMO[text] if outer is None and "$" not in text else _read_item(text, sets, outer)


def _read_item(text: str, sets: SetReader, outer: str | None) -> expression.Expression:
    if outer is None and expression.is_simple(text) and text.islower():
        return expression.make_words(text)
    field, shift = outer, len(text) - len(text.lstrip())
    if prefix := _ITEM_FIELD.match(text, shift):
        field = prefix[1]
        if outer not in (None, field):
            raise QueryError(f"{field}: inside {outer}:", *prefix.span(1), "field-in-field", f"remove {field}:")
        if field not in expression.LIST_FIELDS and outer is None:
            raise QueryError(
                f"{field}: in a list",
                *prefix.span(1),
                "needs-query",
                f"a list accepts only title:, body: and lead:; use query for {field}:",
            )
        shift = prefix.end()
        if shift == len(text):
            start, end = prefix.start(), prefix.end(1) + 1
            raise QueryError(
                f"{field}: without a term", start, end, "field-without-term", f"write the term after it: {field}:word"
            )
        if inner := _ITEM_FIELD.match(text, shift):
            help_ = "a term has one field; write the other field as another item"
            raise QueryError("a field inside a field", *inner.span(1), "field-in-field", help_)
    body = text[shift:].rstrip()
    lexeme = _read_item_lexeme(body, shift)
    try:
        return sets.named(lexeme.text, field) if lexeme.kind is LexemeKind.SET else read_leaf(lexeme, field)
    except QueryError as error:
        raise error.moved(shift) from None


ITEM_MEMO = Memo[expression.Expression](
    lambda text: _read_item(text, SetReader({}), None), size=lexer.MEMO_SIZE, longest=lexer.MEMO_CHARACTERS
)


def _read_item_lexeme(body: str, shift: int) -> Lexeme:
    end = shift + len(body)
    if _MARKED_ITEM.fullmatch(body):
        return lexer.read_lexeme(body)
    if match := _ITEM_NEAR.search(body) or _ITEM_WINDOW.match(body):
        start = shift + match.start()
        raise QueryError(
            f"{match[0]} in a list", start, shift + match.end(), "needs-query", f"distances need query: {body}"
        )
    for mark in '"(){}':
        if mark in body:
            start = shift + body.index(mark)
            help_ = (
                "a list item is one term; brackets and operators need query"
                if mark in "()"
                else "a list item is one term: put quotes or braces around the whole item"
            )
            raise QueryError(f"a {mark} in a list item", start, start + 1, "needs-query", help_)
    _check_item_operators(body, shift)
    if body[:1] == "$":
        raise QueryError("a set cannot be part of a term", shift, end, "set-in-phrase", "give it its own list item")
    if body.count("/") >= 2 and body[0] == "/":
        raise QueryError(
            "a regular expression is written between two /", shift, end, "bad-regex", r"write \/ for a / inside it"
        )
    if body[:1] == "/" and len(body) > 1:
        raise QueryError("this / is not closed", shift, end, "bad-regex", f"a regular expression ends with /: {body}/")
    if match := _ESCAPE.search(body):
        raise QueryError(
            f"{match[0]} in a term that is not a regular expression",
            shift + match.start(),
            shift + match.end(),
            "bad-regex",
            f"write '/{body}/'; a term without slashes matches whole words anyway",
        )
    _check_item_field(body, shift)
    return Lexeme(LexemeKind.WORD, body, body)


def _check_item_operators(body: str, shift: int) -> None:
    """Raise QueryError for an item that contains an operator, or quotes, of other products."""
    if body[:1] in ("-", "!") and body[1:2].isalnum():
        help_ = f"write {body[1:]} under none"
        raise QueryError(f"{body[0]} is not an operator", shift, shift + 1, "unknown-operator", help_)
    if body[:1] in ("+", "=") and (body[1:2].isalnum() or body[1:2] == '"'):
        help_ = f'write {body[1:]}; write required terms under all; "{{{body[1:]}}}" matches only this case'
        raise QueryError(f"{body[0]} is not an operator", shift, shift + 1, "unknown-operator", help_)
    if len(body) > 2 and body[0] == body[-1] == "'":
        raise QueryError(
            "single quotes are part of the term", shift, shift + len(body), "single-quotes", f"write {body[1:-1]}"
        )
    if match := _ITEM_OPERATOR.search(body):
        raise QueryError(
            f"{match[1]} in a list item",
            shift + match.start(1),
            shift + match.end(1),
            "operator-in-list",
            f"a list item is one term: {_help_with_operators(body)}",
        )


def find_alternatives(body: str) -> list[str]:
    """Return the terms of an OR such as ``Pakistan OR Karachi``; empty if there is another operator or no operator."""
    terms, operators = _split_operators(body)
    return terms if set(operators) == {"OR"} else []


def _split_operators(body: str) -> tuple[list[str], list[str]]:
    pieces = [piece.strip() for piece in _ITEM_OPERATOR.split(body)]
    return [term for term in pieces[::2] if term], pieces[1::2]


def _help_with_operators(body: str) -> str:
    """Return the remedy for operators in one list item, such as ``Pakistan OR Karachi``."""
    terms, operators = _split_operators(body)
    if not terms:
        kinds = {
            "OR": "remove OR; the items of a list are alternatives",
            "AND": "remove AND; write the other term as another line under all",
            "NOT": "remove NOT; write the excluded term under none",
        }
        return kinds[operators[0]]
    words = f"; to search for these words: '\"{body}\"'" if body.isupper() else ""
    if operators == ["NOT"]:
        first = f"keep {terms[0]}, and " if len(terms) > 1 else ""
        return f"{first}write none: [{terms[-1]}]{words}"
    if set(operators) == {"OR"}:
        return f"write each as a separate item: {', '.join(terms)}{words}"
    if set(operators) == {"AND"} and len(terms) > 1:
        return f"write all: [{', '.join(terms)}]; or write query: {body} instead of the lists{words}"
    if len(terms) == len(operators) + 1 and len(set(operators)) > 1:
        return f"write query: instead of the lists, with brackets around each group of terms{words}"
    return f"write a term on either side of {operators[0]}, under query: instead of the lists{words}"


def _check_item_field(body: str, shift: int) -> None:
    match = re.match(r"([^\W\d_]+):(?=\S)(?!//)", body)
    guess = find_nearest(match[1], expression.FIELDS) if match else None
    if match and guess:
        end = shift + match.end(1)
        raise QueryError(f'unknown field "{match[1]}"', shift, end, "unknown-field", f"did you mean {guess}:?")


def _read_leaf_text(field: str | None, text: str) -> expression.Expression:
    if field is None and text.isalnum():
        return expression.make_words(text)
    return read_leaf(lexer.read_lexeme(text), field)


#: Field -> cache of terms by their text, because rules repeat the same terms.
LEAF_MEMOS = {
    field: Memo[expression.Expression](
        partial(_read_leaf_text, field), size=lexer.MEMO_SIZE, longest=lexer.MEMO_CHARACTERS
    )
    for field in (None, *expression.FIELDS)
}
