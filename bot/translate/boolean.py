"""Meltwater, Brandwatch, Talkwalker and Feedly: NEAR, then NOT, then AND, then OR; Google Alerts: OR before AND."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rules import expression
from bot.translate import joining, terms
from bot.translate.cursor import Cursor
from bot.translate.joining import Part
from bot.translate.lexemes import STARTS_TERM, Dialect, Kind, Lexeme
from bot.translate.notes import Notes

#: Talkwalker: words side by side must be near one another, with so many words for each pair.
TALKWALKER_DISTANCE = 10


def parse_boolean(lexemes: Sequence[Lexeme], dialect: Dialect, notes: Notes) -> Part:
    """Parse the lexemes; return None if nothing is left. Raises QueryError."""
    return _Parser(lexemes, dialect, notes).whole()


class _Parser:
    def __init__(self, lexemes: Sequence[Lexeme], dialect: Dialect, notes: Notes) -> None:
        self._cursor = Cursor(lexemes, notes)
        self._dialect = dialect
        self._notes = notes

    def whole(self) -> Part:
        return self._cursor.whole(lambda: self._or(None))

    def _or(self, field: str | None) -> Part:
        if self._dialect is Dialect.GOOGLE_ALERTS:
            return self._every_of_either(field)
        start = self._cursor.lexeme
        parts = [self._and(field)]
        while self._cursor.lexeme.kind is Kind.OR:
            self._cursor.take()
            parts.append(self._and(field))
        if len(parts) > 1 and any(isinstance(part, expression.All) for part in parts):
            self._notes.rewrite(start.written, "AND and OR without brackets: AND is taken first")
        return joining.either(parts)

    def _every_of_either(self, field: str | None) -> Part:
        """Parse ``a b OR c`` as a AND (b OR c)."""
        parts: list[Part] = []
        while not parts or self._cursor.lexeme.kind in (*STARTS_TERM, Kind.AND, Kind.NOT):
            if parts and self._cursor.is_at(Kind.AND):
                self._cursor.take()
            either = [self._not(field)]
            while self._cursor.is_at(Kind.OR):
                self._cursor.take()
                either.append(self._not(field))
            parts.append(joining.either(either))
        return joining.every(parts)

    def _and(self, field: str | None) -> Part:
        parts = [self._not(field)]
        while True:
            if self._cursor.lexeme.kind is Kind.AND:
                self._cursor.take()
            elif self._cursor.lexeme.kind in STARTS_TERM:
                self._notes.lose(self._cursor.lexeme.written, "no operator before it: taken as AND")
            elif self._cursor.lexeme.kind is not Kind.NOT:
                return joining.every(parts)
            parts.append(self._not(field, parts[-1]))

    def _not(self, field: str | None, left: Part = None) -> Part:
        if self._cursor.lexeme.kind is not Kind.NOT:
            return self._near(field)
        operator = self._cursor.take()
        self._cursor.enter(operator)
        is_near = self._cursor.is_at(Kind.NEAR)
        part = self._not_near(field, left) if is_near else joining.negative(self._not(field))
        self._cursor.leave()
        return part

    def _not_near(self, field: str | None, left: Part) -> Part:
        """Parse ``a NOT NEAR/5 b``."""
        near = self._cursor.take()
        right = self._term(field)
        self._notes.lose(near.written, "NOT NEAR: an article with both near each other once is excluded")
        return joining.negative(
            joining.near(left, right, near.distance or 0, near.is_ordered, near.written, self._notes)
        )

    def _near(self, field: str | None) -> Part:
        tree = self._term(field)
        count = 0
        while self._cursor.lexeme.kind is Kind.NEAR:
            operator = self._cursor.take()
            count += 1
            if operator.text == "NEAR":
                self._notes.rewrite(operator.written, "NEAR/4 here")
            if count == 2:
                self._notes.rewrite(operator.written, "a chain of NEAR: the first two are joined first")
            self._cursor.enter(operator)
            right = self._term(field)
            tree = joining.near(tree, right, operator.distance or 0, operator.is_ordered, operator.written, self._notes)
        self._cursor.leave(count)
        return tree

    def _term(self, field: str | None) -> Part:
        lexeme = self._cursor.lexeme
        if lexeme.kind is Kind.OPEN:
            return self._group(field)
        if lexeme.kind is Kind.FIELD:
            return self._in_field()
        if lexeme.kind is Kind.PLUS:
            return self._plus(field)
        self._cursor.term()
        if self._dialect is Dialect.TALKWALKER and lexeme.kind is Kind.WORD and self._cursor.lexeme.kind is Kind.WORD:
            return self._side_by_side(lexeme, field)
        return terms.leaf(lexeme, field, self._dialect, self._notes)

    def _plus(self, field: str | None) -> Part:
        """Parse ``++word``, exact case at Talkwalker, and ``+word``, which keeps its marks, as every term does here."""
        plus = self._cursor.take()
        lexeme = self._cursor.lexeme
        if lexeme.kind is not Kind.WORD:
            return self._term(field)
        self._cursor.take()
        kind = Kind.EXACT if plus.text == "++" else Kind.PHRASE
        exact = Lexeme(kind, lexeme.text, plus.start, lexeme.end, plus.written + lexeme.written)
        return terms.leaf(exact, field, self._dialect, self._notes)

    def _side_by_side(self, first: Lexeme, field: str | None) -> Part:
        run = [first]
        while self._cursor.lexeme.kind is Kind.WORD:
            run.append(self._cursor.take())
        written = " ".join(word.written for word in run)
        distance = (len(run) - 1) * TALKWALKER_DISTANCE
        self._notes.rewrite(written, f"words side by side: near one another, at most {distance} others inside")
        phrase = Lexeme(
            Kind.PHRASE, " ".join(word.text for word in run), first.start, run[-1].end, written, distance=distance
        )
        return terms.leaf(phrase, field, self._dialect, self._notes)

    def _in_field(self) -> Part:
        name = self._cursor.take()
        if name.text == "raw":
            return self._raw(name)
        field = terms.field_of(name, self._notes)
        tree = self._term(field)
        return tree if field else None

    def _raw(self, name: Lexeme) -> Part:
        """Parse ``raw:BT``, the older form of ``{BT}``."""
        lexeme = self._cursor.lexeme
        if lexeme.kind not in (Kind.WORD, Kind.PHRASE):
            return self._term(None)
        self._cursor.take()
        exact = Lexeme(Kind.EXACT, lexeme.text, name.start, lexeme.end, name.written + lexeme.written)
        return terms.leaf(exact, None, self._dialect, self._notes)

    def _group(self, field: str | None) -> Part:
        tree, closing = self._cursor.group(lambda: self._or(field))
        return tree if closing.distance is None else self._within(tree, closing)

    def _within(self, tree: Part, closing: Lexeme) -> Part:
        """Parse ``(a AND b)~5``, the older form of NEAR."""
        distance = closing.distance or 0
        if isinstance(tree, expression.All) and len(tree.parts) == 2:
            first, second = tree.parts
            self._notes.rewrite(closing.written, f"NEAR/{distance} here")
            return joining.near(first, second, distance, False, closing.written, self._notes)
        self._notes.lose(closing.written, "its distance: only two parts joined by AND can have a distance")
        return tree
