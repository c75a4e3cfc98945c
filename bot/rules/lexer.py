"""Split a query into lexemes. The parser checks their order.

Lexemes are cached by their text. The position of a lexeme in the query is looked up only for an error message.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import msgspec

from bot.keys import find_nearest
from bot.patterns import LazyPattern
from bot.rules import expression
from bot.rules.errors import QueryError
from bot.rules.memo import Memo

MAX_NEAR = 1_000
#: Distance of a NEAR without a number, as in Meltwater.
DEFAULT_NEAR = 4
#: ``size`` and ``longest`` of each Memo of lexemes or terms. A Memo of lexemes takes at most about 10 MB.
MEMO_SIZE, MEMO_CHARACTERS = 1 << 14, 60


class LexemeKind(Enum):
    WORD = "word"
    PHRASE = "phrase"
    EXACT = "exact"
    REGEX = "regex"
    SET = "set"
    FIELD = "field"
    OPEN = "("
    CLOSE = ")"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    NEAR = "NEAR"
    #: An operator in lower case: and, or, not, near.
    LOWER = "and"
    END = "end"
    #: A mistake, after which the query is not read.
    WRONG = "wrong"


#: The kinds that can be a whole term.
LEAF_KINDS = (LexemeKind.WORD, LexemeKind.PHRASE, LexemeKind.EXACT, LexemeKind.REGEX, LexemeKind.SET)
TERM_STARTS = (*LEAF_KINDS, LexemeKind.LOWER, LexemeKind.FIELD, LexemeKind.OPEN)


class Lexeme(NamedTuple):
    """One word, phrase, set, operator or bracket of a query."""

    kind: LexemeKind
    #: The text without quotes, braces or slashes.
    text: str
    #: The lexeme as written in the query, without the white space after it.
    written: str
    #: The distance of NEAR, or of a phrase with ``~n``.
    words: int | None = None
    is_ordered: bool = False
    ignores_case: bool = False

    @property
    def inside(self) -> int:
        """Return the offset of ``text`` in ``written``."""
        return self.kind in (LexemeKind.PHRASE, LexemeKind.EXACT, LexemeKind.REGEX)


class LexedQuery(msgspec.Struct, frozen=True, dict=True):
    """The lexemes of one query; the last is END or WRONG."""

    query: str
    lexemes: Sequence[Lexeme]
    #: The error of the WRONG lexeme, if there is one.
    error: QueryError | None = None

    @functools.cached_property
    def _starts(self) -> list[int]:
        return [match.start() for match in _LEXEME.finditer(self.query)]

    def span(self, index: int) -> tuple[int, int]:
        """Return the start and end of a lexeme in the query."""
        if index >= len(self._starts):
            return len(self.query), len(self.query)
        start = self._starts[index]
        return start, start + len(self.lexemes[index].written)


#: A lexeme, most frequent form first. A field includes the white space after it.
_LEXEME = LazyPattern(
    rf"""
      \w++(?![^\s\u200b"(){{}}])
    | [()]
    | "[^"]*"(?:~\d*)?
    | \{{[^{{}}]*\}}
    | /(?:[^/\\\n]|\\.)*/(?:i(?!\w))?
    | \$[\w-]+
    | (?:{"|".join(expression.FIELDS)}):\s*
    | '[^'"(){{}}]+'(?![^\s\u200b"(){{}}])
    | [^\s\u200b"(){{}}]+
    | ["{{}}]
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEX = LazyPattern(r"/((?:[^/\\\n]|\\.)*)/(i?)\Z", re.DOTALL)
_SET = LazyPattern(r"\$([\w-]+)\Z")
_NEAR = LazyPattern(r"(?P<order>O?)NEAR(?:/(?P<words>\d{1,9})(?P<ordered>f)?)?\Z")
_LOOKS_NEAR = LazyPattern(r"O?NEAR(?:[/~:]|\d)", re.IGNORECASE)
_LOWER = LazyPattern(r"(?:and|or|not|o?near(?:/\d+f?)?)\Z", re.IGNORECASE)
_UNKNOWN_FIELD = LazyPattern(r"([^\W\d_][\w-]*):(?!//)(?=.)|([^\W\d_][\w-]*):\Z")
#: Words that cannot be operators, which are nearly all words.
_PLAIN = LazyPattern(r"(?!(?:and|or|not|o?near)(?![a-z]))\w+\*?\Z", re.IGNORECASE)
_OTHER_OPERATORS = {"&&": "AND", "||": "OR", "|": "OR", "&": "AND", "!": "NOT"}
_OPERATORS = {"AND": LexemeKind.AND, "OR": LexemeKind.OR, "NOT": LexemeKind.NOT}
_END = Lexeme(LexemeKind.END, "", "")
_WRONG = Lexeme(LexemeKind.WRONG, "", "")


def is_bare(word: str) -> bool:
    """Return whether a term needs no quotes in a query."""
    if word[:1] in "/$-+!" or not _LEXEME.fullmatch(word):
        return False
    try:
        return read_lexeme(word).kind is LexemeKind.WORD
    except QueryError:
        return False


def lex(query: str) -> LexedQuery:
    """Split a normalised query into lexemes, up to its first mistake."""
    texts = _LEXEME.findall(query)
    try:
        return LexedQuery(query, [*map(_LEXEMES.__getitem__, texts), _END])
    except QueryError:
        return _read_to_error(query, texts)


def _read_to_error(query: str, texts: Sequence[str]) -> LexedQuery:
    lexemes: list[Lexeme] = []
    for text in texts:
        try:
            lexemes.append(read_lexeme(text))
        except QueryError as error:
            lexed = LexedQuery(query, [*lexemes, _WRONG])
            return LexedQuery(query, lexed.lexemes, error.moved(lexed.span(len(lexemes))[0]))
    raise AssertionError(query)


def read_lexeme(text: str) -> Lexeme:
    """Return the lexeme of a text that is one lexeme. Raises QueryError with offsets into the text."""
    return _LEXEMES[text]


def _read_lexeme(text: str) -> Lexeme:
    if _PLAIN.match(text):
        return Lexeme(LexemeKind.WORD, text, text)
    match text[0]:
        case "(":
            return Lexeme(LexemeKind.OPEN, "(", text)
        case ")":
            return Lexeme(LexemeKind.CLOSE, ")", text)
        case '"' if len(text) > 1:
            return _read_phrase(text)
        case "{" if len(text) > 1:
            return Lexeme(LexemeKind.EXACT, text[1:-1], text)
        case "/" if match := _REGEX.match(text):
            return Lexeme(LexemeKind.REGEX, match[1], text, ignores_case=bool(match[2]))
        case "$" if match := _SET.match(text):
            return Lexeme(LexemeKind.SET, match[1], text)
        case '"' | "{" | "}":
            raise _unpaired_error(text)
    field = text.rstrip()
    if field[-1] == ":" and field[:-1] in expression.FIELDS:
        return Lexeme(LexemeKind.FIELD, field[:-1], field)
    return _read_word(text)


_LEXEMES = Memo(_read_lexeme, size=MEMO_SIZE, longest=MEMO_CHARACTERS)


def _unpaired_error(mark: str) -> QueryError:
    if mark == '"':
        return QueryError("a quote is not closed", 0, 1, "unclosed-quote", 'close it with "')
    if mark == "{":
        return QueryError(
            "a { is not closed", 0, 1, "unclosed-brace", "close it with }: {BES} matches exactly this case"
        )
    return QueryError(f"a {mark} that was never opened", 0, 1, "unopened", f'remove it, or put it in quotes: "{mark}"')


def _read_phrase(text: str) -> Lexeme:
    inner, mark, slop = text[1:].rpartition('"~')
    if not mark:
        return Lexeme(LexemeKind.PHRASE, text[1:-1], text)
    end = len(text)
    if not slop:
        raise QueryError(
            "~ must be followed by a number, the distance in words", end - 1, end, "bad-window", 'as in "a b c"~5'
        )
    words = int(slop[:9])
    _check_distance(words, end - len(slop), end)
    return Lexeme(LexemeKind.PHRASE, inner, text, words=words)


def _check_distance(words: int, start: int, end: int) -> None:
    if words > MAX_NEAR:
        raise QueryError(
            f"a distance of more than {MAX_NEAR:,} words",
            start,
            end,
            "distance-too-large",
            "use AND if any distance is allowed",
        )


def _read_word(word: str) -> Lexeme:
    if kind := _OPERATORS.get(word):
        return Lexeme(kind, word, word)
    if match := _NEAR.match(word):
        words = int(match["words"]) if match["words"] else DEFAULT_NEAR
        _check_distance(words, 0, len(word))
        return Lexeme(LexemeKind.NEAR, word, word, words=words, is_ordered=bool(match["order"] or match["ordered"]))
    if _LOWER.match(word):
        return Lexeme(LexemeKind.LOWER, word, word)
    _check_word(word)
    return Lexeme(LexemeKind.WORD, word, word)


def _check_word(word: str) -> None:
    """Raise QueryError for a word that is an operator or a special character in other products."""
    end = len(word)
    if _LOOKS_NEAR.match(word):
        raise QueryError(
            f"{word} is not a distance",
            0,
            end,
            "bad-near",
            "NEAR/10 allows ten words between, NEAR/10f requires the order too; to search for the word, quote it",
        )
    if other := _OTHER_OPERATORS.get(word):
        raise QueryError(f"{word} is not an operator", 0, end, "unknown-operator", f"write {other}")
    if word[0] in "-!" and len(word) > 1:
        message = f"{word[0]} is not an operator"
        raise QueryError(message, 0, 1, "unknown-operator", f"write NOT {word[1:]}")
    if word[0] in "+=" and len(word) > 1:
        help_ = f'write AND between terms that are all needed, or "{word}" to match the character itself'
        raise QueryError(f"{word[0]} is not an operator", 0, 1, "unknown-operator", help_)
    if word[0] == word[-1] == "'" and len(word) > 2:
        raise QueryError("single quotes do not make a phrase", 0, end, "single-quotes", f'write "{word[1:-1]}"')
    if word[0] == "/":
        raise QueryError("a / is not closed", 0, end, "unclosed-regex", f'close it, or write "{word}"')
    if word[0] == "$":
        raise QueryError("a $ without the name of a set", 0, 1, "unnamed-set", f'write $name, or "{word}"')
    if re.search(r"[~^]\d*(?:\.\d+)?\Z", word):
        mark = max(word.rfind("~"), word.rfind("^"))
        raise QueryError(
            f"{word[mark:]} is not supported",
            mark,
            end,
            "unknown-operator",
            'boosts and fuzzy words are not supported; "a b"~5 is a phrase with up to five other words inside',
        )
    _check_field(word)


def _check_field(word: str) -> None:
    match = _UNKNOWN_FIELD.match(word)
    if "://" in word:
        host = word.partition("://")[2].partition("/")[0].removeprefix("www.")
        raise QueryError("an address", 0, len(word), "bare-address", f'write url:"{word}" or site:{host or "HOST"}')
    if not match:
        return
    name = match[1] or match[2]
    guess = find_nearest(name, expression.FIELDS)
    fields = "the fields are " + ", ".join(expression.FIELDS)
    help_ = f"did you mean {guess}:?" if guess else f'{fields}; to match the character itself, write "{word}"'
    raise QueryError(f'unknown field "{name}"', 0, len(name), "unknown-field", help_)
