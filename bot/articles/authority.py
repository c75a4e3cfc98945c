"""Whose word counts about a link: may an item be the article that another feed brought under the same link?

A feed writes the links of its items, so a link alone proves nothing across feeds. Else whoever lists a publisher's
link first, under any headline, would silence the publisher's own item.
"""

from __future__ import annotations

from datetime import timedelta

from bot import model, ports
from bot.articles.alike import titles_agree
from bot.articles.lookup import Item
from bot.articles.outlets import belongs_to, site_of

#: Of an article that was too old to be told only the identity is kept. A feed that says so of another's article, with
#: a false date, must not silence it: an item that is younger by more than this is another.
_YOUNGER = timedelta(hours=12)


def is_same_article(stub: ports.Stub, item: Item, feed: model.Feed, *, outlet: str) -> bool:
    """Whether ``item`` of ``feed`` is the article that another feed brought under the same link.

    Yes where one publisher has both feeds, where the article came from the feed of the link's own site, and where the
    headlines agree.
    """
    if site_of(stub.feed) == site_of(feed.url):
        return True
    if not stub.has_text and _is_younger(item, stub):
        return False
    if belongs_to(stub.link, stub.feed):
        return True
    return titles_agree(stub.title, item.title, outlet=outlet, links=(item.link, stub.feed, feed.url))


def takes_over(stub: ports.Stub, item: Item, feed: model.Feed) -> bool:
    """Whether ``feed`` speaks for the article from now on: it is of the link's own site, and the feed that brought the
    article is not."""
    return stub.feed not in ("", feed.url) and belongs_to(item.link, feed.url) and not belongs_to(item.link, stub.feed)


def speaks_for(article: model.Article, other: model.Article) -> bool:
    """Whether ``other`` only lists what the site of ``article`` says: it links to that site from another's feed, and
    ``article`` is of the site's own feed. Then ``article`` is the original, whichever came first."""
    is_its_own = belongs_to(article.link, article.feed)
    return is_its_own and belongs_to(other.link, article.feed) and not belongs_to(other.link, other.feed)


def _is_younger(item: Item, stub: ports.Stub) -> bool:
    if item.published is None or stub.published is None:
        return False
    return item.published - stub.published > _YOUNGER
