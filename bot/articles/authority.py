"""Decide whether an item is the article that another feed listed under the same link.

A feed writes the links of its items, so a link alone proves nothing across feeds: otherwise whoever lists a publisher's
link first, under any headline, would silence the publisher's own item.
"""

from __future__ import annotations

from datetime import timedelta

from bot import model, ports
from bot.articles.alike import titles_agree
from bot.articles.lookup import Item
from bot.articles.outlets import belongs_to, site_of

#: Only the identity of an article that is too old to be reported is kept. A feed that lists another site's article with
#: a false date must not silence it: an item that is younger by more than this is another article.
_YOUNGER = timedelta(hours=12)


def is_same_article(stub: ports.Stub, item: Item, feed: model.Feed, *, outlet: str) -> bool:
    """Return whether ``item`` of ``feed`` is the article that another feed listed under the same link.

    It is if one publisher has both feeds, if the article came from the feed of the link's own site, or if the headlines
    agree.
    """
    if site_of(stub.feed) == site_of(feed.url):
        return True
    if not stub.has_text and item.published and stub.published and item.published - stub.published > _YOUNGER:
        return False
    if belongs_to(stub.link, stub.feed):
        return True
    return titles_agree(stub.title, item.title, outlet=outlet, links=(item.link, stub.feed, feed.url))


def takes_over(stub: ports.Stub, item: Item, feed: model.Feed) -> bool:
    """Return whether ``feed`` becomes the article's source: only ``feed`` belongs to the site of the link."""
    return stub.feed not in ("", feed.url) and belongs_to(item.link, feed.url) and not belongs_to(item.link, stub.feed)


def speaks_for(article: model.Article, other: model.Article) -> bool:
    """Return whether ``article`` is the original of ``other``, whichever came first.

    It is if it comes from its own site's feed, and ``other`` links to that site from another site's feed.
    """
    is_its_own = belongs_to(article.link, article.feed)
    return is_its_own and belongs_to(other.link, article.feed) and not belongs_to(other.link, other.feed)
