"""An expression against an article, exactly: is it true, and on which words.

The index only finds candidates; what is said here counts.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from bot.rules import expression, regex
from bot.rules.article_text import ArticleText, FieldText, Stretch

#: Beyond this many pairs of places, NEAR keeps the nearest of each only: enough to be found, and linear.
MAX_PAIRS = 10_000
#: Beyond this many stretches under NEAR, those that hold others are left out: what is left grows with the text alone.
MAX_FOUND = 1_000
#: Steps of the search for one window ``"a b c"~n``; only a text of the same few words comes near.
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
    """Whether the expression is true of the article."""
    if type(tested) is expression.Words:
        # By far the most; a generator would cost as much as the look-up.
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
    """The places that make a true expression true; empty where it is false, or true by exclusions only."""
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
            return _unique(hit for text in texts for found in found_in(tested, text) for hit in found.hits)
        case expression.Window(_, _, field):
            return _unique(hit for text in view.fields(field) for found in found_in(tested, text) for hit in found.hits)


def _unique(found: Iterable[Hit]) -> list[Hit]:
    return list(dict.fromkeys(found))


def found_in(tested: expression.Expression, text: FieldText) -> list[FoundStretch]:
    """Where a part under NEAR is true in one text, from left to right."""
    match tested:
        case expression.Words():
            return _found_words(tested, text)
        case expression.Regex():
            return _found_regex(tested, text)
        case expression.Window(parts, words, field):
            return _found_window(parts, words, text) if _is_in(field, text) else []
        case expression.Any(parts) | expression.Named(_, parts):
            found = sorted((found for part in parts for found in found_in(part, text)), key=lambda found: found[:2])
            return _fewer(found)
        case expression.Near(left, right, words, is_ordered):
            left_found, right_found = found_in(left, text), found_in(right, text)
            _count(text, min(len(left_found) * len(right_found), MAX_PAIRS) + len(left_found) + len(right_found))
            near = _near_pairs(left_found, right_found, words, is_ordered)
            joined = _fewer([FoundStretch(one.first, other.last, one.hits + other.hits) for one, other in near])
            return sorted(dict.fromkeys(joined), key=lambda found: found[:2])
        case _:
            raise AssertionError(tested)


def _places_in(tested: expression.Expression, text: FieldText) -> list[Stretch]:
    """As ``found_in``, without what was found there: most articles with the words have them far apart."""
    if type(tested) is expression.Words:
        # By far the most, and a pattern that takes a class apart costs as much as the look-up.
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
            near = _near_pairs(left, right, tested.words, tested.is_ordered)
            return sorted({*_fewer([Stretch(before.first, after.last) for before, after in near])})
        case _:
            return [Stretch(found.first, found.last) for found in found_in(tested, text)]


def _count(text: FieldText, steps: int) -> None:
    if text.steps is not None:
        text.steps.take(steps)


def _fewer(found: list[_Place]) -> list[_Place]:
    """All, or of too many the shortest from each word and to each word.

    Else each NEAR around another one doubles what the next has to pair, and 20 of them hold a processor for seconds.
    """
    if len(found) <= MAX_FOUND:
        return found
    by_first: dict[int, _Place] = {}
    by_last: dict[int, _Place] = {}
    for one in found:
        if one.first not in by_first or one.last < by_first[one.first].last:
            by_first[one.first] = one
        if one.last not in by_last or one.first > by_last[one.last].first:
            by_last[one.last] = one
    kept = {one[:2]: one for one in (*by_last.values(), *by_first.values())}
    return [kept[stretch] for stretch in sorted(kept)]


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
    # Counted before it runs: nothing can stop it then.
    _count(text, regex.steps(leaf.source, leaf.ignores_case, len(text.normal.text)))
    return regex.spans(leaf.source, leaf.ignores_case, text.normal.text)


def _found_regex(leaf: expression.Regex, text: FieldText) -> list[FoundStretch]:
    if not _is_in(leaf.field, text):
        return []
    found = []
    for start, end in _regex_spans(leaf, text):
        if place := text.stretch(start, end):
            found.append(FoundStretch(*place, (_hit(leaf, text, *text.normal.place(start, end)),)))
    return found


def _near_pairs(left: list[_Place], right: list[_Place], words: int, is_ordered: bool) -> list[tuple[_Place, _Place]]:
    pairs = _pairs(left, right, words)
    return pairs if is_ordered else pairs + _pairs(right, left, words)


def _pairs(before: list[_Place], after: list[_Place], words: int) -> list[tuple[_Place, _Place]]:
    """Places with at most so many words between: all, or of too many each with its nearest."""
    first_of = [found.first for found in after]
    if len(before) * len(after) <= MAX_PAIRS:
        pairs = []
        for one in before:
            start = bisect.bisect_right(first_of, one.last)
            pairs += [
                (one, other) for other in after[start : bisect.bisect_right(first_of, one.last + words + 1, start)]
            ]
        return pairs
    ends = sorted(before, key=lambda found: found.last)
    nearest: dict[tuple[int, int], None] = {}
    last_of = [found.last for found in ends]
    for number, other in enumerate(after):
        index = bisect.bisect_left(last_of, other.first)
        if index:
            nearest[index - 1, number] = None
    for number, one in enumerate(ends):
        index = bisect.bisect_right(first_of, one.last)
        if index < len(after):
            nearest[number, index] = None
    near = [(ends[index], after[number]) for index, number in nearest]
    return [(one, other) for one, other in near if other.first - one.last - 1 <= words]


def _found_window(parts: tuple[expression.Words, ...], words: int, text: FieldText) -> list[FoundStretch]:
    """For each first word, the shortest window from it that has every part once."""
    places = [text.find(part.pattern) for part in parts]
    if not all(places):
        return []
    found = []
    steps = MAX_STEPS
    for first in sorted({place.first for several in places for place in several}):
        limit = first + words + sum(len(part.pattern.elements) for part in parts) * 2
        near = [
            several[bisect.bisect_left(several, (first, 0)) : bisect.bisect_right(several, (limit, limit))]
            for several in places
        ]
        chosen, steps = _fill(near, first, words, steps)
        if chosen:
            last = max(place.last for place in chosen)
            hits = tuple(_hit(part, text, *text.place(place)) for part, place in zip(parts, chosen, strict=True))
            found.append(FoundStretch(first, last, hits))
    return found


def _fill(near: list[list[Stretch]], first: int, words: int, steps: int) -> tuple[tuple[Stretch, ...], int]:
    """A place for each part, none on another's words, one of them at ``first``, the last as early as can be."""
    best: tuple[Stretch, ...] = ()
    best_last = -1
    waiting: list[tuple[Stretch, ...]] = [()]
    while waiting and steps > 0:
        steps -= 1
        chosen = waiting.pop()
        if len(chosen) == len(near):
            last = max(place.last for place in chosen)
            own = sum(place.last - place.first + 1 for place in chosen)
            if min(chosen).first == first and last - first + 1 - own <= words and (not best or last < best_last):
                best, best_last = chosen, last
            continue
        waiting.extend(
            (*chosen, place)
            for place in reversed(near[len(chosen)])
            if all(place.last < other.first or other.last < place.first for other in chosen)
        )
    return best, steps
