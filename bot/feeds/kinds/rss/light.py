"""Parse plain RSS, RDF and Atom without feedparser: the elements that nearly every feed has, in their ordinary form.

Returns exactly what feedparser would, or None for what is left to feedparser, which takes ten times as long. The
meaning of an item or a header depends only on its own elements and on the attributes of the tags around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

from bot import model
from bot.feeds.kinds.rss import plain
from bot.feeds.kinds.rss.plain import Fields, NotPlain, text_of
from bot.feeds.kit.fields import SAMPLE, plain_title

_ABOUT = f"{plain.RDF}about"
_AUTHOR_NAME = f"{plain.ATOM}name"
_AUTHOR_PARTS = {_AUTHOR_NAME, f"{plain.ATOM}uri", f"{plain.ATOM}email"}


def parse_entry(
    item: Element, roles: plain.Roles, *, language: str | None, before: datetime | None
) -> model.Entry | None:
    """What the item says; None: not plain. Of one dated before only what it is known by."""
    try:
        return (_parse_atom_entry if roles is plain.ATOM_ROLES else _parse_rss_entry)(
            Fields(item, roles), language, before
        )
    except NotPlain:
        return None


def _is_old(published: datetime | None, updated: datetime | None, before: datetime | None) -> bool:
    date = published or updated
    return date is not None and before is not None and date < before


def _parse_rss_entry(found: Fields, language: str | None, before: datetime | None) -> model.Entry:
    guid, is_link = _guid(found)
    # feedparser takes an id that is an address for the link, where no element says another.
    link = _link(found) if found.one("link") is not None else guid if is_link else None
    title = plain.convert_rss_text(found.text("title"))
    published = plain.parse_rfc822_date(date) if (date := found.text("published")) else None
    updated = plain.parse_w3c_date(date) if (date := found.text("updated")) else None
    if not title and (found.all("media title") or not found.is_all):
        raise NotPlain  # the title of a picture is in its place
    if _is_old(published, updated, before):
        return model.Entry(
            guid=guid, link=link, title=title or None, published=published, updated=updated, identity_only=True
        )
    if not found.is_all:
        raise NotPlain
    bodies = plain.check_html(found.text("content")), plain.check_html(found.text("summary"))
    return model.Entry(
        guid=guid,
        link=link,
        title=title or None,
        body=max(bodies, key=len) or None,
        author=_author(found.all("author")),
        tags=_tags(found.all("tag")),
        published=published,
        updated=updated,
        language=language if found.one("title") is not None else None,
    )


def _link(found: Fields) -> str | None:
    said = found.text("link")
    return plain.check_rss_link(said) if said.strip() else None


def _guid(found: Fields) -> tuple[str | None, bool]:
    """The id, and whether it is an address that leads to the article."""
    element = found.one("guid")
    if found.attributes:
        about = found.attributes.get(_ABOUT)
        if about is None or len(found.attributes) > 1 or element is not None:
            raise NotPlain
        return about.strip() or None, False
    if element is None:
        return None, False
    if element.attrib.keys() - {"isPermaLink"}:
        raise NotPlain
    if element.attrib.get("isPermaLink", "true") == "true":
        return plain.check_link(text_of(element)), True
    return plain.mend_text(text_of(element)) or None, False


def _author(elements: Sequence[Element]) -> str | None:
    """The first that says something."""
    names = []
    for element in elements:
        # feedparser takes the address of a mailbox out of it.
        if len(element) or element.attrib or "@" in text_of(element):
            raise NotPlain
        names.append(plain.mend_text(text_of(element)))
    return next(filter(None, names), None)


def _tags(elements: Sequence[Element]) -> tuple[str, ...]:
    tags = []
    for element in elements:
        tag = plain.mend_text(text_of(element))
        if not tag or len(element) or element.attrib.keys() - {"domain"}:
            raise NotPlain
        tags.append(tag)
    return tuple(dict.fromkeys(tags))


def _parse_atom_entry(found: Fields, language: str | None, before: datetime | None) -> model.Entry:
    if found.attributes:
        raise NotPlain
    title, link, guid = (
        _typed(found.one("title")),
        find_page_link(found.all("link")),
        plain.check_identifier(found.text("id")),
    )
    published = plain.parse_w3c_date(date) if (date := found.text("published")) else None
    updated = plain.parse_w3c_date(date) if (date := found.text("updated")) else None
    if not title or not link:
        raise NotPlain
    if _is_old(published, updated, before):
        return model.Entry(guid=guid, link=link, title=title, published=published, updated=updated, identity_only=True)
    if not found.is_all:
        raise NotPlain
    return model.Entry(
        guid=guid,
        link=link,
        title=title,
        body=_longer(found.one("content"), found.one("summary")),
        author=_name(found.all("author")),
        tags=_terms(found.all("tag")),
        published=published,
        updated=updated,
        language=language,
    )


def _typed(element: Element | None) -> str:
    if element is None:
        return ""
    if element.attrib.keys() - {"type"} or len(element):
        raise NotPlain
    return plain.convert_atom_text(text_of(element), element.attrib.get("type", "text"))


def _longer(content: Element | None, summary: Element | None) -> str | None:
    """By what it says, before anything in it is escaped."""
    bodies = [element for element in (content, summary) if element is not None and text_of(element).strip()]
    longest = max(bodies, key=lambda element: len(plain.mend_text(text_of(element))), default=None)
    values = [_typed(element) for element in bodies]
    return values[bodies.index(longest)] if longest is not None else None


def find_page_link(elements: Sequence[Element]) -> str | None:
    """The one link to the page itself. Raises Odd where there are several."""
    pages = [element for element in elements if not plain.is_aside(element)]
    if not pages:
        return None
    attributes = pages[0].attrib
    if len(pages) > 1 or len(pages[0]) or attributes.keys() - {"rel", "type", "href", "title", "hreflang"}:
        raise NotPlain
    if attributes.get("type", "text/html") != "text/html":
        raise NotPlain
    return plain.check_link(attributes.get("href", ""))


def _name(elements: Sequence[Element]) -> str | None:
    """Of the one author."""
    if not elements:
        return None
    parts = {part.tag: part for part in elements[0]}
    name = parts.get(_AUTHOR_NAME)
    if len(elements) > 1 or len(parts) < len(elements[0]) or name is None or elements[0].attrib:
        raise NotPlain
    if parts.keys() - _AUTHOR_PARTS:
        raise NotPlain
    if any(len(part) or part.attrib for part in parts.values()) or text_of(elements[0]).strip():
        raise NotPlain
    if not (said := text_of(name).strip()):
        raise NotPlain
    return said


def _terms(elements: Sequence[Element]) -> tuple[str, ...]:
    tags = []
    for element in elements:
        tag = element.attrib.get("term")
        if not tag or len(element) or text_of(element).strip() or element.attrib.keys() - {"term", "scheme", "label"}:
            raise NotPlain
        tags.append(tag)
    return tuple(dict.fromkeys(tags))


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a feed says of itself."""

    title: str | None = None
    link: str | None = None
    language: str | None = None
    ttl: timedelta | None = None


#: Read of a header, each once; both kinds may have the module's.
_SYNDICATION = {f"{plain.SYNDICATION}{name}": name for name in ("updatePeriod", "updateFrequency")}
_RSS_FIELDS = {"title": "title", "link": "link", "language": "language", "ttl": "ttl", **_SYNDICATION}
_ATOM_FIELDS = {f"{plain.ATOM}title": "title", f"{plain.ATOM}link": "link", **_SYNDICATION}
#: Elements that feedparser keeps under names that nobody here asks for; the first without children.
_RSS_ASIDE = frozenset((
    "description", "copyright", "managingEditor", "webMaster", "pubDate", "lastBuildDate", "category", "generator",
    "docs", "cloud", "rating", "author", f"{plain.SYNDICATION}updateBase", "{com-wordpress:feed-additions:1}site",
    *(f"{plain.FEEDBURNER}{name}" for name in ("info", "emailServiceId", "feedburnerHostname")),
))  # fmt: skip
_ATOM_ASIDE = frozenset(
    f"{plain.ATOM}{name}"
    for name in ("id", "published", "updated", "subtitle", "generator", "icon", "logo", "rights", "category")
)
_NESTED_ASIDE = {
    "image": {"url", "title", "link", "width", "height", "description"},
    "textInput": {"title", "description", "name", "link"},
    "skipHours": {"hour"},
    "skipDays": {"day"},
    f"{plain.ATOM}author": {f"{plain.ATOM}{name}" for name in ("name", "uri", "email")},
}


def parse_header(elements: Sequence[Element], roles: plain.Roles, *, language: str | None) -> Header | None:
    """What the elements beside the items say; None: not plain. ``roles``: of the items; ``language``: of the root."""
    if roles is plain.RDF_ROLES:
        return None  # its list of items is no plain element
    try:
        return (
            _parse_atom_header(elements, language)
            if roles is plain.ATOM_ROLES
            else _parse_rss_header(elements, language)
        )
    except NotPlain:
        return None


def _parse_rss_header(elements: Sequence[Element], language: str | None) -> Header:
    found = _select_elements(elements, _RSS_FIELDS, _RSS_ASIDE)
    if len(found.get("link", ())) > 1:
        raise NotPlain
    link = _header_text(found, "link")
    return Header(
        title=plain_title(_header_text(found, "title")),
        link=plain.check_link(link) if link else None,
        language=_header_text(found, "language") or language,
        ttl=_period(found),
    )


def _parse_atom_header(elements: Sequence[Element], language: str | None) -> Header:
    found = _select_elements(elements, _ATOM_FIELDS, _ATOM_ASIDE)
    link = find_page_link(found.get("link", ()))
    if link is None:
        raise NotPlain  # feedparser takes the id for it
    title = found["title"][0] if "title" in found else None
    if title is not None and (len(title) or title.attrib not in ({}, {"type": "text"}, {"type": "html"})):
        raise NotPlain
    return Header(
        title=plain_title(plain.mend_text(text_of(title))) if title is not None else None,
        link=link,
        language=language,
        ttl=_period(found),
    )


def _period(found: Mapping[str, Sequence[Element]]) -> timedelta | None:
    return plain.longest_period(
        _header_text(found, "ttl"), _header_text(found, "updatePeriod"), _header_text(found, "updateFrequency")
    )


def _header_text(found: Mapping[str, Sequence[Element]], name: str) -> str:
    """Empty where there is none."""
    element = found[name][0] if name in found else None
    if element is None:
        return ""
    if len(element) or element.attrib:
        raise NotPlain
    return plain.mend_text(text_of(element))


def _select_elements(
    header: Sequence[Element], names: dict[str, str], aside: frozenset[str]
) -> dict[str, list[Element]]:
    """The elements that are asked for, by their field. Raises Odd where others than the ordinary ones are there."""
    found: dict[str, list[Element]] = {}
    for element in header:
        name = names.get(element.tag)
        if name is not None:
            found.setdefault(name, []).append(element)
        elif not _is_header_aside(element, aside):
            raise NotPlain
    if any(len(several) > 1 for name, several in found.items() if name != "link"):
        raise NotPlain
    return found


def _is_header_aside(element: Element, aside: frozenset[str]) -> bool:
    if element.tag in aside:
        return not len(element)
    if element.tag in _NESTED_ASIDE:
        known = _NESTED_ASIDE[element.tag]
        return all(child.tag in known and not len(child) and not child.attrib for child in element)
    return plain.is_aside(element)


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """What was parsed without feedparser."""

    #: None: not plain.
    header: Header | None
    #: One for each item of the document, in its order; None: not plain.
    entries: Sequence[model.Entry | None]


def parse_light(data: bytes, *, root: str, before: datetime | None) -> Light | None:
    """Return what is plain, or None if nothing is. Of items dated before only the identity is read.

    The first ``limits.SAMPLE`` items are read whole, whatever their date.
    """
    found = plain.parse_elements(data)
    if found is None or not plain.are_prefixes_usual(found[1]):
        return None
    try:
        parts = _READERS[root](found[0]) if root in _READERS else None
    except NotPlain:
        return None
    if parts is None:
        return None
    entries = [
        parse_entry(item, parts.roles, language=parts.language, before=before if place >= SAMPLE else None)
        for place, item in enumerate(parts.items)
    ]
    return Light(header=parse_header(parts.header, parts.roles, language=parts.language), entries=entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    roles: plain.Roles
    items: Sequence[Element]
    header: Sequence[Element]
    #: Of the text, by the root's xml:lang.
    language: str | None


def _rss(root: Element) -> _Parts:
    language = _language(root, {"version"})
    channels = root.findall("channel")
    if root.tag != "rss" or len(channels) != len(root) or len(channels) != 1 or channels[0].attrib:
        raise NotPlain
    return _parts(plain.RSS_ROLES, "item", channels[0], language)


def _rdf(root: Element) -> _Parts:
    language = _language(root, set())
    if root.tag != f"{plain.RDF}RDF":
        raise NotPlain
    return _parts(plain.RDF_ROLES, f"{plain.RSS1}item", root, language)


def _atom(root: Element) -> _Parts:
    language = _language(root, set())
    if root.tag != f"{plain.ATOM}feed":
        raise NotPlain
    return _parts(plain.ATOM_ROLES, f"{plain.ATOM}entry", root, language)


_READERS = {"rss": _rss, "rdf": _rdf, "feed": _atom}


def _parts(roles: plain.Roles, name: str, parent: Element, language: str | None) -> _Parts:
    return _Parts(
        roles=roles,
        items=[child for child in parent if child.tag == name],
        header=[child for child in parent if child.tag != name],
        language=language,
    )


def _language(root: Element, others: set[str]) -> str | None:
    """The root has no attributes but this one and the others. Raises Odd."""
    language = root.attrib.get(f"{plain.XML}lang")
    if root.attrib.keys() - {f"{plain.XML}lang", *others} or language == "":
        raise NotPlain
    return language.replace("_", "-").strip() or None if language else None
