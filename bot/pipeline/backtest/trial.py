"""Try rules on the archive in one pass.

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
    """The rules to try, and the settings of the bot."""

    tried: tuple[rules.CompiledRule, ...]
    #: Rule name -> another version to compare with.
    others: Mapping[str, rules.CompiledRule] = field(default_factory=dict)
    #: The name of the other versions.
    with_what: str = "the loaded version"
    #: Rule name -> articles that matched the other version.
    matched_before: Mapping[str, frozenset[model.ArticleId]] = field(default_factory=dict)
    since: datetime
    until: datetime
    #: Address -> feed.
    feeds: Mapping[str, model.Feed] = field(default_factory=dict)
    #: Address -> the time of the feed's first poll, whose articles are not news.
    baselines: Mapping[str, datetime] = field(default_factory=dict)
    #: Channel -> when it may be posted to.
    policies: Mapping[str, model.SpeakPolicy] = field(default_factory=dict)
    #: For rules without ``notify``.
    routes: tuple[model.Route, ...] = ()
    window: timedelta = timedelta(days=14)
    encoder: ports.Encoder | None = None
    #: The time zone of days.
    zone: tzinfo = UTC
    #: Maximum matched articles to replay, at 10 to 20 ms each; None: all. A rule that matches more is too wide anyway.
    replayed: int | None = 2_000
    #: Maximum steps of the rules on one article, else ``run`` raises TooManySteps; None: no limit.
    most_steps: int | None = None


#: Called for each article.
OnArticle = Callable[[], None]


class Archive(Protocol):
    """The part of the store that a backtest reads."""

    def archive(self, *, since: datetime) -> Iterator[model.Article]:
        """Yield articles with text first seen since a time, oldest first."""


def run(archive: Archive, plan: Plan, *, on_article: OnArticle = lambda: None) -> Report:
    """Try the rules of a plan. Blocking; runs inside a store's ``read``. Raises TooManySteps."""
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
        #: When the replay reached its limit.
        self._full_at: datetime | None = None

    def take(self, article: model.Article) -> None:
        self._articles += 1
        feed = self._plan.feeds.get(article.feed) or model.Feed(url=article.feed, name=article.outlet)
        matching = self._all.matching(article, feed, now=article.first_seen)
        numbers = _by_rule(matching, self._before.get(article.id, ()))
        if not numbers:
            return
        is_hit = any(0 in versions for versions in numbers.values())
        matches = self._set.match(article, feed, now=article.first_seen) if is_hit else ()
        own = {match.rule: match for match in matches}
        for name, versions in numbers.items():
            self._by_rule[name].take(article, feed, frozenset(versions), own.get(name))
        if matches:
            self._replay_article(article, matches)

    def _replay_article(self, article: model.Article, matches: tuple[model.Match, ...]) -> None:
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
    """Return the rule unpaused."""
    return replace(compiled, rule=replace(compiled.rule, paused=False))


def _by_rule(matching: Iterable[str], matched_before: Iterable[str]) -> dict[str, set[int]]:
    """Return rule -> the numbers of its matching versions, including all rules of ``matched_before``."""
    numbers: dict[str, set[int]] = {name: set() for name in matched_before}
    for version in matching:
        number, _, name = version.partition(":")
        numbers.setdefault(name, set()).add(int(number))
    return numbers
