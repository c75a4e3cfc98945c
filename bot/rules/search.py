"""Search the stored articles in the rule language.

    text → parse_search → index_condition → candidates of the store, newest first → search_page: the rules decide

The store finds candidates (``storage.Search.candidates``). This module does not read the store.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import msgspec

from bot.durations import parse_duration
from bot.model.archive import AllOf, AnyOf, CandidateQuery, SearchCandidate, SearchCondition, SearchTerm
from bot.model.rules import Match, Rule
from bot.model.stories import Article
from bot.patterns import LazyPattern
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


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
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


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """An article with the matching places as evidence."""

    article: Article
    matches: tuple[Match, ...]


class SearchPage(msgspec.Struct, frozen=True, kw_only=True):
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
            return SearchPage(hits=tuple(results), after=last.number, looked_back_to=last.article.first_seen)
        last = candidate
        matches = _match_article(compiled, candidate.article)
        if matches is not None:
            results.append(SearchHit(article=candidate.article, matches=matches))
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
    return (Match(rule="search", evidence=evidence),) if compiled.parts else ()


#: The limits are stricter than for rules, because people wait for a search.
MAX_CHARACTERS, MAX_TERMS = 2_000, 100
#: Maximum regular expressions of one search, each with at most ``regex.MAX_SEARCH_SIZE`` instructions.
MAX_REGEXES = 5
#: The key "query:" before a query that was copied from a rule.
_KEY = LazyPattern(r"\s{0,40}query[ \t]{0,8}:(?:\s{0,8}[|>]-?\s*\n)?")
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
        if regex.size(leaf.source) > regex.MAX_SEARCH_SIZE:
            start = max(text.find(leaf.source), 0)
            message = f"a regular expression that is too large for a search: {regex.size(leaf.source):,} instructions"
            help_text = f"use smaller repeat counts; at most {regex.MAX_SEARCH_SIZE:,} instructions are allowed"
            raise QueryError(message, start, start + len(leaf.source), "bad-regex", help_text)
    if not expression.requires_a_term(tree):
        raise QueryError("nothing has to match", 0, len(text), "only-negatives", "add a term that must match")
    return tree


def render_mistake(text: str, error: QueryError) -> str:
    """Render the mistake with the part of the text around it and carets below it, as lines.

    The first line begins with the place: the character or, after the first line of the text, line and column.
    """
    line_start = text.rfind("\n", 0, error.start) + 1
    line_end = text.find("\n", error.start)
    first = max(line_start, error.start - _AROUND)
    shown = text[first : line_end if line_end >= 0 else len(text)][: 2 * _AROUND]
    carets = max(1, min(error.end - error.start, len(shown) - (error.start - first)))
    place = (
        f"{text.count(chr(10), 0, error.start) + 1}:{error.start - line_start + 1}" if line_start else error.start + 1
    )
    lines = [
        f"{place}: {error.message}",
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
_WORD = LazyPattern(r"[\w?]+\*?")


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
