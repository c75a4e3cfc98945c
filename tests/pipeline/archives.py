"""Stored articles for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

import bot
from bot.model.feeds import Feed
from bot.model.stories import Article
from tests.stories import examples
from tests.testbed.fakes import START

FEED = Feed(url="https://dawn.example/feed", name="Dawn", tags=("pakistan",))


def article(title: str, text: str = "", *, hours: float = 0, outlet: str = "Dawn", feed: str = FEED.url) -> Article:
    at = START + timedelta(hours=hours)
    return replace(examples.article(title, text, at=at, outlet=outlet), feed=feed, first_seen=at)


@dataclass(frozen=True)
class Archive:
    articles: Sequence[Article]

    def archive(self, *, since: datetime) -> Iterator[Article]:
        articles = (one for one in self.articles if one.first_seen >= since)
        yield from sorted(articles, key=lambda one: (one.first_seen, one.id))


def demo_story() -> list[Article]:
    """The articles of `wirewatch demo`, as stored."""
    story = json.loads((Path(bot.__file__).parent / "demo" / "story.json").read_text(encoding="utf-8"))
    return [
        article(item["title"], item["text"], hours=item["minute"] / 60, outlet=item["feed"]) for item in story["items"]
    ]
