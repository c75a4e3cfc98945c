"""Parse a query or a list item into an expression, and render an expression as query text again.

or    = and (OR and)*           AND and OR are mixed only with brackets
and   = not ((AND | [AND] NOT) not)*
not   = NOT not | near
near  = term [NEAR/n term]      chains need brackets
term  = word | "phrase" | "a b"~n | {exact} | /regex/ | $set | field:term | ( or )
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

from bot.rules import expression, lexer, terms
from bot.rules.errors import QueryError
from bot.rules.lexer import Lexeme, LexemeKind
from bot.text import tokens

MAX_QUERY_CHARACTERS = 100_000

_NO_SETS: terms.Sets = MappingProxyType({})


def parse_query(text: str, *, sets: terms.Sets = _NO_SETS, joins_terms: bool = False) -> expression.Expression:
    """Parse a query. Raises QueryError with offsets into the text.

    If ``joins_terms`` is true, adjacent terms are joined by AND, and an operator in lower case is a word.
    """
    return _parse_normal(text, lambda normal: _Parser(normal, terms.SetReader(sets), joins_terms=joins_terms).whole())


def parse_term(text: str, *, sets: terms.Sets = _NO_SETS) -> expression.Expression:
    """Parse one list item: a term without operators. Raises QueryError."""
    if text.isascii() and "$" not in text and len(text) <= MAX_QUERY_CHARACTERS:
        return terms.ITEM_MEMO[text]
    return _parse_normal(text, lambda normal: terms.read_item(normal, terms.SetReader(sets), None))


def _parse_normal(text: str, parse: Callable[[str], expression.Expression]) -> expression.Expression:
    """Parse the normalised form of a text. The offsets of an error refer to the original text."""
    if len(text) > MAX_QUERY_CHARACTERS:
        raise QueryError(
            f"the query has {len(text):,} characters; at most {MAX_QUERY_CHARACTERS:,} are allowed",
            MAX_QUERY_CHARACTERS,
            len(text),
            "query-too-long",
            "split the query into several rules, or move a list of terms into a set",
        )
    if text.isascii():
        return parse(text)
    normal = tokens.normalise_with_offsets(text)
    try:
        return parse(normal.text)
    except QueryError as error:
        raise error.at(*_original_span(normal, error.start, error.end, len(text))) from None


def _original_span(normal: tokens.Normal, start: int, end: int, length: int) -> tuple[int, int]:
    size = len(normal.text)
    if start >= size:
        return length, length
    end = min(max(end, start), size)
    if end == start:
        place = normal.place(start, start + 1)[0]
        return place, place
    return normal.place(start, end)


#: Maximum depth of nested brackets and NOTs.
MAX_DEPTH = 50

# Copies of enum members that every lexeme needs, because looking up an enum member is slow in Python 3.11.
_WORD, _PHRASE, _OPEN, _CLOSE, _END = (
    LexemeKind.WORD,
    LexemeKind.PHRASE,
    LexemeKind.OPEN,
    LexemeKind.CLOSE,
    LexemeKind.END,
)
_AND, _OR, _NOT, _NEAR = LexemeKind.AND, LexemeKind.OR, LexemeKind.NOT, LexemeKind.NEAR


class _Operand(NamedTuple):
    """The first and last lexeme of a part of the query, to quote it in an error message."""

    first: int
    last: int
    binds_as_and: bool = False


class _Parser:
    """A parser for one normalised query. Each instance parses once."""

    def __init__(self, query: str, sets: terms.SetReader, *, joins_terms: bool) -> None:
        self._lexed = lexer.lex(query)
        self._lexemes = self._lexed.lexemes
        self._sets = sets
        self._joins_terms = joins_terms
        #: The kinds of lexemes that continue a list of parts joined by AND.
        self._joints = (_AND, _NOT, *lexer.TERM_STARTS) if joins_terms else (_AND, _NOT)
        self._depth = 0
        self._field: str | None = None
        self._leaves = terms.LEAF_MEMOS[None]
        self._at = 0
        self._lexeme = self._lexemes[0]
        #: Whether no bracket has closed since the last AND or NOT.
        self._is_open = False

    def whole(self) -> expression.Expression:
        """Parse the whole query. Raises QueryError with offsets into it."""
        try:
            return self._whole()
        except QueryError:
            # Report the mistake in the WRONG lexeme instead, because it may have caused this error.
            if self._lexed.error is not None and self._lexeme.kind is LexemeKind.WRONG:
                raise self._lexed.error from None
            raise

    def _whole(self) -> expression.Expression:
        if self._lexeme.kind is _END:
            raise QueryError("an empty query", 0, len(self._lexed.query), "empty-query", "write a word to search for")
        tree = self._or()
        if self._lexeme.kind is not _END:
            raise self._error(self._at, self._at, "a ) was never opened", "unopened", 'remove it, or quote it: ")"')
        return tree

    def _error(self, first: int, last: int, message: str, code: str, help_: str) -> QueryError:
        """Return an error at the lexemes from ``first`` to ``last``."""
        start, _ = self._lexed.span(first)
        _, end = self._lexed.span(last)
        return QueryError(message, start, max(start, end), code, help_)

    def _written(self, part: _Operand) -> str:
        return self._lexed.query[self._lexed.span(part.first)[0] : self._lexed.span(part.last)[1]]

    def _advance(self) -> None:
        self._at += 1
        self._lexeme = self._lexemes[self._at]

    @property
    def _previous(self) -> Lexeme | None:
        return self._lexemes[self._at - 1] if self._at else None

    def _or(self) -> expression.Expression:
        start = self._at
        first = self._and()
        if self._lexeme.kind is not _OR:
            return first
        parts = [first]
        is_mixed = self._binds_as_and(first)
        while self._lexeme.kind is _OR:
            operator = self._at
            self._advance()
            parts.append(self._and())
            if is_mixed or self._binds_as_and(parts[-1]):
                raise self._mixed(start, operator)
        return expression.Any(tuple(parts))

    def _binds_as_and(self, part: expression.Expression) -> bool:
        """Return whether the part just read is an AND or NOT without brackets."""
        return self._is_open and isinstance(part, expression.All | expression.Not)

    def _mixed(self, start: int, operator: int) -> QueryError:
        """Return the error for AND and OR without brackets. Parses the operands again to suggest brackets.

        If a bracket is never closed, return that error, because it is the cause.
        """
        unclosed: list[int] = []
        for number, lexeme in enumerate(self._lexemes):
            if lexeme.kind is _OPEN:
                unclosed.append(number)
            elif lexeme.kind is _CLOSE and unclosed:
                unclosed.pop()
        if unclosed:
            return self._unclosed_bracket(unclosed[-1])
        self._at, self._lexeme = start - 1, self._lexemes[start - 1]
        operands: list[_Operand] = []
        while not operands or self._lexeme.kind is _OR:
            self._advance()
            first = self._at
            part = self._and()
            operands.append(_Operand(first, self._at - 1, self._binds_as_and(part)))
        pieces = [self._written(operand).strip() for operand in operands]
        fixed = " OR ".join(
            f"({' '.join(piece.split())})" if operand.binds_as_and else piece
            for operand, piece in zip(operands, pieces, strict=True)
        )
        return self._error(
            operator,
            operator,
            "AND (or NOT) and OR side by side without brackets",
            "mixed-operators",
            f"write {_shorten(fixed)}, or put the brackets where you mean them",
        )

    def _and(self) -> expression.Expression:
        first = self._not() if self._lexeme.kind is _NOT else self._near()
        kind = self._lexeme.kind
        if kind in self._joints:
            parts = [first]
            while kind in self._joints:
                if kind is _AND:
                    self._advance()
                parts.append(self._not() if self._lexeme.kind is _NOT else self._near())
                kind = self._lexeme.kind
            first = expression.All(tuple(parts))
            self._is_open = True
        if kind is not _END and kind is not _CLOSE and kind is not _OR and kind in lexer.TERM_STARTS:
            raise self._side_by_side()
        return first

    def _not(self) -> expression.Expression:
        if self._lexeme.kind is not _NOT:
            return self._near()
        self._enter()
        self._advance()
        part = self._not()
        self._depth -= 1
        self._is_open = True
        return expression.Not(part)

    def _near(self) -> expression.Expression:
        start = self._at
        left = self._term()
        if self._lexeme.kind is not _NEAR:
            return left
        operator = self._at
        lexeme = self._lexeme
        self._advance()
        if self._lexeme.kind is _NOT:
            raise self._not_near("NOT", _Operand(self._at, self._at))
        right = self._term()
        self._check_near(left, _Operand(start, operator - 1))
        self._check_near(right, _Operand(operator + 1, self._at - 1))
        node = expression.Near(left, right, lexeme.words or 0, lexeme.is_ordered)
        self._check_fields(node, operator)
        if self._lexeme.kind is _NEAR:
            whole = self._written(_Operand(start, self._at - 1))
            raise self._error(
                self._at,
                self._at,
                "a chain of NEAR without brackets",
                "near-chain",
                f"write ({_shorten(whole)}) {self._lexeme.text} …",
            )
        return node

    def _check_near(self, side: expression.Expression, operand: _Operand) -> None:
        waiting = [side]
        while waiting:
            part = waiting.pop()
            if isinstance(part, expression.All | expression.Not | expression.Value):
                word = {"All": "AND", "Not": "NOT"}.get(type(part).__name__, f"{getattr(part, 'field', '')}:")
                raise self._not_near(word, operand)
            waiting.extend(expression.children(part))

    def _not_near(self, word: str, operand: _Operand) -> QueryError:
        return self._error(
            operand.first,
            operand.last,
            f"{word} cannot be used with NEAR",
            "near-operand",
            "NEAR joins words, phrases and groups of OR; move other operators outside its brackets",
        )

    def _check_fields(self, node: expression.Near, operator: int) -> None:
        if not (expression.fields_of(node.left) & expression.fields_of(node.right)):
            raise self._error(
                operator,
                operator,
                "the two sides of NEAR are in different fields",
                "near-fields",
                "write title:(a NEAR/3 b), or join terms in two fields with AND",
            )

    def _term(self) -> expression.Expression:
        kind = self._lexeme.kind
        if kind is _WORD or kind is _PHRASE:
            return self._leaf()
        if kind is _OPEN:
            return self._group()
        match kind:
            case LexemeKind.EXACT | LexemeKind.REGEX | LexemeKind.SET:
                return self._leaf()
            case LexemeKind.FIELD:
                return self._in_field()
            case LexemeKind.LOWER:
                previous = self._previous
                if self._joins_terms or previous is None or previous.kind in (_AND, _OR, _NOT, _NEAR):
                    return self._leaf()
                raise self._lower_case(self._at)
            case _:
                raise self._missing_term()

    def _leaf(self) -> expression.Expression:
        lexeme = self._lexeme
        try:
            leaf = (
                self._sets.named(lexeme.text, self._field)
                if lexeme.kind is LexemeKind.SET
                else self._leaves[lexeme.written]
            )
        except QueryError as error:
            raise error.moved(self._lexed.span(self._at)[0]) from None
        self._sets.count += 1
        if self._sets.count > terms.MAX_TERMS:
            self._sets.refuse(*self._lexed.span(self._at))
        self._at += 1
        self._lexeme = self._lexemes[self._at]
        return leaf

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(
                self._at,
                self._at,
                f"more than {MAX_DEPTH} levels of brackets or NOT",
                "too-deep",
                "move a part of the query into a set, or split the rule",
            )

    def _group(self) -> expression.Expression:
        opening = self._at
        self._enter()
        self._advance()
        if self._lexeme.kind is _CLOSE:
            raise self._error(opening, self._at, "empty brackets", "empty-brackets", "remove them")
        tree = self._or()
        if self._lexeme.kind is not _CLOSE:
            raise self._unclosed_bracket(opening)
        self._advance()
        self._depth -= 1
        self._is_open = False
        return tree

    def _unclosed_bracket(self, at: int) -> QueryError:
        return self._error(at, at, "a ( is not closed", "unclosed-bracket", "close it with )")

    def _in_field(self) -> expression.Expression:
        at, name = self._at, self._lexeme.text
        self._advance()
        if self._field is not None or self._lexeme.kind is LexemeKind.FIELD:
            raise self._error(
                at,
                at,
                f"{name}: inside another field" if self._field else "a field inside a field",
                "field-in-field",
                "a term has one field; join two fields with AND or OR",
            )
        if self._lexeme.kind not in lexer.TERM_STARTS:
            raise self._error(
                at,
                at,
                f"{name}: without a term",
                "field-without-term",
                f'write {name}:word, {name}:"a phrase" or {name}:(a OR b)',
            )
        self._field, self._leaves = name, terms.LEAF_MEMOS[name]
        tree = self._term()
        self._field, self._leaves = None, terms.LEAF_MEMOS[None]
        return tree

    def _missing_term(self) -> QueryError:
        lexeme, previous = self._lexeme, self._previous
        previous_text = previous.text if previous and previous.kind is not _OPEN else None
        next_text = "the end" if lexeme.kind is _END else lexeme.text
        place = f"between {previous_text} and {next_text}" if previous_text else f"before {next_text}"
        is_end = lexeme.kind is _END and previous is not None
        return self._error(
            self._at - 1 if is_end else self._at,
            self._at,
            f"a term is missing {place}",
            "missing-term",
            f'to search for the word, quote it: "{lexeme.text}"'
            if lexeme.text and lexeme.kind is not _CLOSE
            else "add a term or remove the operator",
        )

    def _lower_case(self, index: int) -> QueryError:
        word = self._lexemes[index].text
        return self._error(
            index,
            index,
            f'"{word}" between two terms',
            "lower-case-operator",
            f'write {word.upper().replace("F", "f")} for the operator, "{word}" in quotes for the word',
        )

    def _side_by_side(self) -> QueryError:
        first, second = self._at - 1, self._at
        for index in (second, first):
            if self._lexemes[index].kind is LexemeKind.LOWER:
                return self._lower_case(index)
        written = [lexeme.written for lexeme in self._lexemes[max(first - 3, 0) : second]]
        if len(written) == 4 and written[0] in ("NEAR", "ONEAR") and re.fullmatch(r"\(\d+\)", "".join(written[1:])):
            advice = f"write {written[0]}/{written[2]}"
            return self._error(first - 3, first, "the distance of NEAR needs a slash", "bad-near", advice)
        if self._lexemes[first].kind is not _WORD or self._lexeme.kind is not _WORD:
            return self._error(
                second, second, "two terms side by side", "side-by-side", "write AND, OR or NOT between them"
            )
        bare = [self._lexemes[first].text]
        while self._lexeme.kind is _WORD and len(bare) < 12:
            bare.append(self._lexeme.text)
            self._advance()
        phrase = " ".join(bare)
        return self._error(
            first,
            self._at - 1,
            "words side by side",
            "side-by-side",
            f'write "{phrase}" for the phrase, or put AND or OR between its words',
        )


def _shorten(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "…"


def render_query(tree: expression.Expression) -> str:
    """Render an expression as a query: ``(title:a OR title:b) NOT "c d"``."""
    match tree:
        case expression.Any(parts):
            return " OR ".join(_render_inner(part) for part in parts)
        case expression.All(parts):
            first, *other_parts = parts
            texts = (
                render_query(part) if isinstance(part, expression.Not) else f"AND {_render_inner(part)}"
                for part in other_parts
            )
            start = render_query(first) if isinstance(first, expression.Not) else _render_inner(first)
            return " ".join((start, *texts))
        case expression.Not(part):
            return f"NOT {_render_inner(part)}"
        case expression.Near(left, right, words, is_ordered):
            return f"{_render_operand(left)} NEAR/{words}{'f' if is_ordered else ''} {_render_operand(right)}"
        case _:
            return render_term(tree)


def _render_inner(part: expression.Expression) -> str:
    if isinstance(part, expression.Any | expression.All | expression.Not):
        return f"({render_query(part)})"
    return render_query(part)


def _render_operand(part: expression.Expression) -> str:
    return f"({render_query(part)})" if isinstance(part, expression.Near) else _render_inner(part)


def render_item(leaf: expression.Leaf) -> str:
    """Render a leaf as a list item, in which a phrase needs no quotes."""
    if isinstance(leaf, expression.Words) and not leaf.is_exact:
        return f"{leaf.field}:{leaf.text}" if leaf.field else leaf.text
    return render_term(leaf)


def render_term(leaf: expression.Expression) -> str:
    """Render a leaf or a set as a part of a query."""
    field = getattr(leaf, "field", None)
    prefix = f"{field}:" if field else ""
    match leaf:
        case expression.Words(text, is_exact):
            return prefix + (f"{{{text}}}" if is_exact else text if lexer.is_bare(text) else f'"{text}"')
        case expression.Regex(source, ignores_case):
            return f"{prefix}/{source}/{'i' if ignores_case else ''}"
        case expression.Window(parts, words):
            return f'{prefix}"{" ".join(part.text for part in parts)}"~{words}'
        case expression.Value(_, text):
            return prefix + text
        case expression.Named(name):
            return f"{prefix}${name}"
        case _:
            raise AssertionError(leaf)
