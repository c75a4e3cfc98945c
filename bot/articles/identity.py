"""Is it new, old, seen, the same link, edited or churn? Decided by stored identity, never by date.

Knows no store: it is given what the store knows of one reading (DESIGN section 5).

    entries ─▸ groups (one article each) ─▸ known by id? by link? by text at a sister feed?
                                              │ yes: seen, edited, same link     │ no: churn, old, new
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot import model, ports
from bot.articles.alike import titles_alike
from bot.articles.fingerprints import fold_title
from bot.articles.links import twins
from bot.articles.lookup import Item, Lookup, look_up
from bot.articles.outlets import outlet_of, owner_of, registrable_domain

#: Guid churn: at least so many items, and this share of all (DESIGN section 5).
_CHURN_ITEMS = 3
_CHURN_SHARE = 0.8
#: A shorter text («Read more») can be the same in two articles.
_TELLING_TEXT = 200


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
    #: The feed gave its articles new ids and links.
    CHURN = "churn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    novelty: Novelty
    #: Built for NEW, OLD and EDITED; of an edited one the id is the stored article's.
    article: model.Article | None
    #: What the store knows of it; None for NEW and OLD.
    stub: ports.Stub | None
    sighting: ports.Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    items: tuple[Identified, ...]
    #: For people, for the feed's health.
    remarks: tuple[str, ...] = ()


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
    groups = [_Group(members=members, stub=_stub_of(members, feed, known)) for members in _grouped(items)]
    churned = _churned(groups, known, total=max(len(groups), len(reading.item_hashes)))
    restamped = _are_restamped(groups)
    maker = _Maker(feed=feed, reading=reading, feed_title=feed_title, now=now)
    oldest = now - backfill if is_baseline else None
    found: list[Identified] = []
    for group in groups:
        churn = churned.get(group.best.key) if group.stub is None else None
        if churn is not None:
            found.extend(_known(group, churn, Novelty.CHURN, feed))
        elif group.stub is None:
            found.extend(_unknown(group, maker, known, oldest))
        elif _is_edited(group, group.stub, feed, restamped=restamped):
            found.extend(_edited(group, group.stub, maker))
        else:
            novelty = Novelty.SEEN if _knows_key(group, known) else Novelty.SAME_LINK
            found.extend(_known(group, group.stub, novelty, feed))
    remarks = (f"the feed gave {len(churned)} known articles new ids: absorbed",) if churned else ()
    return Identification(items=tuple(found), remarks=remarks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """The items of one reading that are one article."""

    members: tuple[Item, ...]
    stub: ports.Stub | None

    @property
    def best(self) -> Item:
        return self.members[0]


def _grouped(items: Sequence[Item]) -> list[tuple[Item, ...]]:
    """Items that share an id or a link, the fullest first: which one stands first in the feed does not matter."""
    leader: dict[str, int] = {}
    parent = list(range(len(items)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for index, item in enumerate(items):
        for name in (f"key {item.key}", f"link {item.link_key}" if item.link_key else ""):
            if name:
                first = root(leader.setdefault(name, index))
                parent[max(first, root(index))] = min(first, root(index))
    groups: dict[int, list[Item]] = {}
    for index, item in enumerate(items):
        groups.setdefault(root(index), []).append(item)
    return [tuple(sorted(group, key=_fullness, reverse=True)) for group in groups.values()]


def _fullness(item: Item) -> tuple[bool, float, int, str, str]:
    when = item.entry.updated or item.published
    return (not item.entry.identity_only, when.timestamp() if when else 0.0, len(item.text), item.key, item.fingerprint)


def _stub_of(members: Iterable[Item], feed: model.Feed, known: ports.Known) -> ports.Stub | None:
    """The stored article: by the feed's id, by link, by text at a sister feed of the same site."""
    members = tuple(members)
    for item in members:
        stub = known.by_key.get(item.key)
        if stub is not None and not _is_reused(stub, item):
            return stub
    for item in members:
        for form in twins(item.link) if item.link_key else ():
            stub = known.by_link.get(form)
            # A link that named several articles when it was stored (a list page) proves nothing without the headline.
            if stub is not None and (stub.id == _id_of_link(item.link_key) or titles_alike(stub.title, item.title)):
                return stub
    for item in members:
        stub = known.by_fingerprint.get(item.fingerprint)
        if stub is not None and _is_other_address(stub, item, feed):
            return stub
    return None


def _is_reused(stub: ports.Stub, item: Item) -> bool:
    """A known id over another article: link, headline and date are all others."""
    if stub.fingerprint == item.fingerprint or titles_alike(stub.title, item.title):
        return False
    if stub.published is not None and stub.published == item.published:
        return False
    if stub.link and item.link_key:
        return item.link not in twins(stub.link)
    return stub.published is not None and item.published is not None


def _is_other_address(stub: ports.Stub, item: Item, feed: model.Feed) -> bool:
    """One site that carries an article word for word at two addresses in two feeds.

    The same words at another outlet are a copy: another article, which the story stage counts as one outlet.
    """
    if stub.feed in ("", feed.url) or len(item.text) < _TELLING_TEXT or not stub.link or not item.link:
        return False
    if None not in (stub.published, item.published) and stub.published != item.published:
        return False
    return registrable_domain(stub.link) == registrable_domain(item.link)


def _churned(groups: Sequence[_Group], known: ports.Known, *, total: int) -> dict[str, ports.Stub]:
    """Item key → article, where so many ids changed over known titles that it was the feed's doing."""
    twinned = {group.best.key: stub for group in groups if (stub := _same_but_id(group, known)) is not None}
    if len(twinned) < _CHURN_ITEMS or len(twinned) < _CHURN_SHARE * total:
        return {}
    return twinned


def _same_but_id(group: _Group, known: ports.Known) -> ports.Stub | None:
    if _knows_key(group, known):
        return None
    item = group.best
    stubs = sorted(known.by_title.get(item.folded_title, ()), key=lambda stub: stub.id)
    by_text = [stub for stub in stubs if stub.has_text and stub.fingerprint == item.fingerprint]
    by_date = [stub for stub in stubs if stub.published is not None and stub.published == item.published]
    return next(iter((*by_text, *by_date)), None)


def _knows_key(group: _Group, known: ports.Known) -> bool:
    return any(item.key in known.by_key for item in group.members)


def _are_restamped(groups: Sequence[_Group]) -> bool:
    """More than half of what is known has another date: the feed dates its items anew at each build."""
    dated = [group for group in groups if group.stub is not None and group.stub.published and group.best.published]
    return 2 * sum(_is_redated(group) for group in dated) > len(dated)


def _is_redated(group: _Group) -> bool:
    dates = {item.published for item in group.members}
    return (
        group.stub is not None
        and group.stub.published is not None
        and None not in dates
        and (group.stub.published not in dates)
    )


def _is_edited(group: _Group, stub: ports.Stub, feed: model.Feed, *, restamped: bool) -> bool:
    if stub.feed not in ("", feed.url):
        return False  # two feeds' teasers of one article differ for ever
    members = [item for item in group.members if not item.entry.identity_only]
    if not members:
        return False
    if not stub.has_text:
        # Only its headline was kept: an old article is told anew when that changes.
        return all(item.entry.title and item.folded_title != fold_title(stub.title) for item in members)
    if all(item.fingerprint != stub.fingerprint for item in members):
        return True
    return not restamped and members[0].entry.published is not None and _is_redated(group)


def _known(group: _Group, stub: ports.Stub, novelty: Novelty, feed: model.Feed) -> list[Identified]:
    return [
        Identified(
            novelty=novelty,
            article=None,
            stub=stub,
            sighting=ports.Sighting(feed=feed.url, key=key, article=stub.id),
        )
        for key in _keys(group)
    ]


def _edited(group: _Group, stub: ports.Stub, maker: _Maker) -> list[Identified]:
    item = next(item for item in group.members if not item.entry.identity_only)
    first, *rest = _known(group, stub, Novelty.SEEN, maker.feed)
    article = maker.article(item, stub.id)
    return [Identified(novelty=Novelty.EDITED, article=article, stub=stub, sighting=first.sighting), *rest]


def _unknown(group: _Group, maker: _Maker, known: ports.Known, oldest: datetime | None) -> list[Identified]:
    item = group.best
    is_old = oldest is not None and item.published is not None and item.published < oldest
    article = maker.article(item, _id_of(group, maker.feed, known))
    novelty = Novelty.OLD if is_old or item.entry.identity_only else Novelty.NEW
    first, *rest = _keys(group)
    stub = _stub(article, has_text=novelty is Novelty.NEW)
    return [
        Identified(
            novelty=novelty,
            article=article,
            stub=None,
            sighting=ports.Sighting(feed=maker.feed.url, key=first, article=article.id),
        ),
        *(
            Identified(
                novelty=Novelty.SEEN,
                article=None,
                stub=stub,
                sighting=ports.Sighting(feed=maker.feed.url, key=key, article=article.id),
            )
            for key in rest
        ),
    ]


def _keys(group: _Group) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.key for item in group.members))


def _stub(article: model.Article, *, has_text: bool) -> ports.Stub:
    return ports.Stub(
        id=article.id,
        link=article.link,
        title=article.title,
        published=article.published,
        fingerprint=article.fingerprint,
        has_text=has_text,
        feed=article.feed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    """Builds the articles of one reading."""

    feed: model.Feed
    reading: model.Reading
    feed_title: str | None
    now: datetime

    def article(self, item: Item, id_: model.ArticleId) -> model.Article:
        return model.Article(
            id=id_,
            feed=self.feed.url,
            outlet=outlet_of(self.feed, self.feed_title or self.reading.title),
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


def _id_of(group: _Group, feed: model.Feed, known: ports.Known) -> model.ArticleId:
    item = next((item for item in group.members if item.link_key), None)
    if item is not None:
        return _id_of_link(item.link_key)
    item = group.best
    if item.guid is None:
        return _hashed("text", feed.url, item.key)
    if item.key in known.by_key:  # an id that named another article before
        return _hashed("guid", feed.url, item.guid, item.fingerprint)
    return _hashed("guid", feed.url, item.guid)


def _id_of_link(key: str) -> model.ArticleId:
    return _hashed("link", key)


def _hashed(*parts: str) -> model.ArticleId:
    said = "\n".join(parts).encode("utf-8", "replace")
    return model.ArticleId(hashlib.sha256(said).hexdigest()[:20])
