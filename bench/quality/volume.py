"""List the surges of 22 rules on real feeds, and count false and missed surges on made streams.

The real part replays twelve feeds of April and May 2020. Each article arrives at its published time, as with a bot that
polls often; those of a feed's first fetch are its baseline. Each rule reports surges under two limits. Whether a surge
is worth a message, and whether its cause is right, is to be judged by reading. Nothing is fitted on these feeds except
the three outlets that a surge needs.

The made part draws Poisson counts with a rhythm of days and weeks, for two months, and adds known surges.

    python -m bench.quality.volume [real | made]
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import random
import tempfile
from calendar import timegm
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
from msgspec.structs import replace

from bench.quality import replay
from bot import app, rules
from bot.config.settings import Settings
from bot.model.rules import ONLY_SURGES, Line, Rule, SurgeLimits
from bot.model.stories import Article
from bot.queries import backtest
from bot.stories import volume
from tests.stories.test_volume import HOUR, START, noise, openings

#: Broad rules, in addition to the ten everyday rules of the replay.
BROAD = tuple(
    Rule(name=name, any=(Line(label="any", terms=terms),))
    for name, terms in {
        "The White House": ("White House", "Trump"),
        "New Zealand lockdown": ("lockdown", "alert level"),
        "Hong Kong": ("Hong Kong",),
        "Minneapolis": ("George Floyd", "Minneapolis"),
        "Downing Street": ("Boris Johnson", "Downing Street", "Dominic Cummings"),
        "Social media": ("Twitter", "Facebook", "Zuckerberg"),
        "Air accidents": ("plane crash*", "jet crash*", "airliner", "Snowbirds"),
        "Covid drugs": ("hydroxychloroquine", "chloroquine", "remdesivir"),
        "World Health Organization": ("World Health Organization", "World Health Organisation"),
        "Storms": ("typhoon", "cyclone", "hurricane", "tropical storm"),
        "Duterte": ("Duterte",),
        "Space": ("SpaceX", "NASA", "Elon Musk"),
    }.items()
)
LIMITS = (SurgeLimits(), SurgeLimits(in_=timedelta(hours=24), at_least=5))
RATES, SEEDS, DAYS = (0.05, 0.3, 1.0, 4.0), 5, 58


def read_articles() -> tuple[list[Article], dict[str, datetime]]:
    """Return every article once, in the order of publication, and the time of each feed's first fetch."""
    articles: dict[str, Article] = {}
    baselines: dict[str, datetime] = {}
    for name in replay.all_series():
        for fetch in replay.read_series(name, None):
            for article in _entries(fetch):
                is_first = baselines.setdefault(article.feed, fetch.at) == fetch.at
                # A feed that gives no date, or an old one, lists the article when it is fetched.
                is_fresh = fetch.at - article.when < timedelta(days=1)
                seen = article.when if is_fresh and not is_first else fetch.at
                articles.setdefault(article.id, replace(article, first_seen=seen))
    return sorted(articles.values(), key=lambda article: (article.first_seen, article.id)), baselines


def _entries(fetch: replay.Fetch) -> Iterator[Article]:
    for entry in feedparser.parse(fetch.body).entries:
        if entry.get("title"):
            date = entry.get("published_parsed") or entry.get("updated_parsed")
            published = datetime.fromtimestamp(timegm(date), UTC) if date else None
            yield replace(replay.article_of(fetch, entry), published=published)


def run_real() -> None:
    """Print the surges of all rules."""
    articles, baselines = read_articles()
    with tempfile.TemporaryDirectory() as folder:
        replay.write_config(Path(folder), {})
        settings: Settings = app.load(Path(folder), {})
    loaded = [*(entry.rule for entry in settings.rules), *BROAD]
    tried = [
        rules.compile_rule(
            dataclasses.replace(
                rule,
                name=f"{rule.name} in {limits.in_ // HOUR} hours",
                notify=("alerts",),
                when=ONLY_SURGES,
                volume=limits,
                version="1",
            )
        )
        for rule in loaded
        for limits in LIMITS
    ]
    since, until = articles[0].first_seen, articles[-1].first_seen
    print(f"{len(articles):,} articles of {len(baselines)} feeds, {(until - since).days} days, {len(loaded)} rules")
    plan = backtest.BacktestPlan(
        tried=tuple(tried), settings=settings, since=since, until=until, baselines=baselines, replayed=None
    )
    report = backtest.run_backtest(iter(articles), plan)
    print(f"{report.matched:,} matched articles, {report.stories:,} stories, {len(report.surges)} surges")
    for surge in report.surges:
        closed = f"{surge.closed_at:%d %b %H:%M}" if surge.closed_at else "open"
        peak = f"{surge.peak.count} articles, usually {surge.peak.usual:.0f}"
        print(f"\n{surge.opened_at:%d %b %H:%M} to {closed} · {surge.rule}: {peak}")
        print(f"  {volume.describe_causes(surge, UTC)}")
        for cause in surge.causes.largest:
            print(f"  {cause.count:3} {cause.headline} ({', '.join(cause.outlets[:4])})")


def run_made() -> None:
    """Print the false surges in a month of noise, and how many known surges are found within one window."""
    print("articles an hour · limits · false surges in a month · surges found within a window")
    for rate in RATES:
        for limits in LIMITS:
            streams = [noise(rate, days=DAYS, seed=seed) for seed in range(SEEDS)]
            false = sum(len(openings(stream, limits)) for stream in streams)
            surges = sum(_finds_surge(stream, rate, limits, seed) for seed, stream in enumerate(streams))
            months = SEEDS * DAYS / 30
            print(f"{rate:5} · {limits.in_ // HOUR:2} hours · {false / months:.2f} · {surges} of {SEEDS}", flush=True)


def _finds_surge(stream: dict[datetime, int], rate: float, limits: SurgeLimits, seed: int) -> bool:
    """Add a surge at a random hour: five times the usual number in a window, and at least twice ``at_least``."""
    begin = START + random.Random(seed).randrange(10 * 24, (DAYS - 3) * 24) * HOUR
    hours = limits.in_ // HOUR
    added = max(5 * rate * hours, 2 * limits.at_least) / hours
    counts = dict(stream)
    for number in range(hours):
        counts[begin + number * HOUR] += math.ceil(added)
    opened = openings({hour: count for hour, count in counts.items() if hour < begin + limits.in_}, limits, since=begin)
    return bool(opened)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=("real", "made"))
    part = parser.parse_args().part
    if part != "made":
        run_real()
    if part != "real":
        run_made()


if __name__ == "__main__":
    main()
