"""Regular expressions in linear time. The only file that imports google-re2."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import re2

from bot.rules.errors import QueryError

#: Maximum memory of a compiled expression; a larger one would slow down every article.
MAX_BYTES = 1 << 20
MAX_CHARACTERS = 1_000
#: Maximum instructions of an expression in a rule, and in a search.
MAX_SIZE, MAX_SEARCH_SIZE = 5_000, 2_000
#: Number of tries (one instruction at one character) that count as one step.
_INSTRUCTIONS_A_STEP = 1_000
_CACHED = 4_096

#: A part of RE2's message, our message, and the remedy.
_MEANINGS = (
    ("perl operator", "look-around is not supported", "write what must be there, or exclude it under none"),
    ("invalid escape", "this escape is not supported", "back references are not supported; \\d \\w \\s \\b are"),
    ("missing )", "a ( is not closed", 'close it, or write \\( to match a literal "("'),
    ("unexpected )", "a ) was never opened", 'to match a literal ")", write \\)'),
    ("missing ]", "a [ is not closed", 'close it, or write \\[ to match a literal "["'),
    ("no argument", "a repetition with nothing to repeat", 'to match a literal "*" or "+", write \\* or \\+'),
    ("repetition", "a repetition that is too large", "repeat at most 1000 times"),
    ("too large", "an expression that is too large", "use smaller repeat counts, or split it into several terms"),
    ("trailing \\", "a \\ at the end", 'to match a literal "\\", write \\\\'),
    ("character class", "a bad range in [ ]", "write the smaller character first"),
)


def check(source: str) -> None:
    """Check an expression. Raises QueryError with offsets into the source."""
    if len(source) > MAX_CHARACTERS:
        raise QueryError(
            f"an expression of {len(source):,} characters; at most {MAX_CHARACTERS:,} are allowed",
            0,
            len(source),
            "bad-regex",
            "list the words instead",
        )
    try:
        matches_nothing = _compile(source, False).fullmatch("")
    except re2.error as error:
        raise _as_query_error(source, error) from None
    if size(source) > MAX_SIZE:
        raise QueryError(
            f"an expression that is too large: {size(source):,} instructions; at most {MAX_SIZE:,} are allowed",
            0,
            len(source),
            "bad-regex",
            "use smaller repeat counts, or split it into several terms",
        )
    if matches_nothing:
        raise QueryError(
            "this expression also matches an empty text, so every article would match",
            0,
            len(source),
            "empty-regex",
            "add a required part, as in /hack.*/",
        )


def _as_query_error(source: str, error: Exception) -> QueryError:
    reason = error.args[0] if error.args else ""
    reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    for fragment, meaning, remedy in _MEANINGS:
        if fragment in reason:
            return QueryError(f"{meaning}: {reason}", 0, len(source), "bad-regex", remedy)
    return QueryError(f"not a regular expression: {reason}", 0, len(source), "bad-regex")


def size(source: str) -> int:
    """Return the number of instructions of the compiled expression."""
    return int(_compile(source, False).programsize)


def steps(source: str, ignores_case: bool, length: int) -> int:
    """Return the maximum steps of a search through a text of this length."""
    return 1 + length * int(_compile(source, ignores_case).programsize) // _INSTRUCTIONS_A_STEP


def spans(source: str, ignores_case: bool, string: str) -> Iterator[tuple[int, int]]:
    """Yield the non-empty matches in a string, from left to right."""
    for match in _compile(source, ignores_case).finditer(string):
        start, end = match.span()
        if start < end:
            yield start, end


@functools.lru_cache(maxsize=_CACHED)
def _compile(source: str, ignores_case: bool) -> re2._Regexp:
    options = re2.Options()
    options.max_mem = MAX_BYTES
    options.log_errors = False
    options.case_sensitive = not ignores_case
    return re2.compile(source, options)
