"""Where a reader of another product's query is, and the mistakes that all readers report alike."""

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
    def here(self) -> Lexeme:
        """The lexeme that comes next."""
        return self._lexemes[self._at]

    def is_at(self, kind: Kind) -> bool:
        """Whether the next lexeme is of this kind."""
        return self.here.kind is kind

    def take(self) -> Lexeme:
        """The next lexeme, which is then read."""
        self._at += 1
        return self._lexemes[self._at - 1]

    def whole(self, read: Callable[[], Part]) -> Part:
        """What is read, up to the end of the query."""
        tree = read()
        if self.here.kind is not Kind.END:
            raise QueryError("a ) was never opened", self.here.start, self.here.end, "unopened", "correct it there")
        return tree

    def enter(self, opening: Lexeme) -> None:
        """One level deeper. Raises QueryError past the limit."""
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
        """``levels`` up again."""
        self._depth -= levels

    def group(self, read: Callable[[], Part]) -> tuple[Part, Lexeme]:
        """What is in brackets, and the closing one."""
        opening = self.take()
        self.enter(opening)
        if self.here.kind is Kind.CLOSE:
            raise QueryError("empty brackets", opening.start, self.here.end, "empty-brackets", "remove them there")
        tree = read()
        if not self.is_at(Kind.CLOSE):
            raise QueryError("a ( is not closed", opening.start, opening.end, "unclosed", "close it there first")
        self.leave()
        closing = self.take()
        if closing.has_boost:
            self._notes.lose(closing.given, "its weight (^): nothing is ranked here")
        return tree, closing

    def term(self) -> Lexeme:
        """The lexeme of one term, which must be here."""
        here = self.here
        if here.kind not in STARTS_TERM or here.kind is Kind.PLUS:
            raise QueryError(
                f"a term is missing before {here.given or 'the end'}",
                here.start,
                max(here.end, here.start),
                "missing-term",
                "correct it there first, or quote the word",
            )
        return self.take()
