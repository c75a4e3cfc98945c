"""Evaluate an expression on one article, exactly: whether it is true, and on which words.

The index only finds candidates; this result decides.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from bot.rules import expression, regex
from bot.rules.article_text import ArticleText, FieldText, Stretch

#: Beyond this many pairs of places, NEAR keeps only the nearest of each place, which makes it linear.
MAX_PAIRS = 10_000
#: Beyond this many stretches under NEAR, a stretch that contains another is dropped: the rest grows with the text only.
MAX_FOUND = 1_000
#: Steps of the search for one window ``"a b c"~n``; only a text that repeats the same few words comes near.
MAX_STEPS = 20_000


class Hit(NamedTuple):
    """One term at one place."""

    leaf: expression.Leaf
    field: str
    #: The article's own words.
    text: str
    #: Offsets into the field.
    start: int
    end: int


class FoundStretch(NamedTuple):
    """A stretch of one field on which a part under NEAR is true."""

    first: int
    last: int
    hits: tuple[Hit, ...]


_Place = TypeVar("_Place", bound=Stretch | FoundStretch)


def holds(tested: expression.Expression, view: ArticleText) -> bool:
    """Return whether the expression is true of the article."""
    if type(tested) is expression.Words:
        # The most frequent case by far; a generator would cost as much as the look-up.
        for text in view.fields(tested.field):  # noqa: SIM110
            if text.find(tested.pattern):
                return True
        return False
    match tested:
        case expression.All(parts):
            return all(holds(part, view) for part in parts)
        case expression.Any(parts) | expression.Named(_, parts):
            return any(holds(part, view) for part in parts)
        case expression.Not(part):
            return not holds(part, view)
        case expression.Near():
            return any(_places_in(tested, text) for field in tested.fields for text in view.fields(field))
        case _:
            return bool(hits(tested, view))


def hits(tested: expression.Expression, view: ArticleText) -> list[Hit]:
    """Return the places that make a true expression true; empty if it is false, or true by exclusions only."""
    match tested:
        case expression.All(parts):
            return [hit for part in parts for hit in hits(part, view)] if holds(tested, view) else []
        case expression.Any(parts) | expression.Named(_, parts):
            return [hit for part in parts for hit in hits(part, view)]
        case expression.Not():
            return []
        case expression.Value(field, value):
            place = view.value(field, value)
            return [Hit(tested, field, *place)] if place else []
        case expression.Regex(_, _, field):
            return [hit for text in view.fields(field) for hit in _regex_hits(tested, text)]
        case expression.Words(_, _, field):
            return [hit for text in view.fields(field) for hit in _hits_of(tested, text)]
        case expression.Near():
            texts = [text for field in tested.fields for text in view.fields(field)]
            return _unique(hit for text in texts for stretch in found_in(tested, text) for hit in stretch.hits)
        case expression.Window(_, _, field):
            return _unique(
                hit for text in view.fields(field) for stretch in found_in(tested, text) for hit in stretch.hits
            )


def _unique(hits: Iterable[Hit]) -> list[Hit]:
    return list(dict.fromkeys(hits))


def found_in(tested: expression.Expression, text: FieldText) -> list[FoundStretch]:
    """Return where a part under NEAR is true in one text, from left to right."""
    match tested:
        case expression.Words():
            return _found_words(tested, text)
        case expression.Regex():
            return _found_regex(tested, text)
        case expression.Window(parts, words, field):
            return _found_window(parts, words, text) if _is_in(field, text) else []
        case expression.Any(parts) | expression.Named(_, parts):
            stretches = [stretch for part in parts for stretch in found_in(part, text)]
            return _fewer(sorted(stretches, key=lambda stretch: stretch[:2]))
        case expression.Near(left, right, words, is_ordered):
            left_stretches, right_stretches = found_in(left, text), found_in(right, text)
            _count(
                text,
                min(len(left_stretches) * len(right_stretches), MAX_PAIRS) + len(left_stretches) + len(right_stretches),
            )
            pairs = _near_pairs(left_stretches, right_stretches, words, is_ordered)
            joined = _fewer([FoundStretch(first.first, last.last, first.hits + last.hits) for first, last in pairs])
            return sorted(dict.fromkeys(joined), key=lambda stretch: stretch[:2])
        case _:
            raise AssertionError(tested)


def _places_in(tested: expression.Expression, text: FieldText) -> list[Stretch]:
    """Return the stretches without their hits: in most articles with the words they are too far apart."""
    if type(tested) is expression.Words:
        # The most frequent case by far; a class pattern costs as much as the look-up.
        places = text.find(tested.pattern) if _is_in(tested.field, text) else []
        _count(text, len(places))
        return places
    match tested:
        case expression.Any() | expression.Named():
            return _fewer(sorted([place for part in tested.parts for place in _places_in(part, text)]))
        case expression.Near():
            if not (left := _places_in(tested.left, text)) or not (right := _places_in(tested.right, text)):
                return []
            _count(text, min(len(left) * len(right), MAX_PAIRS) + len(left) + len(right))
            pairs = _near_pairs(left, right, tested.words, tested.is_ordered)
            return sorted({*_fewer([Stretch(first.first, second.last) for first, second in pairs])})
        case _:
            return [Stretch(stretch.first, stretch.last) for stretch in found_in(tested, text)]


def _count(text: FieldText, steps: int) -> None:
    if text.steps is not None:
        text.steps.take(steps)


def _fewer(stretches: list[_Place]) -> list[_Place]:
    """Return all stretches, or of too many the shortest from each word and to each word.

    Otherwise each NEAR around another doubles the pairs of the next, and 20 of them take a processor seconds.
    """
    if len(stretches) <= MAX_FOUND:
        return stretches
    by_first: dict[int, _Place] = {}
    by_last: dict[int, _Place] = {}
    for stretch in stretches:
        if stretch.first not in by_first or stretch.last < by_first[stretch.first].last:
            by_first[stretch.first] = stretch
        if stretch.last not in by_last or stretch.first > by_last[stretch.last].first:
            by_last[stretch.last] = stretch
    kept = {stretch[:2]: stretch for stretch in (*by_last.values(), *by_first.values())}
    return [kept[place] for place in sorted(kept)]


def _is_in(field: str | None, text: FieldText) -> bool:
    return text.name == field if field else text.name in expression.TEXT_FIELDS


def _hit(leaf: expression.Leaf, text: FieldText, start: int, end: int) -> Hit:
    return Hit(leaf, text.name, text.original[start:end], start, end)


def _found_words(leaf: expression.Words, text: FieldText) -> list[FoundStretch]:
    if not _is_in(leaf.field, text):
        return []
    return [FoundStretch(*at, (hit,)) for at, hit in zip(text.find(leaf.pattern), _hits_of(leaf, text), strict=True)]


def _hits_of(leaf: expression.Words, text: FieldText) -> list[Hit]:
    places = text.find(leaf.pattern)
    _count(text, len(places))
    return [_hit(leaf, text, *text.place(place)) for place in places]


def _regex_hits(leaf: expression.Regex, text: FieldText) -> list[Hit]:
    return [_hit(leaf, text, *text.normal.place(start, end)) for start, end in _regex_spans(leaf, text)]


def _regex_spans(leaf: expression.Regex, text: FieldText) -> Iterable[tuple[int, int]]:
    # Count first: nothing can stop the expression while it runs.
    _count(text, regex.steps(leaf.source, leaf.ignores_case, len(text.normal.text)))
    return regex.spans(leaf.source, leaf.ignores_case, text.normal.text)


def _found_regex(leaf: expression.Regex, text: FieldText) -> list[FoundStretch]:
    if not _is_in(leaf.field, text):
        return []
    stretches = []
    for start, end in _regex_spans(leaf, text):
        if place := text.stretch(start, end):
            stretches.append(FoundStretch(*place, (_hit(leaf, text, *text.normal.place(start, end)),)))
    return stretches


def _near_pairs(left: list[_Place], right: list[_Place], words: int, is_ordered: bool) -> list[tuple[_Place, _Place]]:
    pairs = _pairs(left, right, words)
    return pairs if is_ordered else pairs + _pairs(right, left, words)


def _pairs(left: list[_Place], right: list[_Place], words: int) -> list[tuple[_Place, _Place]]:
    """Return the pairs with at most so many words between; of too many, each place with its nearest."""
    first_of = [place.first for place in right]
    if len(left) * len(right) <= MAX_PAIRS:
        pairs = []
        for first in left:
            start = bisect.bisect_right(first_of, first.last)
            pairs += [
                (first, second)
                for second in right[start : bisect.bisect_right(first_of, first.last + words + 1, start)]
            ]
        return pairs
    ends = sorted(left, key=lambda place: place.last)
    nearest: dict[tuple[int, int], None] = {}
    last_of = [place.last for place in ends]
    for number, second in enumerate(right):
        index = bisect.bisect_left(last_of, second.first)
        if index:
            nearest[index - 1, number] = None
    for number, first in enumerate(ends):
        index = bisect.bisect_right(first_of, first.last)
        if index < len(right):
            nearest[number, index] = None
    pairs = [(ends[index], right[number]) for index, number in nearest]
    return [(first, second) for first, second in pairs if second.first - first.last - 1 <= words]


def _found_window(parts: tuple[expression.Words, ...], words: int, text: FieldText) -> list[FoundStretch]:
    """Return, for each first word, the shortest window from it that has every part once."""
    places = [text.find(part.pattern) for part in parts]
    if not all(places):
        return []
    stretches = []
    steps = MAX_STEPS
    for first in sorted({place.first for part_places in places for place in part_places}):
        limit = first + words + sum(len(part.pattern.elements) for part in parts) * 2
        candidates = [
            part_places[bisect.bisect_left(part_places, (first, 0)) : bisect.bisect_right(part_places, (limit, limit))]
            for part_places in places
        ]
        chosen, steps = _fill(candidates, first, words, steps)
        if chosen:
            last = max(place.last for place in chosen)
            hits = tuple(_hit(part, text, *text.place(place)) for part, place in zip(parts, chosen, strict=True))
            stretches.append(FoundStretch(first, last, hits))
    return stretches


def _fill(candidates: list[list[Stretch]], first: int, words: int, steps: int) -> tuple[tuple[Stretch, ...], int]:
    """Choose a place for each part, none overlapping, one of them at ``first``, with the earliest possible end."""
    best: tuple[Stretch, ...] = ()
    best_last = -1
    waiting: list[tuple[Stretch, ...]] = [()]
    while waiting and steps > 0:
        steps -= 1
        chosen = waiting.pop()
        if len(chosen) == len(candidates):
            last = max(place.last for place in chosen)
            own = sum(place.last - place.first + 1 for place in chosen)
            if min(chosen).first == first and last - first + 1 - own <= words and (not best or last < best_last):
                best, best_last = chosen, last
            continue
        waiting.extend(
            (*chosen, place)
            for place in reversed(candidates[len(chosen)])
            if all(place.last < other.first or other.last < place.first for other in chosen)
        )
    return best, steps
