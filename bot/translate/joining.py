"""Operators over parts of which some were left out."""

from __future__ import annotations

from collections.abc import Iterable

from bot.rules import expression
from bot.rules.lexer import MAX_NEAR
from bot.translate.notes import Notes

Part = expression.Expression | None


def every(parts: Iterable[Part]) -> Part:
    """AND, flat."""
    kept: list[expression.Expression] = []
    for part in parts:
        if isinstance(part, expression.All):
            kept.extend(part.parts)
        elif part is not None:
            kept.append(part)
    return kept[0] if len(kept) == 1 else expression.All(tuple(kept)) if kept else None


def either(parts: Iterable[Part]) -> Part:
    """OR, flat."""
    kept: list[expression.Expression] = []
    for part in parts:
        if isinstance(part, expression.Any):
            kept.extend(part.parts)
        elif part is not None:
            kept.append(part)
    return kept[0] if len(kept) == 1 else expression.Any(tuple(kept)) if kept else None


def negative(part: Part) -> Part:
    """The negated part, of a negated one the part; None stays None."""
    if isinstance(part, expression.Not):
        return part.part
    return None if part is None else expression.Not(part)


def near(left: Part, right: Part, words: int, is_ordered: bool, given: str, notes: Notes) -> Part:
    """NEAR; over AND it is spread, and NOT below it is left out, both noted."""
    if left is None or right is None:
        if left is not None or right is not None:
            notes.lose(given, "its distance: one side was left out")
        return left or right
    for side, other, is_left in ((left, right, True), (right, left, False)):
        if isinstance(side, expression.All):
            notes.lose(given, "NEAR over AND: each part is looked for near the other side, not all at one place")
            return every(
                near(part, other, words, is_ordered, given, notes)
                if is_left
                else near(other, part, words, is_ordered, given, notes)
                for part in side.parts
                if not _is_lost(part, given, notes)
            )
    kept = [_operand(side, given, notes) for side in (left, right)]
    if kept[0] is None or kept[1] is None:
        return kept[0] or kept[1]
    if not (_fields(kept[0]) & _fields(kept[1])):
        notes.lose(given, "its distance: the two sides are in different fields")
        return every(kept)
    return expression.Near(kept[0], kept[1], min(words, MAX_NEAR), is_ordered)


def _is_lost(part: expression.Expression, given: str, notes: Notes) -> bool:
    if isinstance(part, expression.Not):
        notes.lose(given, "left out: NOT under NEAR")
        return True
    return False


def _operand(part: expression.Expression, given: str, notes: Notes) -> Part:
    """What may be beside NEAR: terms, OR and NEAR."""
    match part:
        case expression.Not() | expression.Value():
            what = "NOT" if isinstance(part, expression.Not) else f"{part.field}:"
            notes.lose(given, f"left out: {what} under NEAR")
            return None
        case expression.All(parts):
            notes.lose(given, "AND inside OR under NEAR: any one of its parts is enough")
            return either(_operand(one, given, notes) for one in parts)
        case expression.Any(parts):
            return either(_operand(one, given, notes) for one in parts)
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
