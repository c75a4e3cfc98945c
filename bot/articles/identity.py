"""Decide whether an item is new, old, seen, the same link, edited or churn: by stored identity, never by date.

Knows no store: it gets the store's answer about the items of one reading.

    entries ─▸ groups (one article each) ─▸ known by id? by link? by text at a sister feed?
                                              │ yes: seen, edited, same link,    │ no: churn, old, new
                                              │      taken over, retold          │
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
    """How an item of a reading relates to the stored articles."""

    NEW = "new"
    #: Older than the backfill window on a baseline: only identity, title, link and date are stored.
    OLD = "old"
    SEEN = "seen"
    #: A new id of a stored article: same link, or word for word the same in a sister feed of the site.
    SAME_LINK = "same link"
    #: Known, and its title, text or date changed.
    EDITED = "edited"
    #: First seen in another feed; now the feed of the link's own site lists it and becomes its source.
    TAKEN_OVER = "taken over"
    #: Known from another feed, which worded it otherwise. It becomes a new article if only this wording matches a rule.
    RETOLD = "retold"
    #: The feed gave its articles new ids and links.
    CHURN = "churn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """One item: how it relates to the store, and what to store of it."""

    novelty: Novelty
    #: Built for NEW, OLD, EDITED, TAKEN_OVER and RETOLD; EDITED and TAKEN_OVER keep the stored article's id.
    article: model.Article | None
    #: The stored article, or None for NEW and OLD.
    stub: ports.Stub | None
    sighting: ports.Sighting
    #: For RETOLD: all articles under the link, from any feed.
    told: tuple[model.ArticleId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """All items of one document, identified."""

    items: tuple[Identified, ...]
    #: Shown to people with the feed's health.
    remarks: tuple[str, ...] = ()
    #: Whether most items link to several sites that are not the feed's, or None if there are too few items.
    links_elsewhere: bool | None = None


def identify(
    feed: model.Feed,
    reading: model.Reading,
    stored: ports.Known,
    *,
    now: datetime,
    backfill: timedelta,
    is_baseline: bool,
    feed_title: str | None,
    looked_up: Lookup | None = None,
) -> Identification:
    """Return every item of one reading once, in the reading's order.

    ``looked_up`` is the result of ``look_up`` for the same reading, if there is one: no text is cleaned twice then.
    """
    items = (looked_up or look_up(feed, reading)).items
    outlet = outlet_of(feed, feed_title or reading.title)
    groups = grouped(items, feed, stored, outlet=outlet)
    total = max(len(groups), len(reading.item_hashes))
    churn = churned(groups, stored, total=total)
    identifier = _Identifier(
        feed=feed,
        reading=reading,
        stored=stored,
        outlet=outlet,
        now=now,
        oldest=now - backfill if is_baseline else None,
        is_restamped=are_restamped(groups, total=total),
    )
    return Identification(
        items=tuple(
            identified
            for group in groups
            for identified in identifier.identify(group, churned_stub=churn.get(group.best.key))
        ),
        remarks=(f"the feed gave {len(churn)} known articles new ids: absorbed",) if churn else (),
        links_elsewhere=elsewhere.links_elsewhere(feed, [item.link for item in items]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Identifier:
    """Identifies the groups of one reading."""

    feed: model.Feed
    reading: model.Reading
    stored: ports.Known
    outlet: str
    now: datetime
    #: Older items are OLD; None after the baseline.
    oldest: datetime | None
    is_restamped: bool

    def identify(self, group: Group, *, churned_stub: ports.Stub | None) -> list[Identified]:
        stub = group.stub
        if stub is None:
            return self._as_known(group, churned_stub, Novelty.CHURN) if churned_stub else self._unknown(group)
        if self._is_taken_over(group, stub):
            return self._edited(group, stub, Novelty.TAKEN_OVER)
        if self._is_edited(group, stub):
            return self._edited(group, stub, Novelty.EDITED)
        if item := self._retold(group, stub):
            first, *duplicates = self._as_known(group, stub, Novelty.SAME_LINK)
            article = self._build(item, self._new_id(group))
            same_link = tuple(stub.id for stub in self.stored.by_link[item.link_key])
            return [replace(first, novelty=Novelty.RETOLD, article=article, told=same_link), *duplicates]
        is_seen = group.is_known_by_id(self.stored)
        return self._as_known(group, stub, Novelty.SEEN if is_seen else Novelty.SAME_LINK)

    def _is_taken_over(self, group: Group, stub: ports.Stub) -> bool:
        # Only when the feed first lists it: later the article would change hands for ever.
        items = _with_words(group)
        if not items or group.is_known_by_id(self.stored):
            return False
        return authority.takes_over(stub, items[0], self.feed) and not self._is_old(items[0])

    def _is_edited(self, group: Group, stub: ports.Stub) -> bool:
        if not self._is_own(stub):
            return False  # two feeds' teasers of one article always differ
        items = _with_words(group)
        if not items:
            return False
        if not stub.has_text:
            # Only its headline was kept: an old article is new again when that changes.
            return all(item.entry.title and item.folded_title != fold_title(stub.title) for item in items)
        if all(item.fingerprint != stub.fingerprint for item in items):
            return True
        return not self.is_restamped and items[0].entry.published is not None and is_redated(group)

    def _retold(self, group: Group, stub: ports.Stub) -> Item | None:
        """Return the item if the feed lists an article of another feed for the first time, in other words.

        Two feeds' teasers differ, and either may have the words that matter. And a feed that lists a link first, with
        the publisher's headline over its own text, must not silence the feeds that list it later.
        """
        if self._is_own(stub) or not stub.has_text or stub.id in self.stored.carried:
            return None
        item = next(iter(_with_words(group)), None)
        if item is None or group.is_known_by_id(self.stored) or self._is_old(item):
            return None
        return item if item.fingerprint != stub.fingerprint and item.link_key in self.stored.by_link else None

    def _as_known(self, group: Group, stub: ports.Stub, novelty: Novelty) -> list[Identified]:
        return [
            Identified(novelty=novelty, article=None, stub=stub, sighting=self._sighting(key, stub.id))
            for key in group.keys
        ]

    def _edited(self, group: Group, stub: ports.Stub, novelty: Novelty) -> list[Identified]:
        item = _with_words(group)[0]
        first, *duplicates = self._as_known(group, stub, Novelty.SEEN)
        article = self._build(item, stub.id)
        if not item.link_key:
            article = replace(article, link=stub.link)
        return [replace(first, novelty=novelty, article=article), *duplicates]

    def _unknown(self, group: Group) -> list[Identified]:
        item = group.best
        article = self._build(item, self._new_id(group))
        novelty = Novelty.OLD if self._is_old(item) or item.entry.identity_only else Novelty.NEW
        first, *duplicates = (self._sighting(key, article.id) for key in group.keys)
        stub = stub_of(article, has_text=novelty is Novelty.NEW) if duplicates else None
        return [
            Identified(novelty=novelty, article=article, stub=None, sighting=first),
            *(
                Identified(novelty=Novelty.SEEN, article=None, stub=stub, sighting=duplicate)
                for duplicate in duplicates
            ),
        ]

    def _is_own(self, stub: ports.Stub) -> bool:
        return stub.feed in ("", self.feed.url)

    def _is_old(self, item: Item) -> bool:
        return self.oldest is not None and item.published is not None and item.published < self.oldest

    def _sighting(self, key: str, article: model.ArticleId) -> ports.Sighting:
        return ports.Sighting(feed=self.feed.url, key=key, article=article)

    def _build(self, item: Item, id_: model.ArticleId) -> model.Article:
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

    def _new_id(self, group: Group) -> model.ArticleId:
        url = self.feed.url
        item = next((item for item in group.members if item.link_key), None)
        # Under a link that already names other articles of the feed (a list page), the id is made from the guid.
        if item is not None and not own_first(self.stored.by_link.get(item.link_key, ()), self.feed)[0]:
            return ids.of_link(url, item.link_key)
        item = group.best
        if item.guid is None:
            return ids.of("text", url, item.key)
        if item.key in self.stored.by_key:  # the guid named another article before
            return ids.of("guid", url, item.guid, item.fingerprint)
        return ids.of("guid", url, item.guid)


def _with_words(group: Group) -> list[Item]:
    """Return the items that have a title or text: an empty one changes nothing in a stored article."""
    return [item for item in group.members if not item.entry.identity_only and (item.entry.title or item.text)]
