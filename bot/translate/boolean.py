"""Meltwater, Brandwatch, Talkwalker and Feedly: NEAR, then NOT, then AND, then OR; Google Alerts: OR before AND."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rules import expression
from bot.translate import joining, terms
from bot.translate.cursor import Cursor
from bot.translate.joining import Part
from bot.translate.lexemes import STARTS_TERM, Dialect, Kind, Lexeme
from bot.translate.notes import Notes

#: Talkwalker: words side by side are found near one another, so many words for each pair.
TALKWALKER_DISTANCE = 10


def parse_boolean(lexemes: Sequence[Lexeme], dialect: Dialect, notes: Notes) -> Part:
    """None: nothing is left. Raises QueryError."""
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
        start = self._cursor.here
        parts = [self._and(field)]
        while self._cursor.here.kind is Kind.OR:
            self._cursor.take()
            parts.append(self._and(field))
        if len(parts) > 1 and any(isinstance(part, expression.All) for part in parts):
            self._notes.rewrite(start.given, "AND and OR without brackets: AND is taken first")
        return joining.either(parts)

    def _every_of_either(self, field: str | None) -> Part:
        """``a b OR c`` is a AND (b OR c)."""
        parts: list[Part] = []
        while not parts or self._cursor.here.kind in (*STARTS_TERM, Kind.AND, Kind.NOT):
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
            if self._cursor.here.kind is Kind.AND:
                self._cursor.take()
            elif self._cursor.here.kind in STARTS_TERM:
                self._notes.lose(self._cursor.here.given, "nothing between it and the term before: taken as AND")
            elif self._cursor.here.kind is not Kind.NOT:
                return joining.every(parts)
            parts.append(self._not(field, parts[-1]))

    def _not(self, field: str | None, before: Part = None) -> Part:
        if self._cursor.here.kind is not Kind.NOT:
            return self._near(field)
        operator = self._cursor.take()
        self._cursor.enter(operator)
        is_near = self._cursor.is_at(Kind.NEAR)
        part = self._not_near(field, before) if is_near else joining.negative(self._not(field))
        self._cursor.leave()
        return part

    def _not_near(self, field: str | None, before: Part) -> Part:
        """``a NOT NEAR/5 b``."""
        near = self._cursor.take()
        other = self._term(field)
        self._notes.lose(near.given, "NOT NEAR: an article where both stand near once is excluded whole")
        return joining.negative(
            joining.near(before, other, near.distance or 0, near.is_ordered, near.given, self._notes)
        )

    def _near(self, field: str | None) -> Part:
        tree = self._term(field)
        count = 0
        while self._cursor.here.kind is Kind.NEAR:
            operator = self._cursor.take()
            count += 1
            if operator.text == "NEAR":
                self._notes.rewrite(operator.given, "NEAR/4 here")
            if count == 2:
                self._notes.rewrite(operator.given, "a chain of NEAR: the first two are joined first")
            self._cursor.enter(operator)
            right = self._term(field)
            tree = joining.near(tree, right, operator.distance or 0, operator.is_ordered, operator.given, self._notes)
        self._cursor.leave(count)
        return tree

    def _term(self, field: str | None) -> Part:
        here = self._cursor.here
        if here.kind is Kind.OPEN:
            return self._group(field)
        if here.kind is Kind.FIELD:
            return self._in_field()
        if here.kind is Kind.PLUS:
            return self._plus(field)
        self._cursor.term()
        if self._dialect is Dialect.TALKWALKER and here.kind is Kind.WORD and self._cursor.here.kind is Kind.WORD:
            return self._side_by_side(here, field)
        return terms.leaf(here, field, self._dialect, self._notes)

    def _plus(self, field: str | None) -> Part:
        """``++word`` is exact case at Talkwalker, ``+word`` keeps its marks, which is so here for every term."""
        plus = self._cursor.take()
        here = self._cursor.here
        if here.kind is not Kind.WORD:
            return self._term(field)
        self._cursor.take()
        kind = Kind.EXACT if plus.text == "++" else Kind.PHRASE
        exact = Lexeme(kind, here.text, plus.start, here.end, plus.given + here.given)
        return terms.leaf(exact, field, self._dialect, self._notes)

    def _side_by_side(self, first: Lexeme, field: str | None) -> Part:
        run = [first]
        while self._cursor.here.kind is Kind.WORD:
            run.append(self._cursor.take())
        given = " ".join(word.given for word in run)
        distance = (len(run) - 1) * TALKWALKER_DISTANCE
        self._notes.rewrite(given, f"words side by side: near one another, at most {distance} others inside")
        phrase = Lexeme(
            Kind.PHRASE, " ".join(word.text for word in run), first.start, run[-1].end, given, distance=distance
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
        """``raw:BT``, the older form of ``{BT}``."""
        here = self._cursor.here
        if here.kind not in (Kind.WORD, Kind.PHRASE):
            return self._term(None)
        self._cursor.take()
        exact = Lexeme(Kind.EXACT, here.text, name.start, here.end, name.given + here.given)
        return terms.leaf(exact, None, self._dialect, self._notes)

    def _group(self, field: str | None) -> Part:
        tree, closing = self._cursor.group(lambda: self._or(field))
        return tree if closing.distance is None else self._within(tree, closing)

    def _within(self, tree: Part, closing: Lexeme) -> Part:
        """``(a AND b)~5``, the older form of NEAR."""
        distance = closing.distance or 0
        if isinstance(tree, expression.All) and len(tree.parts) == 2:
            first, second = tree.parts
            self._notes.rewrite(closing.given, f"NEAR/{distance} here")
            return joining.near(first, second, distance, False, closing.given, self._notes)
        self._notes.lose(closing.given, "its distance: only two parts joined by AND can stand near one another")
        return tree
