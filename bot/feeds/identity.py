"""Decide whether an item is new, old, seen, the same link, edited or churn: by stored identity, never by date.

Knows no store: it gets the store's answer about the items of one reading.

    entries ─▸ groups (one article each) ─▸ known by id? by link? by text at a sister feed?
                                              │ yes: seen, edited, same link,    │ no: churn, old, new
                                              │      taken over                  │
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot import model
from bot.feeds import groups, outlets
from bot.feeds.cleaning import fold_title
from bot.feeds.groups import Group, group_items, split_own
from bot.feeds.items import Item
from bot.feeds.links import link_key
from bot.feeds.outlets import outlet_of, owner_of


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
    stub: model.ArticleStub | None
    sighting: model.Sighting
    #: For RETOLD: all articles under the link, from any feed.
    same_link: tuple[model.ArticleId, ...] = ()


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
    reading: model.ParsedFeed,
    stored: model.KnownItems,
    *,
    now: datetime,
    backfill: timedelta,
    is_baseline: bool,
    feed_title: str | None,
    items: Sequence[Item],
) -> Identification:
    """Return every item of one reading once, in the reading's order; ``items`` are its cleaned entries."""
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
        is_restamped=are_restamped(groups, total=total),
    )
    return Identification(
        items=tuple(
            identified
            for group in groups
            for identified in identifier.identify(group, churned_stub=churn.get(group.best.key))
        ),
        remarks=(f"the feed gave {len(churn)} known articles new ids: absorbed",) if churn else (),
        links_elsewhere=outlets.links_elsewhere(feed, [item.link for item in items]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Identifier:
    """Identifies the groups of one reading."""

    feed: model.Feed
    reading: model.ParsedFeed
    stored: model.KnownItems
    outlet: str
    now: datetime
    #: Older items are OLD; None after the baseline.
    oldest: datetime | None
    is_restamped: bool

    def identify(self, group: Group, *, churned_stub: model.ArticleStub | None) -> list[Identified]:
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
            return [replace(first, novelty=Novelty.RETOLD, article=article, same_link=same_link), *duplicates]
        is_seen = group.is_known_by_id(self.stored)
        return self._as_known(group, stub, Novelty.SEEN if is_seen else Novelty.SAME_LINK)

    def _is_taken_over(self, group: Group, stub: model.ArticleStub) -> bool:
        # Only when the feed first lists it: later the article would change hands for ever.
        items = _with_words(group)
        if not items or group.is_known_by_id(self.stored):
            return False
        return groups.takes_over(stub, items[0], self.feed) and not self._is_old(items[0])

    def _is_edited(self, group: Group, stub: model.ArticleStub) -> bool:
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

    def _retold(self, group: Group, stub: model.ArticleStub) -> Item | None:
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

    def _as_known(self, group: Group, stub: model.ArticleStub, novelty: Novelty) -> list[Identified]:
        return [
            Identified(novelty=novelty, article=None, stub=stub, sighting=self._sighting(key, stub.id))
            for key in group.keys
        ]

    def _edited(self, group: Group, stub: model.ArticleStub, novelty: Novelty) -> list[Identified]:
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

    def _is_own(self, stub: model.ArticleStub) -> bool:
        return stub.feed in ("", self.feed.url)

    def _is_old(self, item: Item) -> bool:
        return self.oldest is not None and item.published is not None and item.published < self.oldest

    def _sighting(self, key: str, article: model.ArticleId) -> model.Sighting:
        return model.Sighting(feed=self.feed.url, key=key, article=article)

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
        if item is not None and not split_own(self.stored.by_link.get(item.link_key, ()), self.feed)[0]:
            return groups.id_of_link(url, item.link_key)
        item = group.best
        if item.guid is None:
            return groups.hash_id("text", url, item.key)
        if item.key in self.stored.by_key:  # the guid named another article before
            return groups.hash_id("guid", url, item.guid, item.fingerprint)
        return groups.hash_id("guid", url, item.guid)


def _with_words(group: Group) -> list[Item]:
    """Return the items that have a title or text: an empty one changes nothing in a stored article."""
    return [item for item in group.members if not item.entry.identity_only and (item.entry.title or item.text)]


#: Minimum number of items with new ids, and minimum share of all items, for a change of ids by the feed.
_CHURN_ITEMS = 3
_CHURN_SHARE = 0.8


def find_churn(groups: Sequence[Group], stored: model.KnownItems, *, total: int) -> dict[str, model.ArticleStub]:
    """Return the stored article by item key, if the feed changed the ids of most items over known titles."""
    if not stored.by_title:
        return {}
    renamed = {group.best.key: stub for group in groups if (stub := _same_but_id(group, stored)) is not None}
    return renamed if len(renamed) >= max(_CHURN_ITEMS, _CHURN_SHARE * total) else {}


def _same_but_id(group: Group, stored: model.KnownItems) -> model.ArticleStub | None:
    if group.is_known_by_id(stored):
        return None
    item = group.best
    stubs = sorted(stored.by_title.get(item.folded_title, ()), key=lambda stub: stub.id)
    by_text = [stub for stub in stubs if stub.has_text and stub.fingerprint == item.fingerprint]
    by_date = [stub for stub in stubs if stub.published is not None and stub.published == item.published]
    return next(iter((*by_text, *by_date)), None)


def are_restamped(groups: Sequence[Group], *, total: int) -> bool:
    """Return whether more than half of the known items have another date: the feed dates its items at each build.

    ``total`` also counts the items that were not parsed: their bytes, and so their dates, are unchanged.
    """
    dated = [group for group in groups if group.stub is not None and group.stub.published and group.best.published]
    return 2 * sum(is_redated(group) for group in dated) > len(dated) + max(0, total - len(groups))


def is_redated(group: Group) -> bool:
    """Return whether a stored article with a date has only other dates now."""
    dates = {item.published for item in group.members}
    return (
        group.stub is not None
        and group.stub.published is not None
        and None not in dates
        and (group.stub.published not in dates)
    )


def stub_of(article: model.Article, *, has_text: bool) -> model.ArticleStub:
    """Return what the store would return of ``article``."""
    return model.ArticleStub(
        id=article.id,
        link=article.link,
        title=article.title,
        published=article.published,
        fingerprint=article.fingerprint,
        has_text=has_text,
        feed=article.feed,
    )


#: The order of the store: articles that it has before new ones, then by id. The item is turned into a stub when needed.
_BatchItem = tuple[bool, str, Identified]


class BatchArticles:
    """The articles of a batch, for the items that follow them in it."""

    def __init__(self) -> None:
        self._by_link: defaultdict[str, list[_BatchItem]] = defaultdict(list)
        self._by_fingerprint: defaultdict[str, list[_BatchItem]] = defaultdict(list)
        #: Stored articles as this batch has edited them.
        self._edited: dict[model.ArticleId, model.ArticleStub] = {}

    def beside(self, stored: model.KnownItems, question: model.IdentityQuery) -> model.KnownItems:
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

    def _with_edits(self, stored: model.KnownItems) -> model.KnownItems:
        def edited(stubs: Iterable[model.ArticleStub]) -> list[model.ArticleStub]:
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

    def add(self, identification: Identification) -> None:
        """Remember the articles that one reading added or changed."""
        for item in identification.items:
            article = item.article
            # RETOLD items become articles only once rules have matched them.
            if article is None or item.novelty is Novelty.RETOLD:
                continue
            if item.stub is None and article.id in self._edited:
                continue  # the store keeps what it has under this id
            if item.stub is not None:
                self._edited[article.id] = _stub_of_item(item)
            batch_item = (item.stub is None, article.id, item)
            if item.novelty is not Novelty.OLD:
                self._by_fingerprint[article.fingerprint].append(batch_item)
            if key := link_key(article.link):
                self._by_link[key].append(batch_item)


def _stubs_by_name(names: Iterable[str], items: Mapping[str, list[_BatchItem]]) -> dict[str, list[model.ArticleStub]]:
    """Return the stubs under each name, in the order of the store, each article once, as first edited."""
    stubs: dict[str, list[model.ArticleStub]] = {}
    for name in names:
        if name in items:
            by_id: dict[str, model.ArticleStub] = {}
            for _, id_, item in sorted(items[name], key=lambda batch_item: batch_item[:2]):
                by_id.setdefault(id_, _stub_of_item(item))
            stubs[name] = list(by_id.values())
    return stubs


def _join_stubs(
    stored: Mapping[str, Sequence[model.ArticleStub]], batch: Mapping[str, Sequence[model.ArticleStub]]
) -> Mapping[str, Sequence[model.ArticleStub]]:
    """Return the stored stubs, then the ones that only this batch has."""
    joined = dict(stored)
    for name, stubs in batch.items():
        stored_stubs = stored.get(name, ())
        ids = {stub.id for stub in stored_stubs}
        joined[name] = [*stored_stubs, *(stub for stub in stubs if stub.id not in ids)]
    return joined


def _stub_of_item(item: Identified) -> model.ArticleStub:
    assert item.article is not None
    stub = stub_of(item.article, has_text=item.novelty is not Novelty.OLD)
    # An edited article stays with its source, unless the link's own site took it over.
    if item.stub is None or item.novelty is Novelty.TAKEN_OVER:
        return stub
    return replace(stub, feed=item.stub.feed)
