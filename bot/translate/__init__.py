"""Another product's query → the same in ours, and what could not be kept.

    text → lexemes (what a mark means there) → one of two grammars → expression → our query
                                               boolean: Meltwater, Brandwatch, Talkwalker,
                                                        Feedly, Google Alerts
                                               clauses: Lucene

A part that has no counterpart is left out or widened, never silently: each such place is a note. The result parses.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.language import tokens
from bot.rules import parse
from bot.rules.errors import QueryError
from bot.rules.show import show
from bot.translate import boolean, clauses, lexemes
from bot.translate.lexemes import Dialect
from bot.translate.notes import Note, Notes

__all__ = ["Dialect", "Note", "Translation", "translate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A translated query."""

    #: In our language; empty: nothing of it could be kept.
    query: str
    #: What was lost or guessed; empty: it means here what it meant there.
    lost: tuple[Note, ...]
    #: What is written otherwise and means the same.
    rewritten: tuple[Note, ...]


def translate(query: str, dialect: Dialect) -> Translation:
    """Raises QueryError where the query is broken in its own language, or too large for ours.

    Its offsets are into ``text.normalise(query)``.
    """
    if len(query) > parse.MAX_CHARACTERS:
        raise QueryError(
            f"{len(query):,} characters; at most {parse.MAX_CHARACTERS:,}",
            parse.MAX_CHARACTERS,
            len(query),
            "query-too-long",
            "split it into several",
        )
    normal = tokens.normalise(query)
    notes = Notes()
    found = lexemes.lex(normal, dialect)
    if len(found) == 1:
        raise QueryError("an empty query", 0, len(normal), "empty-query", "paste the query of the other product")
    parse_whole = clauses.parse_clauses if dialect is Dialect.LUCENE else boolean.parse_boolean
    tree = parse_whole(found, dialect, notes)
    shown = "" if tree is None else show(tree)
    if shown:
        # Within our own limits too: brackets, terms, NEAR.
        parse.parse_query(shown)
    return Translation(query=shown, lost=notes.lost, rewritten=notes.rewritten)
