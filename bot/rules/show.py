"""Render an expression as query text that parses to the same expression."""

from __future__ import annotations

from bot.rules import expression, lexer


def show(tree: expression.Expression) -> str:
    """Render an expression as a query: ``(title:a OR title:b) NOT "c d"``."""
    match tree:
        case expression.Any(parts):
            return " OR ".join(_inner(part) for part in parts)
        case expression.All(parts):
            first, *rest = parts
            texts = (show(part) if isinstance(part, expression.Not) else f"AND {_inner(part)}" for part in rest)
            start = show(first) if isinstance(first, expression.Not) else _inner(first)
            return " ".join((start, *texts))
        case expression.Not(part):
            return f"NOT {_inner(part)}"
        case expression.Near(left, right, words, is_ordered):
            return f"{_operand(left)} NEAR/{words}{'f' if is_ordered else ''} {_operand(right)}"
        case _:
            return term(tree)


def _inner(part: expression.Expression) -> str:
    """Render an operand of AND, OR or NOT."""
    if isinstance(part, expression.Any | expression.All | expression.Not):
        return f"({show(part)})"
    return show(part)


def _operand(part: expression.Expression) -> str:
    """Render an operand of NEAR."""
    return f"({show(part)})" if isinstance(part, expression.Near) else _inner(part)


def item(leaf: expression.Leaf) -> str:
    """Render a leaf as a list item, where a phrase needs no quotes."""
    if isinstance(leaf, expression.Words) and not leaf.is_exact:
        return f"{leaf.field}:{leaf.text}" if leaf.field else leaf.text
    return term(leaf)


def term(leaf: expression.Expression) -> str:
    """Render a leaf or a set as a query has it."""
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
