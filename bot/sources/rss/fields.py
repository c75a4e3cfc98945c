"""The elements of an item by what they are read as, where nothing else in it could change their meaning.

What is here says which elements feedparser keeps apart from each other; what they say, items.py reads.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from bot.sources.rss import spaces
from bot.sources.rss.elements import Element, text_of
from bot.sources.rss.plain import Odd

#: What an element of an item is read as, by its name.
Roles = Mapping[str, str]

_ATOM_LINK, _MEDIA_TITLE = f"{spaces.ATOM}link", f"{spaces.MEDIA}title"


def _roles_of_rss(space: str) -> Roles:
    return {
        f"{space}title": "title",
        f"{space}link": "link",
        "guid": "guid",
        "pubDate": "published",
        f"{spaces.DC}date": "updated",
        f"{space}description": "summary",
        f"{spaces.CONTENT}encoded": "content",
        "author": "author",
        f"{spaces.DC}creator": "author",
        "category": "tag",
        f"{spaces.DC}subject": "tag",
        "source": "source",
        _MEDIA_TITLE: "media title",
    }


RSS: Roles = _roles_of_rss("")
RDF: Roles = _roles_of_rss(spaces.RSS1)
ATOM: Roles = {
    **{f"{spaces.ATOM}{name}": name for name in ("title", "link", "id", "published", "updated", "summary", "content")},
    f"{spaces.ATOM}author": "author",
    f"{spaces.ATOM}category": "tag",
    _MEDIA_TITLE: "media title",
}
#: Elements without children that feedparser keeps under names that nobody here asks for.
_ASIDE = frozenset((
    "comments", "enclosure", f"{spaces.ATOM}rights",
    *(f"{spaces.WFW}{name}" for name in ("comment", "commentRss")),
    *(f"{spaces.SLASH}{name}" for name in ("comments", "department", "section", "hit_parade")),
    *(f"{spaces.DC}{name}" for name in ("format", "publisher", "rights", "type")),
    *(f"{spaces.MEDIA}{name}" for name in ("content", "copyright", "credit", "thumbnail")),
    f"{spaces.FEEDBURNER}origLink", f"{spaces.THREADING}total", "{com-wordpress:feed-additions:1}post-id",
))  # fmt: skip
#: Elements that may change id, link, title or date, wherever in an item they stand.
_TOUCHY = frozenset((
    "title", "link", "guid", "id", "pubdate", "published", "updated", "issued", "modified", "created", "date",
    "source", "image", "textinput", "lastbuilddate", "origlink", "language", "identifier", "valid", "item", "entry",
    "svg",
))  # fmt: skip


class Fields:
    """The elements of one item by what they are read as. Raises Odd."""

    def __init__(self, item: Element, roles: Roles) -> None:
        self._of: dict[str, list[Element]] = {}
        #: There is nothing else in the item.
        self.is_all = True
        self.attributes = item.attrib
        for child in item:
            role = roles.get(child.tag)
            if role is not None:
                self._of.setdefault(role, []).append(child)
            elif not is_aside(child):
                if _is_touchy(child):
                    raise Odd
                self.is_all = False
        # feedparser forgets behind a source that it has seen a title.
        if "source" in self._of and (
            "media title" in self._of or not self.is_all or any(len(source) for source in self._of["source"])
        ):
            raise Odd

    def all(self, role: str) -> Sequence[Element]:
        """The elements of a role, in order."""
        return self._of.get(role, ())

    def one(self, role: str) -> Element | None:
        """The only element of a role; None: there is none. Raises Odd for several, or for one with children."""
        found = self._of.get(role)
        if found is None:
            return None
        if len(found) > 1 or len(found[0]):
            raise Odd
        return found[0]

    def text(self, role: str) -> str:
        """Of an element without attributes; empty where there is none."""
        element = self.one(role)
        if element is None:
            return ""
        if element.attrib:
            raise Odd
        return text_of(element)


def is_aside(element: Element) -> bool:
    """Whether the element has no part in the article and may be left out."""
    if element.tag == _ATOM_LINK:
        kind = element.get("rel", "alternate").lower()
        return kind != "alternate" and "href" in element.attrib and not len(element)
    return element.tag in _ASIDE and not len(element)


def _is_touchy(element: Element) -> bool:
    return any(_is_touchy_name(each.tag) for each in element.iter())


@functools.lru_cache(maxsize=1000)
def _is_touchy_name(name: str) -> bool:
    return name != _MEDIA_TITLE and name.rpartition("}")[2].lower() in _TOUCHY
