"""Looks through candidates from the newest on, until a page is full or its time is over."""

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

#: Of one page: then it says how far it came, and goes on from there when asked.
MOST_TIME = timedelta(seconds=2)
MOST_CANDIDATES = 5_000
#: Of one article; half a million are a second.
_MOST_STEPS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One search; at least one of its parts is given."""

    #: Of ``question.read``; None: any article.
    wanted: expression.Expression | None = None
    #: Words of the outlet's name.
    outlet: str | None = None
    #: One that matched.
    rule: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    #: Where the page before ended.
    before: int | None = None
    most: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An article with what was searched for, as evidence."""

    article: model.Article
    matches: tuple[model.Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of what was found, the last to come first."""

    found: tuple[Found, ...]
    #: Where the next page begins; None: this is the last.
    after: int | None
    #: Of a page that is not full though there may be more: the time of the article at which it stopped.
    looked_back_to: datetime | None = None


def look(tx: ports.Transaction, asked: Asked) -> Page:
    """One page. Raises SearchTooLong, and QueryError for an outlet without a letter."""
    wanted = _with_outlet(asked)
    compiled = _compiled(wanted)
    first = () if wanted is None else glances(wanted)
    ends_at = time.monotonic() + MOST_TIME.total_seconds()
    candidates = tx.search.candidates(
        ports.Wanted(
            condition=None if wanted is None else condition(wanted),
            rule=asked.rule,
            since=asked.since,
            until=asked.until,
            before=asked.before,
        ),
        within=MOST_TIME,
    )
    found: list[Found] = []
    last: ports.Candidate | None = None
    for count, candidate in enumerate(candidates):
        if len(found) == asked.most:
            assert last is not None
            return Page(found=tuple(found), after=last.number)
        if last is not None and (count >= MOST_CANDIDATES or time.monotonic() > ends_at):
            return Page(found=tuple(found), after=last.number, looked_back_to=last.article().first_seen)
        last = candidate
        if not all(glance.may_be_near(candidate.title, candidate.text) for glance in first):
            continue
        article = candidate.article()
        matches = _matches(compiled, article)
        if matches is not None:
            found.append(Found(article=article, matches=matches))
    return Page(found=tuple(found), after=None)


def _with_outlet(asked: Asked) -> expression.Expression | None:
    if asked.outlet is None:
        return asked.wanted
    outlet = expression.words(tokens.normalise(asked.outlet), field="source")
    return outlet if asked.wanted is None else expression.All((asked.wanted, outlet))


def _compiled(wanted: expression.Expression | None) -> CompiledRule | None:
    if wanted is None:
        return None
    parts = (Part(kind=Kind.ALL, label="search", expression=wanted, is_query=True),)
    # No capitals: a title that shouts hides nothing from somebody who looks for it.
    return CompiledRule(rule=model.Rule(name="search", notify=()), own=Reading(parts))


def _matches(compiled: CompiledRule | None, article: model.Article) -> tuple[model.Match, ...] | None:
    """None: it is none of those that are wanted."""
    if compiled is None:
        return ()
    seen = ArticleText(article, rules.Steps(_MOST_STEPS))
    try:
        if not evaluation.is_true(compiled, seen):
            return None
        said = evaluation.evaluate_rule(compiled, seen)
    except rules.TooManySteps:
        # One article with too many places of the words: whether they stand as asked is not worked out.
        return None
    return (model.Match(rule="search", rule_version="", evidence=evaluation.evidence(said)),) if said.is_match else None
