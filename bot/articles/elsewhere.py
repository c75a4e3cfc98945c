"""Does a feed link to the sites of others, as aggregators do?"""

from __future__ import annotations

from collections.abc import Sequence

from bot import model
from bot.articles.outlets import registrable_domain, site_of

#: A reading with fewer links tells nothing.
_FEWEST = 5
#: One other site is a publisher's second domain (feeds.bbci.co.uk and bbc.co.uk); so many are not.
_SITES = 3


def links_elsewhere(feed: model.Feed, links: Sequence[str]) -> bool | None:
    """Whether more than half of the links lead to other sites than the feed's, to several; None: too few to tell."""
    domains = [registrable_domain(link) for link in links if link]
    if len(domains) < _FEWEST:
        return None
    site = site_of(feed.url)
    foreign = [domain for domain in domains if domain != site]
    return 2 * len(foreign) > len(domains) and len(set(foreign)) >= _SITES
