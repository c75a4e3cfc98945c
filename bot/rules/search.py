"""Search the stored articles in the rule language.

    text → parse_search → index_condition → candidates of the store, newest first → search_page: the rules decide

The store finds candidates (``storage.Search.candidates``). This module does not read the store.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from bot.model.archive import AllOf, AnyOf, CandidateQuery, SearchCandidate, SearchCondition, SearchTerm
from bot.model.durations import parse_duration
from bot.model.rules import Match, Rule
from bot.model.stories import Article
from bot.rules import evaluate, expression, regex
from bot.rules.article_text import ArticleText, Steps, TooManySteps
from bot.rules.errors import QueryError
from bot.rules.evaluate import CompiledRule
from bot.rules.parse import parse_query
from bot.rules.parts import LineKind, Part, RuleReading
from bot.text import tokens
from bot.text.sentences import UNSPACED

#: Maximum time of one page; the next page continues where it stopped.
MAX_TIME = timedelta(seconds=2)
MAX_CANDIDATES = 5_000
#: Maximum steps for one article; half a million take a second.
_MAX_STEPS = 500_000


#: Yields the candidates of a query, newest first, within a time limit.
FindCandidates: TypeAlias = Callable[[CandidateQuery, timedelta], Iterator[SearchCandidate]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """One search; at least one part is set."""

    #: The result of ``parse_search``, or None for any article.
    condition: expression.Expression | None = None
    #: Words that the outlet's name must contain.
    outlet: str | None = None
    #: Name of a rule that matched the article.
    rule: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    #: ``SearchPage.after`` of the previous page.
    before: int | None = None
    most: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """An article with the matching places as evidence."""

    article: Article
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """One page of results, newest first."""

    hits: tuple[SearchHit, ...]
    #: The value of ``SearchQuery.before`` for the next page, or None if this is the last page.
    after: int | None
    #: If the page stopped early: when the last article that it searched was first seen.
    looked_back_to: datetime | None = None


def search_page(find_candidates: FindCandidates, search: SearchQuery) -> SearchPage:
    """Return one page. Raises SearchTooLong, and QueryError for an outlet without a letter."""
    tree = search.condition
    if search.outlet is not None:
        outlet = expression.make_words(tokens.normalise(search.outlet), field="source")
        tree = outlet if tree is None else expression.All((tree, outlet))
    parts = () if tree is None else (Part(kind=LineKind.ALL, label="search", expression=tree, is_query=True),)
    # Omit the terms in capitals, so that a match in a shouting title is not weak.
    compiled = CompiledRule(rule=Rule(name="search", notify=()), own=RuleReading(parts))
    quick_checks = () if tree is None else find_glances(tree)
    ends_at = time.monotonic() + MAX_TIME.total_seconds()
    candidates = find_candidates(
        CandidateQuery(
            condition=None if tree is None else index_condition(tree),
            rule=search.rule,
            since=search.since,
            until=search.until,
            before=search.before,
        ),
        MAX_TIME,
    )
    results: list[SearchHit] = []
    last: SearchCandidate | None = None
    for count, candidate in enumerate(candidates):
        if len(results) == search.most:
            assert last is not None
            return SearchPage(hits=tuple(results), after=last.number)
        if last is not None and (count >= MAX_CANDIDATES or time.monotonic() > ends_at):
            return SearchPage(hits=tuple(results), after=last.number, looked_back_to=last.article().first_seen)
        last = candidate
        if not all(glance.may_be_near(candidate.title, candidate.text) for glance in quick_checks):
            continue
        article = candidate.article()
        matches = _match_article(compiled, article)
        if matches is not None:
            results.append(SearchHit(article=article, matches=matches))
    return SearchPage(hits=tuple(results), after=None)


def _match_article(compiled: CompiledRule, article: Article) -> tuple[Match, ...] | None:
    """Return the matches of an article, or None if it is not a result."""
    view = ArticleText(article, Steps(_MAX_STEPS))
    try:
        if not evaluate.satisfies_lines(compiled, view):
            return None
        evidence = evaluate.collect_evidence(evaluate.evaluate_rule(compiled, view))
    except TooManySteps:
        # The words occur too often to decide, so leave the article out.
        return None
    return (Match(rule="search", rule_version="", evidence=evidence),) if compiled.parts else ()


#: The limits are stricter than for rules, because people wait for a search.
MAX_CHARACTERS, MAX_TERMS = 2_000, 100
#: Maximum regular expressions of one search, each with at most ``regex.COSTLY_SIZE`` instructions.
MAX_REGEXES = 5
#: The key "query:" before a query that was copied from a rule.
_KEY = re.compile(r"\s{0,40}query[ \t]{0,8}:(?:\s{0,8}[|>]-?\s*\n)?")
#: Characters of a text shown on each side of a mistake.
_AROUND = 60


def parse_search(text: str) -> expression.Expression:
    """Parse a search. Raises QueryError with offsets into the text."""
    key = _KEY.match(text)
    start = key.end() if key else 0
    try:
        return _parse_search(text[start:])
    except QueryError as error:
        raise error.moved(start) from None


def _parse_search(text: str) -> expression.Expression:
    if len(text) > MAX_CHARACTERS:
        message = f"{len(text):,} characters; a search may have {MAX_CHARACTERS:,}"
        raise QueryError(message, MAX_CHARACTERS, len(text), "query-too-long", "write it as a rule and try the rule")
    tree = parse_query(text, joins_terms=True)
    leaves = expression.leaves(tree)
    expressions = [leaf for leaf in leaves if isinstance(leaf, expression.Regex)]
    for count, most, noun in (
        (len(leaves), MAX_TERMS, "terms"),
        (len(expressions), MAX_REGEXES, "regular expressions"),
    ):
        if count > most:
            message = f"more than {most} {noun}"
            raise QueryError(message, 0, len(text), "too-many-terms", "write it as a rule and try the rule")
    for leaf in expressions:
        if regex.size(leaf.source) > regex.COSTLY_SIZE:
            start = max(text.find(leaf.source), 0)
            message = f"a regular expression that is too large for a search: {regex.size(leaf.source):,} instructions"
            help_text = f"use smaller repeat counts; at most {regex.COSTLY_SIZE:,} instructions are allowed"
            raise QueryError(message, start, start + len(leaf.source), "bad-regex", help_text)
    if not expression.requires_a_term(tree):
        raise QueryError("nothing has to match", 0, len(text), "only-negatives", "add a term that must match")
    return tree


def render_mistake(text: str, error: QueryError) -> str:
    """Render the mistake with the part of the text around it and carets below it, as lines."""
    line_start = text.rfind("\n", 0, error.start) + 1
    line_end = text.find("\n", error.start)
    first = max(line_start, error.start - _AROUND)
    shown = text[first : line_end if line_end >= 0 else len(text)][: 2 * _AROUND]
    carets = max(1, min(error.end - error.start, len(shown) - (error.start - first)))
    lines = [
        f"{error.start + 1}: {error.message}",
        f"  {shown}",
        f"  {' ' * (error.start - first)}{'^' * carets}",
    ]
    return "\n".join([*lines, f"  {error.help}"] if error.help else lines)


def parse_moment(written: str, now: datetime) -> datetime:
    """Return the beginning of a UTC day ("2026-11-30"), or the time a duration ago ("30d"). Raises ValueError."""
    with contextlib.suppress(ValueError):
        return datetime.strptime(written, "%Y-%m-%d").replace(tzinfo=UTC)
    try:
        return now - parse_duration(written)
    except (ValueError, OverflowError):
        raise ValueError(f'"{written[:40]}" is not a day or a duration: write 2026-11-30 or 30d') from None


#: Fields whose words the index holds.
_INDEXED = (None, "title", "body", "source")
#: A word as the indexes of both databases contain it; ``?`` matches any letter, ``*`` any end.
_WORD = re.compile(r"[\w?]+\*?")


def index_condition(tree: expression.Expression) -> SearchCondition | None:
    """Return the condition for the index, or None if the index cannot help (exclusion, regex, unspaced script)."""
    match tree:
        case expression.Words(text, _, field):
            return _join_conditions(_indexed_terms(text, field)) if field in (*_INDEXED, "lead") else None
        case expression.All(parts):
            excluded_terms = tuple(other for part in parts for other in _excluded_terms(part))
            required = _join_conditions(inner for part in parts if (inner := index_condition(part)) is not None)
            return AllOf((required,), excluded_terms) if required is not None and excluded_terms else required
        case expression.Window(parts, _, _):
            return _join_conditions(inner for part in parts if (inner := index_condition(part)) is not None)
        case expression.Near(left, right):
            return _join_conditions(inner for part in (left, right) if (inner := index_condition(part)) is not None)
        case expression.Any(parts) | expression.Named(_, parts):
            alternatives = [index_condition(part) for part in parts]
            conditions = tuple(alternative for alternative in alternatives if alternative is not None)
            return AnyOf(conditions) if len(conditions) == len(alternatives) else None
        case _:
            return None


def _excluded_terms(part: expression.Expression) -> Iterable[SearchTerm]:
    """Yield an excluded word of lower-case ASCII letters; for other words, the index and the rules may disagree."""
    match part:
        case expression.Not(expression.Words(text, False, field)):
            if field in _INDEXED and text.isascii() and text.isalpha() and text.islower():
                yield SearchTerm(words=(text,), field=field)


def _join_conditions(parts: Iterable[SearchCondition]) -> SearchCondition | None:
    conditions = tuple(parts)
    return conditions[0] if len(conditions) == 1 else AllOf(conditions) if conditions else None


def _indexed_terms(text: str, field: str | None) -> Iterable[SearchTerm]:
    """Yield runs of indexed words. A word with ``?``, or in a script without spaces, ends a run.

    The index does not know the lead, so a term of the lead is searched in title and body.
    """
    field = None if field == "lead" else field
    run: list[str] = []
    for match in _WORD.finditer(text):
        word = match[0].removesuffix("*")
        # The indexes treat a number in a circle as punctuation.
        is_word = any(character.isalpha() or character.isdecimal() for character in word)
        is_indexed = is_word and "?" not in word and not UNSPACED.search(word)
        if is_indexed:
            run.append(word)
        if run and (not is_indexed or match[0].endswith("*")):
            yield SearchTerm(words=tuple(run), is_prefix=is_indexed, field=field)
            run = []
    if run:
        yield SearchTerm(words=tuple(run), field=field)


#: A piece with a letter or digit, between white space.
_PIECE = re.compile(r"\s[^\sA-Za-z0-9]*+[A-Za-z0-9]\S*+(?=\s)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """A quick check whether both sides of a required NEAR may be near each other."""

    #: The first element of each term on this side, without case and accents.
    left: tuple[expression.Element, ...]
    right: tuple[expression.Element, ...]
    #: Maximum pieces, split at white space, between the first elements of the two sides.
    most: int

    def may_be_near(self, title: str, text: str) -> bool:
        """Return whether both sides are in the title, or both in the text, and may be near each other."""
        return any(self._is_close(tokens.fold(field)) for field in (title, text))

    def _is_close(self, folded: str) -> bool:
        # Compare neighbours only: if two places of different sides are near, two neighbours of different sides are too.
        left = [*_find_places(self.left, 0, folded)]
        places = sorted((*left, *_find_places(self.right, 1, folded))) if left else []
        return any(
            first[2] != second[2] and not _exceeds(self.most, folded, first[1], second[0])
            for first, second in pairwise(places)
        )


def find_glances(tree: expression.Expression) -> tuple[Glance, ...]:
    """Return quick checks. Every article for which the expression is true passes them."""
    match tree:
        case expression.All(parts):
            return tuple(glance for part in parts for glance in find_glances(part))
        case expression.Near(left, right, words) if {*tree.fields} <= {*expression.TEXT_FIELDS}:
            sides = [tuple(_alternative_words(left)), tuple(_alternative_words(right))]
            firsts = [[term.pattern.elements[0] for term in side if term is not None] for side in sides]
            begins = [
                tuple(first._replace(text=tokens.drop_accents(tokens.fold_case(first.text))) for first in side)
                for side in firsts
            ]
            is_visible = all(
                first.text.isascii() and first.shape is not expression.Shape.HOLES for side in begins for first in side
            )
            if is_visible and None not in (*sides[0], *sides[1]):
                inside = sum(max(len(term.pattern.elements) for term in side if term is not None) for side in sides)
                return (Glance(left=begins[0], right=begins[1], most=words + inside),)
    return ()


def _alternative_words(part: expression.Expression) -> Iterator[expression.Words | None]:
    """Yield each alternative if it is a term, or else None."""
    match part:
        case expression.Words():
            yield part
        case expression.Any(parts) | expression.Named(_, parts):
            for alternative in parts:
                yield from _alternative_words(alternative)
        case _:
            yield None


def _find_places(begins: Iterable[expression.Element], side: int, folded: str) -> Iterator[tuple[int, int, int]]:
    for element in begins:
        text, end_mark = re.escape(element.text), "" if element.shape is expression.Shape.PREFIX else r"(?![A-Za-z0-9])"
        # The look-behind comes after the text, because re searches much faster for a pattern that begins with letters.
        for match in re.finditer(rf"{text}(?<![A-Za-z0-9]{text}){end_mark}", folded):
            yield *match.span(), side


def _exceeds(most: int, folded: str, start: int, end: int) -> bool:
    """Return whether there are more than ``most`` pieces between two positions.

    NEAR counts at least one word for each piece, except for incomplete pieces at both ends and for punctuation.
    """
    return next(itertools.islice(_PIECE.finditer(folded, start, end), most, None), None) is not None
