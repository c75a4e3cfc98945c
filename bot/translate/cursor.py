"""The position in another product's query, and the mistakes that both grammars report alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.rules.errors import QueryError
from bot.rules.grammar import MAX_DEPTH
from bot.translate.joining import Part
from bot.translate.lexemes import STARTS_TERM, Kind, Lexeme
from bot.translate.notes import Notes


class Cursor:
    """Goes through the lexemes of one query once; the last is END."""

    def __init__(self, lexemes: Sequence[Lexeme], notes: Notes) -> None:
        self._lexemes = lexemes
        self._notes = notes
        self._at = 0
        self._depth = 0

    @property
    def lexeme(self) -> Lexeme:
        """Return the next lexeme."""
        return self._lexemes[self._at]

    def is_at(self, kind: Kind) -> bool:
        """Return whether the next lexeme is of this kind."""
        return self.lexeme.kind is kind

    def take(self) -> Lexeme:
        """Return the next lexeme and move past it."""
        self._at += 1
        return self._lexemes[self._at - 1]

    def whole(self, parse: Callable[[], Part]) -> Part:
        """Parse up to the end of the query."""
        tree = parse()
        if self.lexeme.kind is not Kind.END:
            raise QueryError("a ) was never opened", self.lexeme.start, self.lexeme.end, "unopened", "correct it there")
        return tree

    def enter(self, opening: Lexeme) -> None:
        """Go one level deeper. Raises QueryError past the limit."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(
                f"more than {MAX_DEPTH} levels of brackets, NOT or NEAR",
                opening.start,
                opening.end,
                "too-deep",
                "split it into several queries",
            )

    def leave(self, levels: int = 1) -> None:
        """Go up by ``levels``."""
        self._depth -= levels

    def group(self, parse: Callable[[], Part]) -> tuple[Part, Lexeme]:
        """Parse what is in brackets; return it and the closing bracket."""
        opening = self.take()
        self.enter(opening)
        if self.lexeme.kind is Kind.CLOSE:
            raise QueryError("empty brackets", opening.start, self.lexeme.end, "empty-brackets", "remove them there")
        tree = parse()
        if not self.is_at(Kind.CLOSE):
            raise QueryError("a ( is not closed", opening.start, opening.end, "unclosed", "close it there first")
        self.leave()
        closing = self.take()
        if closing.has_boost:
            self._notes.lose(closing.written, "its weight (^): Wirewatch does not rank")
        return tree, closing

    def term(self) -> Lexeme:
        """Take the lexeme of one term. Raises QueryError if the next lexeme is another."""
        lexeme = self.lexeme
        if lexeme.kind not in STARTS_TERM or lexeme.kind is Kind.PLUS:
            raise QueryError(
                f"a term is missing before {lexeme.written or 'the end'}",
                lexeme.start,
                max(lexeme.end, lexeme.start),
                "missing-term",
                "correct it there first, or quote the word",
            )
        return self.take()
