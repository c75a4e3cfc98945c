"""The two grammars of other products.

Boolean: In Meltwater, Brandwatch, Talkwalker and Feedly, NEAR binds most tightly, then NOT, then AND, then OR. In
Google Alerts, OR binds more tightly than AND. Clauses: Lucene's classic parser has no precedence, but clauses that
must, should or must not match. ``a AND b OR c`` is ``+a +b c``, in which c only raises the rank
(QueryParserBase.addClause), so c is dropped with a note.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from bot.rules import expression
from bot.rules.convert import terms
from bot.rules.convert.lexemes import TERM_STARTS, Dialect, ForeignKind, ForeignLexeme
from bot.rules.convert.terms import ConvertedPart, Notes, join_all, join_any, join_near, negate
from bot.rules.errors import QueryError
from bot.rules.parse import MAX_DEPTH

#: In Talkwalker, adjacent words of a query must be near one another: at most this many words apart for each pair.
TALKWALKER_DISTANCE = 10


class Parser(ABC):
    """A parser for the lexemes of one query, of which the last is END. Each instance parses once."""

    def __init__(self, lexemes: Sequence[ForeignLexeme], dialect: Dialect, notes: Notes) -> None:
        self._lexemes = lexemes
        self._dialect = dialect
        self._notes = notes
        self._at = 0
        self._depth = 0

    def whole(self) -> ConvertedPart:
        """Parse the whole query; return None if nothing is left. Raises QueryError."""
        tree = self.parse(None)
        if self.kind is not ForeignKind.END:
            start, end = self.lexeme.start, self.lexeme.end
            raise QueryError("a ) was never opened", start, end, "unopened", "remove it in the original query")
        return tree

    @abstractmethod
    def parse(self, field: str | None) -> ConvertedPart:
        """Parse up to the end or the next closing bracket. ``field`` is the field of the enclosing brackets."""

    @property
    def lexeme(self) -> ForeignLexeme:
        """Return the next lexeme."""
        return self._lexemes[self._at]

    @property
    def kind(self) -> ForeignKind:
        return self.lexeme.kind

    def take(self) -> ForeignLexeme:
        """Return the next lexeme and move past it."""
        self._at += 1
        return self._lexemes[self._at - 1]

    def take_if(self, *kinds: ForeignKind) -> ForeignLexeme | None:
        """Take the next lexeme if it is of one of the kinds."""
        return self.take() if self.kind in kinds else None

    def enter(self, opening: ForeignLexeme) -> None:
        """Go one level deeper. Raises QueryError past the limit."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(
                f"more than {MAX_DEPTH} levels of brackets, NOT or NEAR",
                opening.start,
                opening.end,
                "too-deep",
                "split the query into several",
            )

    def leave(self, levels: int = 1) -> None:
        """Go up ``levels`` levels."""
        self._depth -= levels

    def term(self, field: str | None) -> ConvertedPart:
        """Parse one term or brackets. Raises QueryError."""
        if self.kind is ForeignKind.OPEN:
            return self._group(field)
        if self.kind is ForeignKind.FIELD:
            return self._in_field()
        lexeme = self.lexeme
        is_plus = lexeme.kind is ForeignKind.PLUS
        if is_plus and self._dialect is not Dialect.LUCENE:
            return self._plus(field)
        if lexeme.kind not in TERM_STARTS or is_plus:
            raise QueryError(
                f"a term is missing before {lexeme.written or 'the end'}",
                lexeme.start,
                max(lexeme.end, lexeme.start),
                "missing-term",
                "correct the original query first, or quote the word",
            )
        self.take()
        is_run = lexeme.kind is self.kind is ForeignKind.WORD
        if self._dialect is Dialect.TALKWALKER and is_run:
            return self._side_by_side(lexeme, field)
        return terms.convert_term(lexeme, field, self._dialect, self._notes)

    def _group(self, field: str | None) -> ConvertedPart:
        opening = self.take()
        self.enter(opening)
        if self.kind is ForeignKind.CLOSE:
            remedy = "remove them in the original query"
            raise QueryError("empty brackets", opening.start, self.lexeme.end, "empty-brackets", remedy)
        tree = self.parse(field)
        closing = self.take_if(ForeignKind.CLOSE)
        if closing is None:
            remedy = "close it in the original query"
            raise QueryError("a ( is not closed", opening.start, opening.end, "unclosed", remedy)
        self.leave()
        if closing.has_boost:
            self._notes.lose(closing.written, "its weight (^) is ignored, because Wirewatch does not rank")
        is_near = closing.distance is not None and self._dialect is not Dialect.LUCENE
        return self._within(tree, closing) if is_near else tree

    def _plus(self, field: str | None) -> ConvertedPart:
        """Parse Talkwalker's ``++word`` (exact case) and ``+word`` (with its punctuation, like all our terms)."""
        plus = self.take()
        lexeme = self.lexeme
        if not self.take_if(ForeignKind.WORD):
            return self.term(field)
        kind = ForeignKind.EXACT if plus.text == "++" else ForeignKind.PHRASE
        exact = ForeignLexeme(kind, lexeme.text, plus.start, lexeme.end, plus.written + lexeme.written)
        return terms.convert_term(exact, field, self._dialect, self._notes)

    def _side_by_side(self, first: ForeignLexeme, field: str | None) -> ConvertedPart:
        run = [first]
        while word := self.take_if(ForeignKind.WORD):
            run.append(word)
        written = " ".join(word.written for word in run)
        distance = (len(run) - 1) * TALKWALKER_DISTANCE
        self._notes.rewrite(
            written, f"words side by side must be near one another, with at most {distance} other words inside"
        )
        phrase = ForeignLexeme(
            ForeignKind.PHRASE,
            " ".join(word.text for word in run),
            first.start,
            run[-1].end,
            written,
            distance=distance,
        )
        return terms.convert_term(phrase, field, self._dialect, self._notes)

    def _in_field(self) -> ConvertedPart:
        name = self.take()
        if name.text == "raw" and self._dialect is not Dialect.LUCENE:
            return self._raw(name)
        field = terms.convert_field(name, self._notes)
        tree = self.term(field)
        return tree if field else None

    def _raw(self, name: ForeignLexeme) -> ConvertedPart:
        """Parse ``raw:BT``, the older form of ``{BT}``."""
        lexeme = self.lexeme
        if not self.take_if(ForeignKind.WORD, ForeignKind.PHRASE):
            return self.term(None)
        exact = ForeignLexeme(ForeignKind.EXACT, lexeme.text, name.start, lexeme.end, name.written + lexeme.written)
        return terms.convert_term(exact, None, self._dialect, self._notes)

    def _within(self, tree: ConvertedPart, closing: ForeignLexeme) -> ConvertedPart:
        """Parse ``(a AND b)~5``, the older form of NEAR."""
        distance = closing.distance or 0
        if isinstance(tree, expression.All) and len(tree.parts) == 2:
            first, second = tree.parts
            self._notes.rewrite(closing.written, f"NEAR/{distance} here")
            return join_near(first, second, distance, False, closing.written, self._notes)
        self._notes.lose(
            closing.written, "its distance is ignored, because only two parts joined by AND can have a distance"
        )
        return tree


class BooleanParser(Parser):
    """Parses AND, OR, NOT and NEAR."""

    def parse(self, field: str | None) -> ConvertedPart:
        """Parse alternatives."""
        if self._dialect is Dialect.GOOGLE_ALERTS:
            return self._every_of_either(field)
        start = self.lexeme
        parts = [self._and(field)]
        while self.take_if(ForeignKind.OR):
            parts.append(self._and(field))
        if len(parts) > 1 and any(isinstance(part, expression.All) for part in parts):
            self._notes.rewrite(start.written, "AND and OR without brackets: AND binds more tightly")
        return join_any(parts)

    def _every_of_either(self, field: str | None) -> ConvertedPart:
        """Parse ``a b OR c`` as a AND (b OR c)."""
        parts: list[ConvertedPart] = []
        while not parts or self.kind in (*TERM_STARTS, ForeignKind.AND, ForeignKind.NOT):
            if parts:
                self.take_if(ForeignKind.AND)
            either = [self._not(field)]
            while self.take_if(ForeignKind.OR):
                either.append(self._not(field))
            parts.append(join_any(either))
        return join_all(parts)

    def _and(self, field: str | None) -> ConvertedPart:
        parts = [self._not(field)]
        while self.take_if(ForeignKind.AND) or self.kind in (*TERM_STARTS, ForeignKind.NOT):
            if self._lexemes[self._at - 1].kind is not ForeignKind.AND and self.kind is not ForeignKind.NOT:
                self._notes.lose(self.lexeme.written, "no operator before it: taken as AND")
            parts.append(self._not(field, parts[-1]))
        return join_all(parts)

    def _not(self, field: str | None, left: ConvertedPart = None) -> ConvertedPart:
        operator = self.take_if(ForeignKind.NOT)
        if operator is None:
            return self._near(field)
        self.enter(operator)
        is_near = self.kind is ForeignKind.NEAR
        part = self._not_near(field, left) if is_near else negate(self._not(field))
        self.leave()
        return part

    def _not_near(self, field: str | None, left: ConvertedPart) -> ConvertedPart:
        """Parse ``a NOT NEAR/5 b``."""
        lexeme = self.take()
        right = self.term(field)
        self._notes.lose(lexeme.written, "NOT NEAR: an article is excluded if both are near each other anywhere")
        return negate(join_near(left, right, lexeme.distance or 0, lexeme.is_ordered, lexeme.written, self._notes))

    def _near(self, field: str | None) -> ConvertedPart:
        tree = self.term(field)
        count = 0
        while operator := self.take_if(ForeignKind.NEAR):
            count += 1
            if operator.text == "NEAR":
                self._notes.rewrite(operator.written, "NEAR/4 here")
            if count == 2:
                self._notes.rewrite(operator.written, "a chain of NEAR: the first two are joined first")
            self.enter(operator)
            right = self.term(field)
            tree = join_near(tree, right, operator.distance or 0, operator.is_ordered, operator.written, self._notes)
        self.leave(count)
        return tree


@dataclass(slots=True)
class _Clause:
    #: "+" if the clause must match, "-" if it must not match, "" if it should match.
    occur: str
    part: ConvertedPart
    written: str


class ClauseParser(Parser):
    """Parses the clauses of Lucene."""

    def parse(self, field: str | None) -> ConvertedPart:
        clauses: list[_Clause] = []
        while self.kind not in (ForeignKind.END, ForeignKind.CLOSE):
            joint = self.take_if(ForeignKind.AND, ForeignKind.OR)
            modifier = self.take_if(ForeignKind.PLUS, ForeignKind.NOT)
            occur = "" if modifier is None else "+" if modifier.kind is ForeignKind.PLUS else "-"
            first = self.lexeme
            part = self.term(field)
            if joint and joint.kind is ForeignKind.AND:
                if clauses:
                    clauses[-1].occur = clauses[-1].occur or "+"
                occur = occur or "+"
            clauses.append(_Clause(occur, part, first.written))
        return self._joined(clauses)

    def _joined(self, clauses: Sequence[_Clause]) -> ConvertedPart:
        must = [clause.part for clause in clauses if clause.occur == "+"]
        should = [clause for clause in clauses if not clause.occur]
        must_not = [terms.negate(clause.part) for clause in clauses if clause.occur == "-"]
        if must:
            for clause in should:
                self._notes.lose(clause.written, "dropped: with required terms it only affected the ranking")
            return terms.join_all([*must, *must_not])
        if not should and must_not:
            self._notes.lose(
                clauses[0].written, "only exclusions: Lucene finds nothing with them, and rules cannot consist of them"
            )
        return terms.join_all([terms.join_any(clause.part for clause in should), *must_not])
