"""Reject an article without an evaluation if the words of a NEAR are hopelessly far apart.

Hundreds of articles have both words of a search, and in most they are pages apart. A full evaluation would split the
whole text into words, at ten times the cost. Never rejects an article that the rules would match.
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
    """The two sides of a NEAR that must be true."""

    #: The first element of each term, folded.
    left: tuple[patterns.Element, ...]
    right: tuple[patterns.Element, ...]
    #: Maximum pieces between white space from one beginning to the other.
    most: int

    def may_be_near(self, title: str, text: str) -> bool:
        """Return whether the title or the text has both sides, perhaps near each other."""
        return any(self._is_close(tokens.fold(field)) for field in (title, text))

    def _is_close(self, folded: str) -> bool:
        # If two places of different sides are near each other, so are two neighbours of different sides.
        left = [*_places(self.left, 0, folded)]
        places = sorted((*left, *_places(self.right, 1, folded))) if left else []
        return any(
            first[2] != second[2] and not _has_more(self.most, folded, first[1], second[0])
            for first, second in pairwise(places)
        )


def glances(tree: expression.Expression) -> tuple[Glance, ...]:
    """Return the checks that must hold wherever the expression is true."""
    match tree:
        case expression.All(parts):
            return tuple(glance for part in parts for glance in glances(part))
        case expression.Near(left, right, words) if {*tree.fields} <= {*expression.TEXT_FIELDS}:
            sides = [tuple(_words(left)), tuple(_words(right))]
            begins = [tuple(_beginning(term) for term in side if term is not None) for side in sides]
            if all(len(begin) == len(side) and _can_be_seen(begin) for begin, side in zip(begins, sides, strict=True)):
                inside = sum(max(len(term.pattern.elements) for term in side if term is not None) for side in sides)
                return (Glance(left=begins[0], right=begins[1], most=words + inside),)
    return ()


def _words(part: expression.Expression) -> Iterator[expression.Words | None]:
    """Yield the terms of which one is enough; None for an alternative that is not a term."""
    match part:
        case expression.Words():
            yield part
        case expression.Any(parts) | expression.Named(_, parts):
            for alternative in parts:
                yield from _words(alternative)
        case _:
            yield None


def _beginning(words: expression.Words) -> patterns.Element:
    first = words.pattern.elements[0]
    return first._replace(text=tokens.drop_accents(tokens.fold_case(first.text)))


def _can_be_seen(begins: Iterable[patterns.Element]) -> bool:
    return all(element.text.isascii() and element.shape is not patterns.Shape.HOLES for element in begins)


def _places(begins: Iterable[patterns.Element], side: int, folded: str) -> Iterator[tuple[int, int, int]]:
    for element in begins:
        start = folded.find(element.text)
        while start >= 0:
            end = start + len(element.text)
            is_whole = element.shape is patterns.Shape.PREFIX or not _is_letter(folded[end : end + 1])
            if is_whole and not _is_letter(folded[start - 1 : start] if start else ""):
                yield start, end, side
            start = folded.find(element.text, end)


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _has_more(most: int, folded: str, start: int, end: int) -> bool:
    """Return whether there are more than ``most`` pieces.

    NEAR counts at least one word of each piece, except for the parts of pieces at both ends and for single marks.
    """
    return next(itertools.islice(_PIECE.finditer(folded, start, end), most, None), None) is not None
