"""Decide how an item relates to the stored articles (``Novelty``), by stored identity and never by date alone.

Does not use the store: ``identify`` receives the store's answer about the items of one document.

    entries ─▸ groups (one article each) ─▸ known by id? by link? by text in a sister feed?
                                              │ yes: seen, edited, same link,    │ no: churn, old, new
                                              │      taken over, reworded        │
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from bot.feeds import links
from bot.feeds.items import Item, ItemGroup, group_items, hash_id, id_of_link, split_own, takes_over
from bot.feeds.kit.fields import picture_address
from bot.feeds.links import link_key, outlet_of, owner_of
from bot.model.archive import ArticleStub, IdentityQuery, KnownItems, Sighting
from bot.model.feeds import Feed, ParsedFeed
from bot.model.stories import Article, ArticleId
from bot.text.folding import fold_title


class Novelty(StrEnum):
    """How an item of a document relates to the stored articles."""

    NEW = "new"
    #: Older than the backfill window at the feed's first poll, so that only identity, title, link and date are stored.
    OLD = "old"
    SEEN = "seen"
    #: A stored article under a new id, recognised by its link, or by its text in another feed of the same site.
    SAME_LINK = "same link"
    #: A stored article whose title or text has changed.
    EDITED = "edited"
    #: First seen in another feed. This feed belongs to the link's own site, so it becomes the article's source.
    TAKEN_OVER = "taken over"
    #: Known from another feed with other words. It becomes a new article if only this feed's words match a rule.
    REWORDED = "reworded"
    #: An item of a feed that gave all its articles new ids and links.
    CHURN = "churn"


class Identified(msgspec.Struct, frozen=True, kw_only=True):
    """One item with its relation to the stored articles, and the records to store for it."""

    novelty: Novelty
    #: Built for NEW, OLD, EDITED, TAKEN_OVER and REWORDED; EDITED and TAKEN_OVER keep the stored article's id.
    article: Article | None
    #: The stored article, or None for NEW and OLD.
    stub: ArticleStub | None
    sighting: Sighting
    #: All articles with the same link, from any feed; filled for REWORDED.
    same_link: tuple[ArticleId, ...] = ()


class Identification(msgspec.Struct, frozen=True, kw_only=True):
    """All items of one document, identified."""

    items: tuple[Identified, ...]
    #: Remarks that people see with the feed's health.
    remarks: tuple[str, ...] = ()
    #: Whether most items link to several sites other than the feed's, or None if there are too few links.
    links_elsewhere: bool | None = None


def identify(
    feed: Feed,
    reading: ParsedFeed,
    stored: KnownItems,
    *,
    now: datetime,
    backfill: timedelta,
    is_baseline: bool,
    feed_title: str | None,
    items: Sequence[Item],
) -> Identification:
    """Relate the entries of one document to the stored articles.

    Returns an item for each id of each article; the articles are in the document's order. ``items`` are the cleaned
    entries.
    """
    outlet = outlet_of(feed, feed_title or reading.title)
    groups = group_items(items, feed, stored, outlet=outlet)
    total = max(len(groups), len(reading.item_hashes))
    churn = find_churn(groups, stored, total=total)
    identifier = _Identifier(
        feed=feed,
        reading=reading,
        stored=stored,
        outlet=outlet,
        now=now,
        oldest=now - backfill if is_baseline else None,
    )
    return Identification(
        items=tuple(
            identified
            for group in groups
            for identified in identifier.identify(group, churned_stub=churn.get(group.best.key))
        ),
        remarks=(f"the feed gave {len(churn)} known articles new ids; they were recognised",) if churn else (),
        links_elsewhere=links.links_elsewhere(feed, [item.link for item in items]),
    )


class _Identifier(msgspec.Struct, frozen=True, kw_only=True):
    """Identifies the groups of one document."""

    feed: Feed
    reading: ParsedFeed
    stored: KnownItems
    outlet: str
    now: datetime
    #: Items before this date are OLD. None after the first poll.
    oldest: datetime | None

    def identify(self, group: ItemGroup, *, churned_stub: ArticleStub | None) -> list[Identified]:
        stub = group.stub
        if stub is None:
            return self._as_known(group, churned_stub, Novelty.CHURN) if churned_stub else self._unknown(group)
        if self._is_taken_over(group, stub):
            return self._edited(group, stub, Novelty.TAKEN_OVER)
        if self._is_edited(group, stub):
            return self._edited(group, stub, Novelty.EDITED)
        if item := self._reworded_by_another_feed(group, stub):
            first, *duplicates = self._as_known(group, stub, Novelty.SAME_LINK)
            article = self._build(item, self._new_id(group))
            same_link = tuple(stub.id for stub in self.stored.by_link[item.link_key])
            return [replace(first, novelty=Novelty.REWORDED, article=article, same_link=same_link), *duplicates]
        is_seen = group.is_known_by_id(self.stored)
        return self._as_known(group, stub, Novelty.SEEN if is_seen else Novelty.SAME_LINK)

    def _is_taken_over(self, group: ItemGroup, stub: ArticleStub) -> bool:
        # A feed can take over an article only when it first lists it; otherwise two feeds could do so in turns.
        items = _with_words(group)
        if not items or group.is_known_by_id(self.stored):
            return False
        return takes_over(stub, items[0], self.feed) and not self._is_old(items[0])

    def _is_edited(self, group: ItemGroup, stub: ArticleStub) -> bool:
        if not self._is_own(stub):
            return False  # another feed's teaser of the article always differs
        items = _with_words(group)
        if not items:
            return False
        if not stub.has_text:
            # Only the headline of an old article is stored. If the headline changes, the article counts as edited.
            return all(item.entry.title and item.folded_title != fold_title(stub.title) for item in items)
        # Ignore a new date alone, because many feeds date their items at each build.
        return all(item.fingerprint != stub.fingerprint for item in items)

    def _reworded_by_another_feed(self, group: ItemGroup, stub: ArticleStub) -> Item | None:
        """Return the item if this feed lists an article of another feed for the first time, with other words.

        The teasers of two feeds differ, and a rule may match either of them. Moreover, a feed that lists a link first,
        with the publisher's headline and its own text, must not silence the feeds that list it later.
        """
        if self._is_own(stub) or not stub.has_text or stub.id in self.stored.carried:
            return None
        item = next(iter(_with_words(group)), None)
        if item is None or group.is_known_by_id(self.stored) or self._is_old(item):
            return None
        return item if item.fingerprint != stub.fingerprint and item.link_key in self.stored.by_link else None

    def _as_known(self, group: ItemGroup, stub: ArticleStub, novelty: Novelty) -> list[Identified]:
        return [
            Identified(novelty=novelty, article=None, stub=stub, sighting=self._sighting(key, stub.id))
            for key in group.keys
        ]

    def _edited(self, group: ItemGroup, stub: ArticleStub, novelty: Novelty) -> list[Identified]:
        item = _with_words(group)[0]
        first, *duplicates = self._as_known(group, stub, Novelty.SEEN)
        article = self._build(item, stub.id)
        if not item.link_key:
            article = replace(article, link=stub.link)
        return [replace(first, novelty=novelty, article=article), *duplicates]

    def _unknown(self, group: ItemGroup) -> list[Identified]:
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

    def _is_own(self, stub: ArticleStub) -> bool:
        return stub.feed == self.feed.url

    def _is_old(self, item: Item) -> bool:
        return self.oldest is not None and item.published is not None and item.published < self.oldest

    def _sighting(self, key: str, article: ArticleId) -> Sighting:
        return Sighting(feed=self.feed.url, key=key, article=article)

    def _build(self, item: Item, id_: ArticleId) -> Article:
        return Article(
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
            picture=picture_address(item.entry.picture or ""),
            fingerprint=item.fingerprint,
            is_official=self.feed.primary,
        )

    def _new_id(self, group: ItemGroup) -> ArticleId:
        url = self.feed.url
        item = next((item for item in group.members if item.link_key), None)
        # If the feed already has other articles with this link (a list page), make the id from the guid.
        if item is not None and not split_own(self.stored.by_link.get(item.link_key, ()), self.feed)[0]:
            return id_of_link(url, item.link_key)
        item = group.best
        if item.guid is None:
            return hash_id("text", url, item.key)
        if item.key in self.stored.by_key:  # the guid named another article before
            return hash_id("guid", url, item.guid, item.fingerprint)
        return hash_id("guid", url, item.guid)


def _with_words(group: ItemGroup) -> list[Item]:
    """Return the fully parsed items that have a title or text. Other items change nothing in a stored article."""
    return [item for item in group.members if not item.entry.identity_only and (item.entry.title or item.text)]


#: Minimum items with new ids in a feed that has changed its ids.
_CHURN_ITEMS = 3
#: Minimum share of these items among all items of the document.
_CHURN_SHARE = 0.8


def find_churn(groups: Sequence[ItemGroup], stored: KnownItems, *, total: int) -> dict[str, ArticleStub]:
    """Return the stored article by item key, if the feed changed the ids of most items but kept their titles."""
    if not stored.by_title:
        return {}
    renamed = {group.best.key: stub for group in groups if (stub := _same_but_id(group, stored)) is not None}
    return renamed if len(renamed) >= max(_CHURN_ITEMS, _CHURN_SHARE * total) else {}


def _same_but_id(group: ItemGroup, stored: KnownItems) -> ArticleStub | None:
    if group.is_known_by_id(stored):
        return None
    item = group.best
    stubs = sorted(stored.by_title.get(item.folded_title, ()), key=lambda stub: stub.id)
    by_text = [stub for stub in stubs if stub.has_text and stub.fingerprint == item.fingerprint]
    by_date = [stub for stub in stubs if stub.published is not None and stub.published == item.published]
    return next(iter((*by_text, *by_date)), None)


def stub_of(article: Article, *, has_text: bool) -> ArticleStub:
    """Return the stub that the store would return for ``article``."""
    return ArticleStub(
        id=article.id,
        link=article.link,
        title=article.title,
        published=article.published,
        fingerprint=article.fingerprint,
        has_text=has_text,
        feed=article.feed,
    )


#: Whether the article is new, its id, and its stub. Sorting by the first two gives the store's order: stored articles,
#: then new ones, each by id.
_BatchItem = tuple[bool, str, ArticleStub]


class BatchArticles:
    """Remembers the articles of a batch that are not stored yet, so that later items can be compared with them."""

    def __init__(self) -> None:
        self._by_link: defaultdict[str, list[_BatchItem]] = defaultdict(list)
        self._by_fingerprint: defaultdict[str, list[_BatchItem]] = defaultdict(list)
        #: Stored articles that this batch has edited, in their new form.
        self._edited: dict[ArticleId, ArticleStub] = {}

    def beside(self, stored: KnownItems, question: IdentityQuery) -> KnownItems:
        """Return the store's answer to ``question``, updated with the articles of this batch."""
        by_link = _stubs_by_name(question.links, self._by_link)
        by_fingerprint = _stubs_by_name(question.fingerprints, self._by_fingerprint)
        if self._edited:
            stored = self._with_edits(stored)
        if not by_link and not by_fingerprint:
            return stored
        return replace(
            stored,
            by_link=_join_stubs(stored.by_link, by_link),
            by_fingerprint=_join_stubs(stored.by_fingerprint, by_fingerprint),
        )

    def _with_edits(self, stored: KnownItems) -> KnownItems:
        def edited(stubs: Iterable[ArticleStub]) -> list[ArticleStub]:
            return [self._edited.get(stub.id, stub) for stub in stubs]

        return replace(
            stored,
            by_key={key: self._edited.get(stub.id, stub) for key, stub in stored.by_key.items()},
            by_link={
                link: [stub for stub in edited(stubs) if link_key(stub.link) == link]
                for link, stubs in stored.by_link.items()
            },
            by_fingerprint={
                fingerprint: [stub for stub in edited(stubs) if stub.fingerprint == fingerprint]
                for fingerprint, stubs in stored.by_fingerprint.items()
            },
        )

    def add(self, article: Article, novelty: Novelty) -> None:
        """Remember an article that a poll of this batch added (NEW, OLD) or changed (EDITED)."""
        is_new = novelty in (Novelty.NEW, Novelty.OLD)
        if is_new and article.id in self._edited:
            return  # the store keeps the article that it has under this id
        stub = stub_of(article, has_text=novelty is not Novelty.OLD)
        if not is_new:
            self._edited[article.id] = stub
        if novelty is not Novelty.OLD:
            self._by_fingerprint[article.fingerprint].append((is_new, article.id, stub))
        if key := link_key(article.link):
            self._by_link[key].append((is_new, article.id, stub))


def _stubs_by_name(names: Iterable[str], items: Mapping[str, list[_BatchItem]]) -> dict[str, list[ArticleStub]]:
    """Return stubs by link or fingerprint, in the store's order; each article once, in the form of its first edit."""
    stubs: dict[str, list[ArticleStub]] = {}
    for name in names:
        if name in items:
            by_id: dict[str, ArticleStub] = {}
            for _, id_, stub in sorted(items[name], key=lambda batch_item: batch_item[:2]):
                by_id.setdefault(id_, stub)
            stubs[name] = list(by_id.values())
    return stubs


def _join_stubs(
    stored: Mapping[str, Sequence[ArticleStub]], batch: Mapping[str, Sequence[ArticleStub]]
) -> Mapping[str, Sequence[ArticleStub]]:
    """Return the stored stubs, followed by the stubs that exist only in this batch."""
    joined = dict(stored)
    for name, stubs in batch.items():
        stored_stubs = stored.get(name, ())
        ids = {stub.id for stub in stored_stubs}
        joined[name] = [*stored_stubs, *(stub for stub in stubs if stub.id not in ids)]
    return joined
