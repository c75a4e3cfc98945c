"""Lucene's classic parser: no precedence, but clauses that must, should or must not match.

``a AND b OR c`` is ``+a +b c``: c only raises the rank (QueryParserBase.addClause; IntraFind, “Always trouble with
Boolean queries”). A clause that only ranks decides nothing here, so it is dropped and noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bot.translate import joining, terms
from bot.translate.cursor import Cursor
from bot.translate.joining import Part
from bot.translate.lexemes import Dialect, Kind, Lexeme
from bot.translate.notes import Notes


class _Occur(Enum):
    """How a clause counts."""

    MUST = "+"
    SHOULD = ""
    MUST_NOT = "-"


@dataclass(slots=True)
class _Clause:
    occur: _Occur
    part: Part
    written: str


def parse_clauses(lexemes: Sequence[Lexeme], dialect: Dialect, notes: Notes) -> Part:
    """Parse the lexemes; return None if nothing is left. Raises QueryError."""
    return _Parser(lexemes, dialect, notes).whole()


class _Parser:
    def __init__(self, lexemes: Sequence[Lexeme], dialect: Dialect, notes: Notes) -> None:
        self._cursor = Cursor(lexemes, notes)
        self._dialect = dialect
        self._notes = notes

    def whole(self) -> Part:
        return self._cursor.whole(lambda: self._clauses(None))

    def _clauses(self, field: str | None) -> Part:
        clauses: list[_Clause] = []
        while self._cursor.lexeme.kind not in (Kind.END, Kind.CLOSE):
            joint = self._cursor.take().kind if self._cursor.lexeme.kind in (Kind.AND, Kind.OR) else None
            occur = self._modifier()
            first = self._cursor.lexeme
            part = self._term(field)
            if joint is Kind.AND:
                if clauses and clauses[-1].occur is _Occur.SHOULD:
                    clauses[-1].occur = _Occur.MUST
                if occur is _Occur.SHOULD:
                    occur = _Occur.MUST
            clauses.append(_Clause(occur, part, first.written))
        return self._joined(clauses)

    def _modifier(self) -> _Occur:
        if self._cursor.lexeme.kind is Kind.PLUS:
            self._cursor.take()
            return _Occur.MUST
        if self._cursor.lexeme.kind is Kind.NOT:
            self._cursor.take()
            return _Occur.MUST_NOT
        return _Occur.SHOULD

    def _joined(self, clauses: Sequence[_Clause]) -> Part:
        must = [clause.part for clause in clauses if clause.occur is _Occur.MUST]
        should = [clause for clause in clauses if clause.occur is _Occur.SHOULD]
        must_not = [joining.negative(clause.part) for clause in clauses if clause.occur is _Occur.MUST_NOT]
        if must:
            for clause in should:
                self._notes.lose(clause.written, "dropped: with required terms it only affected the ranking")
            return joining.every([*must, *must_not])
        if not should and must_not:
            self._notes.lose(
                clauses[0].written, "only exclusions: Lucene finds nothing with them, and rules cannot consist of them"
            )
        return joining.every([joining.either(clause.part for clause in should), *must_not])

    def _term(self, field: str | None) -> Part:
        lexeme = self._cursor.lexeme
        if lexeme.kind is Kind.OPEN:
            return self._cursor.group(lambda: self._clauses(field))[0]
        if lexeme.kind is Kind.FIELD:
            self._cursor.take()
            inner = terms.field_of(lexeme, self._notes)
            tree = self._term(inner)
            return tree if inner else None
        self._cursor.term()
        return terms.leaf(lexeme, field, self._dialect, self._notes)
