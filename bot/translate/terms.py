"""Translate one term of another product into the nearest form that we have."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable

from bot.rules import expression, lexer, patterns, regex, terms
from bot.rules.errors import QueryError
from bot.translate.lexemes import Dialect, Kind, Lexeme
from bot.translate.notes import Notes

#: Other products' names for our fields.
_FIELDS = {
    "title": "title", "headline": "title", "intitle": "title", "subject": "title",
    "body": "body", "content": "body", "text": "body", "fulltext": "body", "intext": "body",
    "description": "body", "ingress": "body",
    "url": "url", "link": "url", "inurl": "url",
    "site": "site", "domain": "site", "host": "site", "domainurl": "site",
    "author": "author", "byline": "author", "by": "author", "authorname": "author",
    "tag": "tag", "tags": "tag", "category": "tag", "keyword": "tag", "keywords": "tag",
    "lang": "lang", "language": "lang",
    "source": "source", "publisher": "source", "outlet": "source", "sourcename": "source",
}  # fmt: skip
#: Maximum words for a * in a phrase of Google, which gives no number.
GAP_WORDS = 3
DROPPED = "dropped: "


def field_of(lexeme: Lexeme, notes: Notes) -> str | None:
    """Return our name of a field, or None if we have none, and then its terms are dropped."""
    field = _FIELDS.get(lexeme.text)
    if field is None:
        notes.lose(lexeme.written, f"{DROPPED}Wirewatch has no such field")
    elif lexeme.text == "ingress":
        notes.lose(lexeme.written, "Wirewatch has no field for the lead: the whole text is searched")
    elif field != lexeme.text:
        notes.rewrite(lexeme.written, f"written as {field}:")
    return field


def leaf(lexeme: Lexeme, field: str | None, dialect: Dialect, notes: Notes) -> expression.Expression | None:
    """Translate a term, or return None if it is dropped, with a note."""
    if lexeme.has_boost:
        notes.lose(lexeme.written, "its weight (^): Wirewatch does not rank")
    try:
        match lexeme.kind:
            case Kind.RANGE:
                notes.lose(lexeme.written, f"{DROPPED}ranges are not supported")
                return None
            case Kind.REGEX:
                return _regex(lexeme, field, notes)
            case _ if field in ("site", "lang"):
                return _value(lexeme, field, notes)
            case Kind.EXACT:
                return expression.words(_clean(lexeme.text), is_exact=True, field=field)
            case Kind.PHRASE:
                return _phrase(lexeme, field, dialect, notes)
            case _:
                return _word(lexeme, field, notes)
    except QueryError as error:
        notes.lose(lexeme.written, f"{DROPPED}{error.message}")
        return None


def _clean(text: str) -> str:
    return " ".join(text.split())


def _word(lexeme: Lexeme, field: str | None, notes: Notes) -> expression.Expression | None:
    if lexeme.distance == -1:
        notes.lose(lexeme.written, "fuzziness (~): only the word as written matches")
    if lexeme.text in ("*", "*:*"):
        notes.lose(lexeme.written, f"{DROPPED}it matches everything")
        return None
    text = _wildcards(lexeme.text, lexeme.written, notes)
    if field != "url" and (host := _address(text)):
        notes.rewrite(lexeme.written, "an address is searched in url:")
        return expression.words(host, field="url")
    return words(text, field, notes)


def _address(text: str) -> str | None:
    return text.partition("://")[2] if re.match(r"https?://[^/]", text) else None


def words(text: str, field: str | None, notes: Notes) -> expression.Words:
    """Make a term that matches in any case, as in all other products. Raises QueryError."""
    term = expression.words(_clean(text), field=field)
    if all(element.form is not patterns.Form.EXACT for element in term.pattern.elements):
        return term
    notes.rewrite(text, f"{text.lower()}, to match any case; {_clean(text)} would match only in capitals")
    return expression.words(_clean(text).lower(), field=field)


def _phrase(lexeme: Lexeme, field: str | None, dialect: Dialect, notes: Notes) -> expression.Expression:
    if dialect is Dialect.GOOGLE_ALERTS and len(pieces := _clean(lexeme.text).split(" * ")) > 1:
        return _with_gaps(pieces, lexeme, field, notes)
    text = _wildcards(lexeme.text, lexeme.written, notes)
    parts = text.split()
    distance = None if lexeme.distance is None else min(lexeme.distance, lexer.MAX_NEAR)
    if distance is None or (distance == 0 and dialect is Dialect.LUCENE):
        return words(text, field, notes)
    if not 2 <= len(parts) <= terms.MAX_WINDOW_PARTS:
        notes.lose(lexeme.written, f"its distance: ~ joins two to {terms.MAX_WINDOW_PARTS} words in Wirewatch")
        return words(text, field, notes)
    if dialect is Dialect.LUCENE and len(parts) == 2:
        return _slop(words(parts[0], field, notes), words(parts[1], field, notes), distance)
    if dialect is Dialect.LUCENE:
        notes.lose(
            lexeme.written, "its distance: Lucene counts moved words, Wirewatch counts other words inside, in any order"
        )
    return window(parts, distance, field, notes)


def _with_gaps(pieces: list[str], lexeme: Lexeme, field: str | None, notes: Notes) -> expression.Expression:
    """Translate ``"fined * million"``, where a * in a phrase is one or a few words."""
    notes.lose(lexeme.written, f"its *: at most {GAP_WORDS} words, in that order")
    tree: expression.Expression = words(pieces[0], field, notes)
    for piece in pieces[1:]:
        tree = expression.Near(tree, words(piece, field, notes), GAP_WORDS, True)
    return tree


def window(parts: Iterable[str], distance: int, field: str | None, notes: Notes) -> expression.Expression:
    """Make a window of all words near one another. Raises QueryError."""
    window_words = tuple(words(part, field, notes) for part in parts)
    if any(" " in part.text or '"' in part.text for part in window_words):
        raise QueryError('"…"~n joins plain words', 0, 0, "bad-window")
    return expression.Window(window_words, distance, field)


def _slop(first: expression.Words, second: expression.Words, distance: int) -> expression.Expression:
    """Translate a distance of Lucene, which counts moves.

    In order, n words may be between; in reverse order, the turn takes two of the moves.
    """
    forth = expression.Near(first, second, distance, True)
    if distance < 2:
        return forth
    return expression.Any((forth, expression.Near(second, first, distance - 2, True)))


_STARRED = re.compile(r"(?<![^\s*?])[^\s*?]*+[*?]\S*+")


def _wildcards(text: str, written: str, notes: Notes) -> str:
    return _STARRED.sub(lambda found: _wildcard(found[0], written, notes), text)


def _wildcard(word: str, written: str, notes: Notes) -> str:
    bare = word.lstrip("*?")
    if bare != word:
        notes.lose(written, "a wildcard at the start of a word: only the rest as written matches")
    head, star, rest = bare.partition("*")
    if rest.strip("*"):
        notes.lose(written, f"* inside a word: {head}* matches more")
    if not star:
        return head
    try:
        expression.words(f"{head}*")
    except QueryError:
        if head:
            notes.lose(written, f"its *: it needs at least {patterns.MIN_PREFIX} letters or digits before it")
        return head or rest.strip("*")
    return f"{head}*"


def _value(lexeme: Lexeme, field: str, notes: Notes) -> expression.Expression | None:
    text = lexeme.text.strip().casefold()
    if field == "site":
        host = urllib.parse.urlsplit(text if "://" in text else f"//{text}")
        if host.path.strip("/*"):
            notes.lose(lexeme.written, "the path behind the host: use url: for it")
        text = (host.hostname or "").removeprefix("*.").removeprefix("www.")
    # Parse it like our queries, so that an invalid host or language is reported.
    return terms.leaf(lexer.Lexeme(lexer.Kind.WORD, text, text), field)


def _regex(lexeme: Lexeme, field: str | None, notes: Notes) -> expression.Expression | None:
    if field in ("site", "lang"):
        notes.lose(lexeme.written, f"{DROPPED}{field}: takes a plain word")
        return None
    source = rf"\b(?:{lexeme.text})\b"
    regex.check(source)
    notes.rewrite(lexeme.written, "an expression matches one word there: written with word boundaries, in any case")
    return expression.Regex(source, True, field)
