"""Parse the text of a search into an expression, or report one mistake with its place.

The rule language with one addition: words side by side must all match.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from datetime import UTC, datetime

from bot import model, rules
from bot.language import tokens
from bot.rules import expression, lexer, regex
from bot.rules.lexer import Kind

#: Stricter limits than for rules: people wait for a search.
MOST_CHARACTERS, MOST_TERMS = 2_000, 100
#: Maximum regular expressions of one search, each with at most ``regex.COSTLY_SIZE`` instructions.
MOST_REGEXES = 5
#: The key of a query that was copied from a rule.
_KEY = re.compile(r"\s{0,40}query[ \t]{0,8}:(?:\s{0,8}[|>]-?\s*\n)?")
#: Characters of a text shown on each side of a mistake.
_AROUND = 60
_TERMS = (*lexer.LEAVES, Kind.LOWER)


def read(text: str) -> expression.Expression:
    """Parse a search. Raises QueryError with offsets into the text."""
    key = _KEY.match(text)
    start = key.end() if key else 0
    try:
        return _read(text[start:])
    except rules.QueryError as error:
        raise error.moved(start) from None


def _read(text: str) -> expression.Expression:
    if len(text) > MOST_CHARACTERS:
        message = f"{len(text):,} characters; a search may have {MOST_CHARACTERS:,}"
        raise rules.QueryError(message, MOST_CHARACTERS, len(text), "query-too-long", "make it a rule and try that")
    normal = tokens.normalise_with_offsets(text)
    lexed = lexer.lex(normal.text)
    if (
        lexed.error is None
        and len(lexed.lexemes) > 2
        and all(lexeme.kind in (*_TERMS, Kind.FIELD, Kind.END) for lexeme in lexed.lexemes)
    ):
        tree = _side_by_side(text, normal, lexed)
    else:
        tree = rules.parse_query(text)
    leaves = list(itertools.islice(expression.leaves(tree), MOST_TERMS + 1))
    if len(leaves) > MOST_TERMS:
        message = f"more than {MOST_TERMS} terms"
        raise rules.QueryError(message, 0, len(text), "too-many-terms", "make it a rule and try that")
    expressions = [leaf for leaf in leaves if isinstance(leaf, expression.Regex)]
    if len(expressions) > MOST_REGEXES:
        message = f"more than {MOST_REGEXES} regular expressions"
        raise rules.QueryError(message, 0, len(text), "too-many-terms", "make it a rule and try that")
    for leaf in expressions:
        if regex.size(leaf.source) > regex.COSTLY_SIZE:
            start = max(text.find(leaf.source), 0)
            message = f"a regular expression that is too large for a search: {regex.size(leaf.source):,} instructions"
            help_text = f"repeat less: {regex.COSTLY_SIZE:,} are allowed"
            raise rules.QueryError(message, start, start + len(leaf.source), "bad-regex", help_text)
    if not expression.needs_something(tree):
        raise rules.QueryError("nothing has to match", 0, len(text), "only-negatives", "name a term that must match")
    return tree


def _side_by_side(text: str, normal: tokens.Normal, lexed: lexer.LexedQuery) -> expression.Expression:
    parts = []
    start: int | None = None
    for index, lexeme in enumerate(lexed.lexemes[:-1]):
        begin, end = lexed.span(index)
        start = begin if start is None else start
        if lexeme.kind is Kind.FIELD and lexed.lexemes[index + 1].kind is not Kind.END:
            continue
        first, last = normal.place(start, end)
        written = text[first:last]
        try:
            parts.append(rules.parse_query(f'"{written}"' if lexeme.kind is Kind.LOWER else written))
        except rules.QueryError as error:
            raise error.moved(first) from None
        start = None
    return parts[0] if len(parts) == 1 else expression.All(tuple(parts))


def located(text: str, error: rules.QueryError) -> str:
    """Render the mistake with the part of the text around it and carets below it, as lines."""
    line_start = text.rfind("\n", 0, error.start) + 1
    line_end = text.find("\n", error.start)
    first = max(line_start, error.start - _AROUND)
    shown = text[first : line_end if line_end >= 0 else len(text)][: 2 * _AROUND]
    carets = max(1, min(error.end - error.start, len(shown) - (error.start - first)))
    lines = [
        f"{error.start + 1}: {error.message}",
        f"  {shown}",
        f"  {' ' * (error.start - first)}{'^' * carets}",
    ]
    return "\n".join([*lines, f"  {error.help}"] if error.help else lines)


def moment(written: str, now: datetime) -> datetime:
    """Return the beginning of a UTC day ("2026-11-30"), or the time a duration ago ("30d"). Raises ValueError."""
    with contextlib.suppress(ValueError):
        return datetime.strptime(written, "%Y-%m-%d").replace(tzinfo=UTC)
    try:
        return now - model.parse_duration(written)
    except (ValueError, OverflowError):
        raise ValueError(f'"{written[:40]}" is not a day or a duration: write 2026-11-30 or 30d') from None
