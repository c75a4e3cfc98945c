"""Parse plain RSS, RDF and Atom without feedparser: the elements that nearly every feed has, in their ordinary form.

Returns exactly what feedparser would, or None for what is left to feedparser, which takes ten times as long. The
meaning of an item or a header depends only on its own elements and on the attributes of the tags around it.

    document → elements (expat, as in feedparser) → root → items → _Fields → Entry
                                                      └→ header → Header
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element, ParseError, iterparse

from bot import model
from bot.feeds.kinds.rss import plain
from bot.feeds.kinds.rss.plain import NotPlain
from bot.feeds.kit.fields import SAMPLE, plain_title

_XML = "{http://www.w3.org/XML/1998/namespace}"
_ATOM = "{http://www.w3.org/2005/Atom}"
_RSS1 = "{http://purl.org/rss/1.0/}"
#: Namespaces by the prefix that feedparser knows them by. A document may use such a prefix for another namespace;
#: feedparser then confuses their elements.
_NAMESPACES = {
    "rdf": "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}",
    "dc": "{http://purl.org/dc/elements/1.1/}",
    "content": "{http://purl.org/rss/1.0/modules/content/}",
    "sy": "{http://purl.org/rss/1.0/modules/syndication/}",
    "slash": "{http://purl.org/rss/1.0/modules/slash/}",
    "wfw": "{http://wellformedweb.org/CommentAPI/}",
    "thr": "{http://purl.org/syndication/thread/1.0}",
    "feedburner": "{http://rssnamespace.org/feedburner/ext/1.0}",
    "media": "{http://search.yahoo.com/mrss/}",
}


def _qualify(names: str) -> tuple[str, ...]:
    """Replace the prefix of each name by its namespace."""
    parts = (name.rpartition(":") for name in names.split())
    return tuple(_NAMESPACES.get(prefix, "") + name for prefix, _, name in parts)


#: The role of an item's element by its name.
_Roles = Mapping[str, str]


def _roles_of_rss(space: str) -> _Roles:
    names = "guid pubDate dc:date content:encoded author dc:creator category dc:subject source media:title"
    roles = ("guid", "published", "updated", "content", "author", "author", "tag", "tag", "source", "media title")
    own = {f"{space}title": "title", f"{space}link": "link", f"{space}description": "summary"}
    return {**own, **dict(zip(_qualify(names), roles, strict=True))}


_MEDIA_TITLE, _RDF_ABOUT, _RDF_ROOT = _qualify("media:title rdf:about rdf:RDF")
_RSS_ROLES = _roles_of_rss("")
_RDF_ROLES = _roles_of_rss(_RSS1)
_ATOM_ROLES: _Roles = {
    **{f"{_ATOM}{name}": name for name in "title link id published updated summary content author".split()},
    f"{_ATOM}category": "tag",
    _MEDIA_TITLE: "media title",
}
#: Elements without children that are not part of the article.
_ASIDE = frozenset((
    f"{_ATOM}rights", "{com-wordpress:feed-additions:1}post-id",
    *_qualify(
        "comments enclosure wfw:comment wfw:commentRss slash:comments slash:department slash:section slash:hit_parade"
        " dc:format dc:publisher dc:rights dc:type media:content media:copyright media:credit media:thumbnail"
        " feedburner:origLink thr:total"
    ),
))  # fmt: skip
#: Elements that may change id, link, title or date, anywhere in an item.
_TOUCHY = frozenset((
    "title", "link", "guid", "id", "pubdate", "published", "updated", "issued", "modified", "created", "date",
    "source", "image", "textinput", "lastbuilddate", "origlink", "language", "identifier", "valid", "item", "entry",
    "svg",
))  # fmt: skip
_AUTHOR_NAME = f"{_ATOM}name"
_AUTHOR_PARTS = {_AUTHOR_NAME, f"{_ATOM}uri", f"{_ATOM}email"}
_DOUBLY_ESCAPED = re.compile(r"&amp;(?=\w)", re.ASCII)

#: The elements of a header that are parsed, by name; then elements that do not matter.
_SYNDICATION = dict(zip(_qualify("sy:updatePeriod sy:updateFrequency"), ("period", "frequency"), strict=True))
_RSS_HEADER = {"title": "title", "link": "link", "language": "language", "ttl": "ttl", **_SYNDICATION}
_ATOM_HEADER = {f"{_ATOM}title": "title", f"{_ATOM}link": "link", **_SYNDICATION}
_RSS_HEADER_ASIDE = frozenset((
    "{com-wordpress:feed-additions:1}site",
    *_qualify(
        "description copyright managingEditor webMaster pubDate lastBuildDate category generator docs cloud rating"
        " author sy:updateBase feedburner:info feedburner:emailServiceId feedburner:feedburnerHostname"
    ),
))  # fmt: skip
_ATOM_HEADER_ASIDE = frozenset(
    f"{_ATOM}{name}"
    for name in ("id", "published", "updated", "subtitle", "generator", "icon", "logo", "rights", "category")
)
_NESTED_ASIDE = {
    "image": {"url", "title", "link", "width", "height", "description"},
    "textInput": {"title", "description", "name", "link"},
    "skipHours": {"hour"},
    "skipDays": {"day"},
    f"{_ATOM}author": _AUTHOR_PARTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A feed's own title, link and language, and how often it asks to be polled."""

    title: str | None = None
    link: str | None = None
    language: str | None = None
    ttl: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The part of a document that was parsed without feedparser."""

    #: None if it is not plain.
    header: Header | None
    #: One for each item of the document, in its order, or None if the item is not plain.
    entries: Sequence[model.Entry | None]


def parse_light(data: bytes, *, root: str, identity_before: datetime | None) -> Light | None:
    """Return the plain part of a document, or None if there is none.

    After the first ``SAMPLE`` items, only the identity of items dated before ``identity_before`` is parsed.
    """
    document = parse_elements(data)
    if document is None:
        return None
    try:
        parent, roles, item_name, attributes = _find_items(document, root)
        language = document.attrib.get(f"{_XML}lang")
        if document.attrib.keys() - {f"{_XML}lang", *attributes} or language == "":
            return None
    except NotPlain:
        return None
    language = language.replace("_", "-").strip() or None if language else None
    items = [child for child in parent if child.tag == item_name]
    header = [child for child in parent if child.tag != item_name]
    return Light(
        header=_parse_header(header, roles, language),
        entries=[
            _parse_entry(item, roles, language, None if place < SAMPLE else identity_before)
            for place, item in enumerate(items)
        ],
    )


def parse_elements(data: bytes) -> Element | None:
    """Return the root of a document in UTF-8 without entities.

    None if it is not well-formed, or uses a well-known prefix for another namespace. Feedparser uses expat too.
    """
    # No entities, so none that grow; expat opens no address.
    events = iterparse(io.BytesIO(data), ("start-ns",))  # noqa: S314
    try:
        declared = {namespace for _, namespace in events}
    except ParseError:
        return None
    if any(_NAMESPACES.get(prefix, f"{{{uri}}}") != f"{{{uri}}}" for prefix, uri in declared):
        return None
    root: Element = events.root  # type: ignore[attr-defined]  # documented, but not in typeshed
    return root


def _find_items(document: Element, root: str) -> tuple[Element, _Roles, str, Collection[str]]:
    """Return the element that holds the items, their roles and name, and the attributes that the root may have."""
    if root == "rss" and document.tag == "rss":
        channels = document.findall("channel")
        if len(channels) != len(document) or len(channels) != 1 or channels[0].attrib:
            raise NotPlain
        return channels[0], _RSS_ROLES, "item", ("version",)
    if root == "rdf" and document.tag == _RDF_ROOT:
        return document, _RDF_ROLES, f"{_RSS1}item", ()
    if root == "feed" and document.tag == f"{_ATOM}feed":
        return document, _ATOM_ROLES, f"{_ATOM}entry", ()
    raise NotPlain


class _Fields:
    """The elements of one item by role. Raises NotPlain."""

    def __init__(self, item: Element, roles: _Roles) -> None:
        self._by_role: dict[str, list[Element]] = {}
        #: Whether the item has no other elements that may matter.
        self.is_all = True
        self.attributes = item.attrib
        for child in item:
            role = roles.get(child.tag)
            if role is not None:
                self._by_role.setdefault(role, []).append(child)
            elif not _is_aside(child):
                if any(_is_touchy(element.tag) for element in child.iter()):
                    raise NotPlain
                self.is_all = False
        # feedparser forgets a title that comes before a source.
        sources = self._by_role.get("source")
        if sources and ("media title" in self._by_role or not self.is_all or any(map(len, sources))):
            raise NotPlain

    def all(self, role: str) -> Sequence[Element]:
        """Return the elements of a role, in order."""
        return self._by_role.get(role, ())

    def only(self, role: str) -> Element | None:
        """Return the only element of a role, or None. Raises NotPlain if there are several, or it has children."""
        elements = self._by_role.get(role)
        if elements is None:
            return None
        if len(elements) > 1 or len(elements[0]):
            raise NotPlain
        return elements[0]

    def text(self, role: str) -> str:
        """Return the text of the only element of a role, or an empty string. Raises NotPlain if it has attributes."""
        element = self.only(role)
        if element is None:
            return ""
        if element.attrib:
            raise NotPlain
        return element.text or ""


def _is_aside(element: Element) -> bool:
    """Return whether the element is not part of the article."""
    if element.tag == f"{_ATOM}link":
        kind = element.get("rel", "alternate").lower()
        return kind != "alternate" and "href" in element.attrib and not len(element)
    return element.tag in _ASIDE and not len(element)


@functools.lru_cache(maxsize=1000)
def _is_touchy(name: str) -> bool:
    return name != _MEDIA_TITLE and name.rpartition("}")[2].lower() in _TOUCHY


def _parse_entry(item: Element, roles: _Roles, language: str | None, cutoff: datetime | None) -> model.Entry | None:
    """Return the entry of an item, or None if it is not plain. If it is older than ``cutoff``, only its identity."""
    parse = _parse_atom_entry if roles is _ATOM_ROLES else _parse_rss_entry
    try:
        return parse(_Fields(item, roles), language, cutoff)
    except NotPlain:
        return None


def _parse_rss_entry(fields: _Fields, language: str | None, cutoff: datetime | None) -> model.Entry:
    guid, is_link = _guid(fields)
    # feedparser uses an id that is an address as the link, if no element names another.
    link = guid if is_link else None
    if fields.only("link") is not None:
        text = fields.text("link")
        # "&" may be escaped twice.
        link = plain.check_link(_DOUBLY_ESCAPED.sub("&", text)) if text.strip() else None
    title = plain.convert_rss_text(fields.text("title"))
    published = plain.parse_rfc822_date(date) if (date := fields.text("published")) else None
    updated = plain.parse_w3c_date(date) if (date := fields.text("updated")) else None
    if not title and (fields.all("media title") or not fields.is_all):
        raise NotPlain  # the title of a picture takes its place
    if _is_old(published, updated, cutoff):
        return model.Entry(
            guid=guid, link=link, title=title or None, published=published, updated=updated, identity_only=True
        )
    if not fields.is_all:
        raise NotPlain
    bodies = plain.check_html(fields.text("content")), plain.check_html(fields.text("summary"))
    return model.Entry(
        guid=guid,
        link=link,
        title=title or None,
        body=max(bodies, key=len) or None,
        author=_rss_author(fields.all("author")),
        tags=_rss_tags(fields.all("tag")),
        published=published,
        updated=updated,
        language=language if fields.only("title") is not None else None,
    )


def _parse_atom_entry(fields: _Fields, language: str | None, cutoff: datetime | None) -> model.Entry:
    if fields.attributes:
        raise NotPlain
    title, link = _typed_text(fields.only("title")), _find_page_link(fields.all("link"))
    guid = plain.check_identifier(fields.text("id"))
    published = plain.parse_w3c_date(date) if (date := fields.text("published")) else None
    updated = plain.parse_w3c_date(date) if (date := fields.text("updated")) else None
    if not title or not link:
        raise NotPlain
    if _is_old(published, updated, cutoff):
        return model.Entry(guid=guid, link=link, title=title, published=published, updated=updated, identity_only=True)
    if not fields.is_all:
        raise NotPlain
    return model.Entry(
        guid=guid,
        link=link,
        title=title,
        body=_longer_body(fields.only("content"), fields.only("summary")),
        author=_atom_author(fields.all("author")),
        tags=_atom_tags(fields.all("tag")),
        published=published,
        updated=updated,
        language=language,
    )


def _is_old(published: datetime | None, updated: datetime | None, cutoff: datetime | None) -> bool:
    date = published or updated
    return date is not None and cutoff is not None and date < cutoff


def _guid(fields: _Fields) -> tuple[str | None, bool]:
    """Return the id, and whether it is an address that leads to the article."""
    element = fields.only("guid")
    if fields.attributes:
        about = fields.attributes.get(_RDF_ABOUT)
        if about is None or len(fields.attributes) > 1 or element is not None:
            raise NotPlain
        return about.strip() or None, False
    if element is None:
        return None, False
    if element.attrib.keys() - {"isPermaLink"}:
        raise NotPlain
    if element.attrib.get("isPermaLink", "true") == "true":
        return plain.check_link(element.text or ""), True
    return plain.mend_text(element.text or "") or None, False


def _rss_author(elements: Sequence[Element]) -> str | None:
    """Return the first author that is not empty."""
    names = []
    for element in elements:
        # feedparser removes the address of a mailbox.
        if len(element) or element.attrib or "@" in (element.text or ""):
            raise NotPlain
        names.append(plain.mend_text(element.text or ""))
    return next(filter(None, names), None)


def _rss_tags(elements: Sequence[Element]) -> tuple[str, ...]:
    tags = []
    for element in elements:
        tag = plain.mend_text(element.text or "")
        if not tag or len(element) or element.attrib.keys() - {"domain"}:
            raise NotPlain
        tags.append(tag)
    return tuple(dict.fromkeys(tags))


def _typed_text(element: Element | None) -> str:
    if element is None:
        return ""
    if element.attrib.keys() - {"type"} or len(element):
        raise NotPlain
    return plain.convert_atom_text(element.text or "", element.attrib.get("type", "text"))


def _longer_body(content: Element | None, summary: Element | None) -> str | None:
    """Return the longer of content and summary; the lengths are compared before anything is escaped."""
    bodies = [element for element in (content, summary) if element is not None and (element.text or "").strip()]
    texts = [_typed_text(element) for element in bodies]
    lengths = [len(plain.mend_text(element.text or "")) for element in bodies]
    return texts[lengths.index(max(lengths))] if bodies else None


def _find_page_link(elements: Sequence[Element]) -> str | None:
    """Return the only link to the page itself. Raises NotPlain if there are several."""
    pages = [element for element in elements if not _is_aside(element)]
    if not pages:
        return None
    attributes = pages[0].attrib
    if len(pages) > 1 or len(pages[0]) or attributes.keys() - {"rel", "type", "href", "title", "hreflang"}:
        raise NotPlain
    if attributes.get("type", "text/html") != "text/html":
        raise NotPlain
    return plain.check_link(attributes.get("href", ""))


def _atom_author(elements: Sequence[Element]) -> str | None:
    """Return the name of the only author."""
    if not elements:
        return None
    parts = {part.tag: part for part in elements[0]}
    name = parts.get(_AUTHOR_NAME)
    if len(elements) > 1 or len(parts) < len(elements[0]) or name is None or elements[0].attrib:
        raise NotPlain
    if parts.keys() - _AUTHOR_PARTS or (elements[0].text or "").strip():
        raise NotPlain
    if any(len(part) or part.attrib for part in parts.values()) or not (text := (name.text or "").strip()):
        raise NotPlain
    return text


def _atom_tags(elements: Sequence[Element]) -> tuple[str, ...]:
    tags = []
    for element in elements:
        tag = element.attrib.get("term")
        if not tag or len(element) or (element.text or "").strip():
            raise NotPlain
        if element.attrib.keys() - {"term", "scheme", "label"}:
            raise NotPlain
        tags.append(tag)
    return tuple(dict.fromkeys(tags))


def _parse_header(elements: Sequence[Element], roles: _Roles, language: str | None) -> Header | None:
    """Return the header from the elements that are not items, or None if it is not plain."""
    if roles is _RDF_ROLES:
        return None  # its list of items is not a plain element
    try:
        return (_parse_atom_header if roles is _ATOM_ROLES else _parse_rss_header)(elements, language)
    except NotPlain:
        return None


def _parse_rss_header(elements: Sequence[Element], language: str | None) -> Header:
    fields = _header_fields(elements, _RSS_HEADER, _RSS_HEADER_ASIDE)
    if len(fields.get("link", ())) > 1:
        raise NotPlain
    return Header(
        title=plain_title(_header_text(fields, "title")),
        link=plain.check_link(link) if (link := _header_text(fields, "link")) else None,
        language=_header_text(fields, "language") or language,
        ttl=_header_period(fields),
    )


def _parse_atom_header(elements: Sequence[Element], language: str | None) -> Header:
    fields = _header_fields(elements, _ATOM_HEADER, _ATOM_HEADER_ASIDE)
    link = _find_page_link(fields.get("link", ()))
    if link is None:
        raise NotPlain  # feedparser uses the id
    (title,) = fields.get("title", (Element("title"),))
    if len(title) or title.attrib not in ({}, {"type": "text"}, {"type": "html"}):
        raise NotPlain
    title_text = plain_title(plain.mend_text(title.text or ""))
    return Header(title=title_text, link=link, language=language, ttl=_header_period(fields))


def _header_fields(
    elements: Sequence[Element], names: Mapping[str, str], aside: Collection[str]
) -> dict[str, list[Element]]:
    """Return the elements that matter, by role. Raises NotPlain if there are others than ordinary ones."""
    fields: dict[str, list[Element]] = {}
    for element in elements:
        name = names.get(element.tag)
        if name is None and not _is_header_aside(element, aside):
            raise NotPlain
        if name in fields and name != "link":
            raise NotPlain
        if name is not None:
            fields.setdefault(name, []).append(element)
    return fields


def _is_header_aside(element: Element, aside: Collection[str]) -> bool:
    if element.tag in aside:
        return not len(element)
    if element.tag in _NESTED_ASIDE:
        names = _NESTED_ASIDE[element.tag]
        return all(child.tag in names and not len(child) and not child.attrib for child in element)
    return _is_aside(element)


def _header_text(fields: Mapping[str, Sequence[Element]], name: str) -> str:
    """Return the text of a field, or an empty string."""
    if name not in fields:
        return ""
    element = fields[name][0]
    if len(element) or element.attrib:
        raise NotPlain
    return plain.mend_text(element.text or "")


def _header_period(fields: Mapping[str, Sequence[Element]]) -> timedelta | None:
    return plain.longest_period(*(_header_text(fields, name) for name in ("ttl", "period", "frequency")))
