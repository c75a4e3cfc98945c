"""Make the texts of simulated articles from real headlines and teasers, so that words are as common as in real news.

The same feed and item give the same text. One article in ten shares its headline with others of the same hours.
"""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

from bench.soak.simulation import shares
from bench.soak.simulation.rhythms import Recorded
from bench.soak.simulation.world import Feed, World

_EVENT_SECONDS = 6 * 3600
_EVENTS = 40


def document(world: World, feed: Feed, moment: float) -> bytes:
    """The newest items, newest first, as RSS."""
    count = feed.count_at(moment)
    items = [_item(world, feed, number) for number in range(count - 1, max(-1, count - 1 - feed.window), -1)]
    built = world.start + timedelta(seconds=moment) if feed.is_restless else world.start
    ttl = f"<ttl>{feed.ttl_minutes}</ttl>" if feed.ttl_minutes else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>Desk {feed.number}</title><link>https://{feed.host.name}/{feed.number}/</link><description>-</description>"
        f"<lastBuildDate>{format_datetime(built, usegmt=True)}</lastBuildDate>{ttl}{''.join(items)}</channel></rss>"
    ).encode()


def _item(world: World, feed: Feed, number: int) -> str:
    moment = feed.published[number]
    published = format_datetime(world.start + timedelta(seconds=int(moment)), usegmt=True)
    title, teaser = words(world.recorded, feed.number, number, moment)
    return (
        f"<item><title>{escape(title)}</title><link>https://{feed.host.name}/{feed.number}/{number}</link>"
        f'<guid isPermaLink="false">{feed.number}-{number}</guid><pubDate>{published}</pubDate>'
        f"<description>{escape(teaser)}</description></item>"
    )


def words(recorded: Recorded, feed: int, number: int, moment: float) -> tuple[str, str]:
    """Headline and teaser."""
    own = _mixed(feed * 1_000_003 + number)
    key = own
    if own % 1_000 < shares.SHARED * 1_000:
        key = _mixed(int(moment // _EVENT_SECONDS) * _EVENTS + own // 1_000 % _EVENTS)
    titles, teasers = recorded.titles, recorded.teasers
    title = _spliced(titles[key % len(titles)], titles[_mixed(key) % len(titles)])
    return title, _spliced(teasers[key % len(teasers)], teasers[_mixed(own + 1) % len(teasers)])


def _spliced(first: str, second: str) -> str:
    begin, end = first.split(" "), second.split(" ")
    return " ".join([*begin[: len(begin) // 2 + 1], *end[len(end) // 2 :]])


def _mixed(number: int) -> int:
    """A large number that looks drawn, the same each time (the mixing of splitmix64)."""
    number = (number + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return number ^ number >> 31
