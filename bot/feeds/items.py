"""Clean the entries of one document, make the query that asks the store about them, and group them by article.

A link alone does not identify an article across feeds. If it did, a feed that lists a publisher's link first, under any
headline, would silence the publisher's own item. With the store's answer, identity.py decides which items are new.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from bot.feeds.cleaning import Cleaner, fingerprint_of
from bot.feeds.links import belongs_to, canonical_link, link_key, registrable_domain, site_of
from bot.model.archive import ArticleStub, IdentityQuery, KnownItems
from bot.model.feeds import Entry, FaultyItem, Feed, ParsedFeed
from bot.model.quarantine import describe_error
from bot.model.stories import Article, ArticleId
from bot.text import headlines
from bot.text.folding import fold_text, fold_title

#: A link that this many items of one document share, with different ids and headlines, leads to a list page or a live
#: blog, so it does not identify an article.
_SHARED_LINK = 3
#: Placeholders that feed generators write if an item has no id.
_NO_GUIDS = frozenset(
    ("", "0", "-", "#", "none", "null", "nil", "false", "true", "undefined", "nan", "n/a", "guid", "id")
)
_TITLE_LENGTH = 120
#: Minimum characters of a text that identifies an article. Two articles may share a shorter text (“Read more”).
LEAST_IDENTIFYING = 200
#: Earlier dates are errors (such as a computer's zero), because the Web is younger.
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One cleaned entry."""

    entry: Entry
    #: The item's id in this feed (Sighting.key): its guid, else its link, else a hash.
    key: str
    #: None if the entry has no guid, or if several different items share it.
    guid: str | None
    link: str
    #: A key that all forms of the link share; empty if the link does not identify an article.
    link_key: str
    #: The entry's title, else its first words, else its link; empty if it has only a guid.
    title: str
    folded_title: str
    text: str
    links: tuple[str, ...]
    fingerprint: str
    published: datetime | None


def prepare_items(feed: Feed, reading: ParsedFeed) -> tuple[ParsedFeed, tuple[Item, ...]]:
    """Clean the entries. Return the document, and the entries that have any content as items with their keys.

    The document lists the entries whose cleaning raised an unexpected error, which have no item.
    """
    base = reading.link or feed.url
    no_guids = _NO_GUIDS | {feed.url, reading.link or ""}
    cleaner = Cleaner()
    items: list[Item] = []
    faults: list[FaultyItem] = []
    for entry in reading.entries:
        try:
            item = _item(entry, base, no_guids, cleaner)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - any bug; it is logged when the entry is set aside
            faults.append(FaultyItem(entry=entry, error=describe_error(error)))
            # The error may have left the parser in the middle of a text.
            cleaner = Cleaner()
        else:
            items += [item] if item is not None else []
    if faults:
        reading = replace(reading, faulty_items=(*reading.faulty_items, *faults))
    return reading, _without_shared(items)


def make_question(feed: Feed, items: Sequence[Item], *, is_first: bool = False) -> IdentityQuery:
    """Return the query that asks the store about the items of one document.

    If ``is_first`` is true, nothing of this feed is stored, so the query contains no ids or headlines of the feed.
    """
    return IdentityQuery(
        feed=feed.url,
        keys=() if is_first else tuple(dict.fromkeys(item.key for item in items)),
        links=tuple(dict.fromkeys(item.link_key for item in items if item.link_key)),
        fingerprints=tuple(dict.fromkeys(item.fingerprint for item in items if len(item.text) >= LEAST_IDENTIFYING)),
        titles=() if is_first else tuple(dict.fromkeys(item.folded_title for item in items)),
    )


def _item(entry: Entry, base: str, no_guids: frozenset[str], cleaner: Cleaner) -> Item | None:
    guid: str | None = (entry.guid or "").strip()
    if guid is None or guid in no_guids or guid.casefold() in no_guids:
        guid = None
    link = canonical_link(entry.link or "", base) if (entry.link or "").strip() else ""
    if not link and guid and guid.startswith(("http://", "https://")):
        # In RSS 2.0, a guid is a permalink by default, so it may replace the link.
        link = canonical_link(guid)
    body = cleaner.clean(entry.body or "", base=link or base)
    title = " ".join(cleaner.clean(entry.title or "").text.split()) or _first_words(body.text) or link
    if not title and not guid:
        return None
    folded_title = fold_title(title)
    fingerprint = fingerprint_of(folded_title, fold_text(body.text))
    key_of_link = link_key(link)
    published = _sane(entry.published) or _sane(entry.updated)
    return Item(
        entry=entry,
        key=_key(guid, link if key_of_link else "", folded_title, published, fingerprint),
        guid=guid,
        link=link,
        link_key=key_of_link,
        title=title,
        folded_title=folded_title,
        text=body.text,
        links=tuple(other for other in body.links if other != link),
        fingerprint=fingerprint,
        published=published,
    )


def _key(guid: str | None, link: str, folded_title: str, published: datetime | None, fingerprint: str) -> str:
    """Return the key of an item; ``link`` is empty if it does not identify an article."""
    if guid or link:
        return guid or link
    # A title (“Service update”) does not identify an article, so add its date, or its text if it has no date.
    name = f"{folded_title}\n{published.isoformat()}" if published else fingerprint
    return f"title:{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}"


def _without_shared(items: list[Item]) -> tuple[Item, ...]:
    """Remove the ids and links that several different items of one document share."""
    by_guid: dict[str, list[Item]] = defaultdict(list)
    by_link: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.guid:
            by_guid[item.guid].append(item)
        if item.link_key:
            by_link[item.link_key].append(item)
    shared_guids = {guid for guid, group in by_guid.items() if len(group) > 1 and _differ(group)}
    shared_links = {link for link, group in by_link.items() if len(group) >= _SHARED_LINK and _is_list_page(group)}
    if not shared_guids and not shared_links:
        return tuple(items)
    kept = (
        replace(
            item,
            guid=None if item.guid in shared_guids else item.guid,
            link_key="" if item.link_key in shared_links else item.link_key,
        )
        for item in items
    )
    return tuple(
        replace(
            item,
            key=_key(
                item.guid, item.link if item.link_key else "", item.folded_title, item.published, item.fingerprint
            ),
        )
        for item in kept
        # Drop an item without a title that has lost its id: nothing identifies it.
        if item.title or item.guid
    )


def _differ(group: list[Item]) -> bool:
    """Return whether items with one guid are several articles, because their links and headlines differ."""
    links = {item.link_key for item in group}
    titles = {item.folded_title for item in group}
    return len(titles) > 1 and (len(links) > 1 or links == {""})


def _is_list_page(group: list[Item]) -> bool:
    guids = {item.guid for item in group if item.guid}
    titles = {item.folded_title for item in group}
    return len(guids) >= _SHARED_LINK and len(titles) >= _SHARED_LINK


def _first_words(text: str) -> str:
    paragraph = " ".join(text.partition("\n\n")[0].split())
    if len(paragraph) <= _TITLE_LENGTH:
        return paragraph
    cut = paragraph[:_TITLE_LENGTH]
    # Text without spaces (Chinese, Thai) may be cut anywhere.
    return (cut.rpartition(" ")[0] or cut) + "…"


def _sane(when: datetime | None) -> datetime | None:
    if when is None:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return when.astimezone(UTC) if when >= _EARLIEST else None


class ItemGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The items of one document that are the same article."""

    #: The item with the most content is first.
    members: tuple[Item, ...]
    #: The stored article, if there is one.
    stub: ArticleStub | None

    def is_known_by_id(self, stored: KnownItems) -> bool:
        """Return whether the store contains the feed's own id of any item."""
        return any(item.key in stored.by_key for item in self.members)

    @property
    def best(self) -> Item:
        """The item with the most content, from which the article is made."""
        return self.members[0]

    @property
    def keys(self) -> tuple[str, ...]:
        """The feed's ids for the article."""
        return tuple(dict.fromkeys(item.key for item in self.members))


def group_items(items: Sequence[Item], feed: Feed, stored: KnownItems, *, outlet: str) -> list[ItemGroup]:
    """Return one group for each article, in the document's order."""
    return _merge_by_article(
        [ItemGroup(members=members, stub=_find_stub(members, feed, stored, outlet)) for members in _gather(items)]
    )


def _gather(items: Sequence[Item]) -> list[tuple[Item, ...]]:
    """Gather the items that share an id or a link; in each group, the item with the most content is first."""
    links = [item.link_key for item in items if item.link_key]
    if len({item.key for item in items}) == len(items) and len(set(links)) == len(links):
        return [(item,) for item in items]
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
    return [_fullest_first(group) for group in groups.values()]


def _merge_by_article(groups: Sequence[ItemGroup]) -> list[ItemGroup]:
    """Merge groups with the same stored article. Otherwise their items would edit the article in turns for ever."""
    merged: dict[str, ItemGroup] = {}
    for index, group in enumerate(groups):
        name = group.stub.id if group.stub is not None else f"new {index}"
        if name in merged:
            group = ItemGroup(members=_fullest_first((*merged[name].members, *group.members)), stub=group.stub)  # noqa: PLW2901
        merged[name] = group
    return list(merged.values())


def _fullest_first(members: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(members) if len(members) == 1 else tuple(sorted(members, key=_fullness, reverse=True))


def _fullness(item: Item) -> tuple[bool, bool, float, int, str]:
    when = item.entry.updated or item.published
    # The last value makes the order total, so that the order of items in the document does not matter.
    return (
        not item.entry.identity_only,
        bool(item.entry.title or item.text),
        when.timestamp() if when else 0.0,
        len(item.text),
        repr(item.entry),
    )


def _find_stub(members: Iterable[Item], feed: Feed, stored: KnownItems, outlet: str) -> ArticleStub | None:
    """Find the stored article by the feed's id, else by link, else by its text in another feed of the same site."""
    members = tuple(members)
    for item in members:
        stub = stored.by_key.get(item.key)
        if stub is not None and not _is_reused(stub, item):
            return stub
    for item in members:
        stub = _find_by_link(item, stored, feed, outlet) if item.link_key else None
        if stub is not None:
            return stub
    for item in members:
        for stub in stored.by_fingerprint.get(item.fingerprint, ()):
            if _is_other_address(stub, item, feed):
                return stub
    return None


def _find_by_link(item: Item, stored: KnownItems, feed: Feed, outlet: str) -> ArticleStub | None:
    """Return the feed's own article under the item's link, else the oldest matching article of another feed."""
    stubs = stored.by_link.get(item.link_key)
    if not stubs:
        return None
    own, foreign = split_own(stubs, feed)
    for stub in own:
        # If several articles were stored under the link (a list page), the headline must match too.
        if (len(own) == 1 and is_id_of_link(stub, item.link_key)) or titles_alike(stub.title, item.title):
            return stub
    carried = next((stub for stub in foreign if stub.id in stored.carried), None)
    return carried or next((stub for stub in foreign if is_same_article(stub, item, feed, outlet=outlet)), None)


def split_own(stubs: Sequence[ArticleStub], feed: Feed) -> tuple[list[ArticleStub], list[ArticleStub]]:
    """Split the articles into the feed's own and the articles of other feeds."""
    own = [stub for stub in stubs if stub.feed == feed.url]
    return own, [stub for stub in stubs if stub.feed != feed.url]


def _is_reused(stub: ArticleStub, item: Item) -> bool:
    """Return whether the feed uses a stored id for another article: its link, headline and date all differ."""
    if item.guid is None:
        return False  # the key was made from the article's own link or words
    if stub.fingerprint == item.fingerprint or titles_alike(stub.title, item.title):
        return False
    if stub.published is not None and stub.published == item.published:
        return False
    if item.link_key and is_id_of_link(stub, item.link_key):
        return False  # the link from which the id was made identifies the article, whatever its link is now
    if link_key(stub.link) and item.link_key:
        return item.link_key != link_key(stub.link)
    return stub.published is not None and item.published is not None


def _is_other_address(stub: ArticleStub, item: Item, feed: Feed) -> bool:
    """Return whether the stored article is this item, which another feed of its site listed at another address.

    A copy at another outlet is another article. An article that a feed of another site listed is another article too,
    because that feed may have invented the address.
    """
    if stub.feed == feed.url or len(item.text) < LEAST_IDENTIFYING or not stub.link or not item.link:
        return False
    if None not in (stub.published, item.published) and stub.published != item.published:
        return False
    if site_of(stub.feed) != site_of(feed.url) and not belongs_to(stub.link, stub.feed):
        return False
    return registrable_domain(stub.link) == registrable_domain(item.link)


def id_of_link(feed: str, key: str) -> ArticleId:
    """Return the id of the article of ``feed`` whose link has this key (the result of ``link_key``)."""
    return hash_id("link", feed, key)


def is_id_of_link(stub: ArticleStub, key: str) -> bool:
    """Return whether the article's id was made from its feed and this link."""
    return stub.id == id_of_link(stub.feed, key)


def hash_id(*parts: str) -> ArticleId:
    """Return the first 20 hexadecimal digits of a hash over the parts."""
    packed = "\n".join(parts).encode("utf-8", "replace")
    return ArticleId(hashlib.sha256(packed).hexdigest()[:20])


#: Minimum similarity (Dice's coefficient of letter pairs) of one headline before and after an edit; chosen with
#: bench/quality/identity.py.
ALIKE = 0.4
#: Minimum letters of a cut headline that is compared with a whole headline.
_CUT_LETTERS = 30
#: Maximum characters of a title that are compared.
_LONGEST = 500


def titles_alike(title: str, other: str) -> bool:
    """Return whether two headlines are similar enough to be one headline before and after an edit, in any script."""
    title, other = fold_title(title), fold_title(other)
    return title == other or similarity(title, other) >= ALIKE


def titles_agree(title: str, other: str, *, outlet: str, links: Iterable[str]) -> bool:
    """Return whether two outlets show the same headline, apart from labels, outlet names and a cut end.

    The outlets' names come from ``outlet`` and the hosts of ``links``.
    """
    if (folded := fold_title(title)) == fold_title(other):
        return bool(folded)
    links = tuple(links)
    bare, other_bare = _bare(title, outlet, links), _bare(other, outlet, links)
    folded, other_folded = fold_title(bare), fold_title(other_bare)
    if not folded or not other_folded:
        return False
    return (
        folded == other_folded or _is_cut_of(bare, folded, other_folded) or _is_cut_of(other_bare, other_folded, folded)
    )


def _bare(title: str, outlet: str, links: tuple[str, ...]) -> str:
    """Return the title without labels (“LIVE:”) at its start and the outlet's name at its end."""
    title = headlines.bare_title(" ".join(title[:_LONGEST].split()))
    for link in links:
        title = headlines.without_outlet(title, outlet=outlet, link=link)
    return title


def _is_cut_of(title: str, folded: str, whole: str) -> bool:
    return title.endswith(("…", "...")) and len(folded) >= _CUT_LETTERS and whole.startswith(folded)


def similarity(folded: str, other: str) -> float:
    """Return the share of common letter pairs of two folded titles, from 0 to 1."""
    pairs, other_pairs = _pairs(folded), _pairs(other)
    total = pairs.total() + other_pairs.total()
    return 2 * (pairs & other_pairs).total() / total if total else 0.0


def _pairs(folded: str) -> Counter[str]:
    return Counter(word[at : at + 2] for word in folded.split() for at in range(max(1, len(word) - 1)))


#: An item that is newer than a stored old article by more than this is another article. Otherwise a feed could silence
#: another site's article by listing it first with an old date, because old articles are not reported.
_YOUNGER = timedelta(hours=12)


def is_same_article(stub: ArticleStub, item: Item, feed: Feed, *, outlet: str) -> bool:
    """Return whether ``item`` of ``feed`` is the article that another feed listed under the same link.

    It is the same article if one publisher has both feeds, if the other feed belongs to the link's site, or if the
    headlines agree.
    """
    if site_of(stub.feed) == site_of(feed.url):
        return True
    if not stub.has_text and item.published and stub.published and item.published - stub.published > _YOUNGER:
        return False
    if belongs_to(stub.link, stub.feed):
        return True
    return titles_agree(stub.title, item.title, outlet=outlet, links=(item.link, stub.feed, feed.url))


def takes_over(stub: ArticleStub, item: Item, feed: Feed) -> bool:
    """Return whether ``feed`` becomes the article's source: it, not the old source, belongs to the link's site."""
    return stub.feed != feed.url and belongs_to(item.link, feed.url) and not belongs_to(item.link, stub.feed)


def is_original_of(article: Article, other: Article) -> bool:
    """Return whether ``article`` is the original of ``other``, whichever came first.

    An original comes from the feed of its own site, and ``other`` links to that site from another site's feed.
    """
    is_its_own = belongs_to(article.link, article.feed)
    return is_its_own and belongs_to(other.link, article.feed) and not belongs_to(other.link, other.feed)
