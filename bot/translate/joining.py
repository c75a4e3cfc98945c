"""Join translated parts, some of which may be None because they were dropped."""

from __future__ import annotations

from collections.abc import Iterable

from bot.rules import expression
from bot.rules.lexer import MAX_NEAR
from bot.translate.notes import Notes

Part = expression.Expression | None


def every(parts: Iterable[Part]) -> Part:
    """Join parts by AND, flat."""
    kept: list[expression.Expression] = []
    for part in parts:
        if isinstance(part, expression.All):
            kept.extend(part.parts)
        elif part is not None:
            kept.append(part)
    return kept[0] if len(kept) == 1 else expression.All(tuple(kept)) if kept else None


def either(parts: Iterable[Part]) -> Part:
    """Join parts by OR, flat."""
    kept: list[expression.Expression] = []
    for part in parts:
        if isinstance(part, expression.Any):
            kept.extend(part.parts)
        elif part is not None:
            kept.append(part)
    return kept[0] if len(kept) == 1 else expression.Any(tuple(kept)) if kept else None


def negative(part: Part) -> Part:
    """Negate a part; the negation of a negated part is that part, and None stays None."""
    if isinstance(part, expression.Not):
        return part.part
    return None if part is None else expression.Not(part)


def near(left: Part, right: Part, words: int, is_ordered: bool, written: str, notes: Notes) -> Part:
    """Join two parts by NEAR; spread it over AND, and drop NOT below it, both with a note."""
    if left is None or right is None:
        if left is not None or right is not None:
            notes.lose(written, "its distance: one side was dropped")
        return left or right
    for side, other_side, is_left in ((left, right, True), (right, left, False)):
        if isinstance(side, expression.All):
            notes.lose(written, "NEAR over AND: each part must be near the other side, not all at one place")
            return every(
                near(part, other_side, words, is_ordered, written, notes)
                if is_left
                else near(other_side, part, words, is_ordered, written, notes)
                for part in side.parts
                if not _is_lost(part, written, notes)
            )
    operands = [_operand(side, written, notes) for side in (left, right)]
    if operands[0] is None or operands[1] is None:
        return operands[0] or operands[1]
    if not (_fields(operands[0]) & _fields(operands[1])):
        notes.lose(written, "its distance: the two sides are in different fields")
        return every(operands)
    return expression.Near(operands[0], operands[1], min(words, MAX_NEAR), is_ordered)


def _is_lost(part: expression.Expression, written: str, notes: Notes) -> bool:
    if isinstance(part, expression.Not):
        notes.lose(written, "dropped: NOT under NEAR")
        return True
    return False


def _operand(part: expression.Expression, written: str, notes: Notes) -> Part:
    """Return the part as NEAR accepts it: terms, OR and NEAR."""
    match part:
        case expression.Not() | expression.Value():
            what = "NOT" if isinstance(part, expression.Not) else f"{part.field}:"
            notes.lose(written, f"dropped: {what} under NEAR")
            return None
        case expression.All(parts):
            notes.lose(written, "AND inside OR under NEAR: one of its parts is enough")
            return either(_operand(inner, written, notes) for inner in parts)
        case expression.Any(parts):
            return either(_operand(inner, written, notes) for inner in parts)
        case _:
            return part


def _fields(part: expression.Expression) -> frozenset[str]:
    match part:
        case expression.Near(left, right):
            return _fields(left) & _fields(right)
        case expression.Any(parts):
            return frozenset[str]().union(*map(_fields, parts))
        case _:
            field = getattr(part, "field", None)
            return frozenset(expression.TEXT_FIELDS if field is None else (field,))
