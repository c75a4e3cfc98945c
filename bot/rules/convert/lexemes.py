"""Split another product's query into lexemes, as its dialect defines them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import partial

from bot.rules import lexer
from bot.rules.errors import QueryError


class Dialect(StrEnum):
    """The query language of a product."""

    MELTWATER = "meltwater"
    BRANDWATCH = "brandwatch"
    TALKWALKER = "talkwalker"
    #: The classic query parser, and Elasticsearch's query_string.
    LUCENE = "lucene"
    #: The operators of Google's search: a space is AND, and OR binds more tightly.
    GOOGLE_ALERTS = "google-alerts"
    FEEDLY = "feedly"


class ForeignKind(Enum):
    WORD = "word"
    PHRASE = "phrase"
    #: A term in exactly this case.
    EXACT = "exact"
    REGEX = "regex"
    #: ``[a TO b]``.
    RANGE = "range"
    FIELD = "field"
    OPEN = "("
    CLOSE = ")"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    NEAR = "NEAR"
    #: ``+`` before a term.
    PLUS = "+"
    END = "end"


#: Every kind except operators, closing brackets and the end.
TERM_STARTS = frozenset(ForeignKind) - {
    ForeignKind.CLOSE,
    ForeignKind.AND,
    ForeignKind.OR,
    ForeignKind.NOT,
    ForeignKind.NEAR,
    ForeignKind.END,
}


@dataclass(frozen=True, slots=True)
class ForeignLexeme:
    """One word, phrase, operator or bracket of a query, with its position."""

    kind: ForeignKind
    #: The text without quotes and special characters; for a field, its name in lower case.
    text: str
    start: int
    end: int
    #: The lexeme as written, for notes.
    written: str
    #: The distance of NEAR, or of a phrase or a bracket with ``~n``; -1 for a fuzzy word.
    distance: int | None = None
    is_ordered: bool = False
    has_boost: bool = False


_TAIL = r"(?P<tail>(?:~\d*(?:\.\d+)?)?(?:\^\d*(?:\.\d+)?)?)"
_LEXEME = re.compile(
    rf"""
      (?P<phrase>(?P<case>\+\+?)?"(?P<inner>(?:[^"\\]|\\.)*)"{_TAIL})
    | (?P<range>[\[{{](?=[^\[\]{{}}"]*+[\]}}])[^\[\]{{}}"]*?\sTO\s[^\[\]{{}}"]*+[\]}}])
    | (?P<exact>\{{[^{{}}]*\}})
    | (?P<regex>/(?:[^/\\\n]|\\.)+/(?![^\s)]))
    | (?P<open>\()
    | (?P<close>\)(?:~\d*(?:\.\d+)?)?(?:\^\d*(?:\.\d+)?)?)
    | (?P<around>AROUND\(\d{{1,9}}\))
    | (?P<field>[A-Za-z_][\w.-]*:(?!//)\s*(?=\S))
    | (?P<plus>\+\+?(?=[\w(\\]))
    | (?P<minus>[-!](?=[\w"({{\\\#@$]))
    | (?P<word>(?:\\.|[^\s"(){{}}\[\]\\])+)
    | (?P<wrong>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NEAR = re.compile(r"(?P<order>O?)NEAR(?:/(?P<words>\d{1,9})(?P<ordered>f)?)?\Z")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_OPERATORS = {"AND": ForeignKind.AND, "OR": ForeignKind.OR, "NOT": ForeignKind.NOT}
_SIGNS = {
    Dialect.LUCENE: {"&&": ForeignKind.AND, "||": ForeignKind.OR, "!": ForeignKind.NOT},
    Dialect.GOOGLE_ALERTS: {"|": ForeignKind.OR},
}


def lex(query: str, dialect: Dialect) -> list[ForeignLexeme]:
    """Split a normalised query into lexemes; the last is END. Raises QueryError."""
    lexemes: list[ForeignLexeme] = []
    position = 0
    while position < len(query):
        if query[position].isspace() or query[position] == "\u200b":
            position += 1
            continue
        match = _LEXEME.match(query, position)
        assert match is not None
        lexeme = _read_lexeme(match, dialect)
        lexemes.append(lexeme)
        position = lexeme.end
    lexemes.append(ForeignLexeme(ForeignKind.END, "", len(query), len(query), ""))
    return lexemes


def _read_lexeme(match: re.Match[str], dialect: Dialect) -> ForeignLexeme:
    written = match[0]
    make = partial(ForeignLexeme, start=match.start(), end=match.end(), written=written)
    match match.lastgroup if match["phrase"] is None else "phrase":
        case "phrase":
            return _read_phrase(match, dialect)
        case "range" if dialect is Dialect.LUCENE:
            return make(ForeignKind.RANGE, written)
        case "exact" | "range" if written[0] == "{":
            return make(ForeignKind.EXACT, written[1:-1])
        case "regex" if dialect is Dialect.LUCENE:
            return make(ForeignKind.REGEX, written[1:-1])
        case "open":
            return make(ForeignKind.OPEN, "(")
        case "close":
            return make(ForeignKind.CLOSE, ")", distance=_read_distance(written), has_boost="^" in written)
        case "around" if dialect is Dialect.GOOGLE_ALERTS:
            distance = min(int(written[7:-1]), lexer.MAX_NEAR)
            return make(ForeignKind.NEAR, written, distance=distance)
        case "field":
            name = written.rstrip()
            return make(ForeignKind.FIELD, name.removesuffix(":").lower(), written=name)
        case "plus":
            return make(ForeignKind.PLUS, written)
        case "minus" if written == "-" or dialect is Dialect.LUCENE:
            return make(ForeignKind.NOT, written)
        case "wrong":
            what = {'"': "a quote is not closed", "{": "a { is not closed", "[": "a [ is not closed"}
            raise QueryError(
                what.get(written, f"a {written} that was never opened"),
                match.start(),
                match.end(),
                "unclosed",
                "correct the original query first, or quote the character",
            )
        case _:
            return _read_word(match, dialect)


def _read_distance(tail: str) -> int | None:
    """Return the number after ``~``, or None."""
    slop = re.search(r"~(\d{1,9})", tail)
    return int(slop[1]) if slop else None


def _read_phrase(match: re.Match[str], dialect: Dialect) -> ForeignLexeme:
    if match["case"] is not None and dialect is Dialect.LUCENE:
        return ForeignLexeme(ForeignKind.PLUS, "+", match.start(), match.end("case"), match["case"])
    # In Talkwalker, ++"ABC" is exact case, and +"p&t" keeps its punctuation, like all our phrases.
    is_exact = match["case"] == "++" and dialect is Dialect.TALKWALKER
    return ForeignLexeme(
        ForeignKind.EXACT if is_exact else ForeignKind.PHRASE,
        _ESCAPE.sub(r"\1", match["inner"]),
        match.start(),
        match.end(),
        match[0],
        distance=_read_distance(match["tail"]),
        has_boost="^" in match["tail"],
    )


_BARE = re.compile(r'(?:\\.|[^\s"(){}\[\]\\])+|.', re.DOTALL)


def _read_word(match: re.Match[str], dialect: Dialect) -> ForeignLexeme:
    """Read a word, which may begin with a character that has no meaning in this dialect."""
    start = match.start()
    bare = _BARE.match(match.string, start)
    assert bare is not None
    word, end = bare[0], bare.end()
    name = word.upper() if dialect is Dialect.MELTWATER else word
    kind = _OPERATORS.get(name) or _SIGNS.get(dialect, {}).get(word)
    if kind:
        return ForeignLexeme(kind, name, start, end, word)
    near_match = _NEAR.match(re.sub("F\\Z", "f", name)) if dialect is not Dialect.LUCENE else None
    if near_match:
        distance = min(int(near_match["words"]), lexer.MAX_NEAR) if near_match["words"] else lexer.DEFAULT_NEAR
        return ForeignLexeme(
            ForeignKind.NEAR, name, start, end, word, distance, bool(near_match["order"] or near_match["ordered"])
        )
    suffix = re.search(r"(?<!\\)(?:~\d*(?:\.\d+)?)?(?:\^\d*(?:\.\d+)?)?\Z", word)
    tail = suffix[0] if suffix and suffix.start() > 0 else ""
    text = _ESCAPE.sub(r"\1", word.removesuffix(tail) if tail else word)
    return ForeignLexeme(
        ForeignKind.WORD, text, start, end, word, distance=-1 if tail.startswith("~") else None, has_boost="^" in tail
    )
