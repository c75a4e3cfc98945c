"""Who publishes an article: the outlet that readers know and the owner behind it."""

from __future__ import annotations

import functools
import re
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from bot import model

#: Nearly every link of an article, and ten times as fast as to take the whole address apart.
_PLAIN_HOST = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+)/")


def outlet_of(feed: model.Feed, feed_title: str | None) -> str:
    """The feed's name, else its title, else the host of its address."""
    return feed.name or (feed_title or "").strip() or _host(feed.url) or feed.url


def owner_of(feed: model.Feed, link: str) -> str:
    """``owner:`` of the feed, else the registrable domain of the article's link, else of the feed's address."""
    return feed.owner or registrable_domain(link) or registrable_domain(feed.url) or feed.url


def registrable_domain(link: str) -> str:
    """``bbc.co.uk`` of ``https://feeds.bbci.co.uk``-like addresses; an IP address or a bare name is itself.

    >>> registrable_domain("https://www.bbc.co.uk/news/1")
    'bbc.co.uk'
    """
    return _domain_of(_host(link))


# The hosts of the feeds that are polled together; the bound is for a hostile one.
@functools.lru_cache(maxsize=10_000)
def _domain_of(host: str) -> str:
    if not host or host.replace(".", "").isdigit() or ":" in host:
        return host
    return _suffixes().privatesuffix(host) or host


@functools.cache
def _suffixes() -> PublicSuffixList:
    # Built once, on first use. The list's private part is kept: two blogs of blogspot.com have two owners.
    return PublicSuffixList()


def _host(link: str) -> str:
    if plain := _PLAIN_HOST.match(link):
        return plain[1]
    try:
        return (urlsplit(link).hostname or "").rstrip(".")
    except ValueError:
        return ""
