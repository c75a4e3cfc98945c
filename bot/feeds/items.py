"""Clean the entries of one document, and make the query that asks the store about them.

With the store's answer, identity.py decides which items are new.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.feeds.cleaning import Cleaner, fingerprint_of_folded, fold_text, fold_title
from bot.feeds.links import canonical_link, link_key
from bot.model.archive import IdentityQuery
from bot.model.feeds import Entry, Feed, ParsedFeed

#: A link that this many items of one document share, with different ids and headlines, leads to a list page or a live
#: blog, so it does not identify an article.
_SHARED_LINK = 3
#: Placeholders that feed generators write if an item has no id.
_NO_GUIDS = frozenset(
    ("", "0", "-", "#", "none", "null", "nil", "false", "true", "undefined", "nan", "n/a", "guid", "id")
)
_TITLE_LENGTH = 120
#: Minimum characters of a text that identifies an article. Two articles may share a shorter text (“Read more”).
TELLING_TEXT = 200
#: Earlier dates are errors (such as a computer's zero), because the Web is younger.
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
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


def prepare_items(feed: Feed, reading: ParsedFeed) -> tuple[Item, ...]:
    """Clean the entries, and return those that have any content as items with their keys."""
    base = reading.link or feed.url
    no_guids = _NO_GUIDS | {feed.url, reading.link or ""}
    cleaner = Cleaner()
    items = (_item(entry, base, no_guids, cleaner) for entry in reading.entries)
    return _without_shared([item for item in items if item is not None])


def make_question(feed: Feed, items: Sequence[Item], *, is_first: bool = False) -> IdentityQuery:
    """Return the query that asks the store about the items of one document.

    If ``is_first`` is true, nothing of this feed is stored, so the query contains no ids or headlines of the feed.
    """
    return IdentityQuery(
        feed=feed.url,
        keys=() if is_first else tuple(dict.fromkeys(item.key for item in items)),
        links=tuple(dict.fromkeys(item.link_key for item in items if item.link_key)),
        fingerprints=tuple(dict.fromkeys(item.fingerprint for item in items if len(item.text) >= TELLING_TEXT)),
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
    fingerprint = fingerprint_of_folded(folded_title, fold_text(body.text))
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
