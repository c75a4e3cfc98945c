"""A glance at an article: are the words that a search wants near each other hopelessly far apart?

A search looks at hundreds of articles that have both words, and in most they are pages apart. To find that out a full
evaluation would make words of all of the text, at ten times the cost. Never rejects what the rules would find.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from bot.language import tokens
from bot.rules import expression, patterns

#: A piece with a letter or digit, between white space.
_PIECE = re.compile(r"\s[^\sA-Za-z0-9]*+[A-Za-z0-9]\S*+(?=\s)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """Two sides of a NEAR that has to be true."""

    #: How the terms begin, folded.
    left: tuple[patterns.Element, ...]
    right: tuple[patterns.Element, ...]
    #: Pieces between white space that may be between the beginnings.
    most: int

    def may_be_near(self, title: str, text: str) -> bool:
        """Whether one of them has both sides, perhaps near each other."""
        return any(self._is_close(tokens.fold(each)) for each in (title, text))

    def _is_close(self, folded: str) -> bool:
        # Of two places that are near each other and not on the same side, some are neighbours.
        left = [*_places(self.left, 0, folded)]
        places = sorted((*left, *_places(self.right, 1, folded))) if left else []
        return any(
            one[2] != other[2] and not _has_more(self.most, folded, one[1], other[0]) for one, other in pairwise(places)
        )


def glances(wanted: expression.Expression) -> tuple[Glance, ...]:
    """All that must hold wherever the expression is true."""
    match wanted:
        case expression.All(parts):
            return tuple(each for part in parts for each in glances(part))
        case expression.Near(left, right, words) if {*wanted.fields} <= {*expression.TEXT_FIELDS}:
            sides = [tuple(_words(left)), tuple(_words(right))]
            begins = [tuple(_beginning(each) for each in side if each is not None) for side in sides]
            if all(len(begin) == len(side) and _can_be_seen(begin) for begin, side in zip(begins, sides, strict=True)):
                inside = sum(max(len(each.pattern.elements) for each in side if each is not None) for side in sides)
                return (Glance(left=begins[0], right=begins[1], most=words + inside),)
    return ()


def _words(part: expression.Expression) -> Iterator[expression.Words | None]:
    """The terms of which one is enough; None among them: something else is."""
    match part:
        case expression.Words():
            yield part
        case expression.Any(parts) | expression.Named(_, parts):
            for each in parts:
                yield from _words(each)
        case _:
            yield None


def _beginning(words: expression.Words) -> patterns.Element:
    first = words.pattern.elements[0]
    return first._replace(text=tokens.drop_accents(tokens.fold_case(first.text)))


def _can_be_seen(begins: Iterable[patterns.Element]) -> bool:
    return all(each.text.isascii() and each.shape is not patterns.Shape.HOLES for each in begins)


def _places(begins: Iterable[patterns.Element], side: int, folded: str) -> Iterator[tuple[int, int, int]]:
    for each in begins:
        start = folded.find(each.text)
        while start >= 0:
            end = start + len(each.text)
            is_whole = each.shape is patterns.Shape.PREFIX or not _is_letter(folded[end : end + 1])
            if is_whole and not _is_letter(folded[start - 1 : start] if start else ""):
                yield start, end, side
            start = folded.find(each.text, end)


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _has_more(most: int, folded: str, start: int, end: int) -> bool:
    """Of each piece at least one word is counted by NEAR, but for parts of pieces at both ends and for bare marks."""
    return next(itertools.islice(_PIECE.finditer(folded, start, end), most, None), None) is not None
