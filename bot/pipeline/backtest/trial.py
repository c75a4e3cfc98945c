"""Tries rules on the archive in one pass.

archive ──▶ one index of all versions ──▶ hits ──▶ replay: stories, alerts, messages
            (tried, other, looser)    ──▶ compared with the other version
                                      ──▶ near misses
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from bot import model, ports, rules
from bot.pipeline import snapshot
from bot.pipeline.backtest.replay import Replay
from bot.pipeline.backtest.report import Report
from bot.pipeline.backtest.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is tried, and how the bot is set up."""

    tried: tuple[rules.CompiledRule, ...]
    #: Rule name -> its other version, which it is compared with.
    others: Mapping[str, rules.CompiledRule] = field(default_factory=dict)
    #: What the other versions are called.
    with_what: str = "the loaded version"
    #: Rule name -> articles that are known to have matched the other version.
    matched_before: Mapping[str, frozenset[model.ArticleId]] = field(default_factory=dict)
    since: datetime
    until: datetime
    #: Address -> feed.
    feeds: Mapping[str, model.Feed] = field(default_factory=dict)
    #: Address -> when its first answer was taken in: what came with it is no news by itself.
    baselines: Mapping[str, datetime] = field(default_factory=dict)
    #: Channel -> when it may be posted to.
    policies: Mapping[str, model.SpeakPolicy] = field(default_factory=dict)
    #: Of rules that name no channel.
    routes: tuple[model.Route, ...] = ()
    window: timedelta = timedelta(days=14)
    encoder: ports.Encoder | None = None
    #: Where a day ends.
    zone: tzinfo = UTC
    #: Matched articles whose messages are worked out, the first ones; None: all. Each costs some 10 to 20 ms, most of
    #: it for new facts and wording, and of a rule with more its width is what matters.
    replayed: int | None = 2_000
    #: What the rules may take on one article, else ``run`` raises TooManySteps; None: no bound.
    most_steps: int | None = None


#: Told of each article that was looked at.
OnArticle = Callable[[], None]


class Archive(Protocol):
    """``ports.Articles`` has it."""

    def archive(self, *, since: datetime) -> Iterator[model.Article]:
        """Articles with text, first seen since, oldest first."""


def run(archive: Archive, plan: Plan, *, on_article: OnArticle = lambda: None) -> Report:
    """Try the plan's rules. Blocking: inside a store's ``read``. Raises TooManySteps."""
    trial = _Trial(plan)
    for article in archive.archive(since=plan.since):
        trial.take(article)
        on_article()
    return trial.report()


class _Trial:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        tried = tuple(_awake(compiled) for compiled in plan.tried)
        self._by_rule = {
            compiled.rule.name: Tally(
                compiled,
                other=plan.others.get(compiled.rule.name),
                matched_before=plan.matched_before.get(compiled.rule.name),
            )
            for compiled in tried
        }
        self._set = rules.RuleSet(tried, most_steps=plan.most_steps)
        self._all = rules.RuleSet(
            (
                replace(version, rule=replace(version.rule, name=f"{number}:{name}"))
                for name, tally in self._by_rule.items()
                for number, version in enumerate(tally.versions)
            ),
            most_steps=plan.most_steps,
        )
        self._replay = Replay(
            snapshot.Snapshot(
                feeds=plan.feeds,
                rules=self._set,
                policies=plan.policies,
                routes=plan.routes,
                window=plan.window,
                encoder=plan.encoder,
            )
        )
        self._before: dict[model.ArticleId, set[str]] = {}
        for name in self._by_rule:
            for article in plan.matched_before.get(name, ()):
                self._before.setdefault(article, set()).add(name)
        self._articles = 0
        self._matched = 0
        self._replayed = 0
        #: Where the replay ends, being full.
        self._full_at: datetime | None = None

    def take(self, article: model.Article) -> None:
        self._articles += 1
        feed = self._plan.feeds.get(article.feed) or model.Feed(url=article.feed, name=article.outlet)
        found = self._all.matching(article, feed, now=article.first_seen)
        numbers = _by_rule(found, self._before.get(article.id, ()))
        if not numbers:
            return
        is_hit = any(0 in those for those in numbers.values())
        matches = self._set.match(article, feed, now=article.first_seen) if is_hit else ()
        own = {match.rule: match for match in matches}
        for name, those in numbers.items():
            self._by_rule[name].take(article, feed, frozenset(those), own.get(name))
        if matches:
            self._speak(article, matches)

    def _speak(self, article: model.Article, matches: tuple[model.Match, ...]) -> None:
        self._matched += 1
        if self._full_at is None and self._replayed == self._plan.replayed:
            self._full_at = article.first_seen
        if self._full_at is None:
            self._replayed += 1
            began = self._plan.baselines.get(article.feed)
            self._replay.take(article, matches, is_baseline=began is not None and article.first_seen <= began)

    def report(self) -> Report:
        plan = self._plan
        self._replay.finish(self._full_at or plan.until)
        return Report(
            articles=self._articles,
            since=plan.since,
            until=plan.until,
            rules=tuple(
                tally.report(plan.with_what, plan.since, plan.until, plan.zone) for tally in self._by_rule.values()
            ),
            stories=self._replay.stories,
            messages=tuple(self._replay.messages()),
            held=self._replay.held,
            matched=self._matched,
            replayed=self._replayed,
            told_until=self._full_at,
        )


def _awake(compiled: rules.CompiledRule) -> rules.CompiledRule:
    """A paused rule is tried as if it were not."""
    return replace(compiled, rule=replace(compiled.rule, paused=False))


def _by_rule(found: Iterable[str], before: Iterable[str]) -> dict[str, set[int]]:
    """Rule -> the numbers of its versions that match; rules of ``before`` stand there in any case."""
    numbers: dict[str, set[int]] = {name: set() for name in before}
    for version in found:
        number, _, name = version.partition(":")
        numbers.setdefault(name, set()).add(int(number))
    return numbers
