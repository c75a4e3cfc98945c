"""Load the labelled story sets as articles, in order of arrival."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from bot.model.stories import Article, ArticleId
from bot.stories import grouping
from tests.testbed import shared_data

DATA = shared_data.ROOT
SETS = ("lede-feeds", "allsides", "basil", "ecbplus", "gva", "fnc", "uci-headlines", "neus")
#: Sets in which the articles of a story bear one and the same time, which no news does.
ONE_TIME = ("allsides", "basil")
SPREAD = timedelta(days=3)
#: Sets without times: all at once, so that time says nothing.
NO_TIME = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article and the story that people say it tells."""

    article: Article
    story: str


def load(name: str, *, most: int | None = None) -> list[Labelled]:
    """Return a set in order of joining; with ``most``, at most so many articles, of stories drawn by their label."""
    with gzip.open(DATA / "stories" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [Labelled(_article(row), row["story"]) for row in map(json.loads, lines)]
    if most is not None and len(rows) > most:
        rows.sort(key=lambda row: draw(row.story) // 2)
        rows = rows[:most]
    place = {article.id: at for at, article in enumerate(grouping.order(row.article for row in rows))}
    return sorted(rows, key=lambda row: place[row.article.id])


def spread(rows: Sequence[Labelled]) -> list[Labelled]:
    """The articles at times of their own, at most three days after the labelled one, in order of joining."""
    moved = []
    for row in rows:
        when = row.article.when + SPREAD * (draw(row.article.id) % 1000 / 1000)
        moved.append(dataclasses.replace(row, article=replace(row.article, published=when, first_seen=when)))
    place = {article.id: at for at, article in enumerate(grouping.order(row.article for row in moved))}
    return sorted(moved, key=lambda row: place[row.article.id])


def draw(story: str) -> int:
    """A number that looks like chance and is the same at each run."""
    return int(hashlib.md5(story.encode(), usedforsecurity=False).hexdigest(), 16)


def _article(row: dict[str, str | None]) -> Article:
    key = hashlib.sha256(str(row["id"]).encode()).hexdigest()
    when = datetime.fromisoformat(row["published"]) if row["published"] else NO_TIME
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return Article(
        id=ArticleId(key[:20]),
        feed="bench",
        # Without a source, each article counts as another outlet's.
        outlet=row["source"] or key[:8],
        owner=row["source"] or key[:8],
        link=row["url"] or "",
        title=row["title"] or "",
        text=row["text"] or "",
        published=when,
        first_seen=when,
        fingerprint=key,
    )
