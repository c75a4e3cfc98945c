"""The items of one reading that are one article, and the stored article that they are."""

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

    members: tuple[Item, ...]
    stub: ports.Stub | None

    def is_known_by_id(self, known: ports.Known) -> bool:
        """Whether the store has seen the feed's own id of any of the items."""
        return any(item.key in known.by_key for item in self.members)

    @property
    def best(self) -> Item:
        """The item that the article is made of."""
        return self.members[0]


def grouped(items: Sequence[Item], feed: model.Feed, known: ports.Known, *, outlet: str) -> list[Group]:
    """One group an article, in the reading's order."""
    return _merged([Group(members=members, stub=_stub_of(members, feed, known, outlet)) for members in _grouped(items)])


def _grouped(items: Sequence[Item]) -> list[tuple[Item, ...]]:
    """Items that share an id or a link, the fullest first: which one is first in the feed does not matter."""
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
    """Groups of one stored article are one: its two ids would edit it in turns, for ever."""
    found: dict[str, Group] = {}
    for index, group in enumerate(groups):
        name = group.stub.id if group.stub is not None else f"new {index}"
        if name in found:
            members = _fullest_first((*found[name].members, *group.members))
            found[name] = Group(members=members, stub=group.stub)
        else:
            found[name] = group
    return list(found.values())


def _fullest_first(members: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(members) if len(members) == 1 else tuple(sorted(members, key=_fullness, reverse=True))


def _fullness(item: Item) -> tuple[bool, bool, float, int, str]:
    when = item.entry.updated or item.published
    # The last makes the order whole, so that the reading's own does not matter.
    return (
        not item.entry.identity_only,
        bool(item.entry.title or item.text),
        when.timestamp() if when else 0.0,
        len(item.text),
        repr(item.entry),
    )


def _stub_of(members: Iterable[Item], feed: model.Feed, known: ports.Known, outlet: str) -> ports.Stub | None:
    """The stored article: by the feed's id, by link, by text at a sister feed of the same site."""
    members = tuple(members)
    for item in members:
        stub = known.by_key.get(item.key)
        if stub is not None and not _is_reused(stub, item):
            return stub
    for item in members:
        stub = _of_link(item, known, feed, outlet) if item.link_key else None
        if stub is not None:
            return stub
    for item in members:
        for stub in known.by_fingerprint.get(item.fingerprint, ()):
            if _is_other_address(stub, item, feed):
                return stub
    return None


def _of_link(item: Item, known: ports.Known, feed: model.Feed, outlet: str) -> ports.Stub | None:
    """The feed's own article under the item's link, else the oldest of another feed that it carries or agrees with."""
    stubs = known.by_link.get(item.link_key)
    if not stubs:
        return None
    own, others = own_first(stubs, feed)
    for stub in own:
        # A link that named several articles when they were stored (a list page) proves nothing without the headline.
        if (len(own) == 1 and ids.is_of_link(stub, item.link_key)) or titles_alike(stub.title, item.title):
            return stub
    carried = next((stub for stub in others if stub.id in known.carried), None)
    return carried or next(
        (stub for stub in others if authority.is_same_article(stub, item, feed, outlet=outlet)), None
    )


def own_first(stubs: Sequence[ports.Stub], feed: model.Feed) -> tuple[list[ports.Stub], list[ports.Stub]]:
    """Articles that the feed brought itself, and those of others."""
    own = [stub for stub in stubs if stub.feed in ("", feed.url)]
    return own, [stub for stub in stubs if stub.feed not in ("", feed.url)]


def _is_reused(stub: ports.Stub, item: Item) -> bool:
    """A known id over another article: link, headline and date are all others."""
    if item.guid is None:
        return False  # the key was made from what the article says
    if stub.fingerprint == item.fingerprint or titles_alike(stub.title, item.title):
        return False
    if stub.published is not None and stub.published == item.published:
        return False
    if item.link_key and ids.is_of_link(stub, item.link_key):
        return False  # the link that gave an article its id stays its own, though the feed has named another since
    if link_key(stub.link) and item.link_key:
        return item.link_key != link_key(stub.link)
    return stub.published is not None and item.published is not None


def _is_other_address(stub: ports.Stub, item: Item, feed: model.Feed) -> bool:
    """One site that carries an article word for word at two addresses in two feeds.

    The same words at another outlet are a copy: another article, which the story stage counts as one outlet. And so
    they are where another's feed brought them: it may have made the address up.
    """
    if stub.feed in ("", feed.url) or len(item.text) < TELLING_TEXT or not stub.link or not item.link:
        return False
    if None not in (stub.published, item.published) and stub.published != item.published:
        return False
    if site_of(stub.feed) != site_of(feed.url) and not belongs_to(stub.link, stub.feed):
        return False
    return registrable_domain(stub.link) == registrable_domain(item.link)
