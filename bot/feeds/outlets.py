"""Find the publisher of an article: the outlet that readers know, its owner, and the site of a feed.

A feed's site comes from its address, which the operator wrote, and never from the feed's content.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from bot.model import visible
from bot.model.feeds import Feed, FeedState

#: Hosts that serve the feeds of many publishers under one domain, so two feeds of a host are not from one site.
_SHARED_HOSTS = frozenset(
    (
        "acast.com anchor.fm beehiiv.com bitbucket.org blogs.com bsky.app buttondown.com buttondown.email "
        "buzzsprout.com campaign-archive.com canalblog.com captivate.fm codeberg.org dailymotion.com dev.to "
        "dreamwidth.org feed43.com feedblitz.com feedburner.com fetchrss.com fireside.fm flipboard.com "
        "ghost.io github.com gitlab.com hashnode.dev hypotheses.org kill-the-newsletter.com libsyn.com "
        "livejournal.com mailchi.mp mastodon.social medium.com megaphone.fm micro.blog mstdn.social note.com "
        "omnycontent.com openrss.org over-blog.com paper.li podbean.com politepol.com rss.app rss.com "
        "rsshub.app simplecast.com soundcloud.com sourceforge.net spreaker.com substack.com t.me telegra.ph "
        "tistory.com transistor.fm tumblr.com typepad.com vimeo.com weebly.com wordpress.com write.as "
        "youtube.com"
    ).split()
)
#: Services whose feeds list other publishers' headlines, chosen by editors or searches. Services on which anybody may
#: post links with comments are not listed: they count as publishers.
_AGGREGATORS = frozenset(
    (
        "allsides.com bing.com drudgereport.com ground.news memeorandum.com news.google.com newsnow.co.uk techmeme.com"
    ).split()
)
#: Finds the host of nearly every link, ten times as fast as parsing the whole address.
_PLAIN_HOST = re.compile(r"https?://([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,9})(?::[0-9]{1,5})?/")


def outlet_of(feed: Feed, feed_title: str | None) -> str:
    """Return the feed's configured name, else its title with the host of its address, else the host.

    The host is added because the feed chooses its title: otherwise any feed could pass for any outlet.
    """
    if feed.name:
        return feed.name
    title = " ".join((feed_title or "").split())
    host = _host(feed.url).removeprefix("www.") or visible.masked(feed.url)
    return f"{title} ({host})" if title and title.casefold() != host else host


def feed_name(state: FeedState, feeds: Mapping[str, Feed]) -> str:
    """Return the name that users see for a feed: the outlet of its articles, else its address."""
    feed = feeds.get(state.url) or Feed(url=state.url)
    return outlet_of(feed, state.title) if feed.name or state.title else visible.masked(state.url)


def owner_of(feed: Feed, link: str) -> str:
    """Return the feed's ``owner:``, else the owner of its site. For a declared aggregator, use the site of the link.

    A site's owner is its group in owners.tsv, else its registrable domain.
    """
    if feed.owner:
        return feed.owner
    if feed.aggregator and (domain := registrable_domain(link)):
        return group_of(_host(link)) or domain
    return _owner_of_site(feed.url)


# Cached, because it is called for each article and has one result per feed.
@functools.lru_cache(maxsize=10_000)
def _owner_of_site(url: str) -> str:
    return group_of(_host(url)) or site_of(url)


@functools.lru_cache(maxsize=10_000)
def site_of(url: str) -> str:
    """Return the registrable domain of a feed's address.

    If the domain does not identify a publisher, return the address without its scheme. This applies to hosts that serve
    feeds of many publishers, to IP addresses, and to hosts without a domain.

    >>> site_of("https://rss.example.co.uk/world.xml"), site_of("https://feeds.feedburner.com/Example")
    ('example.co.uk', 'feeds.feedburner.com/Example')
    """
    domain = registrable_domain(url)
    if domain in _SHARED_HOSTS or "." not in domain or ":" in domain or domain.replace(".", "").isdigit():
        host, slash, path = url.partition("://")[2].partition("/")
        return f"{host.rpartition('@')[2].removeprefix('www.')}{slash}{path}"
    return domain


def belongs_to(link: str, url: str) -> bool:
    """Return whether a link leads to the site of the feed at ``url``, or to another site of the same owner group."""
    if registrable_domain(link) == site_of(url):
        return True
    group = group_of(_host(url))
    return group is not None and group == group_of(_host(link))


def is_known_aggregator(url: str) -> bool:
    """Return whether the feed at ``url`` comes from a service that lists the articles of other publishers."""
    # Compare the endings of the host, because loading the public suffix list takes a tenth of a second.
    labels = _host(url).split(".")
    return "/alerts/feeds/" in url or any(".".join(labels[at:]) in _AGGREGATORS for at in range(len(labels)))


def registrable_domain(link: str) -> str:
    """Return the registrable domain of an address, or its host if that is an IP address or a bare name.

    >>> registrable_domain("https://www.bbc.co.uk/news/1")
    'bbc.co.uk'
    """
    return _domain_of(_host(link))


# Limit the cache, because a hostile feed may list many hosts.
@functools.lru_cache(maxsize=10_000)
def _domain_of(host: str) -> str:
    if not host or host.replace(".", "").isdigit() or ":" in host:
        return host
    return _suffixes().privatesuffix(host) or host


@functools.cache
def _suffixes() -> PublicSuffixList:
    # Built once, on first use. Includes the list's private part, so that two blogs of blogspot.com have two owners.
    return PublicSuffixList()


def _host(link: str) -> str:
    if plain := _PLAIN_HOST.match(link):
        return plain[1]
    try:
        return (urlsplit(link).hostname or "").rstrip(".")
    except ValueError:
        return ""


#: Maximum labels of a domain that is searched in owners.tsv.
_MOST_LABELS = 8


@cache
def _owner_table() -> dict[str, str]:
    lines = resources.files("bot.feeds").joinpath("owners.tsv").read_text("utf-8").splitlines()
    pairs = (line.partition("\t") for line in lines if line and not line.startswith("#"))
    return {domain: owner for domain, _, owner in pairs}


# Limit the cache, because a hostile feed may list many hosts.
@lru_cache(maxsize=10_000)
def group_of(domain: str) -> str | None:
    """Return the owner of a domain, else of the nearest domain above it, or None if owners.tsv has neither."""
    labels = domain.casefold().strip(".").split(".")[-_MOST_LABELS:]
    for at in range(len(labels) - 1):
        owner = _owner_table().get(".".join(labels[at:]))
        if owner is not None:
            return owner
    return None


#: Minimum links of a document from which ``links_elsewhere`` draws a conclusion.
_FEWEST = 5
#: Minimum number of other sites. A single one may be the publisher's second domain (feeds.bbci.co.uk and bbc.co.uk).
_SITES = 3


def links_elsewhere(feed: Feed, links: Sequence[str]) -> bool | None:
    """Return whether most links lead to several sites other than the feed's, or None if there are too few links."""
    domains = [registrable_domain(link) for link in links if link]
    if len(domains) < _FEWEST:
        return None
    site = site_of(feed.url)
    foreign = [domain for domain in domains if domain != site]
    return 2 * len(foreign) > len(domains) and len(set(foreign)) >= _SITES
