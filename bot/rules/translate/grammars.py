"""The two grammars of other products.

Boolean: Meltwater, Brandwatch, Talkwalker and Feedly take NEAR, then NOT, then AND, then OR; Google Alerts takes OR
before AND. Clauses: Lucene's classic parser has no precedence, but clauses that must, should or must not match.
``a AND b OR c`` is ``+a +b c``: c only raises the rank (QueryParserBase.addClause), so it is dropped and noted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.rules import expression
from bot.rules.errors import QueryError
from bot.rules.parse import MAX_DEPTH
from bot.rules.translate import terms
from bot.rules.translate.lexemes import TERM_STARTS, Dialect, ForeignKind, ForeignLexeme
from bot.rules.translate.terms import Notes, Part, join_all, join_any, join_near, negate

#: Talkwalker: words side by side must be near one another, with so many words for each pair.
TALKWALKER_DISTANCE = 10


class _Parser:
    """Goes through the lexemes of one query once; the last is END."""

    def __init__(self, lexemes: Sequence[ForeignLexeme], dialect: Dialect, notes: Notes) -> None:
        self._lexemes = lexemes
        self._dialect = dialect
        self._notes = notes
        self._at = 0
        self._depth = 0

    @property
    def lexeme(self) -> ForeignLexeme:
        return self._lexemes[self._at]

    def is_at(self, kind: ForeignKind) -> bool:
        """Return whether the next lexeme is of this kind."""
        return self.lexeme.kind is kind

    def take(self) -> ForeignLexeme:
        """Return the next lexeme and move past it."""
        self._at += 1
        return self._lexemes[self._at - 1]

    def whole(self, parse: Callable[[], Part]) -> Part:
        """Parse up to the end of the query."""
        tree = parse()
        if self.lexeme.kind is not ForeignKind.END:
            raise QueryError("a ) was never opened", self.lexeme.start, self.lexeme.end, "unopened", "correct it there")
        return tree

    def enter(self, opening: ForeignLexeme) -> None:
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

    def group(self, parse: Callable[[], Part]) -> tuple[Part, ForeignLexeme]:
        """Parse what is in brackets; return it and the closing bracket."""
        opening = self.take()
        self.enter(opening)
        if self.lexeme.kind is ForeignKind.CLOSE:
            raise QueryError("empty brackets", opening.start, self.lexeme.end, "empty-brackets", "remove them there")
        tree = parse()
        if not self.is_at(ForeignKind.CLOSE):
            raise QueryError("a ( is not closed", opening.start, opening.end, "unclosed", "close it there first")
        self.leave()
        closing = self.take()
        if closing.has_boost:
            self._notes.lose(closing.written, "its weight (^): Wirewatch does not rank")
        return tree, closing

    def term(self) -> ForeignLexeme:
        """Take the lexeme of one term. Raises QueryError if the next lexeme is another."""
        lexeme = self.lexeme
        if lexeme.kind not in TERM_STARTS or lexeme.kind is ForeignKind.PLUS:
            raise QueryError(
                f"a term is missing before {lexeme.written or 'the end'}",
                lexeme.start,
                max(lexeme.end, lexeme.start),
                "missing-term",
                "correct it there first, or quote the word",
            )
        return self.take()


def parse_boolean(lexemes: Sequence[ForeignLexeme], dialect: Dialect, notes: Notes) -> Part:
    """Parse the lexemes; return None if nothing is left. Raises QueryError."""
    parser = _BooleanParser(lexemes, dialect, notes)
    return parser.whole(lambda: parser.parse_or(None))


class _BooleanParser(_Parser):
    def parse_or(self, field: str | None) -> Part:
        if self._dialect is Dialect.GOOGLE_ALERTS:
            return self._every_of_either(field)
        start = self.lexeme
        parts = [self._and(field)]
        while self.lexeme.kind is ForeignKind.OR:
            self.take()
            parts.append(self._and(field))
        if len(parts) > 1 and any(isinstance(part, expression.All) for part in parts):
            self._notes.rewrite(start.written, "AND and OR without brackets: AND is taken first")
        return join_any(parts)

    def _every_of_either(self, field: str | None) -> Part:
        """Parse ``a b OR c`` as a AND (b OR c)."""
        parts: list[Part] = []
        while not parts or self.lexeme.kind in (*TERM_STARTS, ForeignKind.AND, ForeignKind.NOT):
            if parts and self.is_at(ForeignKind.AND):
                self.take()
            either = [self._not(field)]
            while self.is_at(ForeignKind.OR):
                self.take()
                either.append(self._not(field))
            parts.append(join_any(either))
        return join_all(parts)

    def _and(self, field: str | None) -> Part:
        parts = [self._not(field)]
        while True:
            if self.lexeme.kind is ForeignKind.AND:
                self.take()
            elif self.lexeme.kind in TERM_STARTS:
                self._notes.lose(self.lexeme.written, "no operator before it: taken as AND")
            elif self.lexeme.kind is not ForeignKind.NOT:
                return join_all(parts)
            parts.append(self._not(field, parts[-1]))

    def _not(self, field: str | None, left: Part = None) -> Part:
        if self.lexeme.kind is not ForeignKind.NOT:
            return self._near(field)
        operator = self.take()
        self.enter(operator)
        is_near = self.is_at(ForeignKind.NEAR)
        part = self._not_near(field, left) if is_near else negate(self._not(field))
        self.leave()
        return part

    def _not_near(self, field: str | None, left: Part) -> Part:
        """Parse ``a NOT NEAR/5 b``."""
        lexeme = self.take()
        right = self._term(field)
        self._notes.lose(lexeme.written, "NOT NEAR: an article with both near each other once is excluded")
        return negate(join_near(left, right, lexeme.distance or 0, lexeme.is_ordered, lexeme.written, self._notes))

    def _near(self, field: str | None) -> Part:
        tree = self._term(field)
        count = 0
        while self.lexeme.kind is ForeignKind.NEAR:
            operator = self.take()
            count += 1
            if operator.text == "NEAR":
                self._notes.rewrite(operator.written, "NEAR/4 here")
            if count == 2:
                self._notes.rewrite(operator.written, "a chain of NEAR: the first two are joined first")
            self.enter(operator)
            right = self._term(field)
            tree = join_near(tree, right, operator.distance or 0, operator.is_ordered, operator.written, self._notes)
        self.leave(count)
        return tree

    def _term(self, field: str | None) -> Part:
        lexeme = self.lexeme
        if lexeme.kind is ForeignKind.OPEN:
            return self._group(field)
        if lexeme.kind is ForeignKind.FIELD:
            return self._in_field()
        if lexeme.kind is ForeignKind.PLUS:
            return self._plus(field)
        self.term()
        if (
            self._dialect is Dialect.TALKWALKER
            and lexeme.kind is ForeignKind.WORD
            and self.lexeme.kind is ForeignKind.WORD
        ):
            return self._side_by_side(lexeme, field)
        return terms.translate_term(lexeme, field, self._dialect, self._notes)

    def _plus(self, field: str | None) -> Part:
        """Parse ``++word``, exact case at Talkwalker, and ``+word``, which keeps its marks, as every term does here."""
        plus = self.take()
        lexeme = self.lexeme
        if lexeme.kind is not ForeignKind.WORD:
            return self._term(field)
        self.take()
        kind = ForeignKind.EXACT if plus.text == "++" else ForeignKind.PHRASE
        exact = ForeignLexeme(kind, lexeme.text, plus.start, lexeme.end, plus.written + lexeme.written)
        return terms.translate_term(exact, field, self._dialect, self._notes)

    def _side_by_side(self, first: ForeignLexeme, field: str | None) -> Part:
        run = [first]
        while self.lexeme.kind is ForeignKind.WORD:
            run.append(self.take())
        written = " ".join(word.written for word in run)
        distance = (len(run) - 1) * TALKWALKER_DISTANCE
        self._notes.rewrite(written, f"words side by side: near one another, at most {distance} others inside")
        phrase = ForeignLexeme(
            ForeignKind.PHRASE,
            " ".join(word.text for word in run),
            first.start,
            run[-1].end,
            written,
            distance=distance,
        )
        return terms.translate_term(phrase, field, self._dialect, self._notes)

    def _in_field(self) -> Part:
        name = self.take()
        if name.text == "raw":
            return self._raw(name)
        field = terms.translate_field(name, self._notes)
        tree = self._term(field)
        return tree if field else None

    def _raw(self, name: ForeignLexeme) -> Part:
        """Parse ``raw:BT``, the older form of ``{BT}``."""
        lexeme = self.lexeme
        if lexeme.kind not in (ForeignKind.WORD, ForeignKind.PHRASE):
            return self._term(None)
        self.take()
        exact = ForeignLexeme(ForeignKind.EXACT, lexeme.text, name.start, lexeme.end, name.written + lexeme.written)
        return terms.translate_term(exact, None, self._dialect, self._notes)

    def _group(self, field: str | None) -> Part:
        tree, closing = self.group(lambda: self.parse_or(field))
        return tree if closing.distance is None else self._within(tree, closing)

    def _within(self, tree: Part, closing: ForeignLexeme) -> Part:
        """Parse ``(a AND b)~5``, the older form of NEAR."""
        distance = closing.distance or 0
        if isinstance(tree, expression.All) and len(tree.parts) == 2:
            first, second = tree.parts
            self._notes.rewrite(closing.written, f"NEAR/{distance} here")
            return join_near(first, second, distance, False, closing.written, self._notes)
        self._notes.lose(closing.written, "its distance: only two parts joined by AND can have a distance")
        return tree


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


def parse_clauses(lexemes: Sequence[ForeignLexeme], dialect: Dialect, notes: Notes) -> Part:
    """Parse the lexemes; return None if nothing is left. Raises QueryError."""
    parser = _ClauseParser(lexemes, dialect, notes)
    return parser.whole(lambda: parser.parse_clauses(None))


class _ClauseParser(_Parser):
    def parse_clauses(self, field: str | None) -> Part:
        clauses: list[_Clause] = []
        while self.lexeme.kind not in (ForeignKind.END, ForeignKind.CLOSE):
            joint = self.take().kind if self.lexeme.kind in (ForeignKind.AND, ForeignKind.OR) else None
            occur = self._modifier()
            first = self.lexeme
            part = self._term(field)
            if joint is ForeignKind.AND:
                if clauses and clauses[-1].occur is _Occur.SHOULD:
                    clauses[-1].occur = _Occur.MUST
                if occur is _Occur.SHOULD:
                    occur = _Occur.MUST
            clauses.append(_Clause(occur, part, first.written))
        return self._joined(clauses)

    def _modifier(self) -> _Occur:
        if self.lexeme.kind is ForeignKind.PLUS:
            self.take()
            return _Occur.MUST
        if self.lexeme.kind is ForeignKind.NOT:
            self.take()
            return _Occur.MUST_NOT
        return _Occur.SHOULD

    def _joined(self, clauses: Sequence[_Clause]) -> Part:
        must = [clause.part for clause in clauses if clause.occur is _Occur.MUST]
        should = [clause for clause in clauses if clause.occur is _Occur.SHOULD]
        must_not = [terms.negate(clause.part) for clause in clauses if clause.occur is _Occur.MUST_NOT]
        if must:
            for clause in should:
                self._notes.lose(clause.written, "dropped: with required terms it only affected the ranking")
            return terms.join_all([*must, *must_not])
        if not should and must_not:
            self._notes.lose(
                clauses[0].written, "only exclusions: Lucene finds nothing with them, and rules cannot consist of them"
            )
        return terms.join_all([terms.join_any(clause.part for clause in should), *must_not])

    def _term(self, field: str | None) -> Part:
        lexeme = self.lexeme
        if lexeme.kind is ForeignKind.OPEN:
            return self.group(lambda: self.parse_clauses(field))[0]
        if lexeme.kind is ForeignKind.FIELD:
            self.take()
            inner = terms.translate_field(lexeme, self._notes)
            tree = self._term(inner)
            return tree if inner else None
        self.term()
        return terms.translate_term(lexeme, field, self._dialect, self._notes)
