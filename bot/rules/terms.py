"""One term of a query, one item of a list, one set: the leaves of the tree.

Knows no operators.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from bot.language import tokens as words_of
from bot.rules import expression, lexer, patterns, regex
from bot.rules.errors import QueryError
from bot.rules.lexer import Kind, Lexeme
from bot.rules.memo import Memo
from bot.rules.spelling import did_you_mean

#: With every set written out.
MAX_TERMS = 10_000
MAX_WINDOW_PARTS = 10
MAX_SET_DEPTH = 10
Sets = Mapping[str, tuple[str, ...]]
_HOST = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)*[^\W_](?:[\w-]*[^\W_])?\Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z")
_ITEM_FIELD = re.compile(rf"({'|'.join(expression.FIELDS)}):\s*")
_ITEM_NEAR = re.compile(r"\bO?NEAR(?:/\d+f?)?\b")
_ITEM_OPERATOR = re.compile(r"(?<!\S)(AND|OR|NOT)(?!\S)")
#: Only regular expressions have these.
_ESCAPE = re.compile(r"(?:(?<!\S)\\[bB](?=\w)|\\[bB](?!\S)|\\[dwsDWS][+*{]|\\\.)")
_ITEM_WINDOW = re.compile(r'".*"~\d*\Z', re.DOTALL)


@dataclass(slots=True)
class SetReader:
    """Reads sets by name, each inside its own limits."""

    sets: Sets
    count: int = 0
    path: tuple[str, ...] = ()

    def add(self, start: int, end: int) -> None:
        """Count one more term, from ``start`` to ``end``. Raises QueryError past the limit."""
        self.count += 1
        if self.count > MAX_TERMS:
            self.refuse(start, end)

    def refuse(self, start: int, end: int) -> NoReturn:
        """Raises QueryError: too many terms."""
        raise QueryError(f"more than {MAX_TERMS:,} terms", start, end, "too-many-terms", "split it into several rules")

    def named(self, name: str, field: str | None) -> expression.Expression:
        """Raises QueryError with offsets into ``$name``."""
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
            raise QueryError(f"the set ${name} is empty", start, end, "empty-set", "give it a term")
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
            return item(words_of.normalise(written), self, field)
        except QueryError as error:
            if error.code == "too-many-terms":
                raise error.at(start, end) from None
            message = f'set ${name}, item {number + 1} "{written[:60]}": {error.message}'
            raise QueryError(message, start, end, error.code, error.help) from None

    def _unknown(self, name: str, start: int, end: int) -> QueryError:
        guess = did_you_mean(name, self.sets)
        if guess:
            help_ = f"did you mean ${guess}?"
        elif self.sets:
            help_ = "the sets here are " + ", ".join(f"${known}" for known in sorted(self.sets)[:10])
        else:
            help_ = "name it under sets: at the top of the file; quote it for the mark itself"
        return QueryError(f'unknown set "${name}"', start, end, "unknown-set", help_)


def leaf(here: Lexeme, field: str | None) -> expression.Expression:
    """One term that is no set. Raises QueryError with offsets into what is given."""
    try:
        return _leaf(here, field)
    except QueryError as error:
        start, end = here.inside + error.start, here.inside + error.end
        raise error.at(start, max(end, start)) from None


def _leaf(here: Lexeme, field: str | None) -> expression.Expression:
    if field in ("site", "lang"):
        return _value(here, field)
    if here.kind is Kind.REGEX:
        regex.check(here.text)
        return expression.Regex(here.text, here.ignores_case, field)
    if here.words is None and here.text.isalnum():
        return expression.words(here.text, is_exact=here.kind is Kind.EXACT, field=field)
    text = " ".join(here.text.replace("\u200b", " ").split())
    shift = len(here.text) - len(here.text.lstrip())
    try:
        if here.words is not None:
            return _window(text, here.words, field)
        return expression.words(text, is_exact=here.kind is Kind.EXACT, field=field)
    except QueryError as error:
        if len(text) == len(here.text.strip()):
            raise error.moved(shift) from None
        raise error.at(0, len(here.text)) from None


def _window(text: str, words: int, field: str | None) -> expression.Window:
    parts = tuple(expression.words(part, field=field) for part in text.split())
    if not 2 <= len(parts) <= MAX_WINDOW_PARTS:
        raise QueryError(
            f'"…"~{words} with {"one word" if len(parts) == 1 else f"{len(parts)} words"}',
            0,
            len(text),
            "bad-window",
            f"it joins two to {MAX_WINDOW_PARTS} words",
        )
    return expression.Window(parts, words, field)


def _value(here: Lexeme, field: str) -> expression.Value:
    text = here.text.strip().casefold()
    length = len(here.text)
    if here.kind in (Kind.REGEX, Kind.EXACT) or here.words is not None:
        raise QueryError(f"{field}: takes a plain word", 0, length, "bad-value", _as_in(field))
    if field == "site":
        text = text.removeprefix("www.").rstrip(".")
        is_good = _HOST.match(text) is not None
    else:
        text = text.replace("_", "-")
        is_good = _LANGUAGE.match(text) is not None
    if not is_good:
        message = f'"{here.text.strip()}" is not a {_NOUNS[field]}'
        host = text.partition("/")[0]
        is_address = field == "site" and host != text and _HOST.match(host)
        raise QueryError(message, 0, length, "bad-value", f"write site:{host}" if is_address else _as_in(field))
    return expression.Value(field, text)


def _as_in(field: str) -> str:
    return f"write a {_NOUNS[field]}, as in {field}:{_EXAMPLES[field]}"


_EXAMPLES = {"site": "bbc.co.uk", "lang": "en"}
_NOUNS = {"site": "host name", "lang": "language code"}


def item(text: str, sets: SetReader, outer: str | None) -> expression.Expression:
    """One list item of normal text; errors have offsets into it."""
    sets.add(0, len(text))
    return ITEMS[text] if outer is None and "$" not in text else _item(text, sets, outer)


def _item(text: str, sets: SetReader, outer: str | None) -> expression.Expression:
    if outer is None and patterns.is_simple(text) and text.islower():
        return expression.words(text)
    field, shift = outer, len(text) - len(text.lstrip())
    if prefix := _ITEM_FIELD.match(text, shift):
        field = prefix[1]
        if outer not in (None, field):
            raise QueryError(f"{field}: inside {outer}:", *prefix.span(1), "field-in-field", f"remove {field}:")
        if field not in expression.TEXT_FIELDS and outer is None:
            raise QueryError(
                f"{field}: in a list",
                *prefix.span(1),
                "needs-query",
                f"a list knows title: and body:; use query for {field}:",
            )
        shift = prefix.end()
        if shift == len(text):
            start, end = prefix.start(), prefix.end(1) + 1
            raise QueryError(
                f"{field}: without a term", start, end, "field-without-term", f"write the term behind it: {field}:word"
            )
        if inner := _ITEM_FIELD.match(text, shift):
            help_ = "a term stands in one field; give the other its own item"
            raise QueryError("a field inside a field", *inner.span(1), "field-in-field", help_)
    body = text[shift:].rstrip()
    here = _item_lexeme(body, shift)
    try:
        return sets.named(here.text, field) if here.kind is Kind.SET else leaf(here, field)
    except QueryError as error:
        raise error.moved(shift) from None


ITEMS = Memo[expression.Expression](
    lambda text: _item(text, SetReader({}), None), size=lexer.REMEMBERED, longest=lexer.REMEMBERED_CHARACTERS
)


def _item_lexeme(body: str, shift: int) -> Lexeme:
    end = shift + len(body)
    if found := re.match(r"\$([\w-]+)\Z", body):
        return Lexeme(Kind.SET, found[1], body)
    if found := re.match(r"/((?:[^/\\\n]|\\.)+)/(i?)\Z", body):
        return Lexeme(Kind.REGEX, found[1], body, ignores_case=bool(found[2]))
    if found := re.match(r"\{([^{}]*)\}\Z", body):
        return Lexeme(Kind.EXACT, found[1], body)
    if found := re.match(r'"([^"]*)"\Z', body):
        return Lexeme(Kind.PHRASE, found[1], body)
    if found := _ITEM_NEAR.search(body) or _ITEM_WINDOW.match(body):
        start = shift + found.start()
        raise QueryError(
            f"{found[0]} in a list", start, shift + found.end(), "needs-query", f"distances need query: {body}"
        )
    for mark in '"(){}':
        if mark in body:
            start = shift + body.index(mark)
            help_ = (
                "a list item is one term; brackets and operators need query"
                if mark in "()"
                else "a list item is one term: quotes or braces stand around the whole of it"
            )
            raise QueryError(f"a {mark} in a list item", start, start + 1, "needs-query", help_)
    _check_item_operators(body, shift)
    if body[:1] == "$":
        raise QueryError("a set stands alone", shift, end, "set-in-phrase", "give it its own list item")
    if body.count("/") >= 2 and body[0] == "/":
        raise QueryError(
            "a regular expression stands between two /", shift, end, "bad-regex", r"write \/ for a / inside it"
        )
    if body[:1] == "/" and len(body) > 1:
        raise QueryError("this / is not closed", shift, end, "bad-regex", f"a regular expression ends with /: {body}/")
    if found := _ESCAPE.search(body):
        raise QueryError(
            f"{found[0]} in a term that is not a regular expression",
            shift + found.start(),
            shift + found.end(),
            "bad-regex",
            f"write '/{body}/'; a term without slashes matches whole words anyway",
        )
    _check_item_field(body, shift)
    return Lexeme(Kind.WORD, body, body)


def _check_item_operators(body: str, shift: int) -> None:
    """Refuse what another product would read as an operator, or as quotes."""
    if body[:1] in ("-", "!") and body[1:2].isalnum():
        help_ = f"write {body[1:]} under none"
        raise QueryError(f"{body[0]} is not an operator", shift, shift + 1, "unknown-operator", help_)
    if body[:1] in ("+", "=") and (body[1:2].isalnum() or body[1:2] == '"'):
        help_ = f"write {body[1:]}; what must be found stands under all, {{{body[1:]}}} has exactly this case"
        raise QueryError(f"{body[0]} is not an operator", shift, shift + 1, "unknown-operator", help_)
    if len(body) > 2 and body[0] == body[-1] == "'":
        raise QueryError(
            "single quotes are part of the term", shift, shift + len(body), "single-quotes", f"write {body[1:-1]}"
        )
    if found := _ITEM_OPERATOR.search(body):
        raise QueryError(
            f"{found[1]} in a list item",
            shift + found.start(1),
            shift + found.end(1),
            "operator-in-list",
            f"a list item is one term: {_help_with_operators(body)}",
        )


def alternatives(body: str) -> list[str]:
    """Return the terms of ``Pakistan OR Karachi``; none where it has another operator or no operator."""
    terms, operators = _apart(body)
    return terms if set(operators) == {"OR"} else []


def _apart(body: str) -> tuple[list[str], list[str]]:
    pieces = [piece.strip() for piece in _ITEM_OPERATOR.split(body)]
    return [term for term in pieces[::2] if term], pieces[1::2]


def _help_with_operators(body: str) -> str:
    """Return what to write instead of ``Pakistan OR Karachi`` as one item of a list."""
    terms, operators = _apart(body)
    if not terms:
        kinds = {
            "OR": "remove OR; the items of a list are alternatives",
            "AND": "remove AND; what must be found too gets its own line under all",
            "NOT": "remove NOT; what must not be found goes under none",
        }
        return kinds[operators[0]]
    words = f"; for these very words: '\"{body}\"'" if body.isupper() else ""
    if operators == ["NOT"]:
        others = f"keep {terms[0]}, and " if len(terms) > 1 else ""
        return f"{others}write none: [{terms[-1]}]{words}"
    if set(operators) == {"OR"}:
        return f"write each as an item of its own: {', '.join(terms)}{words}"
    if set(operators) == {"AND"} and len(terms) > 1:
        return f"write all: [{', '.join(terms)}]; or, instead of the lists, query: {body}{words}"
    if len(terms) == len(operators) + 1 and len(set(operators)) > 1:
        return f"write query: instead of the lists, with brackets around what belongs together{words}"
    return f"write a term on either side of {operators[0]}, under query: instead of the lists{words}"


def _check_item_field(body: str, shift: int) -> None:
    found = re.match(r"([^\W\d_]+):(?=\S)(?!//)", body)
    guess = did_you_mean(found[1].casefold(), expression.FIELDS) if found else None
    if found and guess:
        end = shift + found.end(1)
        raise QueryError(f'unknown field "{found[1]}"', shift, end, "unknown-field", f"did you mean {guess}:?")


def _leaf_of(field: str | None, given: str) -> expression.Expression:
    if field is None and given.isalnum():
        return expression.words(given)
    return leaf(lexer.lexeme(given), field)


#: Field -> terms by their text; rules ask for the same terms over and over.
LEAVES = {
    field: Memo[expression.Expression](
        partial(_leaf_of, field), size=lexer.REMEMBERED, longest=lexer.REMEMBERED_CHARACTERS
    )
    for field in (None, *expression.FIELDS)
}
