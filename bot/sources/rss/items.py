"""Plain items, read without feedparser: the elements that nearly every feed has, in their ordinary form.

Gives exactly the entry that feedparser would, or nothing: an item that holds anything else is left to it, which takes
ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot import model
from bot.sources.rss import fields, plain, spaces
from bot.sources.rss.elements import Element, text_of
from bot.sources.rss.fields import Fields
from bot.sources.rss.plain import Odd

_ABOUT = f"{spaces.RDF}about"
_AUTHOR_NAME = f"{spaces.ATOM}name"
_AUTHOR_PARTS = {_AUTHOR_NAME, f"{spaces.ATOM}uri", f"{spaces.ATOM}email"}


def entry(item: Element, roles: fields.Roles, *, language: str | None, before: datetime | None) -> model.Entry | None:
    """What the item says; None: not plain. Of one dated before only what it is known by."""
    try:
        return (_of_atom if roles is fields.ATOM else _of_rss)(Fields(item, roles), language, before)
    except Odd:
        return None


def _is_old(published: datetime | None, updated: datetime | None, before: datetime | None) -> bool:
    date = published or updated
    return date is not None and before is not None and date < before


def _of_rss(found: Fields, language: str | None, before: datetime | None) -> model.Entry:
    guid, is_link = _guid(found)
    # feedparser takes an id that is an address for the link, where no element says another.
    link = _link(found) if found.one("link") is not None else guid if is_link else None
    title = plain.of_rss(found.text("title"))
    published = plain.rfc822(date) if (date := found.text("published")) else None
    updated = plain.w3c(date) if (date := found.text("updated")) else None
    if not title and (found.all("media title") or not found.is_all):
        raise Odd  # the title of a picture is in its place
    if _is_old(published, updated, before):
        return model.Entry(
            guid=guid, link=link, title=title or None, published=published, updated=updated, identity_only=True
        )
    if not found.is_all:
        raise Odd
    bodies = plain.html(found.text("content")), plain.html(found.text("summary"))
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
    return plain.link_of_rss(said) if said.strip() else None


def _guid(found: Fields) -> tuple[str | None, bool]:
    """The id, and whether it is an address that leads to the article."""
    element = found.one("guid")
    if found.attributes:
        about = found.attributes.get(_ABOUT)
        if about is None or len(found.attributes) > 1 or element is not None:
            raise Odd
        return about.strip() or None, False
    if element is None:
        return None, False
    if element.attrib.keys() - {"isPermaLink"}:
        raise Odd
    if element.attrib.get("isPermaLink", "true") == "true":
        return plain.link(text_of(element)), True
    return plain.text(text_of(element)) or None, False


def _author(elements: Sequence[Element]) -> str | None:
    """The first that says something."""
    names = []
    for element in elements:
        # feedparser takes the address of a mailbox out of it.
        if len(element) or element.attrib or "@" in text_of(element):
            raise Odd
        names.append(plain.text(text_of(element)))
    return next(filter(None, names), None)


def _tags(elements: Sequence[Element]) -> tuple[str, ...]:
    tags = []
    for element in elements:
        tag = plain.text(text_of(element))
        if not tag or len(element) or element.attrib.keys() - {"domain"}:
            raise Odd
        tags.append(tag)
    return tuple(dict.fromkeys(tags))


def _of_atom(found: Fields, language: str | None, before: datetime | None) -> model.Entry:
    if found.attributes:
        raise Odd
    title, link, guid = _typed(found.one("title")), alternate(found.all("link")), plain.identifier(found.text("id"))
    published = plain.w3c(date) if (date := found.text("published")) else None
    updated = plain.w3c(date) if (date := found.text("updated")) else None
    if not title or not link:
        raise Odd
    if _is_old(published, updated, before):
        return model.Entry(guid=guid, link=link, title=title, published=published, updated=updated, identity_only=True)
    if not found.is_all:
        raise Odd
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
        raise Odd
    return plain.of_atom(text_of(element), element.attrib.get("type", "text"))


def _longer(content: Element | None, summary: Element | None) -> str | None:
    """By what it says, before anything in it is escaped."""
    bodies = [element for element in (content, summary) if element is not None and text_of(element).strip()]
    longest = max(bodies, key=lambda element: len(plain.text(text_of(element))), default=None)
    values = [_typed(element) for element in bodies]
    return values[bodies.index(longest)] if longest is not None else None


def alternate(elements: Sequence[Element]) -> str | None:
    """The one link to the page itself. Raises Odd where there are several."""
    pages = [element for element in elements if not fields.is_aside(element)]
    if not pages:
        return None
    attributes = pages[0].attrib
    if len(pages) > 1 or len(pages[0]) or attributes.keys() - {"rel", "type", "href", "title", "hreflang"}:
        raise Odd
    if attributes.get("type", "text/html") != "text/html":
        raise Odd
    return plain.link(attributes.get("href", ""))


def _name(elements: Sequence[Element]) -> str | None:
    """Of the one author."""
    if not elements:
        return None
    parts = {part.tag: part for part in elements[0]}
    name = parts.get(_AUTHOR_NAME)
    if len(elements) > 1 or len(parts) < len(elements[0]) or name is None or elements[0].attrib:
        raise Odd
    if parts.keys() - _AUTHOR_PARTS:
        raise Odd
    if any(len(part) or part.attrib for part in parts.values()) or text_of(elements[0]).strip():
        raise Odd
    if not (said := text_of(name).strip()):
        raise Odd
    return said


def _terms(elements: Sequence[Element]) -> tuple[str, ...]:
    tags = []
    for element in elements:
        tag = element.attrib.get("term")
        if not tag or len(element) or text_of(element).strip() or element.attrib.keys() - {"term", "scheme", "label"}:
            raise Odd
        tags.append(tag)
    return tuple(dict.fromkeys(tags))
