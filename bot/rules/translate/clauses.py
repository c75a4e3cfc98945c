"""Lucene's classic parser: no precedence, but clauses that must, should or must not be found.

``a AND b OR c`` is ``+a +b c``: c only raises the rank (QueryParserBase.addClause; IntraFind, «Always trouble with
Boolean queries»). What only ranks decides nothing here, so it is left out and noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bot.rules.errors import QueryError
from bot.rules.grammar import MAX_DEPTH
from bot.rules.translate import joining, terms
from bot.rules.translate.joining import Part
from bot.rules.translate.lexemes import STARTS_TERM, Dialect, Kind, Lexeme
from bot.rules.translate.notes import Notes


class Occur(Enum):
    MUST = "+"
    SHOULD = ""
    MUST_NOT = "-"


@dataclass(slots=True)
class _Clause:
    occur: Occur
    part: Part
    given: str


def read(lexemes: Sequence[Lexeme], dialect: Dialect, notes: Notes) -> Part:
    """None: nothing is left. Raises QueryError."""
    return _Reader(lexemes, dialect, notes).whole()


class _Reader:
    def __init__(self, lexemes: Sequence[Lexeme], dialect: Dialect, notes: Notes) -> None:
        self._lexemes = lexemes
        self._at = 0
        self._dialect = dialect
        self._notes = notes
        self._depth = 0

    @property
    def _here(self) -> Lexeme:
        return self._lexemes[self._at]

    def _next(self) -> Lexeme:
        self._at += 1
        return self._lexemes[self._at - 1]

    def whole(self) -> Part:
        tree = self._clauses(None)
        if self._here.kind is not Kind.END:
            raise QueryError("a ) was never opened", self._here.start, self._here.end, "unopened", "correct it there")
        return tree

    def _clauses(self, field: str | None) -> Part:
        found: list[_Clause] = []
        while self._here.kind not in (Kind.END, Kind.CLOSE):
            joint = self._next().kind if self._here.kind in (Kind.AND, Kind.OR) else None
            occur = self._modifier()
            first = self._here
            part = self._term(field)
            if joint is Kind.AND:
                if found and found[-1].occur is Occur.SHOULD:
                    found[-1].occur = Occur.MUST
                if occur is Occur.SHOULD:
                    occur = Occur.MUST
            found.append(_Clause(occur, part, first.given))
        return self._joined(found)

    def _modifier(self) -> Occur:
        if self._here.kind is Kind.PLUS:
            self._next()
            return Occur.MUST
        if self._here.kind is Kind.NOT:
            self._next()
            return Occur.MUST_NOT
        return Occur.SHOULD

    def _joined(self, found: Sequence[_Clause]) -> Part:
        must = [clause.part for clause in found if clause.occur is Occur.MUST]
        should = [clause for clause in found if clause.occur is Occur.SHOULD]
        must_not = [joining.negative(clause.part) for clause in found if clause.occur is Occur.MUST_NOT]
        if must:
            for clause in should:
                self._notes.lose(clause.given, "left out: beside terms that must be found it only ranked")
            return joining.every([*must, *must_not])
        if not should and must_not:
            self._notes.lose(
                found[0].given, "only exclusions: Lucene finds nothing by them, and a rule of them is refused"
            )
        return joining.every([joining.either(clause.part for clause in should), *must_not])

    def _term(self, field: str | None) -> Part:
        here = self._here
        if here.kind is Kind.OPEN:
            return self._group(field)
        if here.kind is Kind.FIELD:
            self._next()
            inner = terms.field_of(here, self._notes)
            tree = self._term(inner)
            return tree if inner else None
        if here.kind not in STARTS_TERM or here.kind is Kind.PLUS:
            raise QueryError(
                f"a term is missing before {here.given or 'the end'}",
                here.start,
                max(here.end, here.start),
                "missing-term",
                "correct it there first, or quote the word",
            )
        self._next()
        return terms.leaf(here, field, self._dialect, self._notes)

    def _group(self, field: str | None) -> Part:
        opening = self._next()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(
                f"more than {MAX_DEPTH} levels of brackets",
                opening.start,
                opening.end,
                "too-deep",
                "split it into several queries",
            )
        if self._here.kind is Kind.CLOSE:
            raise QueryError("empty brackets", opening.start, self._here.end, "empty-brackets", "remove them there")
        tree = self._clauses(field)
        closing = self._here
        if closing.kind is not Kind.CLOSE:
            raise QueryError("a ( is not closed", opening.start, opening.end, "unclosed", "close it there first")
        self._next()
        self._depth -= 1
        if closing.has_boost:
            self._notes.lose(closing.given, "its weight (^): nothing is ranked here")
        return tree
