"""Evaluate an expression or a compiled rule on one article, exactly: whether it is true, and on which words.

The index only finds candidates; this result decides.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from bot import model
from bot.rules import article_text, expression, parse, regex
from bot.rules.article_text import ArticleText, FieldText, Stretch
from bot.rules.parts import LineKind, Part, RuleReading, read_rule

#: Beyond this many pairs of places, NEAR keeps only the nearest of each place, which makes it linear.
MAX_PAIRS = 10_000
#: Beyond this many stretches under NEAR, a stretch that contains another is dropped: the rest grows with the text only.
MAX_STRETCHES = 1_000
#: Steps of the search for one window ``"a b c"~n``; only a text that repeats the same few words comes near.
MAX_WINDOW_STEPS = 20_000


class Hit(NamedTuple):
    """One term at one place."""

    leaf: expression.Leaf
    field: str
    #: The article's own words.
    text: str
    #: Offsets into the field.
    start: int
    end: int


class HitStretch(NamedTuple):
    """A stretch of one field on which a part under NEAR is true."""

    first: int
    last: int
    hits: tuple[Hit, ...]


_Place = TypeVar("_Place", bound=Stretch | HitStretch)


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
            return any(_find_places(tested, text) for field in tested.fields for text in view.fields(field))
        case _:
            return bool(find_hits(tested, view))


def find_hits(tested: expression.Expression, view: ArticleText) -> list[Hit]:
    """Return the places that make a true expression true; empty if it is false, or true by exclusions only."""
    match tested:
        case expression.All(parts):
            return [hit for part in parts for hit in find_hits(part, view)] if holds(tested, view) else []
        case expression.Any(parts) | expression.Named(_, parts):
            return [hit for part in parts for hit in find_hits(part, view)]
        case expression.Not():
            return []
        case expression.Value(field, value):
            place = view.value(field, value)
            return [Hit(tested, field, *place)] if place else []
        case expression.Regex(_, _, field):
            return [hit for text in view.fields(field) for hit in _find_regex_hits(tested, text)]
        case expression.Words(_, _, field):
            return [hit for text in view.fields(field) for hit in _find_word_hits(tested, text)]
        case expression.Near():
            texts = [text for field in tested.fields for text in view.fields(field)]
            return _without_duplicates(
                hit for text in texts for stretch in find_stretches(tested, text) for hit in stretch.hits
            )
        case expression.Window(_, _, field):
            return _without_duplicates(
                hit for text in view.fields(field) for stretch in find_stretches(tested, text) for hit in stretch.hits
            )


def _without_duplicates(hits: Iterable[Hit]) -> list[Hit]:
    return list(dict.fromkeys(hits))


def find_stretches(tested: expression.Expression, text: FieldText) -> list[HitStretch]:
    """Return where a part under NEAR is true in one text, from left to right."""
    match tested:
        case expression.Words():
            return _find_words(tested, text)
        case expression.Regex():
            return _find_regex(tested, text)
        case expression.Window(parts, words, field):
            return _find_window(parts, words, text) if _is_in(field, text) else []
        case expression.Any(parts) | expression.Named(_, parts):
            stretches = [stretch for part in parts for stretch in find_stretches(part, text)]
            return _limit_stretches(sorted(stretches, key=lambda stretch: stretch[:2]))
        case expression.Near(left, right, words, is_ordered):
            left_stretches, right_stretches = find_stretches(left, text), find_stretches(right, text)
            _take_steps(
                text,
                min(len(left_stretches) * len(right_stretches), MAX_PAIRS) + len(left_stretches) + len(right_stretches),
            )
            pairs = _near_pairs(left_stretches, right_stretches, words, is_ordered)
            joined = _limit_stretches(
                [HitStretch(first.first, last.last, first.hits + last.hits) for first, last in pairs]
            )
            return sorted(dict.fromkeys(joined), key=lambda stretch: stretch[:2])
        case _:
            raise AssertionError(tested)


def _find_places(tested: expression.Expression, text: FieldText) -> list[Stretch]:
    """Return the stretches without their hits: in most articles with the words they are too far apart."""
    if type(tested) is expression.Words:
        # The most frequent case by far; a class pattern costs as much as the look-up.
        places = text.find(tested.pattern) if _is_in(tested.field, text) else []
        _take_steps(text, len(places))
        return places
    match tested:
        case expression.Any() | expression.Named():
            return _limit_stretches(sorted([place for part in tested.parts for place in _find_places(part, text)]))
        case expression.Near():
            if not (left := _find_places(tested.left, text)) or not (right := _find_places(tested.right, text)):
                return []
            _take_steps(text, min(len(left) * len(right), MAX_PAIRS) + len(left) + len(right))
            pairs = _near_pairs(left, right, tested.words, tested.is_ordered)
            return sorted({*_limit_stretches([Stretch(first.first, second.last) for first, second in pairs])})
        case _:
            return [Stretch(stretch.first, stretch.last) for stretch in find_stretches(tested, text)]


def _take_steps(text: FieldText, steps: int) -> None:
    if text.steps is not None:
        text.steps.take(steps)


def _limit_stretches(stretches: list[_Place]) -> list[_Place]:
    """Return all stretches, or of too many the shortest from each word and to each word.

    Otherwise each NEAR around another doubles the pairs of the next, and 20 of them take a processor seconds.
    """
    if len(stretches) <= MAX_STRETCHES:
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


def _make_hit(leaf: expression.Leaf, text: FieldText, start: int, end: int) -> Hit:
    return Hit(leaf, text.name, text.original[start:end], start, end)


def _find_words(leaf: expression.Words, text: FieldText) -> list[HitStretch]:
    if not _is_in(leaf.field, text):
        return []
    return [
        HitStretch(*at, (hit,)) for at, hit in zip(text.find(leaf.pattern), _find_word_hits(leaf, text), strict=True)
    ]


def _find_word_hits(leaf: expression.Words, text: FieldText) -> list[Hit]:
    places = text.find(leaf.pattern)
    _take_steps(text, len(places))
    return [_make_hit(leaf, text, *text.place(place)) for place in places]


def _find_regex_hits(leaf: expression.Regex, text: FieldText) -> list[Hit]:
    return [_make_hit(leaf, text, *text.normal.place(start, end)) for start, end in _find_regex_spans(leaf, text)]


def _find_regex_spans(leaf: expression.Regex, text: FieldText) -> Iterable[tuple[int, int]]:
    # Count first: nothing can stop the expression while it runs.
    _take_steps(text, regex.steps(leaf.source, leaf.ignores_case, len(text.normal.text)))
    return regex.spans(leaf.source, leaf.ignores_case, text.normal.text)


def _find_regex(leaf: expression.Regex, text: FieldText) -> list[HitStretch]:
    if not _is_in(leaf.field, text):
        return []
    stretches = []
    for start, end in _find_regex_spans(leaf, text):
        if place := text.stretch(start, end):
            stretches.append(HitStretch(*place, (_make_hit(leaf, text, *text.normal.place(start, end)),)))
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


def _find_window(parts: tuple[expression.Words, ...], words: int, text: FieldText) -> list[HitStretch]:
    """Return, for each first word, the shortest window from it that has every part once."""
    places = [text.find(part.pattern) for part in parts]
    if not all(places):
        return []
    stretches = []
    steps = MAX_WINDOW_STEPS
    for first in sorted({place.first for part_places in places for place in part_places}):
        limit = first + words + sum(len(part.pattern.elements) for part in parts) * 2
        candidates = [
            part_places[bisect.bisect_left(part_places, (first, 0)) : bisect.bisect_right(part_places, (limit, limit))]
            for part_places in places
        ]
        chosen, steps = _choose_places(candidates, first, words, steps)
        if chosen:
            last = max(place.last for place in chosen)
            hits = tuple(_make_hit(part, text, *text.place(place)) for part, place in zip(parts, chosen, strict=True))
            stretches.append(HitStretch(first, last, hits))
    return stretches


def _choose_places(
    candidates: list[list[Stretch]], first: int, words: int, steps: int
) -> tuple[tuple[Stretch, ...], int]:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A rule that is ready to be evaluated and indexed."""

    rule: model.Rule
    #: None: read from the rule when needed, through a small cache.
    own: RuleReading | None = None

    @property
    def reading(self) -> RuleReading:
        """Return the parts of the rule."""
        return self.own or read_rule(self.rule)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the parts that must match, then the parts that must not."""
        return self.reading.parts


@dataclass(frozen=True, slots=True)
class LineEvaluation:
    part: Part
    hits: tuple[Hit, ...]
    #: The value of the expression; for a NONE line, true means excluded.
    is_found: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The results of all lines of a rule on one article."""

    lines: tuple[LineEvaluation, ...]
    #: Every line has the required result.
    is_complete: bool
    #: All hits are terms in capitals, in a title that shouts.
    is_weak: bool

    @property
    def is_match(self) -> bool:
        return self.is_complete and not self.is_weak


def evaluate_rule(compiled: CompiledRule, view: article_text.ArticleText) -> Evaluation:
    """Evaluate all lines of a rule on one article."""
    lines = tuple(_evaluate_line(part, view) for part in compiled.parts)
    is_complete = satisfies_lines(compiled, view)
    positive = [hit for line in lines if line.part.kind is not LineKind.NONE for hit in line.hits]
    capitals = compiled.reading.capitals
    is_weak = is_complete and bool(positive and capitals) and _are_weak(positive, capitals, view)
    return Evaluation(lines, is_complete, is_weak)


def rule_matches(compiled: CompiledRule, view: article_text.ArticleText) -> bool:
    """Return whether the rule matches, without the places: several times cheaper than ``evaluate_rule``."""
    if not satisfies_lines(compiled, view):
        return False
    capitals = compiled.reading.capitals
    may_be_weak = bool(capitals) and article_text.is_shouting(view.fields("title")[0], capitals)
    return not may_be_weak or evaluate_rule(compiled, view).is_match


def satisfies_lines(compiled: CompiledRule, view: article_text.ArticleText) -> bool:
    """Return whether every line has the required result; weakness aside."""
    parts = compiled.parts
    any_parts = [part for part in parts if part.kind is LineKind.ANY]
    return (
        all(holds(part.expression, view) for part in parts if part.kind is LineKind.ALL)
        and (not any_parts or any(holds(part.expression, view) for part in any_parts))
        and not any(holds(part.expression, view) for part in parts if part.kind is LineKind.NONE)
    )


def _evaluate_line(part: Part, view: article_text.ArticleText) -> LineEvaluation:
    hits = tuple(find_hits(part.expression, view))
    return LineEvaluation(part, hits, bool(hits) or holds(part.expression, view))


def _are_weak(hits: list[Hit], capitals: tuple[expression.Pattern, ...], view: article_text.ArticleText) -> bool:
    if not all(hit.field == "title" and _is_capitals(hit.leaf) for hit in hits):
        return False
    leaves = {hit.leaf for hit in hits}
    if any(_is_in_body(leaf, view) for leaf in leaves):
        return False
    return article_text.is_shouting(view.fields("title")[0], capitals)


def _is_capitals(leaf: expression.Leaf) -> bool:
    return isinstance(leaf, expression.Words) and leaf.pattern.is_capitals


def _is_in_body(leaf: expression.Leaf, view: article_text.ArticleText) -> bool:
    return (
        isinstance(leaf, expression.Words)
        and leaf.field is None
        and holds(expression.Words(leaf.text, leaf.is_exact, "body", pattern=leaf.pattern), view)
    )


#: Maximum places of one term in one field; bounds a text that repeats one word.
MAX_EVIDENCE = 10


def collect_evidence(verdict: Evaluation) -> tuple[model.Evidence, ...]:
    """Return the places of the lines that must match, in the order of the rule."""
    counts: dict[tuple[str, int, str], int] = {}
    #: The hash of a leaf is slow, so it is computed once for each leaf, not for each hit.
    leaves: dict[expression.Leaf, int] = {}
    numbers: dict[int, int] = {}
    kept = []
    for line in verdict.lines:
        if line.part.kind is LineKind.NONE:
            continue
        for hit in line.hits:
            number = numbers.get(id(hit.leaf))
            if number is None:
                number = numbers[id(hit.leaf)] = leaves.setdefault(hit.leaf, len(leaves))
            key = (line.part.label, number, hit.field)
            counts[key] = counts.get(key, 0) + 1
            if counts[key] <= MAX_EVIDENCE:
                kept.append(make_evidence(line.part, hit))
    return tuple(dict.fromkeys(kept))


def make_evidence(part: Part, hit: Hit) -> model.Evidence:
    """Make evidence of a hit; in a query the label is the term."""
    term = parse.render_term(hit.leaf) if part.is_query else parse.render_item(hit.leaf)
    label = term if part.is_query else part.label
    return model.Evidence(label=label, term=term, field=hit.field, text=hit.text, start=hit.start, end=hit.end)
