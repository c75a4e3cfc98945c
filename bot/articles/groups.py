"""Group the items of one reading that are one article, and find the stored article that they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot import model, ports
from bot.articles import authority, ids
from bot.articles.alike import titles_alike
from bot.articles.links import link_key
from bot.articles.lookup import TELLING_TEXT, Item
from bot.articles.outlets import belongs_to, registrable_domain, site_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The items of one reading that are one article."""

    #: The fullest first.
    members: tuple[Item, ...]
    #: The stored article, if there is one.
    stub: ports.Stub | None

    def is_known_by_id(self, stored: ports.Known) -> bool:
        """Return whether the store knows the feed's own id of any of the items."""
        return any(item.key in stored.by_key for item in self.members)

    @property
    def best(self) -> Item:
        """The item that the article is made from."""
        return self.members[0]

    @property
    def keys(self) -> tuple[str, ...]:
        """The feed's ids for the article."""
        return tuple(dict.fromkeys(item.key for item in self.members))


def grouped(items: Sequence[Item], feed: model.Feed, stored: ports.Known, *, outlet: str) -> list[Group]:
    """Return one group for each article, in the reading's order."""
    return _merged(
        [Group(members=members, stub=_stub_of(members, feed, stored, outlet)) for members in _grouped(items)]
    )


def _grouped(items: Sequence[Item]) -> list[tuple[Item, ...]]:
    """Gather the items that share an id or a link, the fullest first: their order in the feed does not matter."""
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


def _merged(groups: Sequence[Group]) -> list[Group]:
    """Merge the groups of one stored article: two ids would otherwise edit it in turns, for ever."""
    merged: dict[str, Group] = {}
    for index, group in enumerate(groups):
        name = group.stub.id if group.stub is not None else f"new {index}"
        if name in merged:
            group = Group(members=_fullest_first((*merged[name].members, *group.members)), stub=group.stub)  # noqa: PLW2901
        merged[name] = group
    return list(merged.values())


def _fullest_first(members: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(members) if len(members) == 1 else tuple(sorted(members, key=_fullness, reverse=True))


def _fullness(item: Item) -> tuple[bool, bool, float, int, str]:
    when = item.entry.updated or item.published
    # The last value makes the order total, so that the order of the reading does not matter.
    return (
        not item.entry.identity_only,
        bool(item.entry.title or item.text),
        when.timestamp() if when else 0.0,
        len(item.text),
        repr(item.entry),
    )


def _stub_of(members: Iterable[Item], feed: model.Feed, stored: ports.Known, outlet: str) -> ports.Stub | None:
    """Return the stored article: by the feed's id, by link, or by text in a sister feed of the same site."""
    members = tuple(members)
    for item in members:
        stub = stored.by_key.get(item.key)
        if stub is not None and not _is_reused(stub, item):
            return stub
    for item in members:
        stub = _of_link(item, stored, feed, outlet) if item.link_key else None
        if stub is not None:
            return stub
    for item in members:
        for stub in stored.by_fingerprint.get(item.fingerprint, ()):
            if _is_other_address(stub, item, feed):
                return stub
    return None


def _of_link(item: Item, stored: ports.Known, feed: model.Feed, outlet: str) -> ports.Stub | None:
    """Return the feed's own article under the item's link, else the oldest of another feed that agrees with it."""
    stubs = stored.by_link.get(item.link_key)
    if not stubs:
        return None
    own, foreign = own_first(stubs, feed)
    for stub in own:
        # A link that named several articles when they were stored (a list page) proves nothing without the headline.
        if (len(own) == 1 and ids.is_of_link(stub, item.link_key)) or titles_alike(stub.title, item.title):
            return stub
    carried = next((stub for stub in foreign if stub.id in stored.carried), None)
    return carried or next(
        (stub for stub in foreign if authority.is_same_article(stub, item, feed, outlet=outlet)), None
    )


def own_first(stubs: Sequence[ports.Stub], feed: model.Feed) -> tuple[list[ports.Stub], list[ports.Stub]]:
    """Split the articles into the feed's own and the articles of other feeds."""
    own = [stub for stub in stubs if stub.feed in ("", feed.url)]
    return own, [stub for stub in stubs if stub.feed not in ("", feed.url)]


def _is_reused(stub: ports.Stub, item: Item) -> bool:
    """Return whether a stored id now names another article: link, headline and date all differ."""
    if item.guid is None:
        return False  # the key was made from the article's own text
    if stub.fingerprint == item.fingerprint or titles_alike(stub.title, item.title):
        return False
    if stub.published is not None and stub.published == item.published:
        return False
    if item.link_key and ids.is_of_link(stub, item.link_key):
        return False  # an article keeps the link that gave it its id, even if the feed has changed its link since
    if link_key(stub.link) and item.link_key:
        return item.link_key != link_key(stub.link)
    return stub.published is not None and item.published is not None


def _is_other_address(stub: ports.Stub, item: Item, feed: model.Feed) -> bool:
    """Return whether one site carries the article word for word at two addresses in two feeds.

    A copy at another outlet is another article. So is an article that a feed of another site listed: that feed may
    have made its address up.
    """
    if stub.feed in ("", feed.url) or len(item.text) < TELLING_TEXT or not stub.link or not item.link:
        return False
    if None not in (stub.published, item.published) and stub.published != item.published:
        return False
    if site_of(stub.feed) != site_of(feed.url) and not belongs_to(stub.link, stub.feed):
        return False
    return registrable_domain(stub.link) == registrable_domain(item.link)
