"""Recognise feeds that link to the sites of other publishers, as aggregators do."""

from __future__ import annotations

from collections.abc import Sequence

from bot import model
from bot.articles.outlets import registrable_domain, site_of

#: Minimum links of a reading for a conclusion.
_FEWEST = 5
#: One other site may be a publisher's second domain (feeds.bbci.co.uk and bbc.co.uk); this many are not.
_SITES = 3


def links_elsewhere(feed: model.Feed, links: Sequence[str]) -> bool | None:
    """Return whether most links lead to several sites other than the feed's, or None if there are too few links."""
    domains = [registrable_domain(link) for link in links if link]
    if len(domains) < _FEWEST:
        return None
    site = site_of(feed.url)
    foreign = [domain for domain in domains if domain != site]
    return 2 * len(foreign) > len(domains) and len(set(foreign)) >= _SITES
