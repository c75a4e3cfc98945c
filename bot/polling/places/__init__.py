"""Known places: short forms of feeds, and what must be known of their hosts. One file is one place.

    youtube:@channel → (expand) → a Feed with its real address → (of) by its host: etiquette, outages, limits

Pure; knows no network. What is known of a host holds for its addresses written out too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from types import MappingProxyType

from bot import model
from bot.polling.places import (
    bluesky,
    gdelt,
    github,
    google_news,
    mastodon,
    reddit,
    rsshub,
    telegram,
    youtube,
)
from bot.polling.places.kit import Etiquette, Place, Unfit

__all__ = ["Etiquette", "Place", "Unfit", "etiquette", "expand", "known", "named", "of"]

_SHORT = re.compile(r"([a-z][a-z-]{2,20}):(?!//)(.*)\Z", re.DOTALL)
_HOST = re.compile(r"https?://([^/:?#@]+)", re.IGNORECASE)
_NOTHING = Place(name="", forms={}, feed=lambda rest, has_token: model.Feed(url=rest))
_FREE = Etiquette()


@cache
def known() -> Mapping[str, Place]:
    """Name -> place, sorted."""
    places = (
        bluesky.PLACE,
        gdelt.PLACE,
        github.PLACE,
        google_news.PLACE,
        mastodon.PLACE,
        reddit.PLACE,
        rsshub.PLACE,
        telegram.PLACE,
        youtube.PLACE,
    )
    return MappingProxyType({place.name: place for place in places})


def named(written: str) -> Place | None:
    """The place that a short form names; None: it is no short form, as a whole address."""
    found = _SHORT.match(written.strip())
    return known().get(found[1]) if found else None


def expand(written: str, *, has_token: bool = False) -> model.Feed:
    """The feed of a short form, tagged with its place and with what was written; of an address, that address.

    Raises Unfit.

    >>> expand("github:django/django").url
    'https://github.com/django/django/releases.atom'
    """
    place = named(written)
    if place is None:
        return model.Feed(url=written)
    short = written.strip()
    feed = place.feed(short.partition(":")[2].strip(), has_token)
    return replace(feed, tags=(place.name, short))


@lru_cache(maxsize=10_000)
def of(url: str) -> Place:
    """The place whose host the address has; one without any demands where there is none."""
    found = _HOST.match(url)
    return _by_host().get(found[1].lower(), _NOTHING) if found else _NOTHING


def etiquette(feed: model.Feed) -> Etiquette:
    """How often the feed's host may be polled."""
    found = _HOST.match(feed.url)
    both = of(feed.url).hosts.get(found[1].lower()) if found else None
    return both[feed.access is not None and feed.access.login is not None] if both else _FREE


@cache
def _by_host() -> Mapping[str, Place]:
    return {host: place for place in known().values() for host in place.hosts}
