"""Is it new, old, seen, the same link, edited or churn? Decided by stored identity, never by date.

Knows no store: it is given what the store knows of one reading (DESIGN section 5).

    entries ─▸ groups (one article each) ─▸ known by id? by link? by text at a sister feed?
                                              │ yes: seen, edited, same link,    │ no: churn, old, new
                                              │      taken over                  │
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot import model, ports
from bot.articles import authority, elsewhere, ids
from bot.articles.churn import are_restamped, churned, is_redated
from bot.articles.fingerprints import fold_title
from bot.articles.groups import Group, grouped, own_first
from bot.articles.lookup import Item, Lookup, look_up
from bot.articles.outlets import outlet_of, owner_of
from bot.articles.stubs import stub_of


class Novelty(StrEnum):
    """What an item of a reading is to the store."""

    NEW = "new"
    #: Older than the backfill window on a baseline: identity, title, link and date only.
    OLD = "old"
    SEEN = "seen"
    #: An id not seen before over an article that is known: by its link, or word for word at a sister feed of the site.
    SAME_LINK = "same link"
    #: Known, and its title, text or date changed. ``edits`` says whether that matters.
    EDITED = "edited"
    #: Known by the word of another feed, and now brought by the feed of its link's own site, which speaks for it from
    #: here on.
    TAKEN_OVER = "taken over"
    #: Known by the word of another feed, in other words. A new article where these match a rule that those did not.
    RETOLD = "retold"
    #: The feed gave its articles new ids and links.
    CHURN = "churn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """One item: what it is, and what is to be stored of it."""

    novelty: Novelty
    #: Built for NEW, OLD, EDITED, TAKEN_OVER and RETOLD; of EDITED and TAKEN_OVER the id is the stored article's.
    article: model.Article | None
    #: What the store knows of it; None for NEW and OLD.
    stub: ports.Stub | None
    sighting: ports.Sighting
    #: Of RETOLD, all articles under the link, of any feed.
    told: tuple[model.ArticleId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """All items of one document, identified."""

    items: tuple[Identified, ...]
    #: For people, for the feed's health.
    remarks: tuple[str, ...] = ()
    #: Most items link to several sites that are not the feed's; None: too few items to tell.
    links_elsewhere: bool | None = None


def identify(
    feed: model.Feed,
    reading: model.Reading,
    known: ports.Known,
    *,
    now: datetime,
    backfill: timedelta,
    is_baseline: bool,
    feed_title: str | None,
    looked_up: Lookup | None = None,
) -> Identification:
    """Every item of one reading, once, in the reading's order.

    ``looked_up``: what ``look_up`` gave for the same reading; spares cleaning every text again.
    """
    items = (looked_up or look_up(feed, reading)).items
    outlet = outlet_of(feed, feed_title or reading.title)
    groups = grouped(items, feed, known, outlet=outlet)
    total = max(len(groups), len(reading.item_hashes))
    absorbed = churned(groups, known, total=total)
    restamped = are_restamped(groups, total=total)
    maker = _Maker(feed=feed, reading=reading, outlet=outlet, now=now)
    oldest = now - backfill if is_baseline else None
    found: list[Identified] = []
    for group in groups:
        churn = absorbed.get(group.best.key) if group.stub is None else None
        if churn is not None:
            found.extend(_known(group, churn, Novelty.CHURN, feed))
        elif group.stub is None:
            found.extend(_unknown(group, maker, known, oldest))
        elif _is_taken_over(group, group.stub, feed, known, oldest):
            found.extend(_edited(group, group.stub, maker, Novelty.TAKEN_OVER))
        elif _is_edited(group, group.stub, feed, restamped=restamped):
            found.extend(_edited(group, group.stub, maker))
        elif item := _retold(group, group.stub, feed, known, oldest):
            first, *rest = _known(group, group.stub, Novelty.SAME_LINK, feed)
            article = maker.article(item, _id_of(group, feed, known))
            told = tuple(stub.id for stub in known.by_link[item.link_key])
            found += [replace(first, novelty=Novelty.RETOLD, article=article, told=told), *rest]
        else:
            novelty = Novelty.SEEN if group.is_known_by_id(known) else Novelty.SAME_LINK
            found.extend(_known(group, group.stub, novelty, feed))
    remarks = (f"the feed gave {len(absorbed)} known articles new ids: absorbed",) if absorbed else ()
    return Identification(
        items=tuple(found),
        remarks=remarks,
        links_elsewhere=elsewhere.links_elsewhere(feed, [item.link for item in items]),
    )


def _is_taken_over(
    group: Group, stub: ports.Stub, feed: model.Feed, known: ports.Known, oldest: datetime | None
) -> bool:
    """At the first meeting only: later the article would change hands for ever."""
    if group.is_known_by_id(known) or not _telling(group):
        return False
    item = _telling(group)[0]
    return authority.takes_over(stub, item, feed) and not _is_old(item, oldest)


def _retold(
    group: Group, stub: ports.Stub, feed: model.Feed, known: ports.Known, oldest: datetime | None
) -> Item | None:
    """What the feed says, at the first meeting, in other words than the feed that brought the article.

    Two feeds' teasers differ, and either may have the words that matter. And who lists a link first, with the
    publisher's headline over a text of its own, must not silence those who list it after.
    """
    if stub.feed in ("", feed.url) or not stub.has_text or stub.id in known.carried or group.is_known_by_id(known):
        return None
    item = next(iter(_telling(group)), None)
    if item is None or item.fingerprint == stub.fingerprint or item.link_key not in known.by_link:
        return None
    return None if _is_old(item, oldest) else item


def _is_edited(group: Group, stub: ports.Stub, feed: model.Feed, *, restamped: bool) -> bool:
    if stub.feed not in ("", feed.url):
        return False  # two feeds' teasers of one article differ for ever
    members = _telling(group)
    if not members:
        return False
    if not stub.has_text:
        # Only its headline was kept: an old article is new again when that changes.
        return all(item.entry.title and item.folded_title != fold_title(stub.title) for item in members)
    if all(item.fingerprint != stub.fingerprint for item in members):
        return True
    return not restamped and members[0].entry.published is not None and is_redated(group)


def _telling(group: Group) -> list[Item]:
    """The items that say something: an empty one takes no word from an article that is stored."""
    return [item for item in group.members if not item.entry.identity_only and (item.entry.title or item.text)]


def _known(group: Group, stub: ports.Stub, novelty: Novelty, feed: model.Feed) -> list[Identified]:
    return [
        Identified(
            novelty=novelty,
            article=None,
            stub=stub,
            sighting=ports.Sighting(feed=feed.url, key=key, article=stub.id),
        )
        for key in _keys(group)
    ]


def _edited(group: Group, stub: ports.Stub, maker: _Maker, novelty: Novelty = Novelty.EDITED) -> list[Identified]:
    item = _telling(group)[0]
    first, *rest = _known(group, stub, Novelty.SEEN, maker.feed)
    article = maker.article(item, stub.id)
    if not item.link_key:
        article = replace(article, link=stub.link)
    return [Identified(novelty=novelty, article=article, stub=stub, sighting=first.sighting), *rest]


def _unknown(group: Group, maker: _Maker, known: ports.Known, oldest: datetime | None) -> list[Identified]:
    item = group.best
    article = maker.article(item, _id_of(group, maker.feed, known))
    novelty = Novelty.OLD if _is_old(item, oldest) or item.entry.identity_only else Novelty.NEW
    first, *rest = _keys(group)
    sighting = ports.Sighting(feed=maker.feed.url, key=first, article=article.id)
    found = Identified(novelty=novelty, article=article, stub=None, sighting=sighting)
    if not rest:
        return [found]
    stub = stub_of(article, has_text=novelty is Novelty.NEW)
    others = [ports.Sighting(feed=maker.feed.url, key=key, article=article.id) for key in rest]
    return [
        found,
        *(Identified(novelty=Novelty.SEEN, article=None, stub=stub, sighting=other) for other in others),
    ]


def _is_old(item: Item, oldest: datetime | None) -> bool:
    return oldest is not None and item.published is not None and item.published < oldest


def _keys(group: Group) -> tuple[str, ...]:
    if len(group.members) == 1:
        return (group.best.key,)
    return tuple(dict.fromkeys(item.key for item in group.members))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    """Builds the articles of one reading."""

    feed: model.Feed
    reading: model.Reading
    outlet: str
    now: datetime

    def article(self, item: Item, id_: model.ArticleId) -> model.Article:
        return model.Article(
            id=id_,
            feed=self.feed.url,
            outlet=self.outlet,
            owner=owner_of(self.feed, item.link),
            link=item.link,
            title=item.title,
            text=item.text,
            author=item.entry.author,
            language=item.entry.language or self.reading.language,
            tags=item.entry.tags,
            published=item.published,
            first_seen=self.now,
            links=item.links,
            fingerprint=item.fingerprint,
        )


def _id_of(group: Group, feed: model.Feed, known: ports.Known) -> model.ArticleId:
    item = next((item for item in group.members if item.link_key), None)
    # Under a link that names other articles of the feed already (a list page), the id is made from the guid.
    if item is not None and not ((stubs := known.by_link.get(item.link_key)) and own_first(stubs, feed)[0]):
        return ids.of_link(feed.url, item.link_key)
    item = group.best
    if item.guid is None:
        return ids.of("text", feed.url, item.key)
    if item.key in known.by_key:  # an id that named another article before
        return ids.of("guid", feed.url, item.guid, item.fingerprint)
    return ids.of("guid", feed.url, item.guid)
