"""Expression → query text that parses to the same expression."""

from __future__ import annotations

from bot.rules import expression, lexer


def show(shown: expression.Expression) -> str:
    """As a query.

    >>> from bot.rules import parse
    >>> show(parse.parse_query('title:( a OR "b") NOT  "c d"'))
    '(title:a OR title:b) NOT "c d"'
    """
    match shown:
        case expression.Any(parts):
            return " OR ".join(_inner(part) for part in parts)
        case expression.All(parts):
            first, *others = parts
            shown_others = (
                show(part) if isinstance(part, expression.Not) else f"AND {_inner(part)}" for part in others
            )
            start = show(first) if isinstance(first, expression.Not) else _inner(first)
            return " ".join((start, *shown_others))
        case expression.Not(part):
            return f"NOT {_inner(part)}"
        case expression.Near(left, right, words, is_ordered):
            return f"{_operand(left)} NEAR/{words}{'f' if is_ordered else ''} {_operand(right)}"
        case _:
            return term(shown)


def _inner(part: expression.Expression) -> str:
    """Inside AND, OR or NOT."""
    if isinstance(part, expression.Any | expression.All | expression.Not):
        return f"({show(part)})"
    return show(part)


def _operand(part: expression.Expression) -> str:
    """Beside NEAR."""
    return f"({show(part)})" if isinstance(part, expression.Near) else _inner(part)


def item(leaf: expression.Leaf) -> str:
    """A leaf as a list has it: a phrase needs no quotes there."""
    if isinstance(leaf, expression.Words) and not leaf.is_exact:
        return f"{leaf.field}:{leaf.text}" if leaf.field else leaf.text
    return term(leaf)


def term(shown: expression.Expression) -> str:
    """A leaf or a set as a query has it."""
    field = getattr(shown, "field", None)
    prefix = f"{field}:" if field else ""
    match shown:
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
            raise AssertionError(shown)
