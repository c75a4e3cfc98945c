"""Replay twelve real feeds of April and May 2020 under twelve rules with ``volume: true``, and list every surge.

Each article arrives at its published time, as with a bot that polls often; those of a feed's first fetch are its
baseline. Nothing is fitted on these feeds.

    python -m bench.quality.volume [--in HOURS]
"""

from __future__ import annotations

import argparse
import tempfile
from calendar import timegm
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser

from bench.quality import replay
from bot import app, rules
from bot.config.settings import Settings
from bot.model.rules import ONLY_SURGES, Line, Rule, SurgeLimits
from bot.model.stories import Article
from bot.pipeline import backtest
from bot.stories import volume

#: Two broad rules beside the ten everyday rules of the replay.
BROAD = (
    Rule(name="The White House", any=(Line(label="who", terms=("White House", "Trump")),)),
    Rule(name="New Zealand lockdown", all=(Line(label="a", terms=("lockdown", "alert level")),)),
)


def read_articles() -> tuple[list[Article], dict[str, datetime]]:
    """Return every article once, in the order of publication, and the time of each feed's first fetch."""
    articles: dict[str, Article] = {}
    baselines: dict[str, datetime] = {}
    for name in replay.all_series():
        for fetch in replay.read_series(name, None):
            for article in _entries(fetch):
                is_first = baselines.setdefault(article.feed, fetch.at) == fetch.at
                # A feed that names no time, or an old one, lists the article when it is fetched.
                is_fresh = fetch.at - article.when < timedelta(days=1)
                seen = article.when if is_fresh and not is_first else fetch.at
                articles.setdefault(article.id, replace(article, first_seen=seen))
    return sorted(articles.values(), key=lambda article: (article.first_seen, article.id)), baselines


def _entries(fetch: replay.Fetch) -> Iterator[Article]:
    for entry in feedparser.parse(fetch.body).entries:
        if entry.get("title"):
            named = entry.get("published_parsed") or entry.get("updated_parsed")
            published = datetime.fromtimestamp(timegm(named), UTC) if named else None
            yield replace(replay.article_of(fetch, entry), published=published)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--in", dest="hours", type=int, default=6, help="the window, in hours")
    limits = SurgeLimits(in_=timedelta(hours=parser.parse_args().hours))
    articles, baselines = read_articles()
    with tempfile.TemporaryDirectory() as folder:
        replay.write_config(Path(folder), {}, "14 days")
        settings: Settings = app.load(Path(folder), {})
    loaded = [entry.rule for entry in settings.rules] + list(BROAD)
    tried = [
        rules.compile_rule(replace(rule, notify=("alerts",), when=ONLY_SURGES, volume=limits, version="1"))
        for rule in loaded
    ]
    since, until = articles[0].first_seen, articles[-1].first_seen
    print(f"{len(articles):,} articles of {len(baselines)} feeds, {(until - since).days} days, {len(tried)} rules")
    plan = backtest.BacktestPlan(
        tried=tuple(tried), settings=settings, since=since, until=until, baselines=baselines, replayed=None
    )
    report = backtest.run_backtest(iter(articles), plan)
    print(f"{report.matched:,} matched articles, {report.stories:,} stories, {len(report.surges)} surges")
    for surge in report.surges:
        closed = f"{surge.closed_at:%d %b %H:%M}" if surge.closed_at else "open"
        peak = volume.describe_volume(surge.peak, "a window")
        print(f"\n{surge.began_at:%d %b %H:%M} to {closed} · {surge.rule}: {peak}")
        print(f"  {volume.describe_causes(surge.causes)}")
        for cause in surge.causes.largest:
            print(f"  {cause.count:3} {cause.headline} ({', '.join(cause.outlets[:4])})")


if __name__ == "__main__":
    main()
