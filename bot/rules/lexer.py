"""A query as lexemes with their places; knows what a mark means, not what stands beside what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from bot.rules import expression
from bot.rules.errors import QueryError
from bot.rules.spelling import did_you_mean

MAX_NEAR = 1_000
#: What a bare NEAR means (as Meltwater has it).
DEFAULT_NEAR = 4


class Kind(Enum):
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
    END = "end"


STARTS_TERM = frozenset({Kind.WORD, Kind.PHRASE, Kind.EXACT, Kind.REGEX, Kind.SET, Kind.FIELD, Kind.OPEN})


@dataclass(frozen=True, slots=True)
class Lexeme:
    kind: Kind
    #: Without its quotes, braces or slashes.
    text: str
    start: int
    end: int
    #: Of NEAR, and of a phrase with ``~n``.
    words: int | None = None
    is_ordered: bool = False
    ignores_case: bool = False


_LEXEME = re.compile(
    r"""
    [\s\u200b]*(?:
      (?P<phrase>"(?P<inner>[^"]*)"(?:~(?P<slop>\d*))?)
    | (?P<exact>\{(?P<fixed>[^{}]*)\})
    | (?P<open>\() | (?P<close>\))
    | (?P<regex>/(?P<source>(?:[^/\\\n]|\\.)*)/(?P<flag>i(?![\w]))?)
    | (?P<set>\$(?P<name>[\w-]+))
    | (?P<field>(?P<known>"""
    + "|".join(expression.FIELDS)
    + r"""):[\s]*)
    | (?P<word>[^\s\u200b"(){}]+)
    | (?P<wrong>.)
    | (?P<end>\Z)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_NEAR = re.compile(r"(?P<order>O?)NEAR(?:/(?P<words>\d{1,9})(?P<ordered>f)?)?\Z")
_LOOKS_NEAR = re.compile(r"O?NEAR(?:[/~:]|\d)", re.IGNORECASE)
_LOWER = re.compile(r"(?:and|or|not|o?near(?:/\d+f?)?)\Z", re.IGNORECASE)
_UNKNOWN_FIELD = re.compile(r"([^\W\d_][\w-]*):(?!//)(?=.)|([^\W\d_][\w-]*):\Z")
_OTHER_OPERATORS = {"&&": "AND", "||": "OR", "|": "OR", "&": "AND", "!": "NOT"}
_OPERATORS = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}


def is_operator_in_lower_case(word: str) -> bool:
    return _LOWER.match(word) is not None


def is_bare(word: str) -> bool:
    """Whether a term can stand in a query without quotes."""
    if word in _OPERATORS or is_operator_in_lower_case(word) or _NEAR.match(word) or word[:1] in "/$-+!":
        return False
    found = _LEXEME.match(word)
    if found is None or found["word"] is None or found.end() != len(word):
        return False
    try:
        _check_word(word, 0)
    except QueryError:
        return False
    return True


def read(query: str) -> Iterator[Lexeme]:
    """The lexemes of a normal text; the last is END. Raises QueryError."""
    position = 0
    while True:
        found = _LEXEME.match(query, position)
        assert found is not None
        position = found.end()
        if found["word"] is not None:
            yield _word(found["word"], found.start("word"))
        elif found["end"] is not None:
            yield Lexeme(Kind.END, "", len(query), len(query))
            return
        else:
            yield _other(found, query)


def _other(found: re.Match[str], query: str) -> Lexeme:
    if found["phrase"] is not None:
        return _phrase(found)
    if found["open"] is not None:
        return Lexeme(Kind.OPEN, "(", *found.span("open"))
    if found["close"] is not None:
        return Lexeme(Kind.CLOSE, ")", *found.span("close"))
    if found["exact"] is not None:
        return Lexeme(Kind.EXACT, found["fixed"], *found.span("exact"))
    if found["regex"] is not None:
        start, end = found.span("regex")
        return Lexeme(Kind.REGEX, found["source"], start, end, ignores_case=found["flag"] is not None)
    if found["set"] is not None:
        return Lexeme(Kind.SET, found["name"], *found.span("set"))
    if found["field"] is not None:
        return Lexeme(Kind.FIELD, found["known"], found.start("field"), found.end("known") + 1)
    start = found.start("wrong")
    if found["wrong"] == '"':
        raise QueryError("a quote is not closed", start, start + 1, "unclosed-quote", 'close it with "')
    if found["wrong"] == "{":
        end = start + 1
        raise QueryError("a { is not closed", start, end, "unclosed-brace", "{BES} is found in exactly this case")
    raise QueryError(
        f"a {query[start]} that was never opened",
        start,
        start + 1,
        "unopened",
        f'remove it, or put it in quotes: "{query[start]}"',
    )


def _phrase(found: re.Match[str]) -> Lexeme:
    start, end = found.span("phrase")
    if found["slop"] is None:
        return Lexeme(Kind.PHRASE, found["inner"], start, end)
    if not found["slop"]:
        raise QueryError("~ needs a number of words", end - 1, end, "bad-window", 'as in "a b c"~5')
    words = int(found["slop"][:9])
    _check_distance(words, found.start("slop"), end)
    return Lexeme(Kind.PHRASE, found["inner"], start, end, words=words)


def _check_distance(words: int, start: int, end: int) -> None:
    if words > MAX_NEAR:
        raise QueryError(
            f"a distance of more than {MAX_NEAR:,} words",
            start,
            end,
            "distance-too-large",
            "use AND for the whole article",
        )


def _word(word: str, start: int) -> Lexeme:
    end = start + len(word)
    if kind := _OPERATORS.get(word):
        return Lexeme(kind, word, start, end)
    if near := _NEAR.match(word):
        words = int(near["words"]) if near["words"] else DEFAULT_NEAR
        _check_distance(words, start, end)
        return Lexeme(Kind.NEAR, word, start, end, words=words, is_ordered=bool(near["order"] or near["ordered"]))
    if not is_operator_in_lower_case(word):
        _check_word(word, start)
    return Lexeme(Kind.WORD, word, start, end)


def _check_word(word: str, start: int) -> None:
    """Refuse what another product would read otherwise."""
    end = start + len(word)
    if _LOOKS_NEAR.match(word):
        raise QueryError(
            f"{word} is no distance",
            start,
            end,
            "bad-near",
            "NEAR/10 is at most ten words between, NEAR/10f in that order; quote it for the word itself",
        )
    if other := _OTHER_OPERATORS.get(word):
        raise QueryError(f"{word} is not an operator", start, end, "unknown-operator", f"write {other}")
    if word[0] in "-!" and len(word) > 1:
        message = f"{word[0]} is not an operator"
        raise QueryError(message, start, start + 1, "unknown-operator", f"write NOT {word[1:]}")
    if word[0] == "+" and len(word) > 1:
        help_ = f'write AND between terms that are all needed, or "{word}" for the mark itself'
        raise QueryError("+ is not an operator", start, start + 1, "unknown-operator", help_)
    if word[0] == "/":
        raise QueryError("a / is not closed", start, end, "unclosed-regex", f'close it, or write "{word}"')
    if word[0] == "$":
        raise QueryError("a $ without the name of a set", start, start + 1, "unnamed-set", f'write $name, or "{word}"')
    if re.search(r"[~^]\d*(?:\.\d+)?\Z", word):
        mark = max(word.rfind("~"), word.rfind("^"))
        raise QueryError(
            f"{word[mark:]} is not known here",
            start + mark,
            end,
            "unknown-operator",
            'there are no boosts and no fuzzy words; "a b"~5 is a phrase with up to five other words inside',
        )
    _check_field(word, start)


def _check_field(word: str, start: int) -> None:
    found = _UNKNOWN_FIELD.match(word)
    if "://" in word:
        raise QueryError("an address", start, start + len(word), "bare-address", f'write url:"{word}" or site:HOST')
    if not found:
        return
    name = found[1] or found[2]
    guess = did_you_mean(name.casefold(), expression.FIELDS)
    fields = "the fields are " + ", ".join(expression.FIELDS)
    help_ = f"did you mean {guess}:?" if guess else f'{fields}; for the mark itself write "{word}"'
    raise QueryError(f'unknown field "{name}"', start, start + len(name), "unknown-field", help_)
