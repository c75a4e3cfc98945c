"""A query or a list item → Expression, by recursive descent.

or    = and (OR and)*           AND and OR are mixed only with brackets
and   = not ((AND | [AND] NOT) not)*
not   = NOT not | near
near  = term [NEAR/n term]      chains need brackets
term  = word | "phrase" | "a b"~n | {exact} | /regex/ | $set | field:term | ( or )
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

from bot import text as words_of
from bot.rules import expression, leaves, lexer
from bot.rules.errors import QueryError
from bot.rules.lexer import Kind, Lexeme

MAX_CHARACTERS = 100_000
#: Brackets and NOTs inside one another.
MAX_DEPTH = 50

_NO_SETS: leaves.Sets = MappingProxyType({})


def parse_query(text: str, *, sets: leaves.Sets = _NO_SETS) -> expression.Expression:
    """The expression of a query. Raises QueryError with offsets into the text."""
    return _in_place(text, lambda normal: _Parser(normal, leaves.SetReader(sets)).whole())


def parse_term(text: str, *, sets: leaves.Sets = _NO_SETS) -> expression.Expression:
    """The expression of one list item: a term without operators. Raises QueryError."""
    return _in_place(text, lambda normal: leaves.item(normal, leaves.SetReader(sets), None))


def _in_place(text: str, read: Callable[[str], expression.Expression]) -> expression.Expression:
    """Read the normal form of a text; place an error in the text itself."""
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"{len(text):,} characters; at most {MAX_CHARACTERS:,}",
            MAX_CHARACTERS,
            len(text),
            "query-too-long",
            "split it into several rules, or name a list as a set",
        )
    normal = words_of.normalise_with_offsets(text)
    try:
        return read(normal.text)
    except QueryError as error:
        start, end = _original(normal, error.start, error.end, len(text))
        raise QueryError(error.message, start, end, error.code, error.help) from None


def _original(normal: words_of.Normal, start: int, end: int, length: int) -> tuple[int, int]:
    size = len(normal.text)
    if start >= size:
        return length, length
    end = min(max(end, start), size)
    if end == start:
        place = normal.place(start, start + 1)[0]
        return place, place
    return normal.place(start, end)


class _Node(NamedTuple):
    expression: expression.Expression
    start: int
    end: int
    #: Stands in brackets of its own.
    is_closed: bool = False


class _Parser:
    def __init__(self, query: str, sets: leaves.SetReader) -> None:
        self._query = query
        self._lexemes = lexer.read(query)
        self._sets = sets
        self._depth = 0
        self._field: str | None = None
        self._before: Lexeme | None = None
        self._here = next(self._lexemes)

    def whole(self) -> expression.Expression:
        if self._kind() is Kind.END:
            raise QueryError("an empty query", 0, len(self._query), "empty-query", "name a word to look for")
        node = self._or()
        if self._kind() is not Kind.END:
            raise QueryError(
                "a ) was never opened", self._here.start, self._here.end, "unopened", 'remove it, or quote it: ")"'
            )
        return node.expression

    def _next(self) -> Lexeme:
        taken = self._before = self._here
        self._here = next(self._lexemes)
        return taken

    def _kind(self) -> Kind:
        return self._here.kind

    def _or(self) -> _Node:
        nodes = [self._and()]
        while self._here.kind is Kind.OR:
            operator = self._next()
            nodes.append(self._and())
            if _binds_as_and(nodes[-1]) or _binds_as_and(nodes[0]):
                raise self._mixed(operator, nodes)
        if len(nodes) == 1:
            return nodes[0]
        parts = tuple(node.expression for node in nodes)
        return _Node(expression.Any(parts), nodes[0].start, nodes[-1].end)

    def _mixed(self, operator: Lexeme, nodes: list[_Node]) -> QueryError:
        while self._here.kind is Kind.OR:
            self._next()
            nodes.append(self._and())
        pieces = (self._query[node.start : node.end].strip() for node in nodes)
        fixed = " OR ".join(
            f"({' '.join(piece.split())})" if _binds_as_and(node) else piece
            for node, piece in zip(nodes, pieces, strict=True)
        )
        return QueryError(
            "AND (or NOT) and OR side by side without brackets",
            operator.start,
            operator.end,
            "mixed-operators",
            f"write {_short(fixed)}, or put the brackets where you mean them",
        )

    def _and(self) -> _Node:
        nodes = [self._not()]
        while True:
            if self._here.kind is Kind.AND:
                self._next()
            elif self._here.kind is not Kind.NOT:
                break
            nodes.append(self._not())
        if self._here.kind in lexer.STARTS_TERM:
            raise self._side_by_side()
        if len(nodes) == 1:
            return nodes[0]
        parts = tuple(node.expression for node in nodes)
        return _Node(expression.All(parts), nodes[0].start, nodes[-1].end)

    def _not(self) -> _Node:
        if self._here.kind is not Kind.NOT:
            return self._near()
        operator = self._next()
        self._enter(operator)
        node = self._not()
        self._depth -= 1
        return _Node(expression.Not(node.expression), operator.start, node.end)

    def _near(self) -> _Node:
        left = self._term()
        if self._here.kind is not Kind.NEAR:
            return left
        operator = self._next()
        right = self._term()
        for side in (left, right):
            self._check_near(side)
        near = expression.Near(left.expression, right.expression, operator.words or 0, operator.is_ordered)
        self._check_fields(near, operator)
        node = _Node(near, left.start, right.end)
        if self._here.kind is Kind.NEAR:
            raise QueryError(
                "a chain of NEAR without brackets",
                self._here.start,
                self._here.end,
                "near-chain",
                f"write ({_short(self._query[node.start : node.end])}) {self._here.text} …",
            )
        return node

    def _check_near(self, side: _Node) -> None:
        waiting = [side.expression]
        while waiting:
            here = waiting.pop()
            if isinstance(here, expression.All | expression.Not | expression.Value):
                word = {"All": "AND", "Not": "NOT"}.get(type(here).__name__, f"{getattr(here, 'field', '')}:")
                raise QueryError(
                    f"{word} cannot stand under NEAR",
                    side.start,
                    side.end,
                    "near-operand",
                    "NEAR joins words, phrases and groups of OR; put the rest outside its brackets",
                )
            waiting.extend(expression.children(here))

    def _check_fields(self, near: expression.Near, operator: Lexeme) -> None:
        if not (_fields(near.left) & _fields(near.right)):
            raise QueryError(
                "the two sides of NEAR are in different fields",
                operator.start,
                operator.end,
                "near-fields",
                "write title:(a NEAR/3 b), or AND for two fields",
            )

    def _term(self) -> _Node:
        here = self._here
        match here.kind:
            case Kind.OPEN:
                return self._group()
            case Kind.FIELD:
                return self._in_field()
            case Kind.WORD if lexer.is_operator_in_lower_case(here.text) and self._before is not None:
                if self._before.kind in (Kind.AND, Kind.OR, Kind.NOT, Kind.NEAR):
                    self._next()
                    return self._checked(here, self._leaf(here))
                raise self._lower_case(here)
            case Kind.WORD | Kind.PHRASE | Kind.EXACT | Kind.REGEX | Kind.SET:
                self._next()
                return self._checked(here, self._leaf(here))
            case _:
                raise self._missing_term()

    def _checked(self, here: Lexeme, leaf: expression.Expression) -> _Node:
        self._sets.add(here.start, here.end)
        return _Node(leaf, here.start, here.end)

    def _leaf(self, here: Lexeme) -> expression.Expression:
        # Past the quote, the brace or the slash.
        inside = here.start + (here.kind in (Kind.PHRASE, Kind.EXACT, Kind.REGEX))
        try:
            return leaves.leaf(here, self._field, self._sets)
        except QueryError as error:
            if here.kind is Kind.SET:
                raise
            start, end = inside + error.start, inside + error.end
            raise QueryError(error.message, start, max(end, start), error.code, error.help) from None

    def _enter(self, opening: Lexeme) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(
                f"more than {MAX_DEPTH} levels of brackets or NOT",
                opening.start,
                opening.end,
                "too-deep",
                "name a part as a set, or split the rule",
            )

    def _group(self) -> _Node:
        opening = self._next()
        self._enter(opening)
        if self._kind() is Kind.CLOSE:
            raise QueryError("empty brackets", opening.start, self._here.end, "empty-brackets", "remove them")
        node = self._or()
        if self._kind() is not Kind.CLOSE:
            raise QueryError("a ( is not closed", opening.start, opening.end, "unclosed-bracket", "close it with )")
        closing = self._next()
        self._depth -= 1
        return _Node(node.expression, opening.start, closing.end, True)

    def _in_field(self) -> _Node:
        name = self._next()
        if self._field is not None or self._here.kind is Kind.FIELD:
            raise QueryError(
                f"{name.text}: inside another field" if self._field else "a field inside a field",
                name.start,
                name.end,
                "field-in-field",
                "a term stands in one field; join two with AND or OR",
            )
        if self._here.kind not in lexer.STARTS_TERM:
            raise QueryError(
                f"{name.text}: without a term",
                name.start,
                name.end,
                "field-without-term",
                f'write {name.text}:word, {name.text}:"a phrase" or {name.text}:(a OR b)',
            )
        self._field = name.text
        node = self._term()
        self._field = None
        return _Node(node.expression, name.start, node.end, node.is_closed)

    def _missing_term(self) -> QueryError:
        here = self._here
        before = self._before.text if self._before and self._before.kind is not Kind.OPEN else None
        what = "the end" if here.kind is Kind.END else here.text
        place = f"between {before} and {what}" if before else f"before {what}"
        start = here.start if here.kind is not Kind.END else max(0, len(self._query.rstrip()))
        if here.kind is Kind.END and self._before is not None:
            start = self._before.start
        return QueryError(
            f"a term is missing {place}",
            start,
            max(here.end, start),
            "missing-term",
            f'quote it for the word itself: "{here.text}"'
            if here.text and here.kind is not Kind.CLOSE
            else "add a term or remove the operator",
        )

    def _lower_case(self, here: Lexeme) -> QueryError:
        return QueryError(
            f'"{here.text}" between two terms',
            here.start,
            here.end,
            "lower-case-operator",
            f'write {here.text.upper().replace("F", "f")} for the operator, "{here.text}" in quotes for the word',
        )

    def _side_by_side(self) -> QueryError:
        first, second = self._before, self._here
        assert first is not None
        if second.kind is Kind.WORD and lexer.is_operator_in_lower_case(second.text):
            return self._lower_case(second)
        if first.kind is Kind.WORD and lexer.is_operator_in_lower_case(first.text):
            return self._lower_case(first)
        if second.kind is not Kind.WORD or first.kind is not Kind.WORD:
            return QueryError(
                "two terms side by side",
                second.start,
                second.end,
                "side-by-side",
                "write AND, OR or NOT between them",
            )
        bare = [first.text]
        end = second.end
        while self._here.kind is Kind.WORD and not lexer.is_operator_in_lower_case(self._here.text) and len(bare) < 12:
            end = self._here.end
            bare.append(self._next().text)
        phrase = " ".join(bare)
        return QueryError(
            "words side by side",
            first.start,
            end,
            "side-by-side",
            f'write "{phrase}" for the phrase, or put AND or OR between its words',
        )


def _binds_as_and(node: _Node) -> bool:
    return not node.is_closed and isinstance(node.expression, expression.All | expression.Not)


def _fields(part: expression.Expression) -> frozenset[str]:
    """Where it can be found, under NEAR."""
    match part:
        case expression.Near(left, right):
            return _fields(left) & _fields(right)
        case expression.Any(parts) | expression.Named(_, parts):
            return frozenset[str]().union(*map(_fields, parts))
        case _:
            field = getattr(part, "field", None)
            return frozenset(expression.TEXT_FIELDS if field is None else (field,))


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "…"
