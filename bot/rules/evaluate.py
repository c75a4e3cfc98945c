"""Evaluate an expression or a compiled rule exactly on one article: whether it is true, and on which words.

The index only finds candidates; this evaluation decides.
"""

from __future__ import annotations

import bisect
from collections import Counter
from typing import NamedTuple

import msgspec

from bot.model.rules import Evidence, Rule
from bot.rules import article_text, expression, parse, regex
from bot.rules.article_text import ArticleText, FieldText, Stretch
from bot.rules.parts import LineKind, Part, RuleReading, read_rule

#: Above this number of pairs of places, NEAR keeps only the pairs of nearest places, so that its cost is linear.
MAX_PAIRS = 10_000
#: Above this number of places, a part under NEAR keeps only the shortest place for each first and each last word, so
#: that the cost of nested NEARs grows only with the text.
MAX_PLACES = 1_000
#: Maximum steps to search for ``"a b c"~n``; only a text that repeats the same few words needs as many.
MAX_WINDOW_STEPS = 20_000


class Hit(NamedTuple):
    """One occurrence of a term."""

    leaf: expression.Leaf
    field: str
    #: The words as they are in the article.
    text: str
    #: Offsets into the field.
    start: int
    end: int


class NearRange(NamedTuple):
    """A range of words in one field in which a part under NEAR is true."""

    first: int
    last: int
    #: The matching terms, each with its start and end in the normalised text.
    terms: tuple[tuple[expression.Leaf, int, int], ...]


def holds(tested: expression.Expression, view: ArticleText) -> bool:
    """Return whether the expression is true of the article."""
    if type(tested) is expression.Words:
        # This is by far the most frequent case, and a generator would cost as much as the look-up.
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
            return any(find_places(tested, text) for field in tested.fields for text in view.fields(field))
        case _:
            return bool(find_hits(tested, view))


def find_hits(tested: expression.Expression, view: ArticleText) -> list[Hit]:
    """Return the hits that make the expression true; empty if it is false, or true only because of exclusions."""
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
        case expression.Words(field=field):
            return [
                make_hit(text, tested, *text.span(stretch))
                for text in view.fields(field)
                for stretch in _find_words(tested, text)
            ]
        case expression.Regex(field=field):
            return [make_hit(text, tested, *span) for text in view.fields(field) for span in _find_spans(tested, text)]
        case expression.Near() | expression.Window():
            fields = tested.fields if isinstance(tested, expression.Near) else (tested.field,)
            texts = [text for field in fields for text in view.fields(field)]
            places = [(text, place) for text in texts for place in find_places(tested, text)]
            return list(dict.fromkeys(make_hit(text, *term) for text, place in places for term in place.terms))


def make_hit(text: FieldText, leaf: expression.Leaf, start: int, end: int) -> Hit:
    """Return the hit of a term at a position in the normalised text."""
    first, last = text.normal.place(start, end)
    return Hit(leaf, text.name, text.original[first:last], first, last)


def find_places(tested: expression.Expression, text: FieldText) -> list[NearRange]:
    """Return the places in one text at which a part under NEAR is true, from left to right."""
    if type(tested) is expression.Words:
        # Compare the type, because matching a class pattern costs as much as the look-up.
        occurrences = _find_words(tested, text) if _is_in(tested.field, text) else []
        return [NearRange(*occurrence, ((tested, *text.span(occurrence)),)) for occurrence in occurrences]
    match tested:
        case expression.Regex(field=field):
            spans = _find_spans(tested, text) if _is_in(field, text) else []
            stretches = [(text.stretch(*span), span) for span in spans]
            return [NearRange(*stretch, ((tested, *span),)) for stretch, span in stretches if stretch is not None]
        case expression.Window(parts, words, field):
            return _find_window(parts, words, text) if _is_in(field, text) else []
        case expression.Any(parts) | expression.Named(_, parts):
            places = [place for part in parts for place in find_places(part, text)]
            return _limit_places(sorted(places, key=lambda place: place[:2]))
        case expression.Near(left, right, words, is_ordered):
            if not (first_places := find_places(left, text)) or not (last_places := find_places(right, text)):
                return []
            _take_steps(
                text,
                min(len(first_places) * len(last_places), MAX_PAIRS) + len(first_places) + len(last_places),
            )
            pairs = _pairs(first_places, last_places, words)
            if not is_ordered:
                pairs += _pairs(last_places, first_places, words)
            joined = _limit_places(
                [NearRange(first.first, last.last, first.terms + last.terms) for first, last in pairs]
            )
            return sorted(dict.fromkeys(joined), key=lambda place: place[:2])
        case _:
            raise AssertionError(tested)


def _take_steps(text: FieldText, steps: int) -> None:
    if text.steps is not None:
        text.steps.take(steps)


def _limit_places(places: list[NearRange]) -> list[NearRange]:
    """Return the places. If there are too many, keep the shortest for each first word and for each last word.

    Without this limit, each NEAR doubles the pairs of the NEAR around it, and 20 nested NEARs take seconds.
    """
    if len(places) <= MAX_PLACES:
        return places
    by_first: dict[int, NearRange] = {}
    by_last: dict[int, NearRange] = {}
    for place in places:
        if place.first not in by_first or place.last < by_first[place.first].last:
            by_first[place.first] = place
        if place.last not in by_last or place.first > by_last[place.last].first:
            by_last[place.last] = place
    kept = {place[:2]: place for place in (*by_last.values(), *by_first.values())}
    return [kept[place] for place in sorted(kept)]


def _is_in(field: str | None, text: FieldText) -> bool:
    return text.field == field if field else text.field in expression.TEXT_FIELDS


def _find_words(leaf: expression.Words, text: FieldText) -> list[Stretch]:
    stretches = text.find(leaf.pattern)
    _take_steps(text, len(stretches))
    return stretches


def _find_spans(leaf: expression.Regex, text: FieldText) -> list[tuple[int, int]]:
    """Return the start and end of each match in the normalised text."""
    # Count the steps first, because nothing can stop a regular expression while it runs.
    _take_steps(text, regex.steps(leaf.source, leaf.ignores_case, len(text.normal.text)))
    return [*regex.spans(leaf.source, leaf.ignores_case, text.normal.text)]


def _pairs(left: list[NearRange], right: list[NearRange], words: int) -> list[tuple[NearRange, NearRange]]:
    """Pair each left place with right places at most ``words`` words after it; if too many, only nearest places."""
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


def _find_window(parts: tuple[expression.Words, ...], words: int, text: FieldText) -> list[NearRange]:
    """Return, for each first word, the shortest window that begins there and contains every part."""
    stretches = [text.find(part.pattern) for part in parts]
    if not all(stretches):
        return []
    places = []
    steps = MAX_WINDOW_STEPS
    for first in sorted({place.first for part_stretches in stretches for place in part_stretches}):
        limit = first + words + sum(len(part.pattern.elements) for part in parts) * 2
        candidates = [
            ranges[bisect.bisect_left(ranges, (first, 0)) : bisect.bisect_right(ranges, (limit, limit))]
            for ranges in stretches
        ]
        chosen, steps = _choose_stretches(candidates, first, words, steps)
        if chosen:
            terms = tuple((part, *text.span(stretch)) for part, stretch in zip(parts, chosen, strict=True))
            places.append(NearRange(first, max(stretch.last for stretch in chosen), terms))
    return places


def _choose_stretches(
    candidates: list[list[Stretch]], first: int, words: int, steps: int
) -> tuple[tuple[Stretch, ...], int]:
    """Choose one stretch for each part, without overlaps, so that they begin at ``first`` and end as early as possible.

    Also returns the number of steps left.
    """
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


class CompiledRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is ready to be evaluated and indexed."""

    rule: Rule
    #: The parts of the rule. If None, they are read when needed, through a small cache.
    own: RuleReading | None = None

    @property
    def reading(self) -> RuleReading:
        return self.own or read_rule(self.rule)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the parts that must match, then the parts that must not."""
        return self.reading.parts


class LineEvaluation(msgspec.Struct, frozen=True):
    part: Part
    hits: tuple[Hit, ...]
    #: Whether the expression is true; for a NONE line, true means that the article is excluded.
    is_found: bool


class Evaluation(msgspec.Struct, frozen=True):
    """The results of all lines of a rule on one article."""

    lines: tuple[LineEvaluation, ...]
    #: Whether every line has the required result.
    is_complete: bool
    #: Whether all hits are terms in capitals, in a title that shouts.
    is_weak: bool

    @property
    def is_match(self) -> bool:
        return self.is_complete and not self.is_weak


def evaluate_rule(compiled: CompiledRule, view: article_text.ArticleText) -> Evaluation:
    """Evaluate all lines of a rule on one article."""
    lines = []
    for part in compiled.parts:
        hits = tuple(find_hits(part.expression, view))
        lines.append(LineEvaluation(part, hits, bool(hits) or holds(part.expression, view)))
    found_by_kind = {kind: [line.is_found for line in lines if line.part.kind is kind] for kind in LineKind}
    has_any = not found_by_kind[LineKind.ANY] or any(found_by_kind[LineKind.ANY])
    is_complete = all(found_by_kind[LineKind.ALL]) and has_any and not any(found_by_kind[LineKind.NONE])
    positive = [hit for line in lines if line.part.kind is not LineKind.NONE for hit in line.hits]
    capitals = compiled.reading.capitals
    is_weak = is_complete and bool(positive and capitals) and _are_weak(positive, capitals, view)
    return Evaluation(tuple(lines), is_complete, is_weak)


def rule_matches(compiled: CompiledRule, view: article_text.ArticleText) -> bool:
    """Return whether the rule matches. Finds no hits, so it is several times cheaper than ``evaluate_rule``."""
    if not satisfies_lines(compiled, view):
        return False
    capitals = compiled.reading.capitals
    may_be_weak = bool(capitals) and article_text.is_shouting(view.fields("title")[0], capitals)
    return not may_be_weak or evaluate_rule(compiled, view).is_match


def satisfies_lines(compiled: CompiledRule, view: article_text.ArticleText) -> bool:
    """Return whether every line has the required result, even if the match is weak."""
    parts = compiled.parts
    any_parts = [part for part in parts if part.kind is LineKind.ANY]
    return (
        all(holds(part.expression, view) for part in parts if part.kind is LineKind.ALL)
        and (not any_parts or any(holds(part.expression, view) for part in any_parts))
        and not any(holds(part.expression, view) for part in parts if part.kind is LineKind.NONE)
    )


def _are_weak(hits: list[Hit], capitals: tuple[expression.Pattern, ...], view: article_text.ArticleText) -> bool:
    """Return whether all hits are terms in capitals that occur only in a shouting title."""
    for leaf in {hit.leaf for hit in hits}:
        if not isinstance(leaf, expression.Words) or not leaf.pattern.is_capitals:
            return False
        if any(text.find(leaf.pattern) for text in view.fields(leaf.field) if text.name != "title"):
            return False
    return all(hit.field == "title" for hit in hits) and article_text.is_shouting(view.fields("title")[0], capitals)


#: Maximum hits of one term in one field that are kept as evidence; a text may repeat a word many times.
MAX_EVIDENCE = 10


def collect_evidence(verdict: Evaluation) -> tuple[Evidence, ...]:
    """Return, as evidence, the hits of the lines that must match, in the order of the rule."""
    counts: Counter[tuple[str, str, str]] = Counter()
    kept: dict[tuple[str, str, str, int, int], Evidence] = {}
    for line in verdict.lines:
        if line.part.kind is LineKind.NONE:
            continue
        #: Id of a leaf -> its term. Rendering a term is slow, so this is done once, not once per hit.
        terms: dict[int, str] = {}
        for hit in line.hits:
            term = terms.get(id(hit.leaf)) or render_term(line.part, hit.leaf)
            terms[id(hit.leaf)] = term
            counts[line.part.label, term, hit.field] += 1
            if counts[line.part.label, term, hit.field] <= MAX_EVIDENCE:
                evidence = make_evidence(line.part, hit, term)
                kept.setdefault((evidence.label, term, hit.field, hit.start, hit.end), evidence)
    return tuple(kept.values())


def render_term(part: Part, leaf: expression.Leaf) -> str:
    """Return a term of a line as the rule writes it."""
    return parse.render_term(leaf) if part.is_query else parse.render_item(leaf)


def make_evidence(part: Part, hit: Hit, term: str) -> Evidence:
    """Return a hit of a term as evidence. In a query, the label of the evidence is the term."""
    label = term if part.is_query else part.label
    return Evidence(label=label, term=term, field=hit.field, text=hit.text, start=hit.start, end=hit.end)
