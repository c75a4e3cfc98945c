"""One term of another product → a leaf of ours, in the nearest form that we have."""

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
#: How many words a * in a phrase of Google's may stand for here; Google names no number.
GAP_WORDS = 3
LEFT_OUT = "left out: "


def field_of(here: Lexeme, notes: Notes) -> str | None:
    """Our name of a field; None: we have none, and what it holds is left out."""
    field = _FIELDS.get(here.text)
    if field is None:
        notes.lose(here.given, f"{LEFT_OUT}there is no such field here")
    elif here.text == "ingress":
        notes.lose(here.given, "the lead is no field of its own here: the whole text is searched")
    elif field != here.text:
        notes.rewrite(here.given, f"{field}: here")
    return field


def leaf(here: Lexeme, field: str | None, dialect: Dialect, notes: Notes) -> expression.Expression | None:
    """None: left out, and noted."""
    if here.has_boost:
        notes.lose(here.given, "its weight (^): nothing is ranked here")
    try:
        match here.kind:
            case Kind.RANGE:
                notes.lose(here.given, f"{LEFT_OUT}ranges are not known here")
                return None
            case Kind.REGEX:
                return _regex(here, field, notes)
            case _ if field in ("site", "lang"):
                return _value(here, field, notes)
            case Kind.EXACT:
                return expression.words(_clean(here.text), is_exact=True, field=field)
            case Kind.PHRASE:
                return _phrase(here, field, dialect, notes)
            case _:
                return _word(here, field, notes)
    except QueryError as error:
        notes.lose(here.given, f"{LEFT_OUT}{error.message}")
        return None


def _clean(text: str) -> str:
    return " ".join(text.split())


def _word(here: Lexeme, field: str | None, notes: Notes) -> expression.Expression | None:
    if here.distance == -1:
        notes.lose(here.given, "likeness (~): only the word as written is found")
    if here.text in ("*", "*:*"):
        notes.lose(here.given, f"{LEFT_OUT}everything needs no term")
        return None
    text = _wildcards(here.text, here.given, notes)
    if field != "url" and (host := _address(text)):
        notes.rewrite(here.given, "an address is looked for in url: here")
        return expression.words(host, field="url")
    return words(text, field, notes)


def _address(text: str) -> str | None:
    return text.partition("://")[2] if re.match(r"https?://[^/]", text) else None


def words(text: str, field: str | None, notes: Notes) -> expression.Words:
    """In any case, as all other products have it. Raises QueryError."""
    found = expression.words(_clean(text), field=field)
    if all(element.form is not patterns.Form.EXACT for element in found.pattern.elements):
        return found
    notes.rewrite(text, f"{text.lower()}, in any case; {_clean(text)} here would be found in capitals only")
    return expression.words(_clean(text).lower(), field=field)


def _phrase(here: Lexeme, field: str | None, dialect: Dialect, notes: Notes) -> expression.Expression:
    if dialect is Dialect.GOOGLE_ALERTS and len(pieces := _clean(here.text).split(" * ")) > 1:
        return _with_gaps(pieces, here, field, notes)
    text = _wildcards(here.text, here.given, notes)
    parts = text.split()
    distance = None if here.distance is None else min(here.distance, lexer.MAX_NEAR)
    if distance is None or (distance == 0 and dialect is Dialect.LUCENE):
        return words(text, field, notes)
    if not 2 <= len(parts) <= terms.MAX_WINDOW_PARTS:
        notes.lose(here.given, f"its distance: ~ joins two to {terms.MAX_WINDOW_PARTS} words here")
        return words(text, field, notes)
    if dialect is Dialect.LUCENE and len(parts) == 2:
        return _slop(words(parts[0], field, notes), words(parts[1], field, notes), distance)
    if dialect is Dialect.LUCENE:
        notes.lose(here.given, "its distance counts moved words there, other words inside here, in any order")
    return window(parts, distance, field, notes)


def _with_gaps(pieces: list[str], here: Lexeme, field: str | None, notes: Notes) -> expression.Expression:
    """``"fined * million"``: a * in a phrase is a word or a few."""
    notes.lose(here.given, f"its *: at most {GAP_WORDS} words, in that order, here")
    tree: expression.Expression = words(pieces[0], field, notes)
    for piece in pieces[1:]:
        tree = expression.Near(tree, words(piece, field, notes), GAP_WORDS, True)
    return tree


def window(parts: Iterable[str], distance: int, field: str | None, notes: Notes) -> expression.Expression:
    """All of the words near one another. Raises QueryError."""
    made = tuple(words(part, field, notes) for part in parts)
    if any(" " in part.text or '"' in part.text for part in made):
        raise QueryError('"…"~n joins plain words', 0, 0, "bad-window")
    return expression.Window(made, distance, field)


def _slop(first: expression.Words, second: expression.Words, distance: int) -> expression.Expression:
    """Lucene counts moves: in order n words between; the other way round two moves are spent on turning."""
    forth = expression.Near(first, second, distance, True)
    if distance < 2:
        return forth
    return expression.Any((forth, expression.Near(second, first, distance - 2, True)))


_STARRED = re.compile(r"(?<![^\s*?])[^\s*?]*+[*?]\S*+")


def _wildcards(text: str, given: str, notes: Notes) -> str:
    return _STARRED.sub(lambda found: _wildcard(found[0], given, notes), text)


def _wildcard(word: str, given: str, notes: Notes) -> str:
    bare = word.lstrip("*?")
    if bare != word:
        notes.lose(given, "a wildcard at the start of a word: only the rest as written is found")
    head, star, rest = bare.partition("*")
    if rest.strip("*"):
        notes.lose(given, f"* inside a word: {head}* finds more")
    if not star:
        return head
    try:
        expression.words(f"{head}*")
    except QueryError:
        if head:
            notes.lose(given, f"its *: at least {patterns.MIN_PREFIX} letters or digits stand before one here")
        return head or rest.strip("*")
    return f"{head}*"


def _value(here: Lexeme, field: str, notes: Notes) -> expression.Expression | None:
    text = here.text.strip().casefold()
    if field == "site":
        host = urllib.parse.urlsplit(text if "://" in text else f"//{text}")
        if host.path.strip("/*"):
            notes.lose(here.given, "the path behind the host: write url: for it")
        text = (host.hostname or "").removeprefix("*.").removeprefix("www.")
    # Read as our own query reads it, so that what is no host or language is told.
    return terms.leaf(lexer.Lexeme(lexer.Kind.WORD, text, text), field)


def _regex(here: Lexeme, field: str | None, notes: Notes) -> expression.Expression | None:
    if field in ("site", "lang"):
        notes.lose(here.given, f"{LEFT_OUT}{field}: takes a plain word here")
        return None
    source = rf"\b(?:{here.text})\b"
    regex.check(source)
    notes.rewrite(here.given, "an expression matches one word there: bound by word ends and in any case here")
    return expression.Regex(source, True, field)
