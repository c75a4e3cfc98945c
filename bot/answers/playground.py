"""The rule playground: what a pasted rule would have matched in the archive. Reads only; nothing is saved.

Bounded: one trial at a time and few that wait, so many articles, steps and seconds; and nothing of it runs on the event
loop, also not the compiling of the rule.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import config, model, ports, rules
from bot.answers import pasted, patches
from bot.answers.watched import Watched
from bot.language import encoders
from bot.pipeline import backtest

#: Looked back at first, and at most.
DAYS, MOST_DAYS = 7, 30
#: Some seconds of one core at 50 µs an article and rule.
MOST_ARTICLES = 20_000
MOST_TIME = timedelta(seconds=5)
#: On the examples of all pasted rules together, and on one article; half a million are a second of one core.
MOST_STEPS_OF_EXAMPLES = 500_000
MOST_STEPS_OF_AN_ARTICLE = 2_000_000
#: Trials that wait for the one under way.
MOST_WAITING = 3
#: What fits into an address, which is where a form that changes nothing puts it.
MOST_CHARACTERS = 8_000
#: Articles shown of each rule.
SHOWN = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One rule on the archive."""

    report: backtest.RuleReport
    read_back: str
    #: The last matches, newest first, each with what the rule fired on.
    matched: tuple[tuple[model.Article, tuple[model.Match, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaygroundResult:
    """What a pasted rule would have found, or why it was not tried."""

    problems: tuple[model.Problem, ...] = ()
    #: The same, with carets.
    problem_text: str = ""
    #: Why there is no result, or why it is smaller than asked for.
    remark: str = ""
    tried: tuple[Tried, ...] = ()
    #: None: nothing was tried.
    report: backtest.Report | None = None
    #: What puts the rules into the files of the configuration; empty: they are there already.
    patch: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether the rule has an error."""
        return any(problem.severity == "error" for problem in self.problems)


class _TooLongError(Exception):
    pass


class Playground:
    """Tries pasted rules, one at a time."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._one_at_a_time = asyncio.Lock()
        self._inside = 0

    async def try_out(self, written: str, days: int) -> PlaygroundResult:
        """Raises StoreUnavailable."""
        if len(written) > MOST_CHARACTERS:
            return PlaygroundResult(
                remark=f"A pasted rule may have {MOST_CHARACTERS:,} characters; this has {len(written):,}."
            )
        return await self._in_turn(lambda: self._try_out(written, days))

    async def try_loaded(self, compiled: rules.CompiledRule) -> PlaygroundResult:
        """A rule that is loaded, over ``DAYS`` days. Raises StoreUnavailable."""
        return await self._in_turn(lambda: self._over_archive(PlaygroundResult(), (compiled,), DAYS))

    async def _in_turn(self, work: Callable[[], Awaitable[PlaygroundResult]]) -> PlaygroundResult:
        if self._inside > MOST_WAITING:
            return PlaygroundResult(remark="Others are trying rules now: try again in a few seconds.")
        self._inside += 1
        try:
            async with self._one_at_a_time:
                return await work()
        finally:
            self._inside -= 1

    async def _try_out(self, written: str, days: int) -> PlaygroundResult:
        settings = self._watched.settings
        try:
            compiled, problems = await self._watched.store.read_long(
                lambda tx: pasted.parse_pasted(written, settings, rules.Steps(MOST_STEPS_OF_EXAMPLES))
            )
        except pasted.TooManyRulesError as error:
            return PlaygroundResult(remark=f"{str(error).capitalize()}.")
        told = PlaygroundResult(problems=problems, problem_text=config.render(problems))
        if not compiled:
            return replace(told, remark="" if problems else "There is no rule in it.")
        found = await self._over_archive(told, compiled, days)
        patch = await asyncio.to_thread(lambda: patches.patch_of(pasted.items(written, settings), settings))
        return replace(found, patch=patch)

    async def _over_archive(
        self, told: PlaygroundResult, compiled: tuple[rules.CompiledRule, ...], days: int
    ) -> PlaygroundResult:
        settings, now = self._watched.settings, self._watched.clock.now()
        ends_at = time.monotonic() + MOST_TIME.total_seconds()
        try:
            return await self._watched.store.read_long(
                lambda tx: _try(tx, compiled, settings, told, days, now, ends_at)
            )
        except rules.TooManySteps:
            advice = "use fewer wordings under NEAR, or smaller regular expressions"
            remark = f"On one article this takes more than {MOST_STEPS_OF_AN_ARTICLE:,} steps: {advice}."
        except _TooLongError:
            remark = f"This took longer than {model.show_duration(MOST_TIME)}: choose fewer days."
        return replace(told, remark=remark)


def _try(
    tx: ports.Transaction,
    compiled: tuple[rules.CompiledRule, ...],
    settings: config.Settings,
    told: PlaygroundResult,
    days: int,
    now: datetime,
    ends_at: float,
) -> PlaygroundResult:
    since, remark = _since(tx, days, now)
    feeds = settings.feeds_by_address

    def look_at_the_clock() -> None:
        if time.monotonic() > ends_at:
            raise _TooLongError

    plan = backtest.Plan(
        tried=compiled,
        since=since,
        until=now,
        feeds=feeds,
        routes=settings.bot.routes,
        window=settings.bot.stories_window,
        encoder=encoders.of(settings.bot.languages),
        most_steps=MOST_STEPS_OF_AN_ARTICLE,
    )
    report = backtest.run(tx.articles, plan, on_article=look_at_the_clock)
    return replace(
        told,
        remark=remark,
        tried=tuple(_tried(tx, one, found, feeds, now) for one, found in zip(compiled, report.rules, strict=True)),
        report=report,
    )


def _since(tx: ports.Transaction, days: int, now: datetime) -> tuple[datetime, str]:
    """As far back as asked for, or as the number of articles allows."""
    for span in (timedelta(days=days), *(timedelta(days=d) for d in (14, 7, 3, 1)), timedelta(hours=6)):
        if span <= timedelta(days=days) and tx.articles.count(since=now - span) <= MOST_ARTICLES:
            shorter = span < timedelta(days=days)
            remark = f"The archive is large: this covers only the last {model.show_duration(span)}."
            return now - span, remark if shorter else ""
    return now - timedelta(hours=1), "The archive is large: this covers only the last hour."


def _tried(
    tx: ports.Transaction,
    compiled: rules.CompiledRule,
    found: backtest.RuleReport,
    feeds: Mapping[str, model.Feed],
    now: datetime,
) -> Tried:
    awake = replace(compiled, rule=replace(compiled.rule, paused=False, until=None))
    ruleset = rules.RuleSet([awake], most_steps=MOST_STEPS_OF_AN_ARTICLE)
    last = [hit.article for hit in found.hits[: -SHOWN - 1 : -1]]
    articles = tx.articles.get(last)
    shown = [articles[each] for each in last if each in articles]
    return Tried(
        report=found,
        read_back=rules.describe(compiled.rule),
        matched=tuple(
            (article, ruleset.match(article, feeds.get(article.feed) or model.Feed(url=article.feed), now=now))
            for article in shown
        ),
    )
