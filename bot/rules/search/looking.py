"""Search candidates from the newest on, until a page is full or its time is over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import model, ports, rules
from bot.language import tokens
from bot.rules import evaluation, expression
from bot.rules.article_text import ArticleText
from bot.rules.evaluation import CompiledRule
from bot.rules.reading import Kind, Part, Reading
from bot.rules.search.glance import glances
from bot.rules.search.narrowing import condition

#: Maximum time of one page; the next page continues where it stopped.
MOST_TIME = timedelta(seconds=2)
MOST_CANDIDATES = 5_000
#: Maximum steps for one article; half a million take a second.
_MOST_STEPS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One search; at least one part is set."""

    #: The expression of ``question.read``; None: any article.
    wanted: expression.Expression | None = None
    #: Words of the outlet's name.
    outlet: str | None = None
    #: Name of a rule that matched the article.
    rule: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    #: Where the previous page ended.
    before: int | None = None
    most: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An article with the matching places as evidence."""

    article: model.Article
    matches: tuple[model.Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of results, newest first."""

    found: tuple[Found, ...]
    #: Where the next page begins; None: this is the last.
    after: int | None
    #: The time of the last article searched, if the page stopped early; None: it is full or the last.
    looked_back_to: datetime | None = None


def look(tx: ports.Transaction, search: Asked) -> Page:
    """Return one page. Raises SearchTooLong, and QueryError for an outlet without a letter."""
    tree = _with_outlet(search)
    compiled = _compiled(tree)
    quick_checks = () if tree is None else glances(tree)
    ends_at = time.monotonic() + MOST_TIME.total_seconds()
    candidates = tx.search.candidates(
        ports.Wanted(
            condition=None if tree is None else condition(tree),
            rule=search.rule,
            since=search.since,
            until=search.until,
            before=search.before,
        ),
        within=MOST_TIME,
    )
    results: list[Found] = []
    last: ports.Candidate | None = None
    for count, candidate in enumerate(candidates):
        if len(results) == search.most:
            assert last is not None
            return Page(found=tuple(results), after=last.number)
        if last is not None and (count >= MOST_CANDIDATES or time.monotonic() > ends_at):
            return Page(found=tuple(results), after=last.number, looked_back_to=last.article().first_seen)
        last = candidate
        if not all(glance.may_be_near(candidate.title, candidate.text) for glance in quick_checks):
            continue
        article = candidate.article()
        matches = _matches(compiled, article)
        if matches is not None:
            results.append(Found(article=article, matches=matches))
    return Page(found=tuple(results), after=None)


def _with_outlet(search: Asked) -> expression.Expression | None:
    if search.outlet is None:
        return search.wanted
    outlet = expression.words(tokens.normalise(search.outlet), field="source")
    return outlet if search.wanted is None else expression.All((search.wanted, outlet))


def _compiled(tree: expression.Expression | None) -> CompiledRule | None:
    if tree is None:
        return None
    parts = (Part(kind=Kind.ALL, label="search", expression=tree, is_query=True),)
    # Without the list of capitals, a title that shouts does not hide a match from a search.
    return CompiledRule(rule=model.Rule(name="search", notify=()), own=Reading(parts))


def _matches(compiled: CompiledRule | None, article: model.Article) -> tuple[model.Match, ...] | None:
    """Return the matches of an article, or None if it is not a result."""
    if compiled is None:
        return ()
    seen = ArticleText(article, rules.Steps(_MOST_STEPS))
    try:
        if not evaluation.is_true(compiled, seen):
            return None
        result = evaluation.evaluate_rule(compiled, seen)
    except rules.TooManySteps:
        # The article has too many places of the words to decide; leave it out.
        return None
    return (
        (model.Match(rule="search", rule_version="", evidence=evaluation.evidence(result)),)
        if result.is_match
        else None
    )
