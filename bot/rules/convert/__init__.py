"""Convert another product's query into our language, and note the parts that could not be kept.

    text → lexemes of its dialect → one of two grammars → expression → our query

A part without a counterpart is dropped or widened, and a note records it. The resulting query is valid.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.rules import parse
from bot.rules.convert import grammars, lexemes
from bot.rules.convert.lexemes import Dialect
from bot.rules.convert.terms import Note, Notes
from bot.rules.errors import QueryError
from bot.rules.parse import render_query
from bot.text import tokens

__all__ = [
    "Conversion",
    "Dialect",
    "Note",
    "convert",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    #: The query in our language; empty if nothing could be kept.
    query: str
    #: Notes on parts whose meaning was lost or guessed; empty if the meaning is the same.
    lost: tuple[Note, ...]
    #: Notes on parts that are written differently but mean the same.
    rewritten: tuple[Note, ...]


def convert(query: str, dialect: Dialect) -> Conversion:
    """Convert a query. Raises QueryError if it is invalid in its own language, or too large for ours.

    The offsets of the error are into ``tokens.normalise(query)``.
    """
    if len(query) > parse.MAX_QUERY_CHARACTERS:
        raise QueryError(
            f"the query has {len(query):,} characters; at most {parse.MAX_QUERY_CHARACTERS:,} are allowed",
            parse.MAX_QUERY_CHARACTERS,
            len(query),
            "query-too-long",
            "split the query into several",
        )
    normal = tokens.normalise(query)
    notes = Notes()
    query_lexemes = lexemes.lex(normal, dialect)
    if len(query_lexemes) == 1:
        raise QueryError("an empty query", 0, len(normal), "empty-query", "paste the query of the other product")
    grammar = grammars.ClauseParser if dialect is Dialect.LUCENE else grammars.BooleanParser
    tree = grammar(query_lexemes, dialect, notes).whole()
    converted = "" if tree is None else render_query(tree)
    if converted:
        # Check our own limits too: brackets, terms, NEAR.
        parse.parse_query(converted)
    return Conversion(query=converted, lost=tuple(notes.lost), rewritten=tuple(notes.rewritten))
