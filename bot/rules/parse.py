"""Parse a query or a list item into an expression; a mistake has its place in the text as written."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from bot.language import tokens as words_of
from bot.rules import expression, grammar, terms
from bot.rules.errors import QueryError

MAX_CHARACTERS = 100_000

_NO_SETS: terms.Sets = MappingProxyType({})


def parse_query(text: str, *, sets: terms.Sets = _NO_SETS) -> expression.Expression:
    """Parse a query. Raises QueryError with offsets into the text."""
    return _in_place(text, lambda normal: grammar.Parser(normal, terms.SetReader(sets)).whole())


def parse_term(text: str, *, sets: terms.Sets = _NO_SETS) -> expression.Expression:
    """Parse one list item: a term without operators. Raises QueryError."""
    if text.isascii() and "$" not in text and len(text) <= MAX_CHARACTERS:
        return terms.ITEMS[text]
    return _in_place(text, lambda normal: terms.item(normal, terms.SetReader(sets), None))


def _in_place(text: str, read: Callable[[str], expression.Expression]) -> expression.Expression:
    """Parse the normal form of a text, and place an error in the text itself."""
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"{len(text):,} characters; at most {MAX_CHARACTERS:,}",
            MAX_CHARACTERS,
            len(text),
            "query-too-long",
            "split it into several rules, or name a list as a set",
        )
    if text.isascii():
        return read(text)
    normal = words_of.normalise_with_offsets(text)
    try:
        return read(normal.text)
    except QueryError as error:
        raise error.at(*_original(normal, error.start, error.end, len(text))) from None


def _original(normal: words_of.Normal, start: int, end: int, length: int) -> tuple[int, int]:
    size = len(normal.text)
    if start >= size:
        return length, length
    end = min(max(end, start), size)
    if end == start:
        place = normal.place(start, start + 1)[0]
        return place, place
    return normal.place(start, end)
