"""Two versions of the rules over the stored archive: what would be posted more, and what less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot import config, model, ports, rules
from bot.pipeline import backtest
from bot.pipeline.snapshot import Snapshot


class Change(StrEnum):
    """What became of a rule."""

    NEW = "new"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReview:
    """One rule that is not as it was; a version that there is not matched and posted nothing."""

    rule: str
    change: Change
    matched_before: int
    matched_now: int
    #: Articles that only one of the versions matches, oldest first.
    starts: tuple[backtest.MatchedArticle, ...]
    stops: tuple[backtest.MatchedArticle, ...]
    posts_before: int
    posts_now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All rules that are not as they were."""

    articles: int
    since: datetime
    until: datetime
    rules: tuple[RuleReview, ...]
    #: Posts that only one of the versions makes, oldest first.
    more: tuple[backtest.Post, ...]
    less: tuple[backtest.Post, ...]


def changed(before: config.Settings, now: config.Settings) -> dict[str, Change]:
    """Name -> what became of the rule, for those that are not as they were."""
    old, new = ({entry.rule.name: _effective(entry.rule) for entry in each.rules} for each in (before, now))
    found = {name: Change.CHANGED if name in old else Change.NEW for name in new if old.get(name) != new[name]}
    return found | {name: Change.REMOVED for name in old if name not in new}


def _effective(rule: model.Rule) -> model.Rule:
    """The rule without what changes nothing in what is posted."""
    return replace(rule, note=None, must_match=(), must_not_match=())


def review(
    tx: ports.Transaction,
    before: config.Settings,
    now: config.Settings,
    snapshots: tuple[Snapshot, Snapshot],
    *,
    since: datetime,
    until: datetime,
) -> Review:
    """Try both versions of what changed; ``snapshots`` are those of the two settings. Blocking."""
    changes = changed(before, now)
    baselines = {state.url: state.baseline_at for state in tx.feeds.all() if state.baseline_at}
    old, new = (
        _tried(tx, [entry for entry in settings.rules if entry.rule.name in changes], snapshot, baselines, since, until)
        for settings, snapshot in zip((before, now), snapshots, strict=True)
    )
    return Review(
        articles=new.articles,
        since=since,
        until=until,
        rules=tuple(_rule(name, change, old, new) for name, change in sorted(changes.items())),
        more=tuple(post for key, post in new.posts.items() if key not in old.posts),
        less=tuple(post for key, post in old.posts.items() if key not in new.posts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """What one version of the rules finds and posts."""

    articles: int
    #: Rule -> what it matches.
    hits: Mapping[str, Mapping[model.ArticleId, backtest.MatchedArticle]]
    #: By channel and headlines.
    posts: Mapping[tuple[str, tuple[str, ...]], backtest.Post]


def _tried(
    tx: ports.Transaction,
    chosen: Sequence[rules.CompiledRule],
    snapshot: Snapshot,
    baselines: Mapping[str, datetime],
    since: datetime,
    until: datetime,
) -> _Version:
    plan = backtest.Plan(
        tried=tuple(chosen),
        since=since,
        until=until,
        feeds=snapshot.feeds,
        baselines=baselines,
        policies=snapshot.policies,
        routes=snapshot.routes,
        window=snapshot.window,
        encoder=snapshot.encoder,
    )
    report = backtest.run(tx.articles, plan)
    # Edits and replies belong to one of the posts.
    kinds = (model.MessageKind.POST, model.MessageKind.GATHERED)
    return _Version(
        articles=report.articles,
        hits={rule.rule: {hit.article: hit for hit in rule.hits} for rule in report.rules},
        posts={(post.channel, post.headlines): post for post in report.messages if post.kind in kinds},
    )


def _rule(name: str, change: Change, old: _Version, new: _Version) -> RuleReview:
    before, now = old.hits.get(name, {}), new.hits.get(name, {})
    return RuleReview(
        rule=name,
        change=change,
        matched_before=len(before),
        matched_now=len(now),
        starts=tuple(hit for article, hit in now.items() if article not in before),
        stops=tuple(hit for article, hit in before.items() if article not in now),
        posts_before=sum(name in post.rules for post in old.posts.values()),
        posts_now=sum(name in post.rules for post in new.posts.values()),
    )
