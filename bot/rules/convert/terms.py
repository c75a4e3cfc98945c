"""Convert one term into our nearest term, join converted parts, and note losses of meaning."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.rules import expression, lexer, regex, terms
from bot.rules.convert.lexemes import Dialect, ForeignKind, ForeignLexeme
from bot.rules.errors import QueryError
from bot.rules.lexer import MAX_NEAR

#: Other products' names for our fields.
_FIELDS = {
    "title": "title", "headline": "title", "intitle": "title", "subject": "title",
    "body": "body", "content": "body", "text": "body", "fulltext": "body", "intext": "body",
    "description": "body", "ingress": "lead", "lead": "lead",
    "url": "url", "link": "url", "inurl": "url",
    "site": "site", "domain": "site", "host": "site", "domainurl": "site",
    "author": "author", "byline": "author", "by": "author", "authorname": "author",
    "tag": "tag", "tags": "tag", "category": "tag", "keyword": "tag", "keywords": "tag",
    "lang": "lang", "language": "lang",
    "source": "source", "publisher": "source", "outlet": "source", "sourcename": "source",
}  # fmt: skip
#: Maximum words for a * in a phrase of Google Alerts, which does not define a number.
GAP_WORDS = 3
DROPPED = "dropped: "


def convert_field(lexeme: ForeignLexeme, notes: Notes) -> str | None:
    """Return our name of a field. If we have no such field, return None, and the terms in the field are dropped."""
    field = _FIELDS.get(lexeme.text)
    if field is None:
        notes.lose(lexeme.written, f"{DROPPED}Wirewatch has no such field")
    elif lexeme.text == "ingress":
        notes.lose(lexeme.written, "written as lead:, which also searches the headline")
    elif field != lexeme.text:
        notes.rewrite(lexeme.written, f"written as {field}:")
    return field


def convert_term(
    lexeme: ForeignLexeme, field: str | None, dialect: Dialect, notes: Notes
) -> expression.Expression | None:
    """Convert a term. If it has no counterpart, add a note and return None."""
    if lexeme.has_boost:
        notes.lose(lexeme.written, "its weight (^) is ignored, because Wirewatch does not rank")
    try:
        match lexeme.kind:
            case ForeignKind.RANGE:
                notes.lose(lexeme.written, f"{DROPPED}ranges are not supported")
                return None
            case ForeignKind.REGEX:
                return _convert_regex(lexeme, field, notes)
            case _ if field in ("site", "lang"):
                return _convert_value(lexeme, field, notes)
            case ForeignKind.EXACT:
                return expression.make_words(_collapse_spaces(lexeme.text), is_exact=True, field=field)
            case ForeignKind.PHRASE:
                return _convert_phrase(lexeme, field, dialect, notes)
            case _:
                return _convert_word(lexeme, field, notes)
    except QueryError as error:
        notes.lose(lexeme.written, f"{DROPPED}{error.message}")
        return None


def _collapse_spaces(text: str) -> str:
    return " ".join(text.split())


def _convert_word(lexeme: ForeignLexeme, field: str | None, notes: Notes) -> expression.Expression | None:
    if lexeme.distance == -1:
        notes.lose(lexeme.written, "fuzziness (~): only the word as written matches")
    if lexeme.text in ("*", "*:*"):
        notes.lose(lexeme.written, f"{DROPPED}it matches everything")
        return None
    text = _convert_wildcards(lexeme.text, lexeme.written, notes)
    if field != "url" and re.match(r"https?://[^/]", text):
        notes.rewrite(lexeme.written, "an address is searched in url:")
        return expression.make_words(text.partition("://")[2], field="url")
    return _convert_words(text, field, notes)


def _convert_words(text: str, field: str | None, notes: Notes) -> expression.Words:
    """Make a term that matches in any case, as in all other products. Raises QueryError."""
    term = expression.make_words(_collapse_spaces(text), field=field)
    if all(element.form is not expression.Form.EXACT for element in term.pattern.elements):
        return term
    notes.rewrite(text, f"{text.lower()}, to match any case; {_collapse_spaces(text)} would match only in capitals")
    return expression.make_words(_collapse_spaces(text).lower(), field=field)


def _convert_phrase(lexeme: ForeignLexeme, field: str | None, dialect: Dialect, notes: Notes) -> expression.Expression:
    if dialect is Dialect.GOOGLE_ALERTS and len(pieces := _collapse_spaces(lexeme.text).split(" * ")) > 1:
        return _convert_gaps(pieces, lexeme, field, notes)
    text = _convert_wildcards(lexeme.text, lexeme.written, notes)
    parts = text.split()
    distance = None if lexeme.distance is None else min(lexeme.distance, lexer.MAX_NEAR)
    if distance is None or (distance == 0 and dialect is Dialect.LUCENE):
        return _convert_words(text, field, notes)
    if not 2 <= len(parts) <= terms.MAX_WINDOW_PARTS:
        notes.lose(lexeme.written, f"its distance is ignored: ~ joins two to {terms.MAX_WINDOW_PARTS} words")
        return _convert_words(text, field, notes)
    if dialect is Dialect.LUCENE and len(parts) == 2:
        return _convert_slop(_convert_words(parts[0], field, notes), _convert_words(parts[1], field, notes), distance)
    if dialect is Dialect.LUCENE:
        notes.lose(
            lexeme.written, "its distance: Lucene counts moves, and Wirewatch counts other words inside, in any order"
        )
    return make_window(parts, distance, field, notes)


def _convert_gaps(pieces: list[str], lexeme: ForeignLexeme, field: str | None, notes: Notes) -> expression.Expression:
    """Convert ``"fined * million"``, where a * in a phrase is one or a few words."""
    notes.lose(lexeme.written, f"its * matches at most {GAP_WORDS} words")
    tree: expression.Expression = _convert_words(pieces[0], field, notes)
    for piece in pieces[1:]:
        tree = expression.Near(tree, _convert_words(piece, field, notes), GAP_WORDS, True)
    return tree


def make_window(parts: Iterable[str], distance: int, field: str | None, notes: Notes) -> expression.Expression:
    """Make a window of all words near one another. Raises QueryError."""
    window_words = tuple(_convert_words(part, field, notes) for part in parts)
    if any(" " in part.text or '"' in part.text for part in window_words):
        raise QueryError('"…"~n joins plain words', 0, 0, "bad-window")
    return expression.Window(window_words, distance, field)


def _convert_slop(first: expression.Words, second: expression.Words, distance: int) -> expression.Expression:
    """Convert a distance of Lucene, which counts moves of words.

    In this order, ``distance`` words may be between the two; in reverse two fewer, because reversing takes two moves.
    """
    forth = expression.Near(first, second, distance, True)
    if distance < 2:
        return forth
    return expression.Any((forth, expression.Near(second, first, distance - 2, True)))


_STARRED = re.compile(r"(?<![^\s*?])[^\s*?]*+[*?]\S*+")


def _convert_wildcards(text: str, written: str, notes: Notes) -> str:
    return _STARRED.sub(lambda match: _convert_wildcard(match[0], written, notes), text)


def _convert_wildcard(word: str, written: str, notes: Notes) -> str:
    bare = word.lstrip("*?")
    if bare != word:
        notes.lose(written, "a wildcard at the start of a word: only the rest as written matches")
    head, star, tail = bare.partition("*")
    if tail.strip("*"):
        notes.lose(written, f"* inside a word: {head}* matches more")
    if not star:
        return head
    try:
        expression.make_words(f"{head}*")
    except QueryError:
        if head:
            notes.lose(written, f"its * is ignored: it needs at least {expression.MIN_PREFIX} characters")
        return head or tail.strip("*")
    return f"{head}*"


def _convert_value(lexeme: ForeignLexeme, field: str, notes: Notes) -> expression.Expression | None:
    text = lexeme.text.strip().casefold()
    if field == "site":
        host = urllib.parse.urlsplit(text if "://" in text else f"//{text}")
        if host.path.strip("/*"):
            notes.lose(lexeme.written, "the path after the host is ignored; use url: to search for a path")
        text = (host.hostname or "").removeprefix("*.").removeprefix("www.")
    # Parse it like our queries, so that an invalid host or language is reported.
    return terms.read_leaf(lexer.Lexeme(lexer.LexemeKind.WORD, text, text), field)


def _convert_regex(lexeme: ForeignLexeme, field: str | None, notes: Notes) -> expression.Expression | None:
    if field in ("site", "lang"):
        notes.lose(lexeme.written, f"{DROPPED}{field}: takes a plain word")
        return None
    source = rf"\b(?:{lexeme.text})\b"
    regex.check(source)
    notes.rewrite(lexeme.written, "written with word boundaries and in any case, as in the original product")
    return expression.Regex(source, True, field)


ConvertedPart = expression.Expression | None


def join_all(parts: Iterable[ConvertedPart]) -> ConvertedPart:
    """Join parts by AND, without nested ANDs."""
    return _join(parts, expression.All)


def join_any(parts: Iterable[ConvertedPart]) -> ConvertedPart:
    """Join parts by OR, without nested ORs."""
    return _join(parts, expression.Any)


def _join(parts: Iterable[ConvertedPart], joined: type[expression.All | expression.Any]) -> ConvertedPart:
    kept: list[expression.Expression] = []
    for part in parts:
        if isinstance(part, joined):
            kept.extend(part.parts)
        elif part is not None:
            kept.append(part)
    return kept[0] if len(kept) == 1 else joined(tuple(kept)) if kept else None


def negate(part: ConvertedPart) -> ConvertedPart:
    """Negate a part; the negation of a negated part is that part, and None stays None."""
    if isinstance(part, expression.Not):
        return part.part
    return None if part is None else expression.Not(part)


def join_near(
    left: ConvertedPart, right: ConvertedPart, words: int, is_ordered: bool, written: str, notes: Notes
) -> ConvertedPart:
    """Join two parts by NEAR. NEAR is applied to each part of an AND, and a NOT under NEAR is dropped, with notes."""
    if left is None or right is None:
        if left is not None or right is not None:
            notes.lose(written, "its distance is ignored, because one side was dropped")
        return left or right
    for side, other_side, is_left in ((left, right, True), (right, left, False)):
        if isinstance(side, expression.All):
            notes.lose(written, "NEAR over AND: each part must be near the other side, but not all parts at one place")
            return join_all(
                join_near(part, other_side, words, is_ordered, written, notes)
                if is_left
                else join_near(other_side, part, words, is_ordered, written, notes)
                for part in side.parts
                if not _is_lost(part, written, notes)
            )
    operands = [_near_operand(side, written, notes) for side in (left, right)]
    if operands[0] is None or operands[1] is None:
        return operands[0] or operands[1]
    if not (expression.fields_of(operands[0]) & expression.fields_of(operands[1])):
        notes.lose(written, "its distance is ignored, because the two sides are in different fields")
        return join_all(operands)
    return expression.Near(operands[0], operands[1], min(words, MAX_NEAR), is_ordered)


def _is_lost(part: expression.Expression, written: str, notes: Notes) -> bool:
    if isinstance(part, expression.Not):
        notes.lose(written, "dropped: NOT under NEAR")
        return True
    return False


def _near_operand(part: expression.Expression, written: str, notes: Notes) -> ConvertedPart:
    """Return the part reduced to terms, OR and NEAR, because NEAR accepts nothing else."""
    match part:
        case expression.Not() | expression.Value():
            what = "NOT" if isinstance(part, expression.Not) else f"{part.field}:"
            notes.lose(written, f"dropped: {what} under NEAR")
            return None
        case expression.All(parts):
            notes.lose(written, "AND inside OR under NEAR: any single part is enough")
            return join_any(_near_operand(inner, written, notes) for inner in parts)
        case expression.Any(parts):
            return join_any(_near_operand(inner, written, notes) for inner in parts)
        case _:
            return part


@dataclass(frozen=True, slots=True)
class Note:
    """A change, or a loss of meaning, in one part of a query."""

    #: The part of the original query.
    part: str
    what: str


@dataclass(frozen=True, slots=True)
class Notes:
    """The distinct notes of one conversion, in order."""

    #: Parts that were dropped or lost some of their meaning.
    lost: dict[Note, None] = field(default_factory=dict)
    #: Parts that are written differently but mean the same.
    rewritten: dict[Note, None] = field(default_factory=dict)

    def lose(self, part: str, what: str) -> None:
        """Note that ``part`` was dropped or lost some of its meaning."""
        self.lost[Note(part, what)] = None

    def rewrite(self, part: str, what: str) -> None:
        """Note that ``part`` is written differently but means the same."""
        self.rewritten[Note(part, what)] = None
